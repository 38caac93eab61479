/** The frame around every page: where one is, which world it is, what time it is there. */
import { BASE, ROOT, control } from "../api.js";
import { html, useEffect, useState } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { href } from "../route.js";
import { time } from "../text.js";
import { Said } from "./said.js";

const THEMES = [["auto", "System"], ["light", "Light"], ["dark", "Dark"]];
const KEPT = "oms-inspector-theme";

export function Shell({ pages, now, children }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [now]);
  return html`<a class="skip" href="#main" onClick=${toMain}>Skip to the page</a>
    <header class="top">
      <a class="brand" href=${href("overview")}><img src="icon.svg" alt="" width="28" height="28" /> OMS emulator</a>
      <${World} />
      <button type="button" class="menu" aria-expanded=${open} aria-controls="nav"
        onClick=${() => setOpen(!open)}>${open ? "Close" : "Menu"}</button>
    </header>
    <nav id="nav" class=${open ? "open" : ""} aria-label="Pages of the inspector">
      <ul>${pages.map(([name, title]) => html`<li key=${name}>
        <a href=${href(name)} aria-current=${name === now ? "page" : undefined}>${title}</a></li>`)}
        <li><a href="../docs">API documents</a></li></ul>
      <${Theme} />
    </nav>
    <main id="main" tabindex="-1">${children}</main>
    <${Said} />`;
}

function toMain(event) {
  event.preventDefault();  // the address says which page it is
  document.getElementById("main").focus();
}

function World() {
  const health = useLive(() => control("GET", "health"), 5_000, []);
  const worlds = useLoad(() => control("GET", "worlds"), []);
  const at = health.data;
  const names = worlds.data?.results?.map((world) => world.name) ?? [];
  if (!at) return html`<p class="world" role=${health.error ? "alert" : undefined}>${health.error?.message ?? "…"}</p>`;
  return html`<div class="world">
    ${names.length > 1
      ? html`<label>World <select value=${at.world} onChange=${(event) => enter(event.target.value)}>
          ${names.map((name) => html`<option key=${name} value=${name} selected=${name === at.world}>${name}</option>`)}</select></label>`
      : html`<span>World <strong>${at.world}</strong></span>`}
    <span>Scenario <strong>${at.scenario}</strong></span>
    <span class="now">${health.error ? html`<strong role="alert">${health.error.message}</strong>`
      : html`<a href=${href("clock")}><span class="sr">Clock of the world: </span><time datetime=${at.now}>${time(at.now)}</time></a>`}</span>
  </div>`;
}

/** Go to the same page of another world. */
export function enter(name) {
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
      localStorage.setItem(KEPT, chosen);
    } catch {
      // Storage may be forbidden; then the choice lasts as long as the page.
    }
  };
  return html`<label class="theme">Theme <select value=${theme} onChange=${choose}>
    ${THEMES.map(([key, title]) => html`<option key=${key} value=${key} selected=${key === theme}>${title}</option>`)}</select></label>`;
}
