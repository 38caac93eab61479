/** The fidelity page: the provenance of each behaviour, and the reason for each assumption. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../loading.js";
import { Card, PageHeading, Provenance, RadioGroup, TextField, WhenLoaded } from "../components/common.js";
import { Table } from "../components/table.js";
import { currentQuery, href, navigate } from "../router.js";
import { number } from "../format.js";

const PROVENANCES = [["", "All"], ["documented", "Documented"], ["observed", "Observed"], ["framework", "Framework"], ["assumed", "Assumed"]];
const MEANINGS = {
  documented: "stated in the vendor’s documentation", observed: "shown by a documented sample, the vendor’s published code or an evidence file",
  framework: "the behaviour of Django REST framework, where the documentation says nothing", assumed: "an assumption, with the reason for it",
};
const NAMES = {
  operations: (row) => html`<code>${row.operation}</code> ${row.method} ${row.path}`,
  statuses: (row) => html`<code>${row.operation === "*" ? "all operations" : row.operation}</code> ${row.status}`,
  webhooks: (row) => row.rule,
  live: (row) => row.rule,
  protocol: (row) => html`${row.class}: ${row.rule}`,
  shapes: (row) => html`<code>${row.shape}</code>`,
  filters: (row) => html`<code>${row.name}</code> ${row.doc} (${row.operations.join(", ")})`,
  commands: (row) => html`<code>${row.command}</code> of ${row.of.replace("_", " ")}${row.parameters.length ? `: ${row.parameters.map((each) => each.name).join(", ")}` : ""}`,
  states: (row) => html`${row.name} <code>${row.enum_value}</code> of ${row.of}`,
  item_states: (row) => html`${row.name} <code>${row.enum_value}</code> of ${row.of}`,
  transitions: (row) => html`${row.label} <code>${row.slug ?? row.command}</code>`,
};
const differenceText = (each) => `${each.kind} ${each.pointer || "of the response"} (${each.count})`;
const nameOf = (part, row) => (NAMES[part] ?? ((each) => JSON.stringify(each)))(row);

export function Page({ query }) {
  const fidelity = useLoad(() => control("GET", "fidelity"), []);
  return html`<div><${PageHeading} title="Fidelity" /><${WhenLoaded} request=${fidelity}>${(sections) => html`<${Behaviours} sections=${sections} query=${query} />`}<//></div>`;
}

function Behaviours({ sections, query }) {
  const parts = Object.keys(sections);
  const part = parts.includes(query.part) ? query.part : parts[0];
  const provenance = query.how ?? "";
  const text = (query.text ?? "").toLowerCase();
  const rows = sections[part].filter((row) => (!provenance || row.provenance === provenance) && JSON.stringify(row).toLowerCase().includes(text));
  const show = (changed) => navigate("fidelity", { part, how: provenance, text: query.text, ...currentQuery(), ...changed });
  const search = (event) => {
    event.preventDefault();
    show({ text: new FormData(event.target).get("text") });
  };
  return html`<div><${Totals} sections=${sections} />
    <${Card} title="Behaviours">
    <${RadioGroup} name="part" legend="Section" options=${parts.map((each) => [each, `${each.replaceAll("_", " ")} (${number(sections[each].length)})`])} value=${part} onChange=${(value) => show({ part: value })} />
    <${RadioGroup} name="how" legend="Provenance" options=${PROVENANCES} value=${provenance} onChange=${(value) => show({ how: value })} />
    <form class="bar" role="search" aria-label="Search" onSubmit=${search}><label class="field"><span>Contains</span>
      <${TextField} name="text" type="search" value=${query.text ?? ""} /></label><button>Search</button></form>
    <${Table} label=${part.replaceAll("_", " ")} rows=${rows} rowKey=${(row) => sections[part].indexOf(row)}
      empty=${html`No behaviours match. <a href=${href("fidelity", { part })}>Clear filters</a>`} columns=${[
      { key: "name", long: true, title: "Behaviour", cell: (row) => nameOf(part, row) },
      { key: "provenance", whole: true, title: "Provenance", cell: (row) => html`<${Provenance} of=${row.provenance} />` },
      { key: "reason", long: true, title: "Reason or source", cell: (row) => html`${row.reason ?? row.note ?? row.doc ?? ""}${row.differences ? html`<br /><strong>Differs from the recorded OMS</strong>: ${row.differences.map(differenceText).join(", ")}` : ""}` },
    ]} /><//></div>`;
}

function Totals({ sections }) {
  const rows = Object.values(sections).flat();
  return html`<${Card} title="Provenance of the behaviours"><${Table} label="Provenance" rows=${PROVENANCES.slice(1)} rowKey=${([key]) => key} columns=${[
    { key: "provenance", whole: true, title: "Provenance", cell: ([key]) => html`<${Provenance} of=${key} />` },
    { key: "meaning", title: "Meaning", cell: ([key]) => MEANINGS[key] },
    { key: "count", number: true, title: "Behaviours", cell: ([key]) => number(rows.filter((row) => row.provenance === key).length) },
  ]} /><//>`;
}
