/** Routes by the fragment of the address: `#/packages/123?state=35`. */
import { useEffect, useState } from "./lib.js";

export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    name: path.split("/")[0] || "overview",
    params: path.split("/").slice(1).map(decodeURIComponent),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

/** Return the address of a page; empty query values are left out. */
export function href(path, query = {}) {
  const entries = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const search = new URLSearchParams(entries).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

export function navigate(path, query) {
  location.hash = href(path, query);
}

export function useRoute() {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const update = () => set(location.hash);
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return parse(hash);
}
