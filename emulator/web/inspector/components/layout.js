/** The layout around every page: navigation, world, scenario and clock. */
import { BASE, control, ROOT } from "../api.js";
import { html, useEffect, useState } from "../lib.js";
import { useLoad, usePolling } from "../polling.js";
import { href } from "../router.js";
import { time } from "../format.js";
import { Toasts } from "./toasts.js";

const THEMES = [["auto", "System"], ["light", "Light"], ["dark", "Dark"]];
const STORAGE_KEY = "oms-inspector-theme";

export function Layout({ pages, current, children }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [current]);
  return html`<a class="skip" href="#main" onClick=${focusMain}>Skip to content</a>
    <header class="top">
      <a class="brand" href=${href("overview")}><img src="icon.svg" alt="" width="28" height="28" /> OMS emulator</a>
      <${World} />
      <button type="button" class="menu" aria-expanded=${open} aria-controls="nav"
        onClick=${() => setOpen(!open)}>${open ? "Close" : "Menu"}</button>
    </header>
    <nav id="nav" class=${open ? "open" : ""} aria-label="Inspector pages">
      <ul>${pages.map(([name, title]) => html`<li key=${name}>
        <a href=${href(name)} aria-current=${name === current ? "page" : undefined}>${title}</a></li>`)}
        <li><a href="../docs">API documentation</a></li></ul>
      <${Theme} />
    </nav>
    <main id="main" tabindex="-1">${children}</main>
    <${Toasts} />`;
}

function focusMain(event) {
  event.preventDefault();  // the fragment of the address is the route
  document.getElementById("main").focus();
}

function World() {
  const health = usePolling(() => control("GET", "health"), 5_000, []);
  const worlds = useLoad(() => control("GET", "worlds"), []);
  const state = health.data;
  const names = worlds.data?.results?.map((world) => world.name) ?? [];
  if (!state) return html`<p class="world" role=${health.error ? "alert" : undefined}>${health.error?.message ?? "…"}</p>`;
  return html`<div class="world">
    ${names.length > 1
      ? html`<label>World <select value=${state.world} onChange=${(event) => switchWorld(event.target.value)}>
          ${names.map((name) => html`<option key=${name} value=${name} selected=${name === state.world}>${name}</option>`)}</select></label>`
      : html`<span>World <strong>${state.world}</strong></span>`}
    <span>Scenario <strong>${state.scenario}</strong></span>
    <span class="now">${health.error ? html`<strong role="alert">${health.error.message}</strong>`
      : html`<a href=${href("clock")}><span class="sr">World clock: </span><time datetime=${state.now}>${time(state.now)}</time></a>`}</span>
  </div>`;
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
