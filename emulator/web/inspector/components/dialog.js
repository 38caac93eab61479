/** A native modal dialog: it traps the focus and closes with Escape. */
import { html, useEffect, useRef } from "../lib.js";

export function Dialog({ title, onClose, children, wide = false }) {
  const dialog = useRef(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current.showModal();
    return () => opener?.isConnected && opener.focus();
  }, []);
  return html`<dialog ref=${dialog} class=${wide ? "wide" : ""} aria-label=${title} onClose=${onClose}>
    <header><h2>${title}</h2>
      <button type="button" class="quiet" aria-label="Close" onClick=${() => dialog.current.close()}>✕</button></header>
    ${children}
  </dialog>`;
}
