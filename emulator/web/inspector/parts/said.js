/** What was done and what was refused: a line at the edge of the page, read out by screen readers. */
import { html, useEffect, useState } from "../lib.js";

const LONG = { done: 6_000, refused: 20_000 };
let lines = [];
let next = 1;
const listeners = new Set();

function change(changed) {
  lines = changed;
  listeners.forEach((tell) => tell(lines));
}

export function dismiss(id) {
  change(lines.filter((line) => line.id !== id));
}

function say(kind, text, detail) {
  const id = next++;
  change([...lines.slice(-3), { id, kind, text, detail }]);
  setTimeout(dismiss, LONG[kind], id);
}

const HINT = 240;
const shortened = (text) => (text.length > HINT ? `${text.slice(0, HINT)} …` : text);

export const done = (text, detail) => say("done", text, detail);

/** Say why something was refused: the error's line, and the emulator's hint where there is one. */
export const refused = (error) => say("refused", error.message, error.hint);

/** Do something and say what came of it; give whether it worked. */
export async function attempt(work, text) {
  try {
    const value = await work();
    done(typeof text === "function" ? text(value) : text);
    return value ?? true;
  } catch (error) {
    refused(error);
    return false;
  }
}

export function Said() {
  const [shown, set] = useState(lines);
  useEffect(() => {
    listeners.add(set);
    return () => listeners.delete(set);
  }, []);
  const of = (kind) => shown.filter((line) => line.kind === kind).map((line) => html`
    <div class="said ${kind}" key=${line.id}>
      <div><strong>${kind === "done" ? "Done" : "Refused"}</strong> ${line.text}
        ${line.detail && html`<p class="hint">${shortened(line.detail)}</p>`}</div>
      <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => dismiss(line.id)}>✕</button>
    </div>`);
  return html`<div class="saids">
    <div role="status" aria-live="polite">${of("done")}</div>
    <div role="alert">${of("refused")}</div>
  </div>`;
}
