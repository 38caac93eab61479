/** The inspector: finds the page that is asked for and puts it into the frame. */
import { html, render, useEffect, useRef, useState } from "./lib.js";
import { useRoute } from "./route.js";
import { Shell } from "./parts/shell.js";
import { Trouble } from "./parts/pieces.js";

/** Name in the address, title, the page, and the page of one of its records where that is another. */
export const PAGES = [
  ["overview", "Overview", () => import("./pages/overview.js")],
  ["packages", "Packages", () => import("./pages/packages.js"), () => import("./pages/package.js")],
  ["transfers", "Transfer orders", () => import("./pages/transfers.js"), () => import("./pages/transfer.js")],
  ["journal", "Journal", () => import("./pages/journal.js")],
  ["webhooks", "Webhooks", () => import("./pages/webhooks.js")],
  ["faults", "Faults", () => import("./pages/faults.js")],
  ["clock", "Clock", () => import("./pages/clock.js")],
  ["scenarios", "Scenarios", () => import("./pages/scenarios.js")],
  ["coverage", "Coverage", () => import("./pages/coverage.js")],
  ["fidelity", "Fidelity", () => import("./pages/fidelity.js")],
];

function App() {
  const route = useRoute();
  const [name, title, all, one = all] = PAGES.find(([known]) => known === route.name) ?? PAGES[0];
  const load = route.rest.length ? one : all;
  const [shown, show] = useState(null);
  useEffect(() => {
    let wanted = true;
    load().then((module) => wanted && show({ load, Page: module.Page }), (error) => wanted && show({ load, error }));
    return () => { wanted = false; };
  }, [load]);
  const part = shown?.load === load ? shown : null;
  useFocusOnChange(`${name}/${route.rest.join("/")}`, part !== null);
  document.title = [route.rest[0], title, "OMS emulator"].filter(Boolean).join(" · ");
  return html`<${Shell} pages=${PAGES} now=${name}>
    ${part?.error && html`<${Trouble} error=${part.error} />`}
    ${part?.Page && html`<${part.Page} rest=${route.rest} asked=${route.asked} key=${route.rest.join("/")} />`}
  <//>`;
}

/** Who goes to another page is put at its heading, so that a screen reader begins there. */
function useFocusOnChange(address, ready) {
  const before = useRef(null);
  useEffect(() => {
    if (!ready || before.current === address) return;
    const isFirst = before.current === null;
    before.current = address;
    if (!isFirst) {
      scrollTo(0, 0);
      document.querySelector("main h1")?.focus();
    }
  }, [address, ready]);
}

const place = document.getElementById("app");
place.textContent = "";
render(html`<${App} />`, place);
