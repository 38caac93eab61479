/** Fidelity: how sure each behaviour is, and why where it is assumed. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../live.js";
import { Card, Choice, Heading, Loaded, Provenance } from "../parts/pieces.js";
import { Table } from "../parts/table.js";
import { go } from "../route.js";
import { number } from "../text.js";

const HOW = [["", "All"], ["documented", "Documented"], ["observed", "Observed"], ["framework", "Framework"], ["assumed", "Assumed"]];
const MEANS = {
  documented: "a page of the vendor says so", observed: "a documented sample or the vendor’s published code shows it",
  framework: "what Django REST framework does where the pages are silent", assumed: "our best guess, with its reason",
};
const NAMES = {
  operations: (row) => html`<code>${row.operation}</code> ${row.method} ${row.path}`,
  statuses: (row) => html`<code>${row.operation === "*" ? "every operation" : row.operation}</code> ${row.status}`,
  webhooks: (row) => row.rule,
  live: (row) => row.rule,
  shapes: (row) => html`<code>${row.shape}</code>`,
  filters: (row) => html`<code>${row.name}</code> ${row.doc}, of ${row.operations.join(", ")}`,
  commands: (row) => html`<code>${row.command}</code> of ${row.of.replace("_", " ")}${row.parameters.length ? `: ${row.parameters.map((each) => each.name).join(", ")}` : ""}`,
  states: (row) => html`${row.name} <code>${row.enum_value}</code> of ${row.of}`,
  transitions: (row) => html`${row.label} <code>${row.slug ?? row.command}</code>`,
};
const nameOf = (part, row) => (NAMES[part] ?? ((each) => JSON.stringify(each)))(row);

export function Page({ asked }) {
  const found = useLoad(() => control("GET", "fidelity"), []);
  return html`<div><${Heading} title="Fidelity" /><${Loaded} from=${found}>${(all) => html`<${Shown} all=${all} asked=${asked} />`}<//></div>`;
}

function Shown({ all, asked }) {
  const parts = Object.keys(all);
  const part = parts.includes(asked.part) ? asked.part : parts[0];
  const how = asked.how ?? "";
  const text = (asked.text ?? "").toLowerCase();
  const rows = all[part].filter((row) => (!how || row.provenance === how) && JSON.stringify(row).toLowerCase().includes(text));
  const show = (changed) => go("fidelity", { part, how, text: asked.text, ...changed });
  const search = (event) => {
    event.preventDefault();
    show({ text: new FormData(event.target).get("text") });
  };
  return html`<div><${Sums} all=${all} />
    <${Card} title="Behaviours">
    <${Choice} name="part" legend="Of" options=${parts.map((each) => [each, `${each} (${all[each].length})`])} value=${part} onChange=${(value) => show({ part: value })} />
    <${Choice} name="how" legend="How sure" options=${HOW} value=${how} onChange=${(value) => show({ how: value })} />
    <form class="bar" role="search" aria-label="Search" onSubmit=${search}><label class="field"><span>Contains</span>
      <input name="text" type="search" value=${asked.text ?? ""} /></label><button>Search</button></form>
    <${Table} label=${part} rows=${rows} rowKey=${(row) => all[part].indexOf(row)} columns=${[
      { key: "name", long: true, title: "What", cell: (row) => nameOf(part, row) },
      { key: "sure", whole: true, title: "How sure", cell: (row) => html`<${Provenance} of=${row.provenance} />` },
      { key: "why", long: true, title: "Why, where", cell: (row) => row.reason ?? row.note ?? row.doc ?? "" },
    ]} /><//></div>`;
}

function Sums({ all }) {
  const rows = Object.values(all).flat();
  return html`<${Card} title="How sure the emulator is"><${Table} label="How sure" rows=${HOW.slice(1)} rowKey=${([key]) => key} columns=${[
    { key: "how", whole: true, title: "Mark", cell: ([key]) => html`<${Provenance} of=${key} />` },
    { key: "means", title: "Means", cell: ([key]) => MEANS[key] },
    { key: "count", number: true, title: "Behaviours", cell: ([key]) => number(rows.filter((row) => row.provenance === key).length) },
  ]} /><//>`;
}
