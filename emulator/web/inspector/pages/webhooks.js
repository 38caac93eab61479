/** Webhooks: who is told, what was told and what came of it, and when the next try is. */
import { control, sender } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { Dialog } from "../parts/dialog.js";
import { Action, Card, Facts, Heading, Json, Loaded, Status } from "../parts/pieces.js";
import { attempt } from "../parts/said.js";
import { Table } from "../parts/table.js";
import { href } from "../route.js";
import { dash, number, plural, time } from "../text.js";

const EVERY = 3_000;
const SHOWN = 50;

export function Page() {
  const deliveries = useLive(() => control("GET", `hooks/deliveries?limit=${SHOWN}`), EVERY, []);
  const flush = () => attempt(() => control("POST", "hooks/flush"),
    ({ attempted, delivered }) => `Sent ${number(attempted)}, of which ${number(delivered)} were delivered`).then((ok) => ok && deliveries.reload());
  return html`<div><${Heading} title="Webhooks"><${Action} work=${flush}>Send what is due<//><//>
    <${Next} at=${deliveries.data} />
    <${Card} title="Deliveries"><${Loaded} from=${deliveries} what="webhook deliveries">${(found) => html`
      <${Deliveries} found=${found} reload=${deliveries.reload} />`}<//><//>
    <${Card} title="Hooks"><${Hooks} /><//></div>`;
}

/** When the clock has the next try, and a way to go there. */
function Next({ at }) {
  const clock = useLoad(() => control("GET", "clock"), [at?.count]);
  const due = clock.data?.next_event;
  const go = () => attempt(() => control("POST", "clock/advance", { body: { to_next_event: true } }), (now) => `It is ${time(now.now)} now`)
    .then((ok) => ok && clock.reload());
  return html`<${Card} title="Next tries"><p>${due
    ? html`The clock has something due at <strong>${time(due)}</strong>; it is ${time(clock.data.now)} now.`
    : "Nothing waits for the clock."}</p>
    <div class="commands"><${Action} work=${go} disabled=${!due}>Move the clock there<//><a class="button" href=${href("clock")}>The clock</a></div><//>`;
}

function Deliveries({ found, reload }) {
  const [open, setOpen] = useState(null);
  const rows = found.results.toReversed();
  const retry = (delivery) => attempt(() => sender("POST", `hook_events/${delivery.event}/retry/`, { body: { force: true } }),
    (answer) => `Sent once more: ${answer.body.detail}`).then(reload);
  return html`<div><p class="hint">The newest of ${plural(found.count, "delivery", "deliveries")} first.</p>
    <${Table} label="Deliveries" rows=${rows} rowKey=${(row) => row.id} empty="Nothing was sent yet." columns=${[
      { key: "at", whole: true, title: "At", cell: (row) => time(row.at) },
      { key: "type", long: true, title: "Event", cell: (row) => html`<button type="button" class="link" onClick=${() => setOpen(row)}>${row.event_type}</button>` },
      { key: "url", long: true, title: "To", cell: (row) => row.url },
      { key: "attempt", number: true, title: "Attempt", cell: (row) => row.attempt },
      { key: "status", title: "Outcome", cell: (row) => html`<${Status} of=${row.status} /> ${row.delivered ? "delivered" : "not delivered"}
        ${row.disturbed && html` <span class="badge">${row.disturbed}</span>`}` },
      { key: "do", title: "Do", cell: (row) => !row.delivered && html`<${Action} class="small" work=${() => retry(row)}
        aria-label="Retry delivery ${row.id}">Retry<//>` },
    ]} />
    ${open && html`<${Dialog} wide title="Delivery ${open.id}" onClose=${() => setOpen(null)}>
      <${Facts} of=${[["Event", open.event_type], ["To", open.url], ["Attempt", open.attempt], ["Status", dash(open.status)]]} />
      <h3>Headers</h3><${Facts} rows of=${Object.entries(open.headers)} />
      <h3>Payload</h3><${Json} value=${open.body} label="payload" />
      <h3>What the receiver said</h3><pre tabindex="0" role="region" aria-label="what the receiver said">${open.response || "Nothing."}</pre><//>`}</div>`;
}

function Hooks() {
  const hooks = useLoad(async () => (await sender("GET", "hooks/?limit=100")).body, []);
  const change = (work, text) => attempt(work, text).then((ok) => ok && hooks.reload());
  const toggle = (hook) => change(() => sender("PATCH", `hooks/${hook.id}/`, { body: { is_active: !hook.is_active } }),
    `Hook ${hook.id} is ${hook.is_active ? "off" : "on"}`);
  return html`<${Loaded} from=${hooks} what="hooks">${({ results }) => html`<div>
    <${Add} change=${change} />
    <${Table} label="Hooks" rows=${results} rowKey=${(hook) => hook.id} empty="Nobody has subscribed." columns=${[
      { key: "id", number: true, title: "Id", cell: (hook) => hook.id },
      { key: "type", title: "Event", cell: (hook) => hook.event_type },
      { key: "url", long: true, title: "To", cell: (hook) => hook.target_url },
      { key: "retry", title: "Retries", cell: (hook) => hook.retry_countdown_config?.choice ?? "–" },
      { key: "on", title: "Active", cell: (hook) => (hook.is_active ? "yes" : "no") },
      { key: "do", title: "Do", cell: (hook) => html`<${Action} class="small" work=${() => toggle(hook)}
        aria-label="Switch hook ${hook.id} ${hook.is_active ? "off" : "on"}">${hook.is_active ? "Switch off" : "Switch on"}<//>` },
    ]} /></div>`}<//>`;
}

const WAITS = { choice: "exponential", kwargs: { base: 2, factor: 1 } };

function Add({ change }) {
  const types = useLoad(async () => (await sender("GET", "hooks/registry/")).body, []);
  const submit = (event) => {
    event.preventDefault();
    const { target_url: url, event_type: type } = Object.fromEntries(new FormData(event.target));
    return change(() => sender("POST", "hooks/", { body: { target_url: url, event_type: type, retry_countdown_config: WAITS } }), `Subscribed ${url} to ${type}`);
  };
  return html`<form class="bar" onSubmit=${submit}>
    <label class="field"><span>Event</span><select name="event_type">${(types.data ?? []).map((type) => html`<option key=${type}>${type}</option>`)}</select></label>
    <label class="field"><span>Target URL</span><input name="target_url" type="url" required maxlength="255" placeholder="http://127.0.0.1:3000/hook" /></label>
    <button class="main">Subscribe</button></form>`;
}
