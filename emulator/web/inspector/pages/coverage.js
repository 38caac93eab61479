/** The coverage page: which emulated behaviour was used, and which was not. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../loading.js";
import { Card, PageHeading, RadioGroup, WhenLoaded } from "../components/common.js";
import { Table } from "../components/table.js";
import { currentQuery, navigate } from "../router.js";
import { number } from "../format.js";

const SHOWN = [["missing", "Not covered"], ["met", "Covered"]];

export function Page({ query }) {
  const coverage = useLoad(() => control("GET", "coverage"), []);
  return html`<div><${PageHeading} title="Coverage"><button type="button" onClick=${coverage.reload}>Refresh</button><//>
    <${WhenLoaded} request=${coverage} feature="coverage">${(report) => html`<${Report} report=${report} query=${query} />`}<//></div>`;
}

function Report({ report, query }) {
  const names = Object.keys(report.dimensions);
  const selected = names.includes(query.of) ? query.of : names[0];
  const shown = query.shown === "met" ? "met" : "missing";
  const show = (changed) => navigate("coverage", { of: selected, shown, ...currentQuery(), ...changed });
  const dimension = report.dimensions[selected];
  const rows = shown === "met" ? Object.entries(dimension.counts) : dimension.missing.map((name) => [name, 0]);
  return html`<div>
    <${Card} title="${report.percent} % covered: ${number(report.met)} of ${number(report.total)}">
      <${Table} label="Dimensions" rows=${names} rowKey=${(name) => name} columns=${[
        { key: "title", title: "Dimension", cell: (name) => report.dimensions[name].title },
        { key: "bar", title: "Share", cell: (name) => html`<meter min="0" max="100" value=${report.dimensions[name].percent}
          aria-label=${report.dimensions[name].title}></meter> ${report.dimensions[name].percent} %` },
        { key: "met", number: true, title: "Covered", cell: (name) => number(report.dimensions[name].met) },
        { key: "total", number: true, title: "Total", cell: (name) => number(report.dimensions[name].total) },
      ]} /><//>
    <${Card} title=${`Details: ${dimension.title}`}>
      <${RadioGroup} name="of" legend="Dimension" options=${names.map((name) => [name, name])} value=${selected} onChange=${(of) => show({ of })} />
      <${RadioGroup} name="shown" legend="Show" options=${SHOWN} value=${shown} onChange=${(value) => show({ shown: value })} />
      <${Table} label=${shown === "met" ? "Covered" : "Not covered"} rows=${rows} rowKey=${([name]) => name}
        empty=${shown === "met" ? "Nothing is covered yet." : "Everything is covered."} columns=${[
          { key: "name", long: true, title: "Name", cell: ([name]) => html`<code>${name}</code>` },
          { key: "count", number: true, title: "Count", cell: ([, count]) => number(count) },
        ]} /><//></div>`;
}
