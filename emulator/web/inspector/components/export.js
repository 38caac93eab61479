/** Files of exchanges: HAR, .http, pytest and Playwright; and the requests of a HAR file. */
import { control, ROOT } from "../api.js";
import { addressOf, headerOf, httpFile, playwright, pytest } from "./snippets.js";

const pairs = (headers) => Object.entries(headers ?? {}).map(([name, value]) => ({ name, value: String(value) }));
const textOf = (body) => (body === null || body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));

function harEntry(exchange) {
  const { request, response } = exchange;
  const url = location.origin + ROOT + addressOf(exchange);
  const mimeType = headerOf(request, "content-type") ?? "";
  const content = textOf(response?.body);
  return {
    startedDateTime: exchange.at, time: 0, cache: {}, timings: { send: 0, wait: 0, receive: 0 },
    request: {
      method: exchange.method, url, httpVersion: "HTTP/1.1", cookies: [], headers: pairs(request?.headers), headersSize: -1, bodySize: -1,
      queryString: [...new URL(url).searchParams].map(([name, value]) => ({ name, value })),
      ...(request?.base64 ? { postData: { mimeType, text: request.base64, comment: "base64" } } : request?.text ? { postData: { mimeType, text: request.text } } : {}),
    },
    response: {
      status: exchange.status, statusText: "", httpVersion: "HTTP/1.1", cookies: [], headers: pairs(response?.headers), redirectURL: headerOf(response, "location") ?? "",
      headersSize: -1, bodySize: content.length, content: { size: content.length, mimeType: headerOf(response, "content-type") ?? "", text: content },
    },
  };
}

const har = (exchanges) => JSON.stringify({ log: { version: "1.2", creator: { name: "oms-emulator", version: "1" }, entries: exchanges.map(harEntry) } }, null, 1);

/** Return the tests of all exchanges in one file; a repeated name gets a number. */
function tests(exchanges) {
  const names = new Map();
  return exchanges.map(pytest).map((text) => text.replace(/^def (\w+)\(/m, (...[, name]) => {
    names.set(name, (names.get(name) ?? 0) + 1);
    return `def ${name}${names.get(name) > 1 ? `_${names.get(name)}` : ""}(`;
  })).join("\n\n");
}

const playwrightFile = (exchanges) => exchanges.map((each, index) => {
  const text = playwright(each).replace(/^test\("(.*)",/m, `test("${index + 1}: $1",`);
  return index ? text.replace(/^import .*\n\n/, "") : text;
}).join("\n");

/** Key, title, file name and writer of each format. Exchanges are written in the order of their requests. */
export const FORMATS = [
  ["har", "HAR", "exchanges.har", har],
  ["http", ".http", "exchanges.http", (exchanges) => exchanges.map(httpFile).join("\n")],
  ["pytest", "pytest", "test_exchanges.py", tests],
  ["playwright", "Playwright", "exchanges.spec.js", playwrightFile],
];

/** Load the exchanges with these ids, and download them as a file. */
export async function download(ids, [, , name, write]) {
  const exchanges = await Promise.all(ids.toSorted().map((id) => control("GET", `requests/${id}`)));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([write(exchanges)], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}

/** Return the requests of a HAR file: method, path below this world, headers, body and the recorded status. */
export function requestsOfHar(text) {
  const entries = JSON.parse(text)?.log?.entries;
  if (!Array.isArray(entries)) throw new Error("a HAR file has log.entries");
  return entries.map(({ request, response }) => {
    const url = new URL(request.url);
    return {
      method: request.method, path: url.pathname.replace(/^\/w\/[^/]+/, "") + url.search, status: response?.status,
      headers: Object.fromEntries(request.headers.map(({ name, value }) => [name, value])), body: request.postData?.text,
    };
  }).filter(({ path }) => !path.startsWith("/__admin"));
}

const FORBIDDEN = /^(:.*|host|content-length|connection|accept-encoding|user-agent|referer|origin|cookie|transfer-encoding|sec-.*|upgrade-insecure-requests|expect)$/i;
const NO_BODY = ["GET", "HEAD"];

/** Send a request. Name the cause if there is no response. */
const fetchOrFail = (url, options) => fetch(url, options).catch((error) => {
  throw new Error(error instanceof TypeError ? "The server does not respond, or the request is not valid." : error.message);
});

/** Send a request again. A masked JWT is replaced by a new one for the role. Return `{status, text}`. */
export async function resend({ method, path, headers, body, role }) {
  const sent = Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !FORBIDDEN.test(name)));
  const authorization = Object.keys(sent).find((name) => name.toLowerCase() === "authorization");
  if (authorization && role && /^Bearer \*+$/.test(sent[authorization])) {
    const { token } = await control("POST", "tokens", { body: { role, kind: "jwt" } });
    sent[authorization] = `Bearer ${token}`;
  }
  const response = await fetchOrFail(ROOT + path, { method, headers: sent, redirect: "manual", cache: "no-store", ...(body && !NO_BODY.includes(method) ? { body } : {}) });
  return { status: response.type === "opaqueredirect" ? 301 : response.status, text: await response.text(), id: response.headers.get("X-Emulator-Request-Id") };
}
