/** Which page is asked for: `#/packages/123?state=35`. */
import { useEffect, useState } from "./lib.js";

export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    name: path.split("/")[0] || "overview",
    rest: path.split("/").slice(1).map(decodeURIComponent),
    asked: Object.fromEntries(new URLSearchParams(search)),
  };
}

/** Give the address of a page, without what is empty. */
export function href(path, asked = {}) {
  const kept = Object.entries(asked).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const search = new URLSearchParams(kept).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

export function go(path, asked) {
  location.hash = href(path, asked);
}

export function useRoute() {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const changed = () => set(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}
