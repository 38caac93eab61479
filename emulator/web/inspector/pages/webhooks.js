/** The webhooks page: subscriptions, deliveries and retries. */
import { control, webhookService } from "../api.js";
import { html, useState } from "../lib.js";
import { useClock, useLive, useLoad } from "../loading.js";
import { Dialog } from "../components/dialog.js";
import { ActionButton, Card, Form, JsonBlock, LoadError, Loading, PageHeading, Properties, Status, valuesOf, WhenLoaded } from "../components/common.js";
import { advance } from "../components/clock_controls.js";
import { runAction } from "../components/toasts.js";
import { Table } from "../components/table.js";
import { href } from "../router.js";
import { number, orDash, plural, time } from "../format.js";

const LIMIT = 50;

export function Page({ query }) {
  const [limit, setLimit] = useState(LIMIT);
  const deliveries = useLive(() => control("GET", `hooks/deliveries?limit=${limit}`), ["deliveries"], [limit]);
  const flush = () => runAction(() => control("POST", "hooks/flush"),
    ({ attempted, delivered }) => `Sent ${number(attempted)}, delivered ${number(delivered)}`).then((ok) => ok && deliveries.reload());
  return html`<div><${PageHeading} title="Webhooks"><${ActionButton} onAction=${flush}>Send due events<//><//>
    <${NextEvent} />
    <${Card} title="Deliveries"><${WhenLoaded} request=${deliveries} feature="webhook deliveries">${(page) => html`
      <${Deliveries} page=${page} reload=${deliveries.reload} event=${query.event} more=${() => setLimit(limit + LIMIT)} />`}<//><//>
    <${Card} title="Subscriptions"><${Subscriptions} /><//></div>`;
}

/** The next scheduled event, with a button that advances the clock to it. */
function NextEvent() {
  const first = useLoad(() => control("GET", "clock"), []);
  const clock = useClock() ?? first.data;
  const due = clock?.next_event;
  if (!clock) return html`<${Card} title="Next event">${first.error ? html`<${LoadError} request=${first} />` : html`<${Loading} />`}<//>`;
  return html`<${Card} title="Next event"><p>${due
    ? html`Due at <strong>${time(due)}</strong>. The clock is at ${time(clock.now)}.`
    : "No events are scheduled."}</p>
    <div class="commands"><${ActionButton} onAction=${() => advance({ to_next_event: true })} disabled=${!due || clock.mode === "real"}>Advance to next event<//><a class="button" href=${href("clock")}>Clock</a></div><//>`;
}

function Deliveries({ page, reload, event, more }) {
  const [open, setOpen] = useState(null);
  const rows = page.results.filter((row) => !event || String(row.event) === event).toReversed();
  const retry = (delivery) => runAction(() => webhookService("POST", `hook_events/${delivery.event}/retry/`, { body: { force: true } }),
    (response) => `Retried: ${response.body.detail}`).then(reload);
  return html`<div>${(page.count > 0 || event) && html`<p class="hint">${page.count > page.results.length ? `The newest ${number(page.results.length)} of ` : ""}${plural(page.count, "delivery", "deliveries")}, newest first.
      ${event && html` Only event ${event}. <a href=${href("webhooks")}>Clear filter</a>`}</p>`}
    <${Table} label="Deliveries" rows=${rows} rowKey=${(row) => row.id} empty=${event ? "No delivery of this event is in the log." : "No deliveries."} columns=${[
      { key: "at", whole: true, title: "Time", cell: (row) => time(row.at) },
      { key: "type", whole: true, title: "Event", cell: (row) => html`<button type="button" class="link" onClick=${() => setOpen(row)}>${row.event_type}</button>` },
      { key: "url", long: true, minor: true, title: "To", cell: (row) => row.url },
      { key: "attempt", minor: true, number: true, title: "Attempt", cell: (row) => row.attempt },
      { key: "status", title: "Outcome", cell: (row) => html`<${Status} of=${row.status} /> ${row.delivered ? "delivered" : "not delivered"}
        ${row.disturbed && html` <span class="badge">${row.disturbed}</span>`}` },
      { key: "actions", title: "Actions", cell: (row) => !row.delivered && html`<${ActionButton} class="small" onAction=${() => retry(row)}
        aria-label="Retry delivery ${row.id}">Retry<//>` },
    ]} />
    ${page.count > page.results.length && html`<p class="more"><button type="button" onClick=${more}>Show more</button></p>`}
    ${open && html`<${Dialog} wide title="Delivery ${open.id}" onClose=${() => setOpen(null)}>
      <${Properties} items=${[["Event", open.event_type], ["To", open.url], ["Attempt", open.attempt], ["Status", orDash(open.status)]]} />
      <h3>Headers</h3><${Properties} rows items=${Object.entries(open.headers)} />
      <h3>Payload</h3><${Payload} delivery=${open} />
      <h3>Response of the receiver</h3><pre tabindex="0" role="region" aria-label="response of the receiver">${open.response || "Empty."}</pre><//>`}</div>`;
}

/** The payload of a delivery. One that was not sent over HTTP has the payload of its event. */
function Payload({ delivery }) {
  const isSent = delivery.body !== null && delivery.body !== "";
  const event = useLoad(async () => (isSent ? delivery.body : (await webhookService("GET", `hook_events/${delivery.event}/`)).body.request_payload), [delivery.id]);
  return html`<${WhenLoaded} request=${event}>${(body) => html`<${JsonBlock} value=${body} label="payload" />`}<//>`;
}

