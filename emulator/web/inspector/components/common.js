/** Components that every page uses. */
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { showError, showSuccess } from "./toasts.js";

const STATE_CATEGORIES = {
  done: ["800", "transferred", "1100"],
  moving: ["200", "300", "350", "400", "450", "500", "600", "in_transit", "ready_to_shipment"],
  trouble: ["650", "700", "910", "920", "950", "990"],
  over: ["900", "cancelled"],
};

/** Return the category of a state: waiting, moving, done, trouble or over. Each has its own colour and sign. */
export const stateCategory = (value) =>
  Object.keys(STATE_CATEGORIES).find((category) => STATE_CATEGORIES[category].includes(String(value))) ?? "waiting";

export const StateBadge = ({ state }) => (state
  ? html`<span class="badge state ${stateCategory(state.enum_value)}">${state.name}</span>`
  : html`<span class="badge">–</span>`);

const PROVENANCE_SIGNS = { documented: "■", observed: "◆", framework: "▲", assumed: "○" };

/** The provenance of a behaviour as a sign and a word, so that colour is not the only cue. */
export const Provenance = ({ of }) => html`<span class="provenance ${of}">
  <span aria-hidden="true">${PROVENANCE_SIGNS[of] ?? "·"}</span> ${of}</span>`;

export const Status = ({ of }) => html`<span class="badge status s${Math.floor(of / 100)}">${of || "none"}</span>`;

/** The heading of a page, with the actions of the page beside it. */
export const PageHeading = ({ title, children }) => html`<div class="title">
  <h1 tabindex="-1">${title}</h1><div class="actions">${children}</div></div>`;

/** The names of a state, or the labels of a command, in the other languages of the installation. */
export function OtherNames({ record }) {
  const shown = record.name ?? record.label;
  const names = Object.values(record.translations ?? {}).map((each) => each?.name ?? each?.label);
  return [...new Set(names)].filter((name) => name && name !== shown).map((name) => html` <span class="hint" key=${name}>${name}</span>`);
}

export const Card = ({ title, children, class: extra = "", side }) => html`<section class="card ${extra}">
  ${title && html`<header><h2>${title}</h2>${side}</header>`}${children}</section>`;

/** Shown in place of content that could not be loaded. */
export function ErrorMessage({ error, feature, onRetry }) {
  if (error.isUnsupported) {
    return html`<p class="empty" role="note">This server does not support ${feature ?? `${error.method} ${error.path}`}.</p>`;
  }
  return html`<div class="error-message" role="alert"><strong>${error.message}</strong>
    ${error.hint && html`<p class="hint">${error.hint}</p>`}
    ${onRetry && !error.isRefusal && html` <${ActionButton} class="small" onAction=${onRetry}>Retry<//>`}</div>`;
}

export const Loading = () => html`<p class="empty" role="status">Loading …</p>`;

/** The error of a request, if it has one. Data that was loaded before stays on the page. */
export function LoadError({ request: { data, error, reload }, feature }) {
  if (error === null) return null;
  if (data === null) return html`<${ErrorMessage} error=${error} feature=${feature} onRetry=${reload} />`;
  return html`<div class="stale" role="status"><span><strong>Not updated.</strong> ${error.message} The last data is shown.</span>
    <${ActionButton} class="small" onAction=${reload}>Retry<//></div>`;
}

/** Render the loaded data, with the error of a later request above it; before that a loading message, or the error. */
export function WhenLoaded({ request, feature, children }) {
  if (request.data === null && request.error === null) return html`<${Loading} />`;
  return html`<${LoadError} request=${request} feature=${feature} />${request.data !== null && children(request.data)}`;
}

export async function copy(text, message = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    showSuccess(`${message}.`);
  } catch {
    showError(new Error("The browser blocked access to the clipboard. Select the text and copy it instead."));
  }
}

export const CopyButton = ({ text, label = "Copy", subject }) => html`<button type="button" class="small"
  aria-label=${subject ? `${label}: ${subject}` : label}
  onClick=${() => copy(typeof text === "function" ? text() : text, subject ? `Copied ${subject}` : "Copied")}>${label}</button>`;

