/** Toasts: short messages about actions, announced by screen readers. */
import { html, useLayoutEffect, useState } from "../lib.js";

const DURATION = { success: 5_000, error: 20_000 };
/** A new success replaces the one before. Older errors are dropped. */
const LIMIT = { success: 1, error: 2 };
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

function show(kind, text, detail, undo) {
  const id = nextId++;
  const same = toasts.find((toast) => toast.kind === kind && toast.text === text);
  const others = toasts.filter((toast) => toast !== same);
  const kept = others.filter((toast) => toast.kind === kind).slice(-LIMIT[kind] + 1 || others.length);
  update([...others.filter((toast) => toast.kind !== kind), ...kept, { id, kind, text, detail, undo, count: (same?.count ?? 0) + 1 }]);
  setTimeout(dismiss, DURATION[kind], id);
}

const shorten = (text) => (text.length > DETAIL_LIMIT ? `${text.slice(0, DETAIL_LIMIT)} …` : text);

export const showSuccess = (text, undo) => show("success", text, undefined, undo);

/** Show the message of an error, with the hint of the emulator if there is one. */
export const showError = (error) => show("error", error.message, error.hint);

/** Run an action and show its outcome, with a button that undoes it. Return the value of the action, or false if it failed. */
export async function runAction(action, text, undo) {
  try {
    const value = await action();
    showSuccess(typeof text === "function" ? text(value) : text, undo);
    return value ?? true;
  } catch (error) {
    showError(error);
    return false;
  }
}

function Toast({ toast }) {
  const undo = () => { dismiss(toast.id); toast.undo(); };
  return html`<div class="toast ${toast.kind}">
    <div><strong>${toast.kind === "success" ? "Done" : "Error"}</strong> ${toast.text}${toast.count > 1 ? ` (${toast.count} times)` : ""}
      ${toast.detail && html`<p class="hint">${shorten(toast.detail)}</p>`}</div>
    ${toast.undo && html`<button type="button" class="small" onClick=${undo}>Undo</button>`}
    <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => dismiss(toast.id)}>✕</button>
  </div>`;
}

export function Toasts() {
  const [shown, set] = useState(toasts);
  useLayoutEffect(() => {
    listeners.add(set);
    return () => listeners.delete(set);
  }, []);
  const ofKind = (kind) => shown.filter((toast) => toast.kind === kind).map((toast) => html`<${Toast} key=${toast.id} toast=${toast} />`);
  return html`<div class="toasts">
    <div role="status" aria-live="polite">${ofKind("success")}</div>
    <div role="alert">${ofKind("error")}</div>
  </div>`;
}
