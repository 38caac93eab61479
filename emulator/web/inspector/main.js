/** Entry point: renders the page of the current route in the layout. */
import { html, render, useEffect, useRef, useState } from "./lib.js";
import { useRoute } from "./router.js";
import { Layout } from "./components/layout.js";
import { ErrorMessage } from "./components/common.js";

/** Route name, title, loader of the page, and loader of the page of one record if that is another module. */
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
  const [name, title, loadList, loadDetail = loadList] = PAGES.find(([each]) => each === route.name) ?? PAGES[0];
  const load = route.params.length ? loadDetail : loadList;
  const [loaded, setLoaded] = useState(null);
  useEffect(() => {
    let active = true;
    load().then(({ Page }) => active && setLoaded({ load, Page }), (error) => active && setLoaded({ load, error }));
    return () => { active = false; };
  }, [load]);
  const module = loaded?.load === load ? loaded : null;
  useFocusOnChange(`${name}/${route.params.join("/")}`, module !== null);
  document.title = [route.params[0], title, "OMS emulator"].filter(Boolean).join(" · ");
  return html`<${Layout} pages=${PAGES} current=${name}>
    ${module?.error && html`<${ErrorMessage} error=${module.error} />`}
    ${module?.Page && html`<${module.Page} params=${route.params} query=${route.query} key=${route.params.join("/")} />`}
  <//>`;
}

/** Move the focus to the heading after a navigation, so that a screen reader starts there. */
function useFocusOnChange(address, ready) {
  const previous = useRef(null);
  useEffect(() => {
    if (!ready || previous.current === address) return;
    const isFirst = previous.current === null;
    previous.current = address;
    if (!isFirst) {
      scrollTo(0, 0);
      document.querySelector("main h1")?.focus();
    }
  }, [address, ready]);
}

const container = document.getElementById("app");
container.textContent = "";
render(html`<${App} />`, container);