const JSON_TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Split JSON text into parts, with a coloured element per token. */
export function highlightJson(text) {
  const parts = [];
  let position = 0;
  for (const match of text.matchAll(JSON_TOKENS)) {
    const kind = match[2] !== undefined ? "key" : match[1] ? "string" : match[3] ? "word" : "numeral";
    const end = match.index + (match[1] ?? match[0]).length;
    parts.push(text.slice(position, match.index), html`<span class=${kind}>${text.slice(match.index, end)}</span>`);
    position = end;
  }
  return [...parts, text.slice(position)];
}

/** Longer texts are shown without colours, to keep the page fast. */
const HIGHLIGHT_LIMIT = 60_000;

export function JsonBlock({ value, label = "JSON" }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return html`<div class="code"><${CopyButton} text=${text} subject=${label} />
    <pre tabindex="0" role="region" aria-label=${label}>${text.length > HIGHLIGHT_LIMIT ? text : highlightJson(text)}</pre></div>`;
}

export const CodeBlock = ({ text, label }) => html`<div class="code"><${CopyButton} text=${text} subject=${label} />
  <pre tabindex="0" role="region" aria-label=${label}>${text}</pre></div>`;

const ALLOWED_PREFIX = "allowed now: ";

/** The hint of the emulator: one paragraph per part, and the allowed commands as a list. */
export const Hint = ({ text }) => html`<div class="explanation">${text.split("; ").map((part) => (part.startsWith(ALLOWED_PREFIX)
  ? html`<details><summary>Allowed now: ${part.split(", ").length} commands</summary><ul>${part.slice(ALLOWED_PREFIX.length).split(", ").map((each) => html`<li key=${each}><code>${each}</code></li>`)}</ul></details>`
  : html`<p>${part}</p>`))}</div>`;

/** A list of name and value pairs. */
export const Properties = ({ items, rows = false }) => html`<dl class=${rows ? "facts rows" : "facts"}>${items.map(([name, value]) => html`
  <div key=${name}><dt>${name}</dt><dd>${value ?? "–"}</dd></div>`)}</dl>`;

/** A field that shows `value` when that changes, and keeps what is typed when the page is rendered again. */
export function TextField({ value, ...rest }) {
  const field = useRef(null);
  useLayoutEffect(() => { field.current.value = value; }, [value]);
  return html`<input ref=${field} ...${rest} />`;
}

/** Radio buttons in one row. */
export const RadioGroup = ({ name, legend, options, value, onChange }) => html`<fieldset class="choice">
  <legend>${legend}</legend>${options.map(([key, title]) => html`<label key=${key} class=${key === value ? "chosen" : ""}>
    <input type="radio" name=${name} value=${key} checked=${key === value} onChange=${() => onChange(key)} />${title}</label>`)}
</fieldset>`;

/** A form that ignores a submission while one is in progress. `onSubmit(form)` returns a promise. */
export function Form({ onSubmit, children, ...rest }) {
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      await onSubmit(event.target);
    } finally {
      setBusy(false);
    }
  };
  return html`<form aria-busy=${busy || undefined} onSubmit=${submit} ...${rest}>${children}</form>`;
}

/** Return the named values of a form. */
export const valuesOf = (form) => Object.fromEntries(new FormData(form));

/** Focus what a page offers next, or its heading: for a focus whose element is gone. */
export const focusFallback = () => (document.querySelector("[data-next-step]") ?? document.querySelector("main h1"))?.focus();

/** A button that ignores clicks while its action runs. It keeps the focus, or passes it on if it disappears. */
export function ActionButton({ onAction, children, class: extra = "", disabled = false, ...rest }) {
  const [busy, set] = useState(false);
  const button = useRef(null);
  const run = async () => {
    if (busy) return;
    const hadFocus = document.activeElement === button.current;
    set(true);
    try {
      await onAction();
    } finally {
      set(false);
      if (hadFocus) requestAnimationFrame(() => { if (document.activeElement === document.body) focusFallback(); });
    }
  };
  return html`<button type="button" ref=${button} class=${extra} disabled=${disabled} aria-disabled=${busy || undefined} onClick=${run} ...${rest}>${children}</button>`;
}
