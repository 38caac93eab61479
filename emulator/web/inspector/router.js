/** Routes by the fragment of the address: `#/packages/123?state=35`. */
import { BASE, ROOT, WORLD } from "./api.js";
import { useLayoutEffect, useState } from "./lib.js";

/** Page name -> the query with which its list was shown last, so that a link back keeps the filters. */
const lastQueries = new Map();
const RESTORE_MS = 15_000;

export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    name: path.split("/")[0] || "overview",
    params: path.split("/").slice(1).filter(Boolean).map(decode),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Return the address of a page; empty query values are left out. */
export function href(path, query = {}) {
  const entries = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const search = new URLSearchParams(entries).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** Return the address of a list with the filters with which it was shown last. */
export const backTo = (name) => href(name, lastQueries.get(name));

export function navigate(path, query) {
  location.hash = href(path, query);
}

/** Return the query of the address, which may be newer than that of the page. */
export const currentQuery = () => parse(location.hash).query;

export function useRoute() {
  const [hash, set] = useState(location.hash);
  useLayoutEffect(() => {
    const update = () => set(location.hash);
    update();
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  const route = parse(hash);
  if (!route.params.length) lastQueries.set(route.name, route.query);
  return route;
}

/** Set the title of the tab. A page of one record calls it again with the number of the record. */
export function setTitle(parts) {
  document.title = [...parts, ROOT !== BASE && WORLD, "OMS emulator"].filter(Boolean).join(" · ");
}

// Scroll positions: pages are filled after the navigation, so the browser cannot restore them itself.

const positions = new Map();
let nextKey = 1;
/** The key of the page whose position is being restored, until the user scrolls or presses a key. */
let restoredKey = null;
/** The key of the page that is shown. It differs from that of the history until a navigation is complete. */
let shownKey = null;

/** Record the scroll position of each entry of the history. Ignore events of the page that a navigation leaves. */
export function watchScrolling() {
  history.scrollRestoration = "manual";
  addEventListener("scroll", () => { if (shownKey && history.state?.key === shownKey) positions.set(shownKey, scrollY); }, { passive: true });
  for (const type of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(type, () => { restoredKey = null; }, { passive: true });
}

/** Scroll to the top of a new page, or to the former position on a page of the history. Return whether the page is new. */
export function restoreScrolling() {
  const key = history.state?.key;
  if (!key) {
    shownKey = `${Date.now()}-${nextKey++}`;
    history.replaceState({ key: shownKey }, "");
    scrollTo(0, 0);
    return true;
  }
  [shownKey, restoredKey] = [key, key];
  const wanted = positions.get(key) ?? 0;
  const until = performance.now() + RESTORE_MS;
  const attempt = () => {
    if (restoredKey !== key || history.state?.key !== key) return;
    scrollTo(0, wanted);
    if (Math.abs(scrollY - wanted) > 2 && performance.now() < until) requestAnimationFrame(attempt);
  };
  attempt();
  return false;
}
