/** The page of one exchange: the reason first, then a replay, code that repeats it, and both messages. */
import { control } from "../api.js";
import { html, useState } from "../lib.js";
import { useLoad } from "../loading.js";
import { ActionButton, Card, CodeBlock, Form, Hint, JsonBlock, PageHeading, Properties, Provenance, RadioGroup, Status, valuesOf, WhenLoaded } from "../components/common.js";
import { Dialog } from "../components/dialog.js";
import { Diff } from "../components/diff.js";
import { resend } from "../components/export.js";
import { addressOf, curl, documentOf, headersOf, httpFile, playwright, pytest, requests } from "../components/snippets.js";
import { reasonsIn } from "../components/reasons.js";
import { showError } from "../components/toasts.js";
import { backTo, href } from "../router.js";
import { orDash, time } from "../format.js";

export function Page({ params: [id] }) {
  const loaded = useLoad(() => control("GET", `requests/${encodeURIComponent(id)}`), [id]);
  return html`<div><p><a href=${backTo("journal")}>← Journal</a></p>
    <${PageHeading} title=${loaded.data ? `${loaded.data.method} ${loaded.data.path}` : `Request ${id}`}>${loaded.data && html`<${Status} of=${loaded.data.status} />`}<//>
    <${WhenLoaded} request=${loaded} feature="the journal">${(exchange) => html`<div>
      <${Reason} exchange=${exchange} />
      <${Replay} exchange=${exchange} />
      <${Card} title="Exchange"><${Properties} items=${[
        ["ID", exchange.id], ["Time", time(exchange.at)], ["Operation", html`<code>${orDash(exchange.operation)}</code>`],
        ["Token", orDash(exchange.token)], ["Query", orDash(exchange.query)], ["Fault", orDash(exchange.fault)],
      ]} /><//>
      <${Repeat} exchange=${exchange} />
      <div class="columns"><${Message} title="Request" message=${exchange.request} /><${Message} title="Response" message=${exchange.response} /></div>
    </div>`}<//></div>`;
}

const TITLES = { 4: "Why it was refused", 5: "Why it failed" };
const MEANINGS = { 0: "No response was sent.", 2: "The request succeeded.", 3: "The client has to call another address.", 4: "The request was refused.", 5: "The server failed." };

/** Why the response is as it is: the sentence of the body, the record, the hint and the provenance of the status. */
function Reason({ exchange }) {
  const rows = useLoad(async () => (await control("GET", "fidelity")).statuses
    .filter((row) => row.status === exchange.status && ["*", exchange.operation].includes(row.operation)), [exchange.id]);
  const row = rows.data?.find((each) => each.operation !== "*") ?? rows.data?.[0];
  const reasons = exchange.status >= 400 ? reasonsIn(exchange.response?.body ?? null) : [];
  return html`<${Card} title=${TITLES[Math.floor(exchange.status / 100)] ?? "Result"} class=${exchange.status >= 400 ? "refused" : ""}>
    <p class="reason">${reasons.length ? reasons.join(" · ") : MEANINGS[Math.floor(exchange.status / 100)]}</p>
    <${Record} exchange=${exchange} />
    ${exchange.fault && html`<p>A fault changed this response: <a href=${href("faults")}>faults</a>.</p>`}
    ${exchange.hint && html`<${Hint} text=${exchange.hint} />`}
    ${row && html`<p class="hint">Status ${exchange.status} of this operation is <${Provenance} of=${row.provenance} />${row.reason ? `: ${row.reason}` : ""}</p>`}
  <//>`;
}

const PAGES = { packages: ["packages", "package"], transfer_orders: ["transfers", "transfer"] };

