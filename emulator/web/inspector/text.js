/** Values as people read them. */

const NUMBER = new Intl.NumberFormat("en");

export const number = (value) => (typeof value === "number" ? NUMBER.format(value) : "–");

/** `2023-04-05 09:00:03`, in UTC as the world has it. */
export const time = (value) => (value ? String(value).slice(0, 19).replace("T", " ") : "–");

export const day = (value) => (value ? String(value).slice(0, 10) : "–");

export const dash = (value) => (value === null || value === undefined || value === "" ? "–" : value);

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** `DETECTED_OUT_OF_STOCK_ITEM` → `Detected out of stock item`. */
export const words = (code) => {
  const text = String(code).replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** A length of time in words, from seconds. */
export function span(seconds) {
  const total = Math.max(0, Math.round(seconds));
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = parts.findIndex(([size]) => total >= size);
  if (at < 0) return "0 s";
  const [size, unit] = parts[at];
  const below = parts[at + 1];
  const left = below ? Math.floor((total % size) / below[0]) : 0;
  return `${Math.floor(total / size)} ${unit}${left ? ` ${left} ${below[1]}` : ""}`;
}
