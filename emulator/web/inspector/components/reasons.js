/** The reasons in an error body: one sentence for each message, with the path of its field. */

const ENVELOPES = new Set(["error", "detail", "non_field_errors", "errors"]);

/** Return the messages of an error body in any format of the API. */
export function reasonsIn(body, path = []) {
  if (typeof body === "string") return isHtml(body) ? [] : [path.length ? `${path.join(".")}: ${body}` : body];
  if (Array.isArray(body)) return body.flatMap((each) => reasonsIn(each, path));
  if (body === null || typeof body !== "object") return [];
  if (typeof body.en === "string") return [body.en];  // the format of the webhook service
  const whole = [body.error, body.detail].find((each) => typeof each === "string");
  if (whole !== undefined && !path.length) return [whole];
  return Object.entries(body).flatMap(([key, value]) => reasonsIn(value, ENVELOPES.has(key) ? path : [...path, key]));
}

const isHtml = (text) => /^\s*</.test(text);
