/** The journal page: the exchanges, an export of a selection, and the import of a HAR file. */
import { control, queryString } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { ActionButton, PageHeading, Status, TextField, WhenLoaded } from "../components/common.js";
import { ConfirmButton, Dialog } from "../components/dialog.js";
import { download, FORMATS, requestsOfHar, resend } from "../components/export.js";
import { runAction, showError } from "../components/toasts.js";
import { Table } from "../components/table.js";
import { href, navigate } from "../router.js";
import { number, orDash, plural, time } from "../format.js";

const STEP = 100;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const FILTERS = ["operation", "method", "status", "path"];

export function Page({ query }) {
  const [running, setRunning] = useState(true);
  const [limit, setLimit] = useState(STEP);
  const filters = Object.fromEntries(FILTERS.map((key) => [key, query[key]]));
  const loadNewest = () => control("GET", `requests${queryString({ ...filters, limit, brief: true })}`);
  const journal = useLive(loadNewest, ["requests"], [queryString(filters), limit], running);
  const clear = () => runAction(() => control("DELETE", "requests"), "Journal cleared").then((ok) => ok && journal.reload());
  return html`<div><${PageHeading} title="Journal">
      <button type="button" aria-pressed=${!running} onClick=${() => setRunning(!running)}>${running ? "Pause" : "Resume"}</button>
      <${ConfirmButton} class="danger" confirm="Clear journal" onAction=${clear}
        question="All recorded exchanges of this world are deleted. This cannot be undone.">Clear<//><//>
    <${HarDrop}><${Filters} values=${filters} />
      <${WhenLoaded} request=${journal} feature="the journal">${({ count, results }) => html`<${Exchanges} ...${{ running, count, results, filters, isOutdated: journal.isOutdated }}
        more=${() => setLimit(limit + STEP)} />`}<//><//></div>`;
}

function Exchanges({ running, count, results, filters, more, isOutdated }) {
  const [selected, setSelected] = useState(new Set());
  const toggle = (id) => setSelected(new Set(selected.has(id) ? [...selected].filter((each) => each !== id) : [...selected, id]));
  const shown = results.map((row) => row.id);
  const chosen = shown.filter((id) => selected.has(id));
  const ids = chosen.length ? chosen : shown;
  const isFiltered = Object.values(filters).some(Boolean);
  const columns = [{ key: "select", title: "Select", cell: (row) => html`<input type="checkbox" aria-label="Select ${row.id}" checked=${selected.has(row.id)}
    onChange=${() => toggle(row.id)} />` }, ...COLUMNS];
  return html`<div aria-busy=${isOutdated}>
    <div class="bar between"><p class="hint" role="status">${isOutdated ? "Loading … " : ""}${running ? "" : "Paused: "}${count > results.length ? `The newest ${number(results.length)} of ${plural(count, "exchange")}` : plural(count, "exchange")},
        newest first. Reads by this inspector are not recorded.</p>
      ${results.length > 0 && html`<span class="buttons" role="group" aria-label="Export">Export ${chosen.length ? number(chosen.length) : "all shown"} as
        ${FORMATS.map((format) => html`<${ActionButton} key=${format[0]} class="small" onAction=${() => download(ids, format).catch(showError)}>${format[1]}<//>`)}</span>`}</div>
    <${Table} label="Exchanges" columns=${columns} rows=${results} rowKey=${(row) => row.id}
      empty=${isFiltered ? html`No exchanges match. <a href=${href("journal")}>Clear filters</a>` : "No exchanges yet. Call the API, or drop a HAR file here."} />
    ${count > results.length && html`<p class="more"><button type="button" onClick=${more}>Show ${number(Math.min(STEP, count - results.length))} more</button></p>`}</div>`;
}

const HINT_LIMIT = 90;
const shorten = (hint) => (hint && hint.length > HINT_LIMIT ? `${hint.slice(0, HINT_LIMIT)} …` : hint);

