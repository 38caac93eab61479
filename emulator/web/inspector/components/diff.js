/** A comparison of two texts, line by line. */
import { html } from "../lib.js";

/** Longer texts are not compared: the comparison takes time by the product of their lengths. */
const LIMIT = 1_200;
const CONTEXT = 3;

/** Return `[sign, line]` for each line: " " for equal, "-" for only in the first text, "+" for only in the second. */
export function compareLines(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  if (old.length > LIMIT || now.length > LIMIT) return null;
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i][j] = old[i] === now[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push([" ", old[i++]]);
      j += 1;
    } else if (j === now.length || (i < old.length && lengths[i + 1][j] >= lengths[i][j + 1])) lines.push(["-", old[i++]]);
    else lines.push(["+", now[j++]]);
  }
  return lines;
}

const CLASSES = { "+": "added", "-": "removed", " ": "" };

export function Diff({ before, after, label }) {
  if (before === after) return html`<p class="same">The bodies are equal.</p>`;
  const lines = compareLines(before, after);
  if (lines === null) return html`<p class="hint">The bodies differ, and are too long for a comparison.</p>`;
  const isNear = Object.keys(lines).map(Number).map((index) => lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(([sign]) => sign !== " "));
  return html`<pre class="diff" tabindex="0" role="region" aria-label=${label}>${lines.map(([sign, line], index) => (isNear[index]
    ? html`<span key=${index} class=${CLASSES[sign]}>${sign} ${line}\n</span>` : isNear[index - 1] && html`<span key=${index} class="gap">…\n</span>`))}</pre>`;
}
