/** The layout around every page: navigation, world, clock, armed faults and the connection. */
import { BASE, control, ROOT, WORLD } from "../api.js";
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { useLive, useStream } from "../loading.js";
import { PAGES } from "../pages.js";
import { href } from "../router.js";
import { ActionButton } from "./common.js";
import { HeaderClock } from "./clock_controls.js";
import { Palette } from "./palette.js";
import { runAction, Toasts } from "./toasts.js";

const THEMES = [["auto", "System"], ["light", "Light"], ["dark", "Dark"]];
const STORAGE_KEY = "oms-inspector-theme";

export function Layout({ current, children }) {
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState(0);  // the number of the open palette; 0: it is closed
  const latest = useRef(0);
  const openSearch = () => { if (!document.querySelector("dialog[open]")) setSearch(++latest.current); };
  // The browser reports the end of a dialog later, when the next one may be open already.
  const closeSearch = (number) => setSearch((shown) => (shown === number ? 0 : shown));
  useLayoutEffect(() => setOpen(false), [current]);
  useLayoutEffect(() => {
    const onKey = (event) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        openSearch();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return html`<a class="skip" href="#main" onClick=${focusMain}>Skip to content</a>
    <header class="top">
      <a class="brand" href=${href("overview")}><img src="icon.svg" alt="" width="28" height="28" /> <span>OMS emulator</span></a>
      <button type="button" class="search" aria-label="Find anything" onClick=${openSearch}><span aria-hidden="true">⌕</span>
        <span class="wide-only">Find …</span> <kbd class="wide-only">Ctrl K</kbd></button>
      <${World} />
      <${HeaderClock} />
      <${Connection} />
      <button type="button" class="menu" aria-expanded=${open} aria-controls="nav"
        onClick=${() => setOpen(!open)}>${open ? "Close" : "Menu"}</button>
    </header>
    <div class="bars"><${ConnectionBar} /><${FaultBar} /></div>
    <nav id="nav" class=${open ? "open" : ""} aria-label="Inspector pages"><div class="nav-content">
      <ul>${PAGES.map(([name, title]) => html`<li key=${name}>
        <a href=${href(name)} aria-current=${name === current ? "page" : undefined}>${title}</a></li>`)}
        <li><a href="../docs">API documentation</a></li></ul>
      <${Theme} /></div>
    </nav>
    <main id="main" tabindex="-1">${children}</main>
    ${search > 0 && html`<${Palette} key=${search} onClose=${() => closeSearch(search)} />`}
    <${Toasts} />`;
}

function focusMain(event) {
  event.preventDefault();  // the fragment of the address is the route
  document.getElementById("main").focus();
}

function World() {
  const world = useStream(({ summary }) => summary?.world);
  const worlds = useLive(() => control("GET", "worlds"), ["worlds"], []);
  const names = worlds.data?.results?.map((each) => each.name) ?? [];
  const scenario = world?.scenario ?? worlds.data?.results?.find((each) => each.name === WORLD)?.scenario;
  return html`<div class="world">
    ${names.length > 1
      ? html`<label>World <select value=${WORLD} onChange=${(event) => switchWorld(event.target.value)}>
          ${names.map((name) => html`<option key=${name} value=${name} selected=${name === WORLD}>${name}</option>`)}</select></label>`
      : html`<span>World <strong>${WORLD}</strong></span>`}
    ${scenario && html`<span class="scenario">Scenario <a href=${href("scenarios")}>${scenario}</a></span>`}
  </div>`;
}

const CONNECTIONS = { connecting: "Connecting", open: "Live", lost: "Connection lost" };

/** Whether the page shows the present state. Always a sign and a word, so that colour is not the only cue. */
function Connection() {
  const connection = useStream((live) => live.connection);
  return html`<span class="connection ${connection}" role="status"><span aria-hidden="true">●</span> <span class="text">${CONNECTIONS[connection]}</span></span>`;
}

const ConnectionBar = () => (useStream((live) => live.connection) === "lost"
  ? html`<p class="alert-bar lost" role="alert">Connection lost, retrying … The page shows the last known state.</p>` : null);

function FaultBar() {
  const faults = (useStream(({ summary }) => summary?.faults) ?? []).filter((fault) => fault.times === null || fault.hits < fault.times);
  const deliveryFaults = useStream(({ summary }) => summary?.delivery_faults) ?? [];
  const kinds = [...faults.map((fault) => fault.kind), ...deliveryFaults.map((fault) => `webhooks: ${fault.kind}`)];
  if (!kinds.length) return null;
  const disarm = () => runAction(async () => {
    if (faults.length) await control("DELETE", "faults");
    if (deliveryFaults.length) await control("DELETE", "hooks/disturbances");
  }, "All faults disarmed");
  return html`<div class="alert-bar" role="status"><span><strong>${kinds.length === 1 ? "A fault is armed" : `${kinds.length} faults are armed`}:</strong>${" "}
    ${[...new Set(kinds)].join(", ")}. Responses differ from the usual.</span>
    <span class="buttons"><a href=${href("faults")}>Show</a> <${ActionButton} class="small" onAction=${disarm}>Disarm<//></span></div>`;
}

/** Open the same page of another world. */
export function switchWorld(name) {
  const root = name === "default" ? BASE : `${BASE}/w/${encodeURIComponent(name)}`;
  if (root === ROOT) return;
  location.assign(`${root}/__admin/ui/${location.hash}`);
}

function Theme() {
  const [theme, set] = useState(document.documentElement.dataset.theme ?? "auto");
  const choose = (event) => {
    const chosen = event.target.value;
    set(chosen);
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    try {
      localStorage.setItem(STORAGE_KEY, chosen);
    } catch {
      // Storage may be unavailable; then the theme applies until the page is closed.
    }
  };
  return html`<label class="theme">Theme <select value=${theme} onChange=${choose}>
    ${THEMES.map(([key, title]) => html`<option key=${key} value=${key} selected=${key === theme}>${title}</option>`)}</select></label>`;
}
