/** The page: a link for each story. The fragment of the address selects the story, so each story has a link. */
import { setupEmulator } from "oms-emulator";
import "./components.js";
import { STORIES } from "./stories.js";

const nav = document.querySelector("nav");
const heading = document.querySelector("h1");
const status = document.querySelector("[role=status]");
const stage = document.querySelector("section");

/** Return the part of the address that selects a story: `package-card--busy-day`. */
const slugOf = ({ component, name }) => `${component}--${name.toLowerCase().replace(/[^a-z]+/g, "-")}`;

function listStories() {
  for (const [index, story] of STORIES.entries()) {
    if (story.component !== STORIES[index - 1]?.component) {
      nav.append(Object.assign(document.createElement("h2"), { textContent: `<${story.component}>` }));
    }
    nav.append(Object.assign(document.createElement("a"), { href: `#${slugOf(story)}`, textContent: story.name }));
  }
}

/** Show the story of the address in a new world. */
async function show(oms) {
  const story = STORIES.find((each) => `#${slugOf(each)}` === location.hash) ?? STORIES[0];
  for (const link of nav.querySelectorAll("a")) {
    link.ariaCurrent = link.textContent === story.name ? "page" : null;
  }
  heading.textContent = story.name;
  status.textContent = "Preparing a world…";
  stage.replaceChildren();
  const name = `story-${slugOf(story)}`; // a chapter may replace worlds with this prefix
  const world = await oms.world(name, { scenario: "demo", seed: 7, packages: 20, ...story.options });
  const component = document.createElement(story.component);
  component.setAttribute("src", await story.prepare(world));
  if (heading.textContent !== story.name) return; // another story was selected meanwhile
  stage.replaceChildren(component);
  status.textContent = component.getAttribute("src");
}

listStories();
const oms = await setupEmulator({ url: "oms-emulator" });
addEventListener("hashchange", () => show(oms));
await show(oms);
