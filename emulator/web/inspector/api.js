/** Calls of the control API and of the emulated API, all below the page's own prefix. */

export const ROOT = location.pathname.split("/__admin/ui")[0];
export const BASE = ROOT.replace(/\/w\/[^/]+$/, "");
/** The server without a world's prefix. */
export const GUIDE = "/api/v1/oms/";
export const REFERENCE = "/packages/";
export const TOKEN = "full-access";

/** An answer that says no: its status, body, hint, and one line for people. */
export class Refused extends Error {
  constructor(answer, method, path) {
    super(lineOf(answer, method, path));
    Object.assign(this, answer, { method, path });
  }

  /** Whether this server has no such call at all, rather than no such record: the emulated API says that in HTML. */
  get isUnknownCall() {
    if (this.status !== 404) return false;
    return typeof this.body === "string" || String(this.body?.error ?? "").endsWith(": Not Found");
  }
}

function lineOf({ status, body }, method, path) {
  if (status === 0) return "The server does not answer.";
  if (typeof body?.error === "string") return body.error;
  if (typeof body?.detail === "string") return body.detail;
  if (typeof body?.en === "string") return body.en;  // the sender of webhooks has its own form
  const fields = body?.error ?? body;
  if (fields && typeof fields === "object" && !Array.isArray(fields)) {
    return Object.entries(fields).map(([key, said]) => `${key}: ${[].concat(said).map(textOf).join(" ")}`).join(" · ");
  }
  return `${method} ${path} answered ${status}.`;
}

const textOf = (said) => (typeof said === "string" ? said : JSON.stringify(said));

/** Call, and give `{status, body, hint, requestId, text}`; throw `Refused` for anything but a success. */
export async function call(method, path, { body, headers = {}, signal } = {}) {
  const sent = { ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await read(await fetch(ROOT + path, {
      method, signal, headers: sent, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    }));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ status: 0, body: null, hint: null }, method, path);
  }
  if (answer.status >= 400) throw new Refused(answer, method, path);
  return answer;
}

async function read(response) {
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: parsed(text),
    hint: response.headers.get("X-Emulator-Hint"),
    requestId: response.headers.get("X-Emulator-Request-Id"),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text || null;
  }
}

/** Call the control API; give the answer's body. */
export const control = async (method, path, options) => (await call(method, `/__admin/${path}`, options)).body;

/** Call the guide's surface of the emulated API. */
export const guide = (method, path, options = {}) =>
  call(method, GUIDE + path, { ...options, headers: { Authorization: `Token ${TOKEN}` } });

/** Call the webhook subscriptions of the emulated API. */
export const sender = (method, path, options = {}) =>
  call(method, `/whisperer/${path}`, { ...options, headers: { Authorization: `Token ${TOKEN}` } });

let bearer = null;

/** Call the reference surface, with a JWT that the control API makes. */
export async function reference(method, path, options = {}, again = true) {
  bearer ??= control("POST", "tokens", { body: { role: TOKEN, kind: "jwt", expires_in: 86400 } });
  try {
    const { token } = await bearer;
    return await call(method, REFERENCE + path, { ...options, headers: { Authorization: `Bearer ${token}` } });
  } catch (error) {
    bearer = null;
    if (error.status === 401 && again) return reference(method, path, options, false);
    throw error;
  }
}

/** Give a query string, without what is empty. */
export function query(values) {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(kept).toString();
  return text ? `?${text}` : "";
}
