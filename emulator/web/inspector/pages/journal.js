/** The journal: what was asked, what was answered, and why. */
import { control, query } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { Action, Card, Choice, Code, Facts, Heading, Hint, Json, Loaded, Provenance, Status } from "../parts/pieces.js";
import { attempt } from "../parts/said.js";
import { curl, documentOf, pytest, requests } from "../parts/snippets.js";
import { Table } from "../parts/table.js";
import { go, href } from "../route.js";
import { dash, plural, time } from "../text.js";

const EVERY = 2_000;
const SHOWN = 30;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const ASKED = ["operation", "method", "status", "path"];

export function Page({ rest, asked }) {
  return rest[0] ? html`<${Exchange} id=${rest[0]} />` : html`<${Journal} asked=${asked} />`;
}

function Journal({ asked }) {
  const [running, setRunning] = useState(true);
  const wanted = Object.fromEntries(ASKED.map((key) => [key, asked[key]]));
  const newest = () => control("GET", `requests${query({ ...wanted, limit: SHOWN, brief: true })}`);
  const journal = useLive(newest, EVERY, [query(wanted)], running);
  const clear = () => attempt(() => control("DELETE", "requests"), "The journal is empty").then((ok) => ok && journal.reload());
  return html`<div><${Heading} title="Journal">
      <button type="button" aria-pressed=${!running} onClick=${() => setRunning(!running)}>${running ? "Pause" : "Go on"}</button>
      <${Action} class="danger" work=${clear}>Clear<//><//>
    <div class="card"><${Filters} asked=${wanted} />
      <${Loaded} from=${journal} what="a journal">${(found) => html`<div>
        <p class="hint">${running ? "Live" : "Paused"}: the newest of ${plural(found.count, "exchange")} first. What this inspector only reads is left out.</p>
        <${Table} label="Exchanges" columns=${COLUMNS} rows=${found.results} rowKey=${(row) => row.id}
          empty="Nothing was asked yet, or nothing like that." /></div>`}<//></div></div>`;
}

const HINT = 90;
const shortened = (hint) => (hint && hint.length > HINT ? `${hint.slice(0, HINT)} …` : hint);

const COLUMNS = [
  { key: "at", whole: true, title: "At", cell: (row) => time(row.at) },
  { key: "method", title: "Method", cell: (row) => html`<strong>${row.method}</strong>` },
  { key: "path", long: true, title: "Path", cell: (row) => html`<a href=${href(`journal/${row.id}`)}>${row.path}</a>` },
  { key: "operation", title: "Operation", cell: (row) => html`${dash(row.operation)}` },
  { key: "status", title: "Status", cell: (row) => html`<${Status} of=${row.status} />` },
  { key: "said", long: true, title: "Said", cell: (row) => html`${row.fault ? html`<span class="badge">fault: ${row.fault}</span> ${shortened(row.hint)}` : dash(shortened(row.hint))}` },
];

function Filters({ asked }) {
  const operations = useLoad(async () => (await control("GET", "fidelity")).operations.map((row) => row.operation), []);
  const filter = (event) => {
    event.preventDefault();
    go("journal", Object.fromEntries(new FormData(event.target)));
  };
  return html`<form class="bar" role="search" aria-label="Filter the journal" onSubmit=${filter}>
    <label class="field"><span>Operation</span><input name="operation" list="operations" value=${asked.operation ?? ""} /></label>
    <datalist id="operations">${[...new Set(operations.data ?? [])].map((name) => html`<option key=${name} value=${name} />`)}</datalist>
    <label class="field"><span>Method</span><select name="method"><option value="">Every</option>
      ${METHODS.map((name) => html`<option key=${name} selected=${name === asked.method}>${name}</option>`)}</select></label>
    <label class="field"><span>Status</span><input name="status" inputmode="numeric" pattern="[0-9]*" size="5" value=${asked.status ?? ""} /></label>
    <label class="field"><span>Path</span><input name="path" value=${asked.path ?? ""} /></label>
    <button class="main">Filter</button>
    <button type="button" onClick=${() => go("journal")}>Every exchange</button>
  </form>`;
}

function Exchange({ id }) {
  const found = useLoad(() => control("GET", `requests/${encodeURIComponent(id)}`), [id]);
  return html`<div><p><a href=${href("journal")}>← Journal</a></p>
    <${Loaded} from=${found} what="a journal">${(exchange) => html`<div>
      <${Heading} title="${exchange.method} ${exchange.path}"><${Status} of=${exchange.status} /><//>
      <${Card} title="Exchange"><${Facts} of=${[
        ["Id", exchange.id], ["At", time(exchange.at)], ["Operation", html`<code>${dash(exchange.operation)}</code>`],
        ["Token", dash(exchange.token)], ["Query", dash(typeof exchange.query === "object" && exchange.query ? JSON.stringify(exchange.query) : exchange.query)],
        ["Fault", dash(typeof exchange.fault === "object" && exchange.fault ? JSON.stringify(exchange.fault) : exchange.fault)],
      ]} /><//>
      <${Why} exchange=${exchange} />
      <${Again} exchange=${exchange} />
      <div class="columns"><${Half} title="Request" half=${exchange.request} /><${Half} title="Response" half=${exchange.response} /></div>
    </div>`}<//></div>`;
}

/** What the emulator says of it, and how sure it is that the service answers so. */
function Why({ exchange }) {
  const rows = useLoad(async () => (await control("GET", "fidelity")).statuses
    .filter((row) => row.status === exchange.status && ["*", exchange.operation].includes(row.operation)), [exchange.id]);
  const row = rows.data?.find((each) => each.operation !== "*") ?? rows.data?.[0];
  return html`<${Card} title="Why it was answered so">
    ${exchange.hint ? html`<${Hint} text=${exchange.hint} />` : html`<p class="empty">The emulator has nothing to add.</p>`}
    ${exchange.fault && html`<p>A fault had a hand in it: <a href=${href("faults")}>the faults</a>.</p>`}
    ${row && html`<p>A ${exchange.status} of this operation is <${Provenance} of=${row.provenance} />${row.reason ? `: ${row.reason}` : ""}</p>`}
  <//>`;
}

const WAYS = [["curl", "curl", curl], ["pytest", "pytest", pytest], ["requests", "requests", requests]];

function Again({ exchange }) {
  const [way, setWay] = useState("curl");
  const written = WAYS.find(([key]) => key === way)[2];
  return html`<${Card} title="Do it again">
    <${Choice} name="way" legend="As" options=${WAYS} value=${way} onChange=${setWay} />
    <${Code} text=${written(exchange)} label=${way} /><//>`;
}

function Half({ title, half }) {
  const body = documentOf(half?.body ?? null);
  return html`<${Card} title=${title}>
    <h3>Headers</h3><${Facts} rows of=${Object.entries(half?.headers ?? {})} />
    <h3>Body</h3>${body === null || body === "" ? html`<p class="empty">None.</p>` : html`<${Json} value=${body} label="${title} body" />`}
  <//>`;
}
