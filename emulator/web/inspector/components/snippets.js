/** Converts an exchange of the journal into code that repeats it: curl, requests, pytest, Playwright and .http. */
import { ROOT } from "../api.js";

/** Headers that the sending program sets, or that belong to the connection. */
const OWN_HEADERS = new Set(["host", "content-length", "connection", "keep-alive", "transfer-encoding", "accept-encoding", "user-agent",
  "referer", "origin", "cookie", "upgrade-insecure-requests", "x-emulator-world", "priority", "authorization", "cache-control", "pragma", "expect"]);
const isOwn = (name) => OWN_HEADERS.has(name) || name.startsWith("sec-");
const shellQuote = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Return a value as a Python literal. */
export function python(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${python(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/** Return a body of the journal as a document: the journal holds text or parsed JSON. */
export function documentOf(body) {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** Return the path with its query, as it is sent: the journal holds the decoded path and the raw query. */
export function addressOf({ path, query }) {
  const sent = path.split("/").map(encodeURIComponent).join("/").replace(/%25([89A-Fa-f][0-9A-Fa-f])/g, "%$1").replaceAll("%3A", ":");
  const raw = String(query ?? "").replace(/^\?/, "").replace(/[^\x21-\x7e]/g, (each) => `%${each.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
  return raw ? `${sent}?${raw}` : sent;
}

/** Return the authorization of an exchange: `{role}` for a JWT, `{value}` for any other header, `{}` for none. */
function authorizationOf({ request, token }) {
  const value = headerOf(request, "authorization");
  if (value === undefined) return {};
  return /^Bearer \*+$/.test(value) && token ? { role: token } : { value };
}

export const headerOf = (message, name) => Object.entries(message?.headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];

/** Return the headers to repeat, without those that the sending program sets. */
export const headersOf = ({ request }) => Object.entries(request?.headers ?? {})
  .filter(([name, value]) => !isOwn(name.toLowerCase()) && !(name.toLowerCase() === "accept" && value === "*/*"));

/** Return the body: `{json}` if Python's JSON encoder sends an equal document, else `{text}` or `{base64}`; `{}` for none. */
export function bodyOf({ request }) {
  if (request?.base64) return { base64: request.base64 };
  const text = request?.text ?? "";
  if (!text) return {};
  if (headerOf(request, "content-type") !== "application/json") return { text };
  const json = documentOf(text);
  const compact = text.replace(/("(?:\\.|[^"\\])*")|\s+/g, "$1");
  return typeof json === "object" && json !== null && JSON.stringify(json) === compact ? { json, text } : { text };
}

export function curl(exchange) {
  const { role, value } = authorizationOf(exchange);
  const { base64, text } = bodyOf(exchange);
  const address = location.origin + ROOT + addressOf(exchange);
  const method = exchange.method === "HEAD" ? "--head" : `-X ${exchange.method}`;
  const headers = headersOf(exchange).map(([name, each]) => shellQuote(each === "" ? `${name};` : `${name}: ${each}`));
  if (role) headers.unshift(`"Authorization: Bearer $(oms-emulator token ${role})"`);
  else if (value !== undefined) headers.unshift(shellQuote(`Authorization: ${value}`));
  const hasBody = base64 !== undefined || text !== undefined;
  if (hasBody && headerOf(exchange.request, "content-type") === undefined) headers.push("'Content-Type:'");
  const flags = [/[[\]{}]/.test(address) && "-g", /\/\.\.?(\/|$)/.test(exchange.path) && "--path-as-is"].filter(Boolean);
  const data = base64 ? ["--data-binary @-"] : hasBody ? [`--data-raw ${shellQuote(text)}`] : [];
  const lines = [["curl -si", method, ...flags].join(" "), ...headers.map((each) => `-H ${each}`), ...data, shellQuote(address)];
  return (base64 ? `printf %s ${base64} | base64 -d | ` : "") + lines.join(" \\\n  ");
}

/** Return the arguments of a call with `requests`, one for each line. */
function callArguments(exchange, address, bearer) {
  const { role, value } = authorizationOf(exchange);
  const { json, text, base64 } = bodyOf(exchange);
  const sent = headersOf(exchange).filter(([name]) => !(json !== undefined && name.toLowerCase() === "content-type"));
  const headers = sent.map(([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)}`);
  if (role) headers.unshift(`"Authorization": ${bearer(role)}`);
  else if (value !== "Token full-access") headers.unshift(`"Authorization": ${value === undefined ? "None" : JSON.stringify(value)}`);
  return [
    JSON.stringify(address),
    headers.length && `headers={${headers.join(", ")}}`,
    json !== undefined ? `json=${python(json)}` : base64 ? `data=base64.b64decode("${base64}")` : text !== undefined && `data=${JSON.stringify(text)}.encode()`,
    exchange.status >= 300 && exchange.status < 400 && "allow_redirects=False",
  ].filter(Boolean);
}

const call = (name, method, args, indent) => `${name}.${method}(\n${args.map((each) => `${indent}    ${each},\n`).join("")}${indent})`;

const methodCall = (session, exchange, args, indent) => (/^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/.test(exchange.method)
  ? call(session, exchange.method.toLowerCase(), args, indent) : call(session, "request", [JSON.stringify(exchange.method), ...args], indent));

const importsOf = (exchange, names) => [...(bodyOf(exchange).base64 ? ["import base64"] : []), ...names];

export function requests(exchange) {
  const bearer = (role) => `f"Bearer {jwt('${role}')}"`;
  const args = callArguments(exchange, location.origin + ROOT + addressOf(exchange), bearer);
  const needsJwt = authorizationOf(exchange).role;
  const jwt = ["", "", "def jwt(role):", `    created = requests.post("${location.origin}${ROOT}/__admin/tokens", json={"role": role, "kind": "jwt"})`,
    '    return created.json()["token"]', ""];
  return [...importsOf(exchange, ["import requests"]), ...(needsJwt ? jwt : []), "", "oms = requests.Session()",
    'oms.headers["Authorization"] = "Token full-access"', `response = ${methodCall("oms", exchange, args, "")}`,
    "print(response.status_code, response.text)", ""].join("\n");
}

const ASSERTED_LENGTH = 800;

export function pytest(exchange) {
  const name = (exchange.operation ?? "call").replace(/\W+/g, "_");
  const args = callArguments(exchange, addressOf(exchange), (role) => `f"Bearer {oms.jwt('${role}')}"`);
  const body = exchange.method === "HEAD" || exchange.status < 400 ? null : documentOf(exchange.response?.body ?? null);
  const isShort = body !== null && typeof body === "object" && JSON.stringify(body).length <= ASSERTED_LENGTH;
  return [...importsOf(exchange, []), ...(bodyOf(exchange).base64 ? ["", ""] : []), `def test_${name}_returns_${exchange.status}(oms):`,
    `    response = ${methodCall("oms.session()", exchange, args, "    ")}`,
    `    assert response.status_code == ${exchange.status}, response.text`,
    ...(isShort ? [`    assert response.json() == ${python(body)}`] : []), ""].join("\n");
}

/** Return the headers with a placeholder for a JWT. */
const plainHeaders = (exchange, placeholder) => {
  const { role, value } = authorizationOf(exchange);
  const authorization = role ? [["Authorization", placeholder]] : value === undefined ? [] : [["Authorization", value]];
  return [...authorization, ...headersOf(exchange)];
};

/** Return a request for the REST clients of editors. */
export function httpFile(exchange) {
  const { text } = bodyOf(exchange);
  const headers = plainHeaders(exchange, "Bearer {{jwt}}").map(([name, value]) => `${name}: ${value}`);
  return [`### ${exchange.operation ?? exchange.path} → ${exchange.status}`, `${exchange.method} ${location.origin}${ROOT}${addressOf(exchange)}`,
    ...headers, ...(text === undefined ? [] : ["", text]), ""].join("\n");
}

/** Return a test of Playwright that sends the request. */
export function playwright(exchange) {
  const { text, base64 } = bodyOf(exchange);
  const data = base64 ? `Buffer.from("${base64}", "base64")` : text === undefined ? null : JSON.stringify(text);
  return ['import { expect, test } from "@playwright/test";', "", `test("${exchange.operation ?? "call"} returns ${exchange.status}", async ({ request }) => {`,
    `  const response = await request.fetch(${JSON.stringify(location.origin + ROOT + addressOf(exchange))}, {`,
    `    method: "${exchange.method}",`, `    headers: ${JSON.stringify(Object.fromEntries(plainHeaders(exchange, "Bearer <JWT>")))},`,
    ...(data === null ? [] : [`    data: ${data},`]), "    maxRedirects: 0,", "  });",
    `  expect(response.status()).toBe(${exchange.status});`, "});", ""].join("\n");
}