const COLUMNS = [
  { key: "at", whole: true, title: "Time", cell: (row) => time(row.at) },
  { key: "method", title: "Method", cell: (row) => html`<strong>${row.method}</strong>` },
  { key: "path", long: true, title: "Path", cell: (row) => html`<a href=${href(`journal/${row.id}`)}>${row.path}</a>` },
  { key: "operation", long: true, minor: true, title: "Operation", cell: (row) => orDash(row.operation) },
  { key: "status", title: "Status", cell: (row) => html`<${Status} of=${row.status} />` },
  { key: "result", long: true, minor: true, title: "Result", cell: (row) => html`${row.fault ? html`<span class="badge">fault: ${row.fault}</span> ${shorten(row.hint)}` : orDash(shorten(row.hint))}` },
];

function Filters({ values }) {
  const operations = useLoad(async () => (await control("GET", "fidelity")).operations.map((row) => row.operation), []);
  const filter = (event) => {
    event.preventDefault();
    navigate("journal", Object.fromEntries(new FormData(event.target)));
  };
  return html`<form class="bar" role="search" aria-label="Filter the journal" onSubmit=${filter}>
    <label class="field"><span>Operation</span><${TextField} name="operation" list="operations" value=${values.operation ?? ""} /></label>
    <datalist id="operations">${[...new Set(operations.data ?? [])].map((name) => html`<option key=${name} value=${name} />`)}</datalist>
    <label class="field"><span>Method</span><select name="method"><option value="">All methods</option>
      ${METHODS.map((name) => html`<option key=${name} selected=${name === values.method}>${name}</option>`)}</select></label>
    <label class="field"><span>Status</span><${TextField} name="status" inputmode="numeric" pattern="[0-9]*" size="5" value=${values.status ?? ""} /></label>
    <label class="field"><span>Path</span><${TextField} name="path" value=${values.path ?? ""} /></label>
    <button class="main">Filter</button>
    <button type="reset" onClick=${() => navigate("journal")}>Clear filters</button>
  </form>`;
}

/** The card of the journal: a HAR file that is dropped on it opens a dialog that sends its requests. */
function HarDrop({ children }) {
  const [dragging, setDragging] = useState(false);
  const [file, setFile] = useState(null);
  const drop = async (event) => {
    event.preventDefault();
    setDragging(false);
    const dropped = event.dataTransfer.files[0];
    try {
      setFile({ name: dropped.name, requests: requestsOfHar(await dropped.text()) });
    } catch (error) {
      showError(new Error(`${dropped?.name ?? "The file"} is not a HAR file: ${error.message}`));
    }
  };
  return html`<div class="card ${dragging ? "dragging" : ""}" onDragOver=${(event) => { event.preventDefault(); setDragging(true); }}
    onDragLeave=${() => setDragging(false)} onDrop=${drop}>${children}
    ${file && html`<${HarDialog} ...${file} onClose=${() => setFile(null)} />`}</div>`;
}

function HarDialog({ name, requests, onClose }) {
  const [answers, setAnswers] = useState([]);
  const sendAll = async () => {
    const received = [];
    for (const request of requests) {
      received.push(await resend(request).catch((error) => ({ status: 0, text: error.message })));
      setAnswers([...received]);
    }
  };
  return html`<${Dialog} wide title="Requests of ${name}" onClose=${onClose}>
    <p>${plural(requests.length, "request")}. They are sent to this world, in this order.</p>
    <${Table} label="Requests of the file" rows=${requests.map((request, index) => ({ ...request, index, answer: answers[index] }))} rowKey=${(row) => row.index} columns=${[
      { key: "method", title: "Method", cell: (row) => html`<strong>${row.method}</strong>` },
      { key: "path", title: "Path", long: true, cell: (row) => row.path },
      { key: "was", title: "Recorded", cell: (row) => html`<${Status} of=${row.status} />` },
      { key: "now", title: "Now", cell: (row) => (row.answer ? html`<${Status} of=${row.answer.status} />` : "–") },
    ]} />
    <div class="actions"><${ActionButton} class="main" onAction=${sendAll}>Send all<//></div><//>`;
}
