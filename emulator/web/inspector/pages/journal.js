/** The journal page: requests, responses and explanations. */
import { control, queryString } from "../api.js";
import { html, useState } from "../lib.js";
import { useLoad, usePolling } from "../polling.js";
import { ActionButton, Card, CodeBlock, Hint, JsonBlock, PageHeading, Properties, Provenance, RadioGroup, Status, WhenLoaded } from "../components/common.js";
import { runAction } from "../components/toasts.js";
import { curl, documentOf, pytest, requests } from "../components/snippets.js";
import { Table } from "../components/table.js";
import { href, navigate } from "../router.js";
import { orDash, plural, time } from "../format.js";

const INTERVAL = 2_000;
const LIMIT = 30;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const FILTERS = ["operation", "method", "status", "path"];

export function Page({ params, query }) {
  return params[0] ? html`<${Exchange} id=${params[0]} />` : html`<${Journal} query=${query} />`;
}

function Journal({ query }) {
  const [running, setRunning] = useState(true);
  const filters = Object.fromEntries(FILTERS.map((key) => [key, query[key]]));
  const loadNewest = () => control("GET", `requests${queryString({ ...filters, limit: LIMIT, brief: true })}`);
  const journal = usePolling(loadNewest, INTERVAL, [queryString(filters)], running);
  const clear = () => runAction(() => control("DELETE", "requests"), "Journal cleared").then((ok) => ok && journal.reload());
  return html`<div><${PageHeading} title="Journal">
      <button type="button" aria-pressed=${!running} onClick=${() => setRunning(!running)}>${running ? "Pause" : "Resume"}</button>
      <${ActionButton} class="danger" onAction=${clear}>Clear<//><//>
    <div class="card"><${Filters} values=${filters} />
      <${WhenLoaded} request=${journal} feature="the journal">${({ count, results }) => html`<div>
        <p class="hint">${running ? "Live" : "Paused"}: the newest of ${plural(count, "exchange")} first. Reads by this inspector are not recorded.</p>
        <${Table} label="Exchanges" columns=${COLUMNS} rows=${results} rowKey=${(row) => row.id}
          empty="No exchanges match." /></div>`}<//></div></div>`;
}

const HINT_LIMIT = 90;
const shorten = (hint) => (hint && hint.length > HINT_LIMIT ? `${hint.slice(0, HINT_LIMIT)} …` : hint);

const COLUMNS = [
  { key: "at", whole: true, title: "Time", cell: (row) => time(row.at) },
  { key: "method", title: "Method", cell: (row) => html`<strong>${row.method}</strong>` },
  { key: "path", long: true, title: "Path", cell: (row) => html`<a href=${href(`journal/${row.id}`)}>${row.path}</a>` },
  { key: "operation", title: "Operation", cell: (row) => orDash(row.operation) },
  { key: "status", title: "Status", cell: (row) => html`<${Status} of=${row.status} />` },
  { key: "result", long: true, title: "Result", cell: (row) => html`${row.fault ? html`<span class="badge">fault: ${row.fault}</span> ${shorten(row.hint)}` : orDash(shorten(row.hint))}` },
];

function Filters({ values }) {
  const operations = useLoad(async () => (await control("GET", "fidelity")).operations.map((row) => row.operation), []);
  const filter = (event) => {
    event.preventDefault();
    navigate("journal", Object.fromEntries(new FormData(event.target)));
  };
  return html`<form class="bar" role="search" aria-label="Filter the journal" onSubmit=${filter}>
    <label class="field"><span>Operation</span><input name="operation" list="operations" value=${values.operation ?? ""} /></label>
    <datalist id="operations">${[...new Set(operations.data ?? [])].map((name) => html`<option key=${name} value=${name} />`)}</datalist>
    <label class="field"><span>Method</span><select name="method"><option value="">All methods</option>
      ${METHODS.map((name) => html`<option key=${name} selected=${name === values.method}>${name}</option>`)}</select></label>
    <label class="field"><span>Status</span><input name="status" inputmode="numeric" pattern="[0-9]*" size="5" value=${values.status ?? ""} /></label>
    <label class="field"><span>Path</span><input name="path" value=${values.path ?? ""} /></label>
    <button class="main">Filter</button>
    <button type="button" onClick=${() => navigate("journal")}>Clear filters</button>
  </form>`;
}

function Exchange({ id }) {
  const loaded = useLoad(() => control("GET", `requests/${encodeURIComponent(id)}`), [id]);
  return html`<div><p><a href=${href("journal")}>← Journal</a></p>
    <${WhenLoaded} request=${loaded} feature="the journal">${(exchange) => html`<div>
      <${PageHeading} title="${exchange.method} ${exchange.path}"><${Status} of=${exchange.status} /><//>
      <${Card} title="Exchange"><${Properties} items=${[
        ["ID", exchange.id], ["Time", time(exchange.at)], ["Operation", html`<code>${orDash(exchange.operation)}</code>`],
        ["Token", orDash(exchange.token)], ["Query", orDash(typeof exchange.query === "object" && exchange.query ? JSON.stringify(exchange.query) : exchange.query)],
        ["Fault", orDash(typeof exchange.fault === "object" && exchange.fault ? JSON.stringify(exchange.fault) : exchange.fault)],
      ]} /><//>
      <${Explanation} exchange=${exchange} />
      <${Repeat} exchange=${exchange} />
      <div class="columns"><${Message} title="Request" message=${exchange.request} /><${Message} title="Response" message=${exchange.response} /></div>
    </div>`}<//></div>`;
}

/** The hint of the emulator, and the provenance of the status. */
function Explanation({ exchange }) {
  const rows = useLoad(async () => (await control("GET", "fidelity")).statuses
    .filter((row) => row.status === exchange.status && ["*", exchange.operation].includes(row.operation)), [exchange.id]);
  const row = rows.data?.find((each) => each.operation !== "*") ?? rows.data?.[0];
  return html`<${Card} title="Explanation">
    ${exchange.hint ? html`<${Hint} text=${exchange.hint} />` : html`<p class="empty">No hint.</p>`}
    ${exchange.fault && html`<p>A fault changed this response: <a href=${href("faults")}>faults</a>.</p>`}
    ${row && html`<p>Status ${exchange.status} of this operation is <${Provenance} of=${row.provenance} />${row.reason ? `: ${row.reason}` : ""}</p>`}
  <//>`;
}

const FORMATS = [["curl", "curl", curl], ["pytest", "pytest", pytest], ["requests", "requests", requests]];

function Repeat({ exchange }) {
  const [format, setFormat] = useState("curl");
  const write = FORMATS.find(([key]) => key === format)[2];
  return html`<${Card} title="Repeat">
    <${RadioGroup} name="format" legend="Format" options=${FORMATS} value=${format} onChange=${setFormat} />
    <${CodeBlock} text=${write(exchange)} label=${format} /><//>`;
}

function Message({ title, message }) {
  const body = documentOf(message?.body ?? null);
  return html`<${Card} title=${title}>
    <h3>Headers</h3><${Properties} rows items=${Object.entries(message?.headers ?? {})} />
    <h3>Body</h3>${body === null || body === "" ? html`<p class="empty">None.</p>` : html`<${JsonBlock} value=${body} label="${title} body" />`}
  <//>`;
}
