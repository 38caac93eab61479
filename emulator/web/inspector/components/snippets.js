/** Converts an exchange into code that repeats it: curl, requests and pytest. */
import { ROOT, TOKEN } from "../api.js";

const isReference = (path) => path.startsWith("/packages/");
const pathOf = ({ path, query }) => path + (query ? `?${textOf(query)}` : "");
const textOf = (query) => (typeof query === "string" ? query.replace(/^\?/, "") : new URLSearchParams(
  Object.entries(query).flatMap(([key, values]) => [].concat(values).map((value) => [key, value]))).toString());
const bodyOf = ({ request }) => request?.body ?? null;
const isData = (body) => body !== null && body !== "" && typeof body === "object";
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

const roleOf = ({ token }) => (token && !/[*…]/.test(token) && token.length < 40 ? token : TOKEN);

export function curl(exchange) {
  const role = roleOf(exchange);
  const header = isReference(exchange.path)
    ? `"Authorization: Bearer $(oms-emulator token ${role})"` : `"Authorization: Token ${role}"`;
  const body = documentOf(bodyOf(exchange));
  const data = body === null || body === "" ? "" : ` \\\n  -H "Content-Type: application/json" -d ${shellQuote(isData(body) ? JSON.stringify(body) : body)}`;
  return `curl -i -X ${exchange.method} -H ${header}${data} \\\n  ${shellQuote(location.origin + ROOT + pathOf(exchange))}`;
}

export function requests(exchange) {
  return ["import requests", "", ...setupLines(exchange), "",
    `response = ${callOf(exchange, `${location.origin}${ROOT}`)}`,
    "print(response.status_code, response.text)", ""].join("\n");
}

function setupLines(exchange) {
  if (!isReference(exchange.path)) return ["oms = requests.Session()", `oms.headers["Authorization"] = "Token ${roleOf(exchange)}"`];
  return ["oms = requests.Session()",
    `created = oms.post("${location.origin}${ROOT}/__admin/tokens", json={"role": "${roleOf(exchange)}", "kind": "jwt"})`,
    'oms.headers["Authorization"] = f"Bearer {created.json()[\'token\']}"'];
}

export function pytest(exchange) {
  const name = (exchange.operation ?? "call").replace(/\W+/g, "_");
  const bearer = isReference(exchange.path) ? ", headers={\"Authorization\": f\"Bearer {oms.jwt()}\"}" : "";
  return [`def test_${name}_returns_${exchange.status}(oms):`,
    `    response = ${callOf(exchange, "", "oms.session()").replace(/\)$/, `${bearer})`)}`,
    `    assert response.status_code == ${exchange.status}`, ""].join("\n");
}

function callOf(exchange, base, session = "oms") {
  const body = documentOf(bodyOf(exchange));
  const json = body === null || body === "" ? "" : isData(body) ? `, json=${python(body)}` : `, data=${python(body)}`;
  return `${session}.${exchange.method.toLowerCase()}(${JSON.stringify(base + pathOf(exchange))}${json})`;
}
