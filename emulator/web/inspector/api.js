/** Client of the control API and the emulated API, below the prefix of this page. */
import { reasonsIn } from "./components/reasons.js";

export const ROOT = location.pathname.split("/__admin/ui")[0];
/** The address of the server, without the prefix of a world. */
export const BASE = ROOT.replace(/\/w\/[^/]+$/, "");
/** The name of the world of this page. */
export const WORLD = decodeURIComponent(ROOT.slice(BASE.length).replace("/w/", "")) || "default";
export const GUIDE = "/api/v1/oms/";
export const REFERENCE = "/packages/";
export const TOKEN = "full-access";

/** Statuses of the client's errors that a later request may not have. */
const TEMPORARY = [408, 425, 429];

/** An error response: status, body, hint and a one-line message. */
export class ApiError extends Error {
  constructor(response, method, path) {
    super(messageOf(response, method, path));
    Object.assign(this, response, { method, path });
  }

  /** Whether the server has no such endpoint, as opposed to no such record. The emulated API then answers in HTML. */
  get isUnsupported() {
    if (this.status !== 404) return false;
    return typeof this.body === "string" || String(this.body?.error ?? "").endsWith(": Not Found");
  }

  /** Whether the server refused the request, so that the same request would be refused again. */
  get isRefusal() {
    return this.status >= 400 && this.status < 500 && !TEMPORARY.includes(this.status);
  }
}

function messageOf({ status, body }, method, path) {
  if (status === 0) return "The server does not respond.";
  if (status < 400) return `${method} ${path} did not return JSON.`;
  return reasonsIn(body).join(" · ") || `${method} ${path} returned ${status}.`;
}

/** Send a request and return `{status, body, hint, requestId, text}`. Throw `ApiError` for an error response. */
export async function send(method, path, { body, headers = {}, signal } = {}) {
  const allHeaders = { ...headers };
  if (body !== undefined) allHeaders["Content-Type"] = "application/json";
  let response;
  try {
    response = await read(await fetch(ROOT + path, {
      method, signal, headers: allHeaders, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    }));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    dispatchEvent(new Event("oms-unreachable"));
    throw new ApiError({ status: 0, body: null, hint: null }, method, path);
  }
  dispatchEvent(new Event("oms-reachable"));
  if (response.status >= 400 || (response.text && typeof response.body === "string")) throw new ApiError(response, method, path);
  return response;
}

async function read(response) {
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: parseBody(text),
    hint: response.headers.get("X-Emulator-Hint"),
    requestId: response.headers.get("X-Emulator-Request-Id"),
  };
}

function parseBody(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text || null;
  }
}

/** Send a request to the control API and return the body of the response. */
export const control = async (method, path, options) => (await send(method, `/__admin/${path}`, options)).body;

/** Send a request to the guide surface of the emulated API. */
export const guide = (method, path, options = {}) =>
  send(method, GUIDE + path, { ...options, headers: { Authorization: `Token ${TOKEN}` } });

/** Send a request to the webhook service of the emulated API. */
export const webhookService = (method, path, options = {}) =>
  send(method, `/whisperer/${path}`, { ...options, headers: { Authorization: `Token ${TOKEN}` } });

let jwt = null;

/** Send a request to the reference surface, with a JWT from the control API. */
export async function reference(method, path, options = {}, retry = true) {
  jwt ??= control("POST", "tokens", { body: { role: TOKEN, kind: "jwt", expires_in: 86400 } });
  try {
    const { token } = await jwt;
    return await send(method, REFERENCE + path, { ...options, headers: { Authorization: `Bearer ${token}` } });
  } catch (error) {
    jwt = null;
    if (error.status === 401 && retry) return reference(method, path, options, false);
    throw error;
  }
}

/** Return a query string; empty values are left out. */
export function queryString(values) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(entries).toString();
  return text ? `?${text}` : "";
}
