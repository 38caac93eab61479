/** The stories: chapters with narration, each in a separate world; and the page of a presenter. */
import { control, ROOT, BASE } from "../api.js";
import { html, useEffect, useLayoutEffect, useState } from "../lib.js";
import { useLoad } from "../loading.js";
import { LatestActivity } from "../components/activity.js";
import { setClock } from "../components/clock_controls.js";
import { ActionButton, Card, CopyButton, PageHeading, WhenLoaded } from "../components/common.js";
import { runAction, showError } from "../components/toasts.js";
import { href, navigate } from "../router.js";
import { plural } from "../format.js";
import { armPreset, FAULT_PATHS, PRESETS } from "./faults.js";

const FEED_LENGTH = 6;
const SPEEDS = [1, 10, 100];

export function Page({ params, query }) {
  return params[0] ? html`<${Story} name=${params[0]} number=${Number(params[1]) || 1} presents=${query.presenter === "1"} />` : html`<${List} />`;
}

/** Show a chapter: in this world if it shows a story, otherwise in a new one. */
async function openChapter(name, number, query) {
  try {
    const { path } = await control("POST", `stories/${name}/${number}`);
    const target = BASE + path;
    if (target.split("/__admin/ui/")[0] === ROOT) navigate(`stories/${name}/${number}`, query);
    else location.assign(target);
  } catch (error) {
    showError(error);
  }
}

function List() {
  const stories = useLoad(() => control("GET", "stories"), []);
  return html`<div><${PageHeading} title="Stories" />
    <p class="hint">A story runs in a separate world. This world does not change.</p>
    <${WhenLoaded} request=${stories} feature="stories">${({ results }) => html`<div class="columns">${results.map((story) => html`<${Card} key=${story.name} title=${story.title}>
      <p>${story.description}</p><ol class="chapters">${story.chapters.map((title, index) => html`<li key=${index}>
        <${ActionButton} class="link" onAction=${() => openChapter(story.name, index + 1)}>${title}<//></li>`)}</ol>
      <div class="commands"><${ActionButton} class="main" onAction=${() => openChapter(story.name, 1)}>Start<//></div><//>`)}</div>`}<//></div>`;
}

function Story({ name, number, presents }) {
  const story = useLoad(() => control("GET", `stories/${encodeURIComponent(name)}`), [name]);
  useEffect(() => {
    document.documentElement.classList.toggle("presenter", presents);
    return () => document.documentElement.classList.remove("presenter");
  }, [presents]);
  return html`<div><p><a href=${href("stories")}>← Stories</a></p>${!story.data && html`<${PageHeading} title="Story" />`}<${WhenLoaded} request=${story} feature="stories">${(loaded) => html`
    <${Chapter} story=${loaded} name=${name} number=${Math.min(number, loaded.chapters.length)} presents=${presents} />`}<//></div>`;
}

function Chapter({ story, name, number, presents }) {
  const [busy, setBusy] = useState(false);
  const chapter = story.chapters[number - 1];
  const query = presents ? { presenter: "1" } : {};
  const go = async (next) => {
    if (busy || next < 1 || next > story.chapters.length) return;
    setBusy(true);
    await openChapter(name, next, query);
    setBusy(false);
  };
  useLayoutEffect(() => {  // not later: a key would turn the page from the chapter before
    const onKey = (event) => {
      if (event.target.closest?.("input, select, textarea, dialog")) return;
      if (event.key === "ArrowRight") go(number + 1);
      if (event.key === "ArrowLeft") go(number - 1);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  const link = `${location.origin}${BASE}/__admin/stories/${name}/${number}/open`;
  return html`<div>
    <${PageHeading} title="${number}. ${chapter.title}"><span class="hint">${story.title} · chapter ${number} of ${story.chapters.length}</span><//>
    <section class="card narration"><p>${chapter.text}</p>
      <div class="commands"><button type="button" disabled=${number === 1} onClick=${() => go(number - 1)}>← Back</button>
        <button type="button" class="main" disabled=${number === story.chapters.length} onClick=${() => go(number + 1)}>Next →</button>
        <a class="button" href=${href(chapter.show)}>Show it</a>
        <a class="button" href=${href(`stories/${name}/${number}`, presents ? {} : { presenter: "1" })}>${presents ? "Leave presenter page" : "Presenter page"}</a>
        <${CopyButton} text=${link} label="Copy link" subject="the chapter" /></div></section>
    <div class="columns wide-left"><${Card} title="Activity"><${LatestActivity} length=${FEED_LENGTH} /><//>
      <div><${Card} title="Speed"><div class="commands"><${ActionButton} onAction=${() => setClock({ mode: "frozen" }, "The clock is frozen")}>Freeze<//>
          ${SPEEDS.map((speed) => html`<${ActionButton} key=${speed} onAction=${() => setClock({ mode: "ticking", speed }, `The clock runs at ${speed} × speed`)}>×${speed}<//>`)}</div><//>
        <${Card} title="Faults"><div class="commands">${PRESETS.map((preset) => html`<${ActionButton} key=${preset[0]} class="danger" title=${preset[1]} onAction=${() => armPreset(preset)}>${preset[0]}<//>`)}
          <${ActionButton} onAction=${() => runAction(() => Promise.all(FAULT_PATHS.map((path) => control("DELETE", path))), "All faults disarmed")}>Disarm all<//></div><//>
        <${Card} title="Chapters"><ol class="chapters">${story.chapters.map((each, index) => html`<li key=${index}>
          <button type="button" class="link" aria-current=${index + 1 === number ? "step" : undefined} onClick=${() => go(index + 1)}>${each.title}</button></li>`)}</ol>
          <p class="hint">${plural(story.chapters.length, "chapter")}. The arrow keys turn the page.</p><//></div></div></div>`;
}
