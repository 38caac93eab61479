/** Small pieces that every page uses. */
import { html, useState } from "../lib.js";
import { done, refused } from "./said.js";

const KIND_OF_STATE = {
  done: ["800", "transferred", "1100"],
  moving: ["200", "300", "350", "400", "450", "500", "600", "in_transit", "ready_to_shipment"],
  trouble: ["650", "700", "910", "920", "950", "990"],
  over: ["900", "cancelled"],
};

/** What a state means to whoever looks: waiting, moving, done, trouble or over. */
export const kindOfState = (value) =>
  Object.keys(KIND_OF_STATE).find((kind) => KIND_OF_STATE[kind].includes(String(value))) ?? "waiting";

export const StateBadge = ({ state }) => (state
  ? html`<span class="badge state ${kindOfState(state.enum_value)}">${state.name}</span>`
  : html`<span class="badge">–</span>`);

const SIGN = { documented: "■", observed: "◆", framework: "▲", assumed: "○" };

/** How sure it is, told by a sign and a word, not by colour alone. */
export const Provenance = ({ of }) => html`<span class="provenance ${of}">
  <span aria-hidden="true">${SIGN[of] ?? "·"}</span> ${of}</span>`;

export const Status = ({ of }) => html`<span class="badge status s${Math.floor(of / 100)}">${of || "none"}</span>`;

/** A page's heading, with what can be done on the whole page beside it. */
export const Heading = ({ title, children }) => html`<div class="title">
  <h1 tabindex="-1">${title}</h1><div class="actions">${children}</div></div>`;

export const Card = ({ title, children, class: extra = "", side }) => html`<section class="card ${extra}">
  ${title && html`<header><h2>${title}</h2>${side}</header>`}${children}</section>`;

/** What is shown instead of a page's part that could not be loaded. */
export function Trouble({ error, what }) {
  if (error.isUnknownCall) {
    return html`<p class="empty" role="note">This server does not offer ${what ?? `${error.method} ${error.path}`}.</p>`;
  }
  return html`<div class="trouble" role="alert"><strong>${error.message}</strong>
    ${error.hint && html`<p class="hint">${error.hint}</p>`}</div>`;
}

/** The part once it is loaded; before that a word, or why it is not there. */
export function Loaded({ from, what, children }) {
  if (from.error) return html`<${Trouble} error=${from.error} what=${what} />`;
  return from.data === null ? html`<p class="empty" role="status">Loading …</p>` : children(from.data);
}

export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    done(`${what}.`);
  } catch {
    refused(new Error("The browser does not let this page copy; select the text instead."));
  }
}

export const Copy = ({ text, label = "Copy", what }) => html`<button type="button" class="small"
  aria-label=${what ? `${label}: ${what}` : label}
  onClick=${() => copy(typeof text === "function" ? text() : text, what ? `Copied ${what}` : "Copied")}>${label}</button>`;

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON, coloured. */
export function coloured(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = match[2] !== undefined ? "key" : match[1] ? "string" : match[3] ? "word" : "numeral";
    const end = match.index + (match[1] ?? match[0]).length;
    found.push(text.slice(from, match.index), html`<span class=${kind}>${text.slice(match.index, end)}</span>`);
    from = end;
  }
  return [...found, text.slice(from)];
}

const COLOURED_TO = 60_000;
/** Longer texts are shown plain: a thousand spans help nobody. */

export function Json({ value, label = "JSON" }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return html`<div class="code"><${Copy} text=${text} what=${label} />
    <pre tabindex="0" role="region" aria-label=${label}>${text.length > COLOURED_TO ? text : coloured(text)}</pre></div>`;
}

export const Code = ({ text, label }) => html`<div class="code"><${Copy} text=${text} what=${label} />
  <pre tabindex="0" role="region" aria-label=${label}>${text}</pre></div>`;

const ALLOWED = "allowed now: ";

/** The emulator's hint, its parts one below the other; what it allows as a list. */
export const Hint = ({ text }) => html`<div class="explained">${text.split("; ").map((part) => (part.startsWith(ALLOWED)
  ? html`<p>Allowed now:</p><ul>${part.slice(ALLOWED.length).split(", ").map((each) => html`<li key=${each}><code>${each}</code></li>`)}</ul>`
  : html`<p>${part}</p>`))}</div>`;

/** Pairs of names and values. */
export const Facts = ({ of, rows = false }) => html`<dl class=${rows ? "facts rows" : "facts"}>${of.map(([name, value]) => html`
  <div key=${name}><dt>${name}</dt><dd>${value ?? "–"}</dd></div>`)}</dl>`;

/** A choice of one among few, side by side. */
export const Choice = ({ name, legend, options, value, onChange }) => html`<fieldset class="choice">
  <legend>${legend}</legend>${options.map(([key, title]) => html`<label key=${key} class=${key === value ? "chosen" : ""}>
    <input type="radio" name=${name} value=${key} checked=${key === value} onChange=${() => onChange(key)} />${title}</label>`)}
</fieldset>`;

/** A button that is busy while its work is. */
export function Action({ work, children, class: extra = "", disabled = false, ...rest }) {
  const [busy, set] = useState(false);
  const press = async () => {
    set(true);
    try {
      await work();
    } finally {
      set(false);
    }
  };
  return html`<button type="button" class=${extra} disabled=${busy || disabled} onClick=${press} ...${rest}>${children}</button>`;
}
