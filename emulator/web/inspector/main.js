/** Entry point: renders the page of the current route in the layout. */
import { html, render, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { connect } from "./live.js";
import { restoreScrolling, setTitle, useRoute, watchScrolling } from "./router.js";
import { useStream } from "./loading.js";
import { Layout } from "./components/layout.js";
import { ErrorMessage, PageHeading } from "./components/common.js";
import { loadPage, PAGES } from "./pages.js";

const RETRY_MS = 2_000;
const UNKNOWN = ["unknown", "Page not found", "./pages/unknown.js"];

function App() {
  const route = useRoute();
  const missing = useStream((live) => live.summary?.missing ?? null);
  const page = missing ? UNKNOWN : PAGES.find(([each]) => each === route.name) ?? UNKNOWN;
  const [name, title, listFile, detailFile = listFile] = page;
  const file = route.params.length ? detailFile : listFile;
  const loaded = useModule(file);
  const address = `${name}/${route.params.join("/")}`;
  useFocusOnChange(location.hash, address, loaded !== null);
  useEffect(() => { setTitle([route.params[0], title]); }, [address]);
  return html`<${Layout} current=${name}>
    ${loaded?.error && html`<${PageHeading} title=${title} /><${ErrorMessage} error=${loaded.error} />`}
    ${loaded?.Page && html`<${loaded.Page} name=${route.name} missing=${missing} params=${route.params} query=${route.query} key=${address} />`}
  <//>`;
}

/** Load the module of a page. If the server does not answer, try again until it does. */
function useModule(file) {
  const [loaded, setLoaded] = useState(null);
  useEffect(() => {
    let active = true;
    let timer = null;
    const load = (attempt) => loadPage(file, attempt).then(({ Page }) => active && setLoaded({ file, Page }), () => {
      if (!active) return;
      setLoaded({ file, error: new Error("The server does not respond. This page opens as soon as it does.") });
      dispatchEvent(new Event("oms-unreachable"));
      timer = setTimeout(load, RETRY_MS, attempt + 1);
    });
    load(0);
    return () => {
      active = false;
      clearTimeout(timer);
    };
  }, [file]);
  return loaded?.file === file ? loaded : null;
}

/** After a navigation, move the focus to the heading, so that a screen reader starts there, and restore the scroll position. */
function useFocusOnChange(hash, address, ready) {
  const previous = useRef(null);
  useLayoutEffect(() => {  // not later: it would take the focus from a field in which the user types
    if (!ready || previous.current?.hash === hash) return;
    const isFirst = previous.current === null;
    const isSamePage = previous.current?.address === address;
    previous.current = { hash, address };
    const isNew = isSamePage && !history.state?.key ? keepPosition() : restoreScrolling();
    if (!isFirst && !isSamePage) document.querySelector("main h1")?.focus({ preventScroll: !isNew });
  }, [hash, address, ready]);
}

/** A changed filter is a new entry of the history, but the page stays where it is. */
function keepPosition() {
  const position = scrollY;
  restoreScrolling();
  scrollTo(0, position);
  return true;
}

connect();
watchScrolling();
const container = document.getElementById("app");
container.textContent = "";
render(html`<${App} />`, container);
