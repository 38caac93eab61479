/** A list of the emulated API: filters, state, order and pages, all of them asked of the server and kept in the address. */
import { control, guide, query } from "../api.js";
import { html, useEffect, useState } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { go } from "../route.js";
import { number } from "../text.js";
import { Heading, Loaded } from "./pieces.js";
import { Pager, Table } from "./table.js";

const OURS = ["page", "limit", "sort"];
const EVERY = 4_000;

/**
 * `kind`: `{name, title, path, operation, graph, one, many, columns, limit, first}`; `asked`: the address's query, which is the
 * API's own.
 */
export function List({ kind, asked }) {
  const [live, setLive] = useState(false);
  const limit = Number(asked.limit) || kind.limit;
  const sent = query({ ...asked, limit, page: asked.page });
  const found = useLive(async () => (await guide("GET", kind.path + sent)).body, EVERY, [sent], live);
  const first = found.data !== null || found.error !== null;  // the rows come first, what may be chosen of them after
  const graph = useLoad(async () => (first ? control("GET", "graph") : null), [first]);
  const filters = useLoad(async () => (first ? (await control("GET", "fidelity")).filters
    .filter((filter) => filter.operations.includes(kind.operation)) : null), [first]);
  const show = (changed) => go(kind.name, { ...asked, page: "", ...changed });
  useEffect(() => { if (found.data) markPainted(); }, [found.data]);
  return html`<div><${Heading} title=${kind.title}>
      <label class="check"><input type="checkbox" checked=${live} onChange=${() => setLive(!live)} /> Live</label>
      <button type="button" onClick=${found.reload}>Refresh</button><//>
    <div class="card">
      <${Bar} ...${{ kind, asked, show }} states=${graph.data?.[kind.graph].states ?? []} filters=${filters.data ?? []} />
      <${Loaded} from=${found}>${(page) => html`<${Found} ...${{ kind, page, asked, limit, show }} />`}<//>
    </div></div>`;
}

/** Put a mark into the browser's own measurements when the first rows are on the screen. */
function markPainted() {
  if (performance.getEntriesByName("rows-painted").length) return;
  requestAnimationFrame(() => setTimeout(() => performance.mark("rows-painted")));
}

function Found({ kind, page, asked, limit, show }) {
  const pages = Math.max(1, Math.ceil(page.count / limit));
  const by = (asked.sort ?? "-id").split(",")[0];
  const sort = { by: by.replace(/^-/, ""), order: by.startsWith("-") ? "descending" : "ascending" };
  const pager = html`<${Pager} page=${Number(asked.page) || 1} pages=${pages} count=${page.count} one=${kind.one} many=${kind.many}
    onPage=${(wanted) => show({ page: wanted > 1 ? wanted : "" })} />`;
  return html`<div>${pager}
    <${Table} label=${kind.title} columns=${kind.columns} rows=${page.results} rowKey=${(row) => row.id} sort=${sort}
      onSort=${(field, order) => show({ sort: order === "descending" ? `-${field}` : field })}
      empty="No ${kind.one} is like that. Loosen the filters above." />
    ${page.results.length > 15 && pager}</div>`;
}

function Bar({ kind, asked, states, filters, show }) {
  const own = Object.keys(asked).filter((key) => !OURS.includes(key) && key !== "state");
  const [field, setField] = useState(own[0] ?? kind.first);
  const [text, setText] = useState(asked[field] ?? "");
  useEffect(() => setText(asked[field] ?? ""), [field, asked[field]]);
  const search = (event) => {
    event.preventDefault();
    show({ [field]: kind.reads?.(field, text.trim()) ?? text.trim() });
  };
  const chosen = filters.find((filter) => filter.name === field);
  return html`<form class="bar" role="search" aria-label="Filters" onSubmit=${search}>
      <label class="field"><span>State</span><select value=${asked.state ?? ""} onChange=${(event) => show({ state: event.target.value })}>
        <option value="" selected=${!asked.state}>Every state</option>
        ${states.map((state) => html`<option key=${state.id} value=${state.id} selected=${String(state.id) === asked.state}>
          ${state.name} (${number(state.count)})</option>`)}</select></label>
      <label class="field"><span>Search by</span><select value=${field} onChange=${(event) => setField(event.target.value)}>
        ${(filters.length ? filters : [{ name: field, doc: field }]).filter((filter) => filter.name !== "state").map((filter) => html`
          <option key=${filter.name} value=${filter.name} selected=${filter.name === field}>${filter.doc}</option>`)}</select></label>
      <label class="field"><span>${placeholder(chosen)}</span>
        <input type="search" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
      <button class="main">Search</button>
      ${own.map((key) => html`<button type="button" key=${key} class="small" onClick=${() => show({ [key]: "" })}
        aria-label="Remove the filter ${key}">${key} = ${asked[key]} ✕</button>`)}
    </form>`;
}

const HELP = {
  datetime: "Value, as 2023-04-05T09:00:00Z", date: "Value, as 2023-04-05", boolean: "Value, true or false", number: "Value, a number",
  number_list: "Values, numbers with commas", char_list: "Values with commas",
};
const placeholder = (filter) => HELP[filter?.type] ?? "Value";
