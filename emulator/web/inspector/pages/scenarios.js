/** Scenarios: what a world starts from; snapshots to come back to; branches to try things in. */
import { ROOT, control } from "../api.js";
import { html, useRef, useState } from "../lib.js";
import { useLoad } from "../live.js";
import { Action, Card, Facts, Heading, Json, Loaded } from "../parts/pieces.js";
import { attempt, refused } from "../parts/said.js";
import { enter } from "../parts/shell.js";
import { Table } from "../parts/table.js";
import { dash, number, time } from "../text.js";

export function Page() {
  const scenario = useLoad(() => control("GET", "scenario"), []);
  return html`<div><${Heading} title="Scenarios"><a class="button" href="${ROOT}/__admin/export" download="scenario.json">Export this world</a><//>
    <div class="columns">
      <${Card} title="Loaded"><${Loaded} from=${scenario} what="to change the scenario">${(loaded) => html`<${Facts} of=${
        Object.entries(loaded).map(([key, value]) => [key.replaceAll("_", " "), plain(value)])} />`}<//><//>
      <${Card} title="Load another"><${ByName} reload=${scenario.reload} /><//>
      <${Card} title="Import a file"><${Import} reload=${scenario.reload} /><//>
      <${Card} title="Snapshots"><${Snapshots} reload=${scenario.reload} /><//>
    </div>
    <${Card} title="Worlds and branches"><${Branches} /><//></div>`;
}

const plain = (value) => (value !== null && typeof value === "object" ? html`<details><summary>Show</summary><${Json} value=${value} /></details>` : dash(value));

const load = (body, reload, text) => attempt(() => control("PUT", "scenario", { body }), text).then((ok) => ok && reload());

function ByName({ reload }) {
  const submit = (event) => {
    event.preventDefault();
    const { name, seed, packages } = Object.fromEntries(new FormData(event.target));
    return load({ name, ...(seed && { seed: Number(seed) }), ...(packages && { packages: Number(packages) }) }, reload, `Loaded ${name}`);
  };
  const known = useLoad(() => control("GET", "scenarios"), []);
  return html`<form onSubmit=${submit}>
    <label class="field"><span>Name *</span><input name="name" list="scenarios" required /></label>
    <datalist id="scenarios">${(known.data?.results ?? []).map(({ name, description }) => html`
      <option key=${name} value=${name}>${description}</option>`)}</datalist>
    <div class="fields"><label class="field"><span>Seed</span><input name="seed" type="number" /></label>
      <label class="field"><span>Packages</span><input name="packages" type="number" min="0" /></label></div>
    <div class="actions"><button class="main">Load the scenario</button></div></form>`;
}

function Import({ reload }) {
  const [over, setOver] = useState(false);
  const input = useRef(null);
  const take = async (file) => {
    if (!file) return;
    try {
      const document = JSON.parse(await file.text());
      await load({ document }, reload, `Loaded ${file.name}`);
    } catch (error) {
      refused(new Error(`${file.name} is not JSON: ${error.message}`));
    }
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return html`<div class="drop ${over ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <p>Drop a scenario file here, or</p>
    <button type="button" onClick=${() => input.current.click()}>Choose a file</button>
    <input ref=${input} class="sr" type="file" accept="application/json,.json" aria-label="Scenario file" tabindex="-1"
      onChange=${(event) => { take(event.target.files[0]); event.target.value = ""; }} /></div>`;
}

function Snapshots({ reload }) {
  const found = useLoad(() => control("GET", "snapshots"), []);
  const take = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("name");
    event.target.reset();
    return attempt(() => control("PUT", `snapshots/${encodeURIComponent(name)}`), `Took the snapshot ${name}`)
      .then((ok) => ok && found.reload());
  };
  const restore = (name) => attempt(() => control("POST", `snapshots/${encodeURIComponent(name)}/restore`), `The world is back at ${name}`)
    .then((ok) => ok && reload());
  const branch = (name) => attempt(() => control("PUT", `worlds/${encodeURIComponent(name)}`, { body: { snapshot: name } }), `Made the world ${name}`);
  return html`<${Loaded} from=${found} what="snapshots">${({ results }) => html`<div>
    <form class="bar" onSubmit=${take}><${Name} of="Name of a snapshot" /><button class="main">Take a snapshot</button></form>
    <${Table} label="Snapshots" rows=${results} rowKey=${(row) => row.name} empty="No snapshot was taken yet." columns=${[
      { key: "name", title: "Name", cell: (row) => row.name },
      { key: "at", whole: true, title: "Clock", cell: (row) => time(row.now) },
      { key: "steps", title: "Steps", number: true, cell: (row) => row.steps },
      { key: "do", whole: true, title: "Do", cell: (row) => html`<span class="buttons">
        <${Action} class="small" work=${() => restore(row.name)} aria-label="Restore ${row.name}">Restore<//>
        <${Action} class="small" work=${() => branch(row.name)} aria-label="Branch ${row.name}">Branch<//></span>` },
    ]} /></div>`}<//>`;
}


const Name = ({ of }) => html`<label class="field"><span>${of}</span>
  <input name="name" required maxlength="100" pattern="[A-Za-z0-9._\\-]+" title="Letters, digits, dot, dash and underscore" /></label>`;

function Branches() {
  const health = useLoad(() => control("GET", "health"), []);
  const found = useLoad(() => control("GET", "worlds"), []);
  const here = health.data?.world;
  const branch = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("name");
    event.target.reset();
    return attempt(() => control("PUT", `worlds/${encodeURIComponent(name)}`, { body: { world: here } }), `Made the world ${name}, as ${here} is now`)
      .then((ok) => ok && found.reload());
  };
  const remove = (name) => attempt(() => control("DELETE", `worlds/${encodeURIComponent(name)}`), `Removed the world ${name}`)
    .then((ok) => ok && found.reload());
  return html`<${Loaded} from=${found} what="more than one world">${({ results }) => html`<div>
    <form class="bar" onSubmit=${branch}><${Name} of="Name of a branch" /><button class="main">Branch this world</button></form>
    <${Table} label="Worlds" rows=${results} rowKey=${(row) => row.name} columns=${[
      { key: "name", title: "World", cell: (row) => html`<strong>${row.name}</strong>${row.name === here ? " (this one)" : ""}` },
      { key: "scenario", title: "Scenario", cell: (row) => dash(row.scenario) },
      { key: "now", whole: true, title: "Clock", cell: (row) => `${time(row.now)} (${row.clock})` },
      { key: "steps", number: true, title: "Steps", cell: (row) => number(row.steps) },
      { key: "requests", number: true, title: "Requests", cell: (row) => number(row.requests) },
      { key: "do", whole: true, title: "Do", cell: (row) => html`<span class="buttons">
        <button type="button" class="small" disabled=${row.name === here} onClick=${() => enter(row.name)} aria-label="Enter ${row.name}">Enter</button>
        <${Action} class="small danger" disabled=${["default", here].includes(row.name)} work=${() => remove(row.name)}
          aria-label="Remove ${row.name}">Remove<//></span>` },
    ]} /></div>`}<//>`;
}