function Subscriptions() {
  const hooks = useLive(async () => (await webhookService("GET", "hooks/?limit=100")).body, ["records"], []);
  const change = (action, text) => runAction(action, text).then((ok) => ok && hooks.reload());
  const toggle = (hook) => change(() => webhookService("PATCH", `hooks/${hook.id}/`, { body: { is_active: !hook.is_active } }),
    `Subscription ${hook.id} ${hook.is_active ? "disabled" : "enabled"}`);
  return html`<${WhenLoaded} request=${hooks} feature="webhook subscriptions">${({ count, results }) => html`<div>
    <${SubscribeForm} change=${change} />
    <${Table} label="Subscriptions" rows=${results} rowKey=${(hook) => hook.id} empty="No subscriptions." columns=${[
      { key: "id", minor: true, number: true, title: "ID", cell: (hook) => hook.id },
      { key: "type", title: "Event", cell: (hook) => hook.event_type },
      { key: "url", long: true, title: "To", cell: (hook) => hook.target_url },
      { key: "retry", minor: true, title: "Retries", cell: (hook) => hook.retry_countdown_config?.choice ?? "–" },
      { key: "on", title: "Active", cell: (hook) => (hook.is_active ? "yes" : "no") },
      { key: "actions", title: "Actions", cell: (hook) => html`<${ActionButton} class="small" onAction=${() => toggle(hook)}
        aria-label="${hook.is_active ? "Disable" : "Enable"} subscription ${hook.id}">${hook.is_active ? "Disable" : "Enable"}<//>` },
    ]} />${count > results.length && html`<p class="hint">Showing ${number(results.length)} of ${number(count)}.</p>`}</div>`}<//>`;
}

const RETRY_CONFIG = { choice: "exponential", kwargs: { base: 2, factor: 1 } };

function SubscribeForm({ change }) {
  const types = useLoad(async () => (await webhookService("GET", "hooks/registry/")).body, []);
  const submit = (form) => {
    const { target_url: url, event_type: type } = valuesOf(form);
    return change(() => webhookService("POST", "hooks/", { body: { target_url: url, event_type: type, retry_countdown_config: RETRY_CONFIG } }), `Subscribed ${url} to ${type}`);
  };
  return html`<${LoadError} request=${types} /><${Form} class="bar" onSubmit=${submit}>
    <label class="field"><span>Event</span><select name="event_type">${(types.data ?? []).map((type) => html`<option key=${type}>${type}</option>`)}</select></label>
    <label class="field wide"><span>Target URL</span><input name="target_url" type="url" required maxlength="255" placeholder="http://127.0.0.1:3000/hook" /></label>
    <button class="main" disabled=${!types.data}>Subscribe</button><//>`;
}
