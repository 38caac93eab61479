/** Coverage: how much of the emulated behaviour callers met, and what they did not. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../live.js";
import { Card, Choice, Heading, Loaded } from "../parts/pieces.js";
import { Table } from "../parts/table.js";
import { go } from "../route.js";
import { number } from "../text.js";

const SHOWN = [["missing", "Not met"], ["met", "Met"]];

export function Page({ asked }) {
  const coverage = useLoad(() => control("GET", "coverage"), []);
  return html`<div><${Heading} title="Coverage"><button type="button" onClick=${coverage.reload}>Refresh</button><//>
    <${Loaded} from=${coverage} what="coverage">${(found) => html`<${Report} found=${found} asked=${asked} />`}<//></div>`;
}

function Report({ found, asked }) {
  const names = Object.keys(found.dimensions);
  const chosen = names.includes(asked.of) ? asked.of : names[0];
  const shown = asked.shown === "met" ? "met" : "missing";
  const show = (changed) => go("coverage", { of: chosen, shown, ...changed });
  const dimension = found.dimensions[chosen];
  const rows = shown === "met" ? Object.entries(dimension.counts) : dimension.missing.map((name) => [name, 0]);
  return html`<div>
    <${Card} title="${found.percent} % met: ${number(found.met)} of ${number(found.total)}">
      <${Table} label="Dimensions" rows=${names} rowKey=${(name) => name} columns=${[
        { key: "title", title: "What", cell: (name) => found.dimensions[name].title },
        { key: "bar", title: "How much", cell: (name) => html`<meter min="0" max="100" value=${found.dimensions[name].percent}
          aria-label=${found.dimensions[name].title}></meter> ${found.dimensions[name].percent} %` },
        { key: "met", number: true, title: "Met", cell: (name) => number(found.dimensions[name].met) },
        { key: "total", number: true, title: "Of", cell: (name) => number(found.dimensions[name].total) },
      ]} /><//>
    <${Card} title=${`Row by row: ${dimension.title}`}>
      <${Choice} name="of" legend="Of" options=${names.map((name) => [name, name])} value=${chosen} onChange=${(of) => show({ of })} />
      <${Choice} name="shown" legend="Which" options=${SHOWN} value=${shown} onChange=${(value) => show({ shown: value })} />
      <${Table} label=${shown === "met" ? "Met" : "Not met"} rows=${rows} rowKey=${([name]) => name}
        empty=${shown === "met" ? "Nothing of it was met yet." : "All of it was met."} columns=${[
          { key: "name", long: true, title: "Name", cell: ([name]) => html`<code>${name}</code>` },
          { key: "count", number: true, title: "How often", cell: ([, count]) => number(count) },
        ]} /><//></div>`;
}
