/** A table that becomes cards on a narrow screen; its roles are spelled out, since cards take them away. */
import { html } from "../lib.js";

const NEXT = { none: "ascending", ascending: "descending", descending: "ascending" };

/**
 * `columns`: `{key, title, cell, number?, whole? (keep in one line), long? (break anywhere), sort?}`; `sort`: `{by, order}` and `onSort(by, order)` where it can be sorted.
 */
export function Table({ label, columns, rows, rowKey, sort, onSort, empty = "Nothing here." }) {
  if (!rows.length) return html`<p class="empty">${empty}</p>`;
  return html`<table class=${columns.length > 5 ? "many" : "cards"} role="table" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${columns.map((column) => html`
      <${Heading} key=${column.key} column=${column} sort=${sort} onSort=${onSort} />`)}</tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`<tr role="row" key=${rowKey(row)}>
      ${columns.map((column) => html`
        <td role="cell" key=${column.key} data-title=${column.title}
          class=${classOf(column)}>
          <span>${column.cell(row)}</span></td>`)}
    </tr>`)}</tbody>
  </table>`;
}

const classOf = ({ number, whole, long }) => [number && "number", (number || whole) && "whole", long && "long"].filter(Boolean).join(" ");

function Heading({ column, sort, onSort }) {
  if (!column.sort || !onSort) {
    return html`<th role="columnheader" scope="col" class=${column.number ? "number" : ""}>${column.title}</th>`;
  }
  const order = sort?.by === column.sort ? sort.order : "none";
  const sign = { none: "↕", ascending: "↑", descending: "↓" }[order];
  return html`<th role="columnheader" scope="col" aria-sort=${order} class=${column.number ? "number" : ""}>
    <button type="button" class="heading" onClick=${() => onSort(column.sort, NEXT[order])}>
      ${column.title} <span aria-hidden="true">${sign}</span></button></th>`;
}

/** Where one is in a list of pages, and how to get on. */
export function Pager({ page, pages, count, one, many, onPage }) {
  const at = (wanted) => () => onPage(Math.min(Math.max(wanted, 1), pages));
  return html`<nav class="pager" aria-label="Pages">
    <span class="grow" role="status">${count.toLocaleString("en")} ${count === 1 ? one : many}</span>
    <button type="button" disabled=${page <= 1} onClick=${at(1)} aria-label="First page">«</button>
    <button type="button" disabled=${page <= 1} onClick=${at(page - 1)} aria-label="Previous page">‹</button>
    <span>Page <input type="number" aria-label="Page" min="1" max=${pages} value=${page}
      onChange=${(event) => onPage(Math.min(Math.max(Number(event.target.value) || 1, 1), pages))} />
      of ${pages.toLocaleString("en")}</span>
    <button type="button" disabled=${page >= pages} onClick=${at(page + 1)} aria-label="Next page">›</button>
    <button type="button" disabled=${page >= pages} onClick=${at(pages)} aria-label="Last page">»</button>
  </nav>`;
}
