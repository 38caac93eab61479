/** Toasts: short messages about actions, announced by screen readers. */
import { html, useEffect, useState } from "../lib.js";

const DURATION = { success: 6_000, error: 20_000 };
const DETAIL_LIMIT = 240;
let toasts = [];
let nextId = 1;
const listeners = new Set();

function update(changed) {
  toasts = changed;
  listeners.forEach((listener) => listener(toasts));
}

export function dismiss(id) {
  update(toasts.filter((toast) => toast.id !== id));
}

function show(kind, text, detail) {
  const id = nextId++;
  update([...toasts.slice(-3), { id, kind, text, detail }]);
  setTimeout(dismiss, DURATION[kind], id);
}

const shorten = (text) => (text.length > DETAIL_LIMIT ? `${text.slice(0, DETAIL_LIMIT)} …` : text);

export const showSuccess = (text) => show("success", text);

/** Show the message of an error, with the hint of the emulator if there is one. */
export const showError = (error) => show("error", error.message, error.hint);

/** Run an action and show its outcome. Return the value of the action, or false if it failed. */
export async function runAction(action, text) {
  try {
    const value = await action();
    showSuccess(typeof text === "function" ? text(value) : text);
    return value ?? true;
  } catch (error) {
    showError(error);
    return false;
  }
}

export function Toasts() {
  const [shown, set] = useState(toasts);
  useEffect(() => {
    listeners.add(set);
    return () => listeners.delete(set);
  }, []);
  const ofKind = (kind) => shown.filter((toast) => toast.kind === kind).map((toast) => html`
    <div class="toast ${kind}" key=${toast.id}>
      <div><strong>${kind === "success" ? "Done" : "Error"}</strong> ${toast.text}
        ${toast.detail && html`<p class="hint">${shorten(toast.detail)}</p>`}</div>
      <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => dismiss(toast.id)}>✕</button>
    </div>`);
  return html`<div class="toasts">
    <div role="status" aria-live="polite">${ofKind("success")}</div>
    <div role="alert">${ofKind("error")}</div>
  </div>`;
}
