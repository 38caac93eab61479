/** The scenarios page: load, import and export scenarios; manage snapshots and worlds. */
import { control, ROOT, WORLD } from "../api.js";
import { html, useRef, useState } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { ActionButton, Card, Form, JsonBlock, PageHeading, Properties, valuesOf, WhenLoaded } from "../components/common.js";
import { ConfirmButton, Dialog } from "../components/dialog.js";
import { runAction, showError } from "../components/toasts.js";
import { switchWorld } from "../components/layout.js";
import { Table } from "../components/table.js";
import { humanize, number, orDash, time } from "../format.js";

export function Page() {
  const scenario = useLive(() => control("GET", "scenario"), ["world"], []);
  return html`<div><${PageHeading} title="Scenarios"><a class="button" href="${ROOT}/__admin/export" download="scenario.json">Export world</a><//>
    <div class="columns">
      <${Card} title="Current scenario"><${WhenLoaded} request=${scenario} feature="changing the scenario">${(state) => html`<${Properties} items=${
        Object.entries(state).map(([key, value]) => [humanize(key), format(key, value)])} />`}<//><//>
      <${Card} title="Load a scenario"><${LoadForm} reload=${scenario.reload} /><//>
      <${Card} title="Import a file"><${ImportForm} reload=${scenario.reload} /><//>
      <${Card} title="Snapshots"><${Snapshots} reload=${scenario.reload} /><//>
    </div>
    <${Card} title="Worlds and branches"><${Worlds} /><//></div>`;
}

const FORMATS = { clock: time, packages: number, steps: number };

const format = (key, value) => (value !== null && typeof value === "object" ? html`<details><summary>Show</summary><${JsonBlock} value=${value} /></details>`
  : (FORMATS[key] ?? orDash)(value));

const REPLACES = "The present state of this world, its snapshots and its journal are replaced. This cannot be undone.";

const load = (body, reload, text) => runAction(() => control("PUT", "scenario", { body }), text).then((ok) => ok && reload());

function LoadForm({ reload }) {
  const [asked, setAsked] = useState(null);
  const submit = (form) => {
    const { name, seed, packages } = valuesOf(form);
    setAsked({ name, ...(seed && { seed: Number(seed) }), ...(packages && { packages: Number(packages) }) });
  };
  const confirm = () => load(asked, reload, `Loaded ${asked.name}`).then(() => setAsked(null));
  const scenarios = useLoad(() => control("GET", "scenarios"), []);
  return html`<${Form} onSubmit=${submit}>
    <label class="field"><span>Name *</span><input name="name" list="scenarios" required /></label>
    <datalist id="scenarios">${(scenarios.data?.results ?? []).map(({ name, description }) => html`
      <option key=${name} value=${name}>${description}</option>`)}</datalist>
    <div class="fields"><label class="field"><span>Seed</span><input name="seed" type="number" /></label>
      <label class="field"><span>Packages</span><input name="packages" type="number" min="0" /></label></div>
    <div class="actions"><button class="main">Load scenario</button></div>
    ${asked && html`<${ReplaceDialog} title="Load ${asked.name}?" onAction=${confirm} onClose=${() => setAsked(null)} />`}<//>`;
}

const ReplaceDialog = ({ title, onAction, onClose }) => html`<${Dialog} title=${title} onClose=${onClose}><p>${REPLACES}</p>
  <div class="actions"><button type="button" onClick=${onClose}>Cancel</button><${ActionButton} class="main danger" onAction=${onAction}>Replace world<//></div><//>`;

function ImportForm({ reload }) {
  const [dragging, setDragging] = useState(false);
  const [asked, setAsked] = useState(null);
  const input = useRef(null);
  const loadFile = async (file) => {
    if (!file) return;
    try {
      const document = JSON.parse(await file.text());
      setAsked({ name: file.name, document });
    } catch (error) {
      showError(new Error(`${file.name} is not valid JSON: ${error.message}`));
    }
  };
  const drop = (event) => {
    event.preventDefault();
    setDragging(false);
    loadFile(event.dataTransfer.files[0]);
  };
  return html`<div class="drop ${dragging ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); setDragging(true); }}
      onDragLeave=${() => setDragging(false)} onDrop=${drop}>
    <p>Drag a scenario file here, or</p>
    <button type="button" onClick=${() => input.current.click()}>Choose file</button>
    <input ref=${input} class="sr" type="file" accept="application/json,.json" aria-label="Scenario file" tabindex="-1"
      onChange=${(event) => { loadFile(event.target.files[0]); event.target.value = ""; }} />
    ${asked && html`<${ReplaceDialog} title="Load ${asked.name}?" onClose=${() => setAsked(null)}
      onAction=${() => load({ document: asked.document }, reload, `Loaded ${asked.name}`).then(() => setAsked(null))} />`}</div>`;
}

