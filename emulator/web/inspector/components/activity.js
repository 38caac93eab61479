/** The activity feed: what happened in the world, newest first, each entry with its consequences. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLoad, useStream } from "../loading.js";
import { href } from "../router.js";
import { clockTime, day } from "../format.js";
import { LoadError, Loading, Status, stateCategory } from "./common.js";

const tail = (number) => (number.length > 9 ? `…${number.slice(-7)}` : number);

/** `isOneRecord`: all entries are about the record of the page, so its number is left out. */
export function Activity({ entries, isOneRecord = false, label = "Activity" }) {
  if (!entries.length) return html`<p class="empty">Nothing has happened yet. Send a command, or start live traffic on the <a href=${href("clock")}>clock page</a>.</p>`;
  return html`<ol class="feed" aria-label=${label}>${entries.map((entry, index) => html`<li key=${entry.id} class=${kindClass(entry)}>
    <time datetime=${entry.at} title="${day(entry.at)} ${clockTime(entry.at)}">${clockTime(entry.at)}
      ${day(entry.at) !== day(entries[index - 1]?.at ?? entry.at) && html`<small>${day(entry.at)}</small>`}</time>
    <span class="what"><${Sentence} entry=${entry} isOneRecord=${isOneRecord} />
      ${entry.webhooks.map((each) => html` <span class="then" key=${each.event}><span aria-hidden="true">→</span> <a href=${href("webhooks", { event: each.event })} title=${each.type}>webhook</a> ${outcome(each)}</span>`)}
      ${entry.is_order_done && html` <span class="then"><span aria-hidden="true">→</span> <strong>order delivered</strong></span>`}</span></li>`)}</ol>`;
}

/** The latest activity of the world: that of the stream, and before its first message that of a request. */
export function LatestActivity({ length }) {
  const streamed = useStream(({ summary, activity }) => (summary === null ? null : activity));
  const first = useLoad(() => control("GET", `activity?limit=${length}`), [length]);
  const entries = streamed ?? first.data?.results;
  if (entries) return html`<${Activity} entries=${entries.slice(0, length)} />`;
  return first.error ? html`<${LoadError} request=${first} feature="the activity" />` : html`<${Loading} />`;
}

const kindClass = ({ kind, value }) => (kind === "refused" ? "bad" : stateCategory(value));

const outcome = ({ status, delivered }) => (status === null || status === undefined ? "pending"
  : html`<span class=${delivered ? "ok" : "failed"}>${status}</span>`);

function Sentence({ entry, isOneRecord }) {
  const subject = entry.number && !isOneRecord
    ? html`<a href=${href(`${entry.page}/${entry.record}`)} title=${entry.number}>${tail(entry.number)}</a> ` : null;
  if (entry.kind === "created") return html`${subject}created <strong>${entry.to}</strong>`;
  if (entry.kind === "moved") {
    return html`${subject}<strong>${entry.to}</strong> <small>from ${entry.from}${entry.by ? ` by ${entry.by}` : ""}</small>
      ${entry.request && html` <a class="request" href=${href(`journal/${entry.request}`)}>request</a>`}`;
  }
  return html`<${Status} of=${entry.status} /> <a href=${href(`journal/${entry.request}`)}>${entry.method} ${entry.path}</a>
    ${entry.reason && html` <small>${entry.reason}</small>`}${entry.fault && html` <span class="badge">fault: ${entry.fault}</span>`}`;
}
