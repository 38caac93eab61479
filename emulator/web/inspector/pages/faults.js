/** The faults page: presets, armed faults and a form for any fault. */
import { control } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { ActionButton, Card, Form, PageHeading, WhenLoaded } from "../components/common.js";
import { ConfirmButton } from "../components/dialog.js";
import { runAction } from "../components/toasts.js";
import { Table } from "../components/table.js";
import { number, orDash } from "../format.js";

const option = (name, title, type = "number", more = {}) => ({ name, title, type, ...more });

export const KINDS = {
  status: { description: "Return an error in the format of the framework. The request is not processed.", options: [
    option("status", "Status", "number", { required: true, value: 503 }), option("detail", "Detail", "text"), option("retry_after", "Retry-After (seconds)"), option("body", "Body: json or html", "text")] },
  delay: { description: "Delay the response.", options: [option("seconds", "Seconds", "number", { required: true, value: 2 })] },
  reset: { description: "Reset the connection. The request is not processed.", options: [] },
  lost_request: { description: "Lose the request: it is not processed, and no response is sent.", options: [option("seconds", "Seconds")] },
  lost_response: { description: "Lose the response: the request is processed, but no response is sent.", options: [option("seconds", "Seconds")] },
  truncated: { description: "Cut off the response body.", options: [option("size", "Bytes to send")] },
  malformed: { description: "Return a body that is not JSON.", options: [] },
  drip: { description: "Send the response slowly, in pieces.", options: [option("seconds", "Seconds"), option("pieces", "Pieces")] },
  overtaken: { description: "Another actor moves the record before the request is processed.", options: [option("transition", "Transition (id)")] },
};

/** Title, description, path below the control API and body of each preset. */
export const PRESETS = [
  ["API down", "All requests get 503", "faults", { kind: "status", options: { status: 503, retry_after: 30 } }],
  ["Slow, 5 s", "All responses arrive 5 seconds late", "faults", { kind: "delay", options: { seconds: 5 } }],
  ["1 in 10 fails", "A tenth of the requests gets 500", "faults", { kind: "status", options: { status: 500 }, when: { rate: 0.1 } }],
  ["Webhooks lost", "The next 1,000 deliveries are dropped", "hooks/disturbances", { kind: "drop", times: 1_000 }],
];

export const armPreset = ([title, , path, body]) => runAction(() => control("POST", path, { body }), `Armed: ${title}`);

/** The paths that remove all faults: those of requests, and those of webhook deliveries. */
export const FAULT_PATHS = ["faults", "hooks/disturbances"];

async function loadFaults() {
  const [requests, deliveries] = await Promise.all(FAULT_PATHS.map((path) => control("GET", path)));
  return { requests: requests.results, deliveries: deliveries.results };
}

export function Page() {
  const faults = useLive(loadFaults, ["faults"], []);
  const disarm = (paths, text, again) => runAction(() => Promise.all(paths.map((path) => control("DELETE", path))), text, again).then((ok) => ok && faults.reload());
  const isArmed = faults.data?.requests.length > 0 || faults.data?.deliveries.length > 0;
  return html`<div><${PageHeading} title="Faults">${isArmed && html`<${ConfirmButton} class="danger" confirm="Disarm all faults"
      question="All armed faults and their counts are removed." onAction=${() => disarm(FAULT_PATHS, "All faults disarmed")}>Disarm all<//>`}<//>
    <${Card} title="Presets"><div class="commands presets">${PRESETS.map((preset) => html`<${ActionButton} key=${preset[0]} class="preset"
      onAction=${() => armPreset(preset).then((ok) => ok && faults.reload())}><strong>${preset[0]}</strong> <small>${preset[1]}</small><//>`)}</div><//>
    <${WhenLoaded} request=${faults} feature="faults">${({ requests, deliveries }) => html`<div>
      <${Card} title="Armed">${(requests.length > 0 || !deliveries.length) && html`<${ArmedFaults} rows=${requests} disarm=${disarm} />`}
        <${DeliveryFaults} faults=${deliveries} disarm=${disarm} /><//>
      <${Card} title="Arm a fault"><${ArmForm} reload=${faults.reload} /><//></div>`}<//></div>`;
}

/** Return an action that arms a fault again, for the undo button. */
const armAgain = (row) => () => runAction(() => control("POST", "faults", { body: {
  kind: row.kind, options: row.options, ...Object.fromEntries(["operation", "method", "when", "times"].filter((key) => row[key] !== null && row[key] !== undefined
    && Object.keys(Object(row[key])).length + (typeof row[key] !== "object") > 0).map((key) => [key, row[key]])) } }), `Armed ${row.kind} again`);

