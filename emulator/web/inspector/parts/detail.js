/** What the details of packages and of transfer orders have in common: history, events, and every shape as JSON. */
import { GUIDE, REFERENCE, guide, reference } from "../api.js";
import { html, useState } from "../lib.js";
import { useLoad } from "../live.js";
import { dash, number, time } from "../text.js";
import { Card, Choice, Json, Loaded } from "./pieces.js";

/** The transition logs, oldest last, as the API gives them. */
export function History({ path, at, created }) {
  const logs = useLoad(async () => (await guide("GET", `${path}transition_logs/?limit=100`)).body, [path, at]);
  return html`<${Card} title="History"><${Loaded} from=${logs}>${({ results }) => html`<ol class="timeline" reversed>
    ${results.map((log) => html`<li key=${log.id}><time datetime=${log.created_date}>${time(log.created_date)}</time>
      <strong>${log.new_state?.name ?? "–"}</strong> from ${log.old_state?.name ?? "nothing"}
      <span class="hint"> ${log.user ? `by ${log.user.username}` : "from outside the API"} · log ${log.id}</span></li>`)}
    <li><time datetime=${created}>${time(created)}</time><strong>Created</strong></li></ol>`}<//><//>`;
}

export function Events({ path, at }) {
  const events = useLoad(async () => (await guide("GET", `${path}webhook_events/?limit=20`)).body, [path, at]);
  return html`<${Card} title="Webhook events"><${Loaded} from=${events}>${({ count, results }) => html`<div>
    ${count === 0 && html`<p class="empty">No event yet: none was told, or nobody has subscribed.</p>`}
    ${results.map((event) => html`<details key=${event.id}><summary>${event.webhook?.event_type ?? event.event_type ?? "event"}${" "}
        <span class="hint">${time(event.created_date)} · ${event.webhook?.target_url ?? ""} · ${outcome(event)}</span></summary>
      <${Json} value=${event} label="webhook event ${event.id}" /></details>`)}
    ${count > results.length && html`<p class="hint">The first ${results.length} of ${number(count)}.</p>`}</div>`}<//><//>`;
}

const outcome = (event) => (event.delivered
  ? `delivered, ${dash(event.response_http_status)}`
  : `not delivered${event.response_http_status ? `, ${event.response_http_status}` : ""}`);

/** `shapes`: `[key, title, surface ("guide" or "reference"), path, pick?]`. */
export function Shapes({ shapes, at }) {
  const [key, choose] = useState(shapes[0][0]);
  const shape = shapes.find(([each]) => each === key);
  return html`<${Card} title="JSON">
    <${Choice} name="shape" legend="Shape" options=${shapes} value=${key} onChange=${choose} />
    <${Shape} key=${key} shape=${shape} at=${at} /><//>`;
}

function Shape({ shape: [, title, surface, path, pick = (body) => body], at }) {
  const shape = useLoad(async () => pick((await (surface === "guide" ? guide : reference)("GET", path)).body), [path, at]);
  return html`<div><p><code>GET ${surface === "guide" ? GUIDE : REFERENCE}${path}</code></p>
    <${Loaded} from=${shape}>${(body) => html`<${Json} value=${body} label=${title} />`}<//></div>`;
}

export const Money = ({ amount, currency }) => html`<span class="mono">${dash(amount)} ${(currency ?? "").toUpperCase()}</span>`;

/** A picture of the product, where it comes from this server. */
export const Thumb = ({ product }) => {
  const url = product?.productimage_set?.[0]?.url;
  return url?.startsWith(location.origin) ? html`<img class="thumb" src=${url} alt="" loading="lazy" />` : null;
};
