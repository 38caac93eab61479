/** Faults: arm them, see whether they were met, disarm them. */
import { control } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { Action, Card, Heading, Loaded } from "../parts/pieces.js";
import { attempt } from "../parts/said.js";
import { Table } from "../parts/table.js";
import { dash, number } from "../text.js";

const EVERY = 2_000;
const option = (name, title, type = "number", more = {}) => ({ name, title, type, ...more });

export const KINDS = {
  status: { means: "An error in the framework’s own form; nothing is done.", options: [
    option("status", "Status", "number", { required: true, value: 503 }), option("detail", "Detail", "text"), option("retry_after", "Retry-After, seconds")] },
  delay: { means: "The answer comes late.", options: [option("seconds", "Seconds", "number", { required: true, value: 2 })] },
  reset: { means: "The connection is reset; nothing is done.", options: [] },
  lost_request: { means: "The request never arrives; no answer comes.", options: [option("seconds", "Seconds")] },
  lost_response: { means: "What is asked is done; no answer comes.", options: [option("seconds", "Seconds")] },
  truncated: { means: "The answer ends too early.", options: [option("size", "Bytes that are sent")] },
  malformed: { means: "The answer is no JSON.", options: [] },
  drip: { means: "The answer comes drop by drop.", options: [option("seconds", "Seconds"), option("pieces", "Pieces")] },
};

export function Page() {
  const faults = useLive(() => control("GET", "faults"), EVERY, []);
  const disarm = (path, text) => attempt(() => control("DELETE", path), text).then((ok) => ok && faults.reload());
  return html`<div><${Heading} title="Faults">${faults.data?.count > 0 && html`<${Action} class="danger"
      work=${() => disarm("faults", "All faults are disarmed")}>Disarm all<//>`}<//>
    <${Loaded} from=${faults} what="faults">${(found) => html`<div>
      <${Card} title="Armed"><${Armed} rows=${found.results} disarm=${disarm} /><//>
      <${Card} title="Arm another"><${Arm} reload=${faults.reload} /><//></div>`}<//></div>`;
}

const Armed = ({ rows, disarm }) => html`<${Table} label="Armed faults" rows=${rows} rowKey=${(row) => row.id}
  empty="No fault is armed: every call is answered as it should be." columns=${[
    { key: "id", title: "Id", cell: (row) => row.id },
    { key: "kind", title: "Kind", cell: (row) => html`<strong>${row.kind}</strong> ${said(row.options)}` },
    { key: "what", title: "Meets", cell: (row) => [row.method, row.operation ?? "every operation"].filter(Boolean).join(" ") },
    { key: "when", title: "When", cell: (row) => said(row.when) || "always" },
    { key: "times", title: "Times", number: true, cell: (row) => dash(row.times) },
    { key: "hits", title: "Hits", number: true, cell: (row) => number(row.hits) },
    { key: "do", title: "Do", cell: (row) => html`<${Action} class="small" aria-label="Disarm ${row.id}"
      work=${() => disarm(`faults/${row.id}`, `Disarmed ${row.kind}`)}>Disarm<//>` },
  ]} />`;

const said = (values) => Object.entries(values ?? {}).filter(([, value]) => value !== null)
  .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

function Arm({ reload }) {
  const [kind, setKind] = useState("status");
  const operations = useLoad(async () => (await control("GET", "fidelity")).operations.map((row) => row.operation), []);
  const submit = (event) => {
    event.preventDefault();
    const body = wanted(new FormData(event.target), KINDS[kind].options);
    return attempt(() => control("POST", "faults", { body }), (made) => `Armed ${made.kind}, number ${made.id}`).then((ok) => ok && reload());
  };
  return html`<form onSubmit=${submit}><div class="fields">
    <label class="field"><span>Kind</span><select name="kind" value=${kind} onChange=${(event) => setKind(event.target.value)}>
      ${Object.keys(KINDS).map((name) => html`<option key=${name} selected=${name === kind}>${name}</option>`)}</select>
      <small>${KINDS[kind].means}</small></label>
    ${KINDS[kind].options.map(({ name, title, type, required, value }) => html`<label class="field" key="${kind} ${name}"><span>${title}${required ? " *" : ""}</span>
      <input name="option ${name}" type=${type} step="any" required=${required} defaultValue=${value} /></label>`)}</div>
    <fieldset><legend>Which calls</legend><div class="fields">
      <label class="field"><span>Operation</span><select name="operation"><option value="">Every operation</option>
        ${[...new Set(operations.data ?? [])].map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
      <label class="field"><span>Method</span><select name="method"><option value="">Every method</option>
        ${["GET", "POST", "PATCH", "PUT", "DELETE"].map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
      <label class="field"><span>Token’s role</span><input name="token" placeholder="read-only" /></label>
      <label class="field"><span>State of the record</span><input name="state" placeholder="Packed all items" /></label></div></fieldset>
    <fieldset><legend>When</legend><div class="fields">
      <label class="field"><span>From the nth call</span><input name="nth" type="number" min="1" /></label>
      <label class="field"><span>After so many calls</span><input name="after" type="number" min="0" /></label>
      <label class="field"><span>At a rate, 0.1 for one in ten</span><input name="rate" type="number" min="0" max="1" step="any" /></label>
      <label class="field"><span>How many times at most</span><input name="times" type="number" min="1" /></label></div></fieldset>
    <div class="actions"><button class="main">Arm the fault</button></div></form>`;
}

/** What was filled in, as the control API takes it. */
function wanted(form, options) {
  const text = (name) => String(form.get(name) ?? "").trim() || undefined;
  const numeral = (name) => (text(name) === undefined ? undefined : Number(text(name)));
  const when = { nth: numeral("nth"), after: numeral("after"), rate: numeral("rate"), token: text("token"), state: text("state") };
  return {
    kind: text("kind"), operation: text("operation"), method: text("method"), times: numeral("times"),
    options: Object.fromEntries(options.map(({ name, type }) => [name, (type === "number" ? numeral : text)(`option ${name}`)])),
    ...(Object.values(when).some((value) => value !== undefined) && { when }),
  };
}
