/** Sections shared by the detail pages of packages and transfer orders: history, webhook events and JSON documents. */
import { control, GUIDE, guide, REFERENCE, reference } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { number, orDash, time } from "../format.js";
import { Activity } from "./activity.js";
import { Card, JsonBlock, OtherNames, RadioGroup, StateBadge, WhenLoaded } from "./common.js";

/** What happened to the record, with the webhooks and the refused requests. `query` selects the record. */
export function RecordActivity({ query }) {
  const activity = useLive(() => control("GET", `activity?${query}&limit=50`), ["records", "deliveries", "requests"], [query]);
  return html`<${Card} title="Activity"><${WhenLoaded} request=${activity} feature="the activity">${({ results }) => html`<${Activity} entries=${results} isOneRecord />`}<//><//>`;
}

/** The state with its name in the other languages of the installation. */
export const TranslatedState = ({ state }) => html`<span class="translated"><${StateBadge} state=${state} /><${OtherNames} record=${state} /></span>`;

/** The transition logs, newest first. */
export function History({ path, version, created }) {
  const logs = useLoad(async () => (await guide("GET", `${path}transition_logs/?limit=100`)).body, [path, version]);
  return html`<${Card} title="History"><${WhenLoaded} request=${logs}>${({ results }) => html`<ol class="timeline" reversed>
    ${results.map((log) => html`<li key=${log.id}><time datetime=${log.created_date}>${time(log.created_date)}</time>
      <strong>${log.new_state?.name ?? "–"}</strong> from ${log.old_state?.name ?? "no state"}
      <span class="hint"> ${log.user ? `by ${log.user.username}` : "outside the API"} · log ${log.id}</span></li>`)}
    <li><time datetime=${created}>${time(created)}</time><strong>Created</strong></li></ol>`}<//><//>`;
}

export function Events({ path, version }) {
  const events = useLoad(async () => (await guide("GET", `${path}webhook_events/?limit=20`)).body, [path, version]);
  return html`<${Card} title="Webhook events"><${WhenLoaded} request=${events}>${({ count, results }) => html`<div>
    ${count === 0 && html`<p class="empty">No webhook events.</p>`}
    ${results.map((event) => html`<details key=${event.id}><summary>${event.webhook?.event_type ?? event.event_type ?? "event"}${" "}
        <span class="hint">${time(event.created_date)} · ${event.webhook?.target_url ?? ""} · ${outcome(event)}</span></summary>
      <${JsonBlock} value=${event} label="webhook event ${event.id}" /></details>`)}
    ${count > results.length && html`<p class="hint">Showing ${results.length} of ${number(count)}.</p>`}</div>`}<//><//>`;
}

const outcome = (event) => (event.delivered
  ? `delivered, ${orDash(event.response_http_status)}`
  : `not delivered${event.response_http_status ? `, ${event.response_http_status}` : ""}`);

/** `documents`: `[key, title, surface ("guide" or "reference"), path, pick?]`; `pick` selects the part of the body to show. */
export function Documents({ documents, version }) {
  const [key, setKey] = useState(documents[0][0]);
  const document = documents.find(([each]) => each === key);
  return html`<${Card} title="JSON">
    <${RadioGroup} name="document" legend="Document" options=${documents} value=${key} onChange=${setKey} />
    <${Document} key=${key} document=${document} version=${version} /><//>`;
}

function Document({ document: [, title, surface, path, pick = (body) => body], version }) {
  const loaded = useLoad(async () => pick((await (surface === "guide" ? guide : reference)("GET", path)).body), [path, version]);
  return html`<div><p><code>GET ${surface === "guide" ? GUIDE : REFERENCE}${path}</code></p>
    <${WhenLoaded} request=${loaded}>${(body) => html`<${JsonBlock} value=${body} label=${title} />`}<//></div>`;
}

export const Money = ({ amount, currency }) => html`<span class="mono">${orDash(amount)} ${(currency ?? "").toUpperCase()}</span>`;

/** The image of a product, if it comes from this server. */
export const Thumbnail = ({ product }) => {
  const url = product?.productimage_set?.[0]?.url;
  return url?.startsWith(location.origin) ? html`<img class="thumb" src=${url} alt="" loading="lazy" />` : null;
};