const ArmedFaults = ({ rows, disarm }) => html`<${Table} label="Armed faults" rows=${rows} rowKey=${(row) => row.id}
  empty="No faults are armed." columns=${[
    { key: "id", title: "ID", cell: (row) => row.id },
    { key: "kind", title: "Kind", cell: (row) => html`<strong>${row.kind}</strong> ${listValues(row.options)}` },
    { key: "requests", title: "Requests", cell: (row) => [row.method, row.operation ?? "all operations"].filter(Boolean).join(" ") },
    { key: "when", title: "Condition", cell: (row) => listValues(row.when) || "always" },
    { key: "times", title: "Limit", minor: true, number: true, cell: (row) => orDash(row.times) },
    { key: "hits", title: "Triggered", number: true, cell: (row) => number(row.hits) },
    { key: "actions", title: "Actions", cell: (row) => html`<${ActionButton} class="small" aria-label="Disarm ${row.id}"
      onAction=${() => disarm([`faults/${row.id}`], `Disarmed ${row.kind}`, armAgain(row))}>Disarm<//>` },
  ]} />`;

const DeliveryFaults = ({ faults, disarm }) => faults.length > 0 && html`<h3>Webhook deliveries</h3>
  <p>${faults.map((fault) => `${fault.kind}, next ${number(fault.times)} of ${fault.event_type ?? "all events"}`).join("; ")}
    <${ActionButton} class="small" onAction=${() => disarm(["hooks/disturbances"], "Delivery faults disarmed")}>Disarm<//></p>`;

const listValues = (values) => Object.entries(values ?? {}).filter(([, value]) => value !== null)
  .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

function ArmForm({ reload }) {
  const [kind, setKind] = useState("status");
  const operations = useLoad(async () => (await control("GET", "fidelity")).operations.map((row) => row.operation), []);
  const submit = (form) => {
    const body = readForm(new FormData(form), KINDS[kind].options);
    return runAction(() => control("POST", "faults", { body }), (armed) => `Armed ${armed.kind} (id ${armed.id})`).then((ok) => ok && reload());
  };
  return html`<${Form} onSubmit=${submit}><div class="fields">
    <label class="field"><span>Kind</span><select name="kind" value=${kind} onChange=${(event) => setKind(event.target.value)}>
      ${Object.keys(KINDS).map((name) => html`<option key=${name} selected=${name === kind}>${name}</option>`)}</select>
      <small>${KINDS[kind].description}</small></label>
    ${KINDS[kind].options.map(({ name, title, type, required, value }) => html`<label class="field" key="${kind} ${name}"><span>${title}${required ? " *" : ""}</span>
      <input name="option ${name}" type=${type} step="any" required=${required} defaultValue=${value} /></label>`)}</div>
    <fieldset><legend>Requests</legend><div class="fields">
      <label class="field"><span>Operation</span><select name="operation"><option value="">All operations</option>
        ${[...new Set(operations.data ?? [])].map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
      <label class="field"><span>Method</span><select name="method"><option value="">All methods</option>
        ${["GET", "POST", "PATCH", "PUT", "DELETE"].map((name) => html`<option key=${name}>${name}</option>`)}</select></label>
      <label class="field"><span>Role of the token</span><input name="token" placeholder="read-only" /></label>
      <label class="field"><span>Record state</span><input name="state" placeholder="Packed all items" /></label></div></fieldset>
    <fieldset><legend>Condition</legend><div class="fields">
      <label class="field"><span>Starting with the nth request</span><input name="nth" type="number" min="1" /></label>
      <label class="field"><span>After this number of requests</span><input name="after" type="number" min="0" /></label>
      <label class="field"><span>Rate (0.1 = one in ten)</span><input name="rate" type="number" min="0" max="1" step="any" /></label>
      <label class="field"><span>Maximum number of times</span><input name="times" type="number" min="1" /></label></div></fieldset>
    <div class="actions"><button class="main">Arm fault</button></div><//>`;
}

/** Return the body for the control API from the form. */
function readForm(form, options) {
  const text = (name) => String(form.get(name) ?? "").trim() || undefined;
  const numberOf = (name) => (text(name) === undefined ? undefined : Number(text(name)));
  const when = { nth: numberOf("nth"), after: numberOf("after"), rate: numberOf("rate"), token: text("token"), state: text("state") };
  return {
    kind: text("kind"), operation: text("operation"), method: text("method"), times: numberOf("times"),
    options: Object.fromEntries(options.map(({ name, type }) => [name, (type === "number" ? numberOf : text)(`option ${name}`)])),
    ...(Object.values(when).some((value) => value !== undefined) && { when }),
  };
}
