/**
 * A table that becomes cards on a narrow screen, and hides its minor columns on a medium one. Roles are explicit, because the
 * card styles remove the native ones.
 */
import { html } from "../lib.js";
import { TextField } from "./common.js";

const NEXT_ORDER = { none: "ascending", ascending: "descending", descending: "ascending" };

/**
 * `columns`: `{key, title, cell, number?, whole? (no line break), long? (break anywhere), minor? (less important), sort?}`; `sort`: `{by, order}`; `onSort(by, order)`: called
 * when the user sorts by a column.
 */
export function Table({ label, columns, rows, rowKey, sort, onSort, empty = "No entries." }) {
  if (!rows.length) return html`<p class="empty">${empty}</p>`;
  return html`<table class="cards" role="table" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${columns.map((column) => html`
      <${ColumnHeading} key=${column.key} column=${column} sort=${sort} onSort=${onSort} />`)}</tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`<tr role="row" key=${rowKey(row)}>
      ${columns.map((column) => html`
        <td role="cell" key=${column.key} data-title=${column.title}
          class=${classOf(column)}>
          <span>${column.cell(row)}</span></td>`)}
    </tr>`)}</tbody>
  </table>`;
}

const classOf = ({ number, whole, long, minor }) => [number && "number", (number || whole) && "whole", long && "long", minor && "minor"]
  .filter(Boolean).join(" ");

const headingClass = ({ number, minor }) => [number && "number", minor && "minor"].filter(Boolean).join(" ");

function ColumnHeading({ column, sort, onSort }) {
  if (!column.sort || !onSort) {
    return html`<th role="columnheader" scope="col" class=${headingClass(column)}>${column.title}</th>`;
  }
  const order = sort?.by === column.sort ? sort.order : "none";
  const sign = { none: "↕", ascending: "↑", descending: "↓" }[order];
  return html`<th role="columnheader" scope="col" aria-sort=${order} class=${headingClass(column)}>
    <button type="button" class="heading" onClick=${() => onSort(column.sort, NEXT_ORDER[order])}>
      ${column.title} <span aria-hidden="true">${sign}</span></button></th>`;
}

/** Pagination controls. */
export function Pager({ page, pages, count, one, many, onPage, isOutdated = false }) {
  const goTo = (number) => () => onPage(Math.min(Math.max(number, 1), pages));
  return html`<nav class="pager" aria-label="Pages">
    <span class="grow" role="status">${isOutdated ? "Loading …" : `${count.toLocaleString("en")} ${count === 1 ? one : many}`}</span>
    <button type="button" disabled=${page <= 1} onClick=${goTo(1)} aria-label="First page">«</button>
    <button type="button" disabled=${page <= 1} onClick=${goTo(page - 1)} aria-label="Previous page">‹</button>
    <span>Page <${TextField} type="number" aria-label="Page" min="1" max=${pages} value=${page}
      onChange=${(event) => onPage(Math.min(Math.max(Number(event.target.value) || 1, 1), pages))} />
      of ${pages.toLocaleString("en")}</span>
    <button type="button" disabled=${page >= pages} onClick=${goTo(page + 1)} aria-label="Next page">›</button>
    <button type="button" disabled=${page >= pages} onClick=${goTo(pages)} aria-label="Last page">»</button>
  </nav>`;
}
