/** Faults: arm them, see whether they were met, disarm them. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { Action, Card, Heading, Loaded } from "../parts/pieces.js";
import { attempt, refused } from "../parts/said.js";
import { Table } from "../parts/table.js";
import { dash, number } from "../text.js";

const EVERY = 2_000;

export function Page() {
  const faults = useLive(() => control("GET", "faults"), EVERY, []);
  const disarm = (path, text) => attempt(() => control("DELETE", path), text).then((ok) => ok && faults.reload());
  return html`<div><${Heading} title="Faults"><${Action} class="danger" work=${() => disarm("faults", "All faults are disarmed")}>Disarm all<//><//>
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
  const operations = useLoad(async () => (await control("GET", "fidelity")).operations.map((row) => row.operation), []);
  const submit = (event) => {
    event.preventDefault();
    try {
      const body = wanted(new FormData(event.target));
      return attempt(() => control("POST", "faults", { body }), (made) => `Armed ${made.kind}, ${made.id}`).then((ok) => ok && reload());
    } catch (error) {
      return refused(new Error(`The options are not JSON: ${error.message}`));
    }
  };
  return html`<form onSubmit=${submit}><div class="fields">
    <label class="field"><span>Kind *</span><input name="kind" required list="kinds" /></label>
    <label class="field"><span>Operation</span><select name="operation"><option value="">Every operation</option>
      ${[...new Set(operations.data ?? [])].map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
    <label class="field"><span>Method</span><select name="method"><option value="">Every method</option>
      ${["GET", "POST", "PATCH", "PUT", "DELETE"].map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
    <label class="field"><span>Options (JSON)</span><input name="options" placeholder='{"status": 503}' /></label>
    <label class="field"><span>At the nth call</span><input name="nth" type="number" min="1" /></label>
    <label class="field"><span>For the token</span><input name="token" /></label>
    <label class="field"><span>In the state</span><input name="state" /></label>
    <label class="field"><span>At a rate of</span><input name="rate" type="number" min="0" max="1" step="any" /></label>
    <label class="field"><span>How many times</span><input name="times" type="number" min="1" /></label></div>
    <div class="actions"><button class="main">Arm the fault</button></div></form>`;
}

function wanted(form) {
  const text = (name) => form.get(name).trim() || undefined;
  const numeral = (name) => (text(name) === undefined ? undefined : Number(text(name)));
  const when = { nth: numeral("nth"), token: text("token"), state: text("state"), rate: numeral("rate") };
  return {
    kind: text("kind"), operation: text("operation"), method: text("method"), times: numeral("times"),
    options: JSON.parse(text("options") ?? "{}"),
    ...(Object.values(when).some((value) => value !== undefined) && { when }),
  };
}