function Snapshots({ reload }) {
  const snapshots = useLive(() => control("GET", "snapshots"), ["snapshots"], []);
  const takeSnapshot = (form) => {
    const { name } = valuesOf(form);
    return runAction(() => control("PUT", `snapshots/${encodeURIComponent(name)}`), `Snapshot ${name} taken`)
      .then((ok) => {
        if (!ok) return undefined;
        resetForm(form, name);
        return snapshots.reload();
      });
  };
  const restore = (name) => runAction(() => control("POST", `snapshots/${encodeURIComponent(name)}/restore`), `Restored snapshot ${name}`)
    .then((ok) => ok && reload());
  const branch = (name) => runAction(() => control("PUT", `worlds/${encodeURIComponent(name)}`, { body: { snapshot: name } }), `Created world ${name}`);
  return html`<${WhenLoaded} request=${snapshots} feature="snapshots">${({ results }) => html`<div>
    <${Form} class="bar" onSubmit=${takeSnapshot}><${NameField} label="Snapshot name" /><button class="main">Take snapshot</button><//>
    <${Table} label="Snapshots" rows=${results} rowKey=${(row) => row.name} empty="No snapshots." columns=${[
      { key: "name", title: "Name", cell: (row) => row.name },
      { key: "at", whole: true, title: "Clock", cell: (row) => time(row.now) },
      { key: "steps", title: "Steps", number: true, cell: (row) => row.steps },
      { key: "actions", whole: true, title: "Actions", cell: (row) => html`<span class="buttons">
        <${ConfirmButton} class="small" confirm="Restore ${row.name}" onAction=${() => restore(row.name)} aria-label="Restore ${row.name}"
          question="This world returns to the state of the snapshot. Changes since then are lost, unless you take another snapshot before.">Restore<//>
        <${ActionButton} class="small" onAction=${() => branch(row.name)} aria-label="Branch ${row.name}">Branch<//></span>` },
    ]} /></div>`}<//>`;
}

/** Empty a form after its action succeeded, unless another name was typed meanwhile. */
function resetForm(form, name) {
  if (valuesOf(form).name === name) form.reset();
}

const NameField = ({ label }) => html`<label class="field"><span>${label}</span>
  <input name="name" required maxlength="100" pattern="[A-Za-z0-9._\\-]+" title="Letters, digits, dots, hyphens and underscores" /></label>`;

function Worlds() {
  const worlds = useLive(() => control("GET", "worlds"), ["worlds"], []);
  const branch = (form) => {
    const { name } = valuesOf(form);
    return runAction(() => control("PUT", `worlds/${encodeURIComponent(name)}`, { body: { world: WORLD } }), `Created world ${name} from ${WORLD}`)
      .then((ok) => {
        if (!ok) return undefined;
        resetForm(form, name);
        return worlds.reload();
      });
  };
  const remove = (name) => runAction(() => control("DELETE", `worlds/${encodeURIComponent(name)}`), `Deleted world ${name}`)
    .then((ok) => ok && worlds.reload());
  return html`<${WhenLoaded} request=${worlds} feature="multiple worlds">${({ results }) => html`<div>
    <${Form} class="bar" onSubmit=${branch}><${NameField} label="Branch name" /><button class="main">Branch world</button><//>
    <${Table} label="Worlds" rows=${results} rowKey=${(row) => row.name} columns=${[
      { key: "name", title: "World", cell: (row) => html`<strong>${row.name}</strong>${row.name === WORLD ? " (current)" : ""}` },
      { key: "scenario", title: "Scenario", cell: (row) => orDash(row.scenario) },
      { key: "now", whole: true, title: "Clock", cell: (row) => `${time(row.now)} (${row.clock})` },
      { key: "steps", minor: true, number: true, title: "Steps", cell: (row) => number(row.steps) },
      { key: "requests", minor: true, number: true, title: "Requests", cell: (row) => number(row.requests) },
      { key: "actions", whole: true, title: "Actions", cell: (row) => html`<span class="buttons">
        <button type="button" class="small" disabled=${row.name === WORLD} onClick=${() => switchWorld(row.name)} aria-label="Open ${row.name}">Open</button>
        <${ConfirmButton} class="small danger" confirm="Delete ${row.name}" disabled=${["default", WORLD].includes(row.name)} onAction=${() => remove(row.name)}
          question="The world and its snapshots are deleted. This cannot be undone." aria-label="Delete ${row.name}">Delete<//></span>` },
    ]} /></div>`}<//>`;
}
