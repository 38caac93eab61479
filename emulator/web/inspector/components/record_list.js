/** A list of records: filters, state, sort order and pages. The server applies them, and the address holds them. */
import { control, guide, queryString } from "../api.js";
import { html, useEffect, useLayoutEffect, useState } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { currentQuery, href, navigate } from "../router.js";
import { humanize, number } from "../format.js";
import { PageHeading, WhenLoaded } from "./common.js";
import { Pager, Table } from "./table.js";

const LIST_PARAMETERS = ["page", "limit", "sort"];

/**
 * `kind`: `{name, title, path, operation, graph, one, many, columns, limit, defaultField, normalize?}`; `query`: the query of the
 * address, which is also that of the API.
 */
export function RecordList({ kind, query }) {
  const [live, setLive] = useState(true);
  const limit = Number(query.limit) || kind.limit;
  const search = queryString({ ...query, limit });
  const list = useLive(async () => (await guide("GET", kind.path + search)).body, ["records"], [search], live);
  const listed = list.data !== null || list.error !== null;  // load the rows first, the filter options afterwards
  const graph = useLoad(async () => (listed ? control("GET", "graph") : null), [listed]);
  const filters = useLoad(async () => (listed ? (await control("GET", "fidelity")).filters
    .filter((filter) => filter.operations.includes(kind.operation)) : null), [listed]);
  const show = (changed) => navigate(kind.name, { ...currentQuery(), page: "", ...changed });
  useEffect(() => { if (list.data) markPainted(); }, [list.data]);
  return html`<div><${PageHeading} title=${kind.title}>
      <label class="check"><input type="checkbox" checked=${live} onChange=${() => setLive(!live)} /> Live</label>
      <button type="button" onClick=${list.reload}>Refresh</button><//>
    <div class="card">
      <${FilterBar} ...${{ kind, query, show }} states=${graph.data?.[kind.graph].states ?? []} filters=${filters.data ?? []} />
      ${list.error?.isRefusal && html`<p><a href=${href(kind.name)}>Show all ${kind.many}</a></p>`}
      <${WhenLoaded} request=${list}>${(page) => html`<${Results} ...${{ kind, page, query, limit, show, isOutdated: list.isOutdated }} />`}<//>
    </div></div>`;
}

/** Add a performance mark when the first rows are painted. */
function markPainted() {
  if (performance.getEntriesByName("rows-painted").length) return;
  requestAnimationFrame(() => setTimeout(() => performance.mark("rows-painted")));
}

const isFiltered = (query) => Object.keys(query).some((key) => !LIST_PARAMETERS.includes(key));

function Results({ kind, page, query, limit, show, isOutdated }) {
  const pages = Math.max(1, Math.ceil(page.count / limit));
  const by = (query.sort ?? "-id").split(",")[0];
  const sort = { by: by.replace(/^-/, ""), order: by.startsWith("-") ? "descending" : "ascending" };
  const pager = html`<${Pager} page=${Number(query.page) || 1} pages=${pages} count=${page.count} one=${kind.one} many=${kind.many} isOutdated=${isOutdated}
    onPage=${(next) => show({ page: next > 1 ? next : "" })} />`;
  return html`<div aria-busy=${isOutdated}>${pager}
    <${Table} label=${kind.title} columns=${kind.columns} rows=${page.results} rowKey=${(row) => row.id} sort=${sort}
      onSort=${(field, order) => show({ sort: order === "descending" ? `-${field}` : field })}
      empty=${isFiltered(query) ? html`No ${kind.many} match. <a href=${href(kind.name)}>Clear filters</a>`
        : html`This world has no ${kind.many}. <a href=${href("create")}>Place an order</a>`} />
    ${page.results.length > 15 && pager}</div>`;
}

function FilterBar({ kind, query, states, filters, show }) {
  const active = Object.keys(query).filter((key) => !LIST_PARAMETERS.includes(key) && key !== "state");
  const [field, setField] = useState(active[0] ?? kind.defaultField);
  const [text, setText] = useState(query[field] ?? "");
  useLayoutEffect(() => setText(query[field] ?? ""), [field, query[field]]);  // not later: it would clear what is typed meanwhile
  const search = (event) => {
    event.preventDefault();
    show({ [field]: kind.normalize?.(field, text.trim()) ?? text.trim() });
  };
  const selected = filters.find((filter) => filter.name === field);
  return html`<form class="bar" role="search" aria-label="Filters" onSubmit=${search}>
      <label class="field"><span>State</span><select value=${query.state ?? ""} onChange=${(event) => show({ state: event.target.value })}>
        <option value="" selected=${!query.state}>All states</option>
        ${states.map((state) => html`<option key=${state.id} value=${state.id} selected=${String(state.id) === query.state}>
          ${state.name} (${number(state.count)})</option>`)}</select></label>
      <label class="field"><span>Search by</span><select value=${field} onChange=${(event) => setField(event.target.value)}>
        ${(filters.length ? filters : [{ name: field, doc: field === kind.defaultField ? DEFAULT_FILTER : humanize(field) }]).filter((filter) => filter.name !== "state").map((filter) => html`
          <option key=${filter.name} value=${filter.name} selected=${filter.name === field}>${filter.doc}</option>`)}</select></label>
      <label class="field"><span>${valueLabel(selected)}</span>
        <input type="search" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
      <button class="main">Search</button>
      ${active.map((key) => html`<button type="button" key=${key} class="small" onClick=${() => show({ [key]: "" })}
        aria-label="Remove filter ${key}">${key} = ${query[key]} ✕</button>`)}
    </form>`;
}

/** The title of the default filter, before the server has sent all of them. */
const DEFAULT_FILTER = "order number (starts with)";
const VALUE_LABELS = {
  datetime: "Value (2023-04-05T09:00:00Z)", date: "Value (2023-04-05)", boolean: "Value (true or false)", number: "Value (number)",
  number_list: "Values (numbers, comma-separated)", char_list: "Values (comma-separated)",
};
const valueLabel = (filter) => VALUE_LABELS[filter?.type] ?? "Value";
