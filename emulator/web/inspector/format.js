/** Formats values for display. */

const NUMBER = new Intl.NumberFormat("en");

export const number = (value) => (typeof value === "number" ? NUMBER.format(value) : "–");

/** `2023-04-05 09:00:03`, in UTC, the time zone of the world. */
export const time = (value) => (value ? String(value).slice(0, 19).replace("T", " ") : "–");

/** `09:00:03` of today's entries. */
export const clockTime = (value) => (value ? String(value).slice(11, 19) : "–");

export const day = (value) => (value ? String(value).slice(0, 10) : "–");

export const orDash = (value) => (value === null || value === undefined || value === "" ? "–" : value);

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** `DETECTED_OUT_OF_STOCK_ITEM` → `Detected out of stock item`. */
export const humanize = (code) => {
  const text = String(code).replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
};
