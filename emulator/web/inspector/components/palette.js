/** The command palette: finds pages and states, and records by any of their numbers. */
import { control, guide } from "../api.js";
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { PAGES } from "../pages.js";
import { href } from "../router.js";
import { Dialog } from "./dialog.js";
import { setClock, advance } from "./clock_controls.js";

const DEBOUNCE_MS = 150;
const LIMIT = 5;

const ACTIONS = [
  ["Freeze the clock", () => setClock({ mode: "frozen" }, "The clock is frozen")],
  ["Run the clock at 10 × speed", () => setClock({ mode: "ticking", speed: 10 }, "The clock runs at 10 × speed")],
  ["Advance the clock by 1 day", () => advance({ seconds: 86_400 })],
];

const lists = async (path, query) => (await guide("GET", `${path}?${new URLSearchParams({ ...query, limit: LIMIT })}`)).body.results;
const packageHit = (row) => ({ title: row.number, detail: `Package · ${row.state?.name ?? ""}`, to: href(`packages/${row.id}`) });
const transferHit = (row) => ({ title: row.number, detail: `Transfer order · ${row.state?.name ?? ""}`, to: href(`transfers/${row.id}`) });

/** Searches for records: when the text may be of this kind, and how the server finds it. */
const SEARCHES = [
  [/^\d{6,}/, async (text) => (await lists("packages/short/", { order__number: text.replace(/P\d+.*$/, "") })).filter((row) => row.number.startsWith(text.replace(/T\d+$/, ""))).map(packageHit)],
  [/^\d{6,}/, async (text) => (await lists("transfer_orders/", { order__number: text.replace(/P\d+.*$/, "") })).filter((row) => row.number.startsWith(text)).map(transferHit)],
  [/^\d{1,7}$/, async (text) => [packageHit((await guide("GET", `packages/${text}/short/`)).body)]],
  [/^\w{4,}$/, async (text) => (await control("GET", `shipments?tracking_number=${encodeURIComponent(text)}`)).results
    .map(({ page, record, number }) => ({ title: number, detail: `Tracking number ${text}`, to: href(`${page}/${record}`) }))],
  [/^\d{1,8}$/, async (text) => {
    const exchange = await control("GET", `requests/${text.padStart(8, "0")}`);
    return [{ title: `${exchange.method} ${exchange.path}`, detail: `Request ${exchange.id} · ${exchange.status}`, to: href(`journal/${exchange.id}`) }];
  }],
  [/^[A-Za-z]+[-\w]*-[-\w]+$/, async (text) => (await lists("packages/short/", { product_sku: text })).map(packageHit)],
];

const contains = (title, text) => title.toLowerCase().includes(text.toLowerCase());

/** Return the hits for a text: records and states from the server, actions and pages; and the error if the server did not search. */
async function search(text, loadedGraph) {
  let failure = null;
  const searches = SEARCHES.filter(([pattern]) => pattern.test(text)).map(([, run]) => run(text).catch((error) => {
    if (!error.isRefusal) failure = error;
    return [];
  }));
  const [graph, ...found] = await Promise.all([text.length < 2 ? null : loadedGraph, ...searches]);
  if (graph instanceof Error) failure = graph;
  const pages = PAGES.filter(([, title]) => contains(title, text)).map(([name, title]) => ({ title, detail: "Page", to: href(name) }));
  const actions = ACTIONS.filter(([title]) => text && contains(title, text)).map(([title, run]) => ({ title, detail: "Action", run }));
  const states = text.length < 2 ? [] : [["packages", "Packages"], ["transfers", "Transfer orders"]].flatMap(([part, many]) => (graph?.[part]?.states ?? [])
    .filter((state) => contains(state.name, text)).map((state) => ({ title: `${many}: ${state.name}`, detail: `${state.count} · State`, to: href(part, { state: state.id }) })));
  const records = [...new Map(found.flat().map((hit) => [hit.to, hit])).values()];
  return { hits: [...records, ...states, ...actions, ...pages], failure };
}

export function Palette({ onClose }) {
  const [text, setText] = useState("");
  const [{ hits, failure, of }, setFound] = useState({ hits: [], failure: null, of: null });
  const [selected, setSelected] = useState(0);
  const [graph] = useState(() => control("GET", "graph").catch((error) => error));
  const isChosen = useRef(false);  // Enter was pressed before the hits of the text were there
  const choose = (hit) => {
    onClose();
    if (hit.run) hit.run();
    else location.hash = hit.to;
  };
  useLayoutEffect(() => {
    let isNewest = true;
    isChosen.current = false;
    const timer = setTimeout(async () => {
      const found = await search(text.trim(), graph);
      if (!isNewest) return;
      setFound({ ...found, of: text });
      setSelected(0);
      if (isChosen.current && found.hits.length) choose(found.hits[0]);
    }, text ? DEBOUNCE_MS : 0);
    return () => {
      isNewest = false;
      clearTimeout(timer);
    };
  }, [text]);
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setSelected((selected + step + hits.length) % Math.max(hits.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (of !== text) isChosen.current = true;
      else if (hits[selected]) choose(hits[selected]);
    }
  };
  return html`<${Dialog} title="Search" onClose=${onClose}>
    <input class="palette-input" type="text" autocomplete="off" autofocus role="combobox" aria-label="Search" aria-expanded="true" aria-controls="palette-hits" aria-autocomplete="list"
      aria-activedescendant=${hits.length ? `hit-${selected}` : undefined} placeholder="Order number, request id, SKU, tracking number, state, page …"
      value=${text} onInput=${(event) => setText(event.target.value)} onKeyDown=${onKeyDown} />
    <ul id="palette-hits" class="palette-hits" role="listbox" aria-label="Results">${hits.map((hit, index) => html`
      <li key=${hit.to ?? hit.title} id="hit-${index}" role="option" aria-selected=${index === selected} onClick=${() => choose(hit)}>
        <span>${hit.title}</span> <small>${hit.detail}</small></li>`)}</ul>
    ${text && text === of && failure && html`<p class="empty" role="status">${failure.message} Records and states were not searched.</p>`}
    ${text && text === of && !failure && !hits.length && html`<p class="empty" role="status">No results.</p>`}<//>`;
}