/** A link to the package or transfer order of the path, and what the request changed. */
function Record({ exchange }) {
  const [, folder, id] = /\/(packages|transfer_orders)\/(\d+)\//.exec(exchange.path) ?? [];
  const [page, key] = PAGES[folder] ?? [];
  const activity = useLoad(async () => (page ? (await control("GET", `activity?${key}=${id}&limit=100`)).results : []), [exchange.id]);
  if (!page) return null;
  const step = activity.data?.find((entry) => entry.request === exchange.id && entry.kind === "moved");
  const known = activity.data?.find((entry) => entry.number);
  return html`<p><a href=${href(`${page}/${id}`)}>${key === "package" ? "Package" : "Transfer order"} ${known?.number ?? id}</a>
    ${step && html`: this request moved it from ${step.from} to <strong>${step.to}</strong>.`}</p>`;
}

const pretty = (text) => {
  const value = documentOf(text ?? "");
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
};

function Replay({ exchange }) {
  const [answer, setAnswer] = useState(null);
  const [editing, setEditing] = useState(false);
  const original = { method: exchange.method, path: addressOf(exchange), headers: exchange.request?.headers, body: bodyText(exchange.request), role: exchange.token };
  const send = async (request) => {
    try {
      setAnswer(await resend(request));
      setEditing(false);
    } catch (error) {
      showError(error);
    }
  };
  return html`<${Card} title="Send again">
    <div class="commands"><${ActionButton} class="main" onAction=${() => send(original)}>Replay<//>
      <button type="button" onClick=${() => setEditing(true)}>Edit and resend …</button></div>
    ${answer && html`<div role="status"><p class="compared">Then <${Status} of=${exchange.status} />, now <${Status} of=${answer.status} />
      ${answer.id && html` <a href=${href(`journal/${answer.id}`)}>request ${answer.id}</a>`}</p>
      <${Diff} before=${pretty(exchange.response?.body)} after=${pretty(answer.text)} label="Difference of the bodies" /></div>`}
    ${editing && html`<${EditDialog} request=${original} kept=${headersOf(exchange)} send=${send} onClose=${() => setEditing(false)} />`}<//>`;
}

const bodyText = (request) => (request?.base64 ? Uint8Array.from(atob(request.base64), (each) => each.charCodeAt(0)) : request?.text);

function EditDialog({ request, kept, send, onClose }) {
  const submit = (form) => send({ ...request, ...valuesOf(form) });
  return html`<${Dialog} wide title="Edit and resend" onClose=${onClose}><${Form} onSubmit=${submit}>
    <div class="fields"><label class="field"><span>Method</span><input name="method" defaultValue=${request.method} required /></label>
      <label class="field wide"><span>Path and query</span><input name="path" defaultValue=${request.path} required /></label></div>
    <label class="field"><span>Body</span><textarea name="body" rows="12" defaultValue=${typeof request.body === "string" ? pretty(request.body) : ""}></textarea></label>
    <p class="hint">The headers stay: ${["Authorization", ...kept.map(([name]) => name)].join(", ")}.</p>
    <div class="actions"><button class="main">Send</button></div><//><//>`;
}

const FORMATS = [["curl", "curl", curl], ["pytest", "pytest", pytest], ["requests", "requests", requests], ["http", ".http", httpFile], ["playwright", "Playwright", playwright]];

function Repeat({ exchange }) {
  const [format, setFormat] = useState("curl");
  const write = FORMATS.find(([key]) => key === format)[2];
  return html`<${Card} title="Code">
    <${RadioGroup} name="format" legend="Format" options=${FORMATS} value=${format} onChange=${setFormat} />
    <${CodeBlock} text=${write(exchange)} label=${format} /><//>`;
}

function Message({ title, message }) {
  const body = documentOf(message?.body ?? null);
  return html`<${Card} title=${title}>
    <h3>Body</h3>${body === null || body === "" ? html`<p class="empty">None.</p>` : html`<${JsonBlock} value=${body} label="${title} body" />`}
    <details><summary>Headers</summary><${Properties} rows items=${Object.entries(message?.headers ?? {})} /></details>
  <//>`;
}
