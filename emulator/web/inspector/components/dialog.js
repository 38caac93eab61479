/** A native modal dialog: it traps the focus and closes with Escape. */
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { ActionButton, focusFallback } from "./common.js";

export function Dialog({ title, onClose, children, wide = false }) {
  const dialog = useRef(null);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    dialog.current.showModal();
    return () => queueMicrotask(() => {  // when the dialog is removed, and before the next event
      if (document.activeElement !== document.body) return;
      if (opener?.isConnected && opener !== document.body) opener.focus();
      else focusFallback();
    });
  }, []);
  // The browser would report the end of the dialog later, when another one may be open already.
  const cancel = (event) => {
    if (event.target !== dialog.current) return;
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${dialog} class=${wide ? "wide" : ""} aria-label=${title} onCancel=${cancel} onClose=${onClose}>
    <header><h2>${title}</h2>
      <button type="button" class="quiet" aria-label="Close" onClick=${onClose}>✕</button></header>
    ${children}
  </dialog>`;
}

/** A button for an action that cannot be undone: a dialog asks before. `question`: what is lost. */
export function ConfirmButton({ question, confirm, onAction, class: extra = "", children, ...rest }) {
  const [open, setOpen] = useState(false);
  const run = async () => { await onAction(); setOpen(false); };
  return html`<button type="button" class=${extra} onClick=${() => setOpen(true)} ...${rest}>${children}</button>
    ${open && html`<${Dialog} title="${confirm}?" onClose=${() => setOpen(false)}>
      <p>${question}</p>
      <div class="actions"><button type="button" onClick=${() => setOpen(false)}>Cancel</button>
        <${ActionButton} class="main danger" onAction=${run}>${confirm}<//></div><//>`}`;
}
