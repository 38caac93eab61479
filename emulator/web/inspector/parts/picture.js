/** The state graph as a picture, with the same as tables for those who do not see it. */
import { html, useEffect, useRef, useState } from "../lib.js";
import { href } from "../route.js";
import { number, plural } from "../text.js";
import { ACTORS, isSure, laidOut } from "./graph.js";
import { Provenance, kindOfState } from "./pieces.js";
import { Table } from "./table.js";

const NARROW = matchMedia("(max-width: 800px)");

/** `list`: the page that lists the records; `one`/`many`: what they are called. */
export const Picture = (given) => (given.graph.states.length
  ? html`<${Known} ...${given} />` : html`<p class="empty">This world knows no states of ${given.many}.</p>`);

function Known({ graph, list, one, many }) {
  const [dagre, setDagre] = useState(null);
  const [actors, setActors] = useState(Object.keys(ACTORS));
  const [near, setNear] = useState(null);
  const narrow = useNarrow();
  useEffect(() => { import("../vendor/dagre.js").then(setDagre); }, []);
  const known = Object.keys(ACTORS).filter((actor) => graph.transitions.some((move) => move.actor === actor));
  const toggle = (actor) => setActors(actors.includes(actor) ? actors.filter((each) => each !== actor) : [...actors, actor]);
  return html`<div class="picture">
    <div class="legend" role="group" aria-label="Whose moves are drawn">
      ${known.map((actor) => html`<label key=${actor} class="actor ${actor}">
        <input type="checkbox" checked=${actors.includes(actor)} onChange=${() => toggle(actor)} />
        <svg class="sample" width="34" height="14" aria-hidden="true"><path class="edge ${actor}" d="M1 7H33" />
          ${ACTORS[actor].sign && html`<${Sign} actor=${actor} x="17" y="7" />`}</svg>${ACTORS[actor].title}</label>`)}
      <span class="key"><svg width="34" height="14" aria-hidden="true"><path class="edge command" d="M1 7H33" /></svg> documented or observed</span>
      <span class="key"><svg width="34" height="14" aria-hidden="true"><path class="edge command assumed" d="M1 7H33" /></svg> assumed</span>
    </div>
    ${dagre && html`<${Drawing} ...${{ dagre, graph, actors, near, setNear, list, one, many, narrow }} direction=${narrow || graph.states.length > 8 ? "TB" : "LR"} />`}
    <${Near} graph=${graph} near=${near} />
    <details><summary>The same as tables</summary><${Tables} graph=${graph} list=${list} many=${many} /></details>
  </div>`;
}

function useNarrow() {
  const [narrow, set] = useState(NARROW.matches);
  useEffect(() => {
    const changed = (event) => set(event.matches);
    NARROW.addEventListener("change", changed);
    return () => NARROW.removeEventListener("change", changed);
  }, []);
  return narrow;
}

const KEPT = 8;
const kept = new Map();
/** The latest layouts: of both pictures, as their moves are chosen. */

/** The counts change often, where things are drawn does not: lay out again only when the moves are others. */
function placed(dagre, graph, actors, direction) {
  const key = JSON.stringify([graph.states.map((state) => state.id), graph.transitions.map((move) => move.id), actors, direction]);
  const known = kept.get(key) ?? laidOut(dagre, graph, actors, direction);
  kept.delete(key);
  kept.set(key, known);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  const counts = new Map(graph.states.map((state) => [state.id, state.count]));
  return { ...known, states: known.states.map((state) => ({ ...state, count: counts.get(state.id) })) };
}

function Drawing({ dagre, graph, actors, direction, near, setNear, list, one, many, narrow }) {
  const { width, height, states, edges } = placed(dagre, graph, actors, direction);
  const canvas = useRef(null);
  useEffect(() => {  // where it is wider than the screen, begin with the state at the top
    const top = states.reduce((high, other) => (other.y < high.y ? other : high));
    canvas.current.scrollLeft = top.x - canvas.current.clientWidth / 2;
  }, [width, narrow]);
  const touches = (edge) => near === null || edge.from === near || edge.to === near;
  return html`<div ref=${canvas} class="canvas" tabindex="0" role="region" aria-label="State graph of ${many}, scrollable">
    <svg viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="group"
      aria-label="States of ${many}; each leads to its list">
      <defs>${Object.keys(ACTORS).map((actor) => html`<marker key=${actor} id="arrow-${actor}" viewBox="0 0 10 10" refX="9" refY="5"
        markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="arrow ${actor}" d="M0 0L10 5L0 10z" /></marker>`)}</defs>
      <g aria-hidden="true">${edges.map((edge) => html`<g key=${edge.key} class=${touches(edge) ? "" : "dim"}>
        <path class="edge ${edge.actor} ${edge.sure ? "" : "assumed"}" d=${edge.path} marker-end="url(#arrow-${edge.actor})">
          <title>${edge.moves.map((move) => move.label).join(", ")}</title></path>
        ${ACTORS[edge.actor].sign && html`<${Sign} actor=${edge.actor} x=${edge.middle.x} y=${edge.middle.y} />`}</g>`)}</g>
      ${states.map((state) => html`<a key=${state.id} href=${href(list, { state: state.id })}
        class="node ${kindOfState(state.enum_value)} ${isSure(state.provenance) ? "" : "assumed"}"
        aria-label="${state.name}: ${plural(state.count, one, many)}, ${state.provenance}"
        onMouseEnter=${() => setNear(state.id)} onMouseLeave=${() => setNear(null)}
        onFocus=${() => setNear(state.id)} onBlur=${() => setNear(null)}>
        <rect x=${state.left} y=${state.top} width=${state.width} height=${state.height} rx="8" />
        <path class="edgebar" d="M${state.left + 5} ${state.top + 9}V${state.top + state.height - 9}" />
        ${state.lines.map((line, index) => html`<text key=${index} class="name" x=${state.left + 13}
          y=${state.y + (index - (state.lines.length - 1) / 2) * 14 + 4}>${line}</text>`)}
        <text class="count" x=${state.left + state.width - 8} y=${state.y + 4} text-anchor="end">${number(state.count)}</text>
      </a>`)}
    </svg></div>`;
}

const Sign = ({ actor, x, y }) => html`<g class="sign ${actor}" transform="translate(${x} ${y})">
  <circle r="7" /><text y="3.5" text-anchor="middle">${ACTORS[actor].sign}</text></g>`;

/** The moves of the state under the pointer or the focus. */
function Near({ graph, near }) {
  const names = new Map(graph.states.map((state) => [state.id, state.name]));
  if (near === null) return html`<p class="near">Point at a state to see its moves; choose it to see its list.</p>`;
  const out = graph.transitions.filter((move) => move.source === near);
  return html`<div class="near"><strong>${names.get(near)}</strong>
    ${out.length ? "" : " – nothing leads out of it."}
    <ul>${out.map((move) => html`<li key=${move.id}><span class="badge">${move.label}</span>
      ${move.source === move.destination ? " stays" : ` → ${names.get(move.destination) ?? "?"}`}
      ${move.actor !== "command" && html` <em>${ACTORS[move.actor]?.title ?? move.actor}</em>`}</li>`)}</ul></div>`;
}

function Tables({ graph, list, many }) {
  const names = new Map(graph.states.map((state) => [state.id, state.name]));
  return html`
    <${Table} label="States of ${many}" rows=${graph.states} rowKey=${(state) => state.id} columns=${[
      { key: "id", title: "Id", number: true, cell: (state) => state.id },
      { key: "name", title: "State", cell: (state) => html`<a href=${href(list, { state: state.id })}>${state.name}</a>` },
      { key: "value", title: "Value", cell: (state) => state.enum_value },
      { key: "count", title: many, number: true, cell: (state) => number(state.count) },
      { key: "sure", title: "How sure", cell: (state) => html`<${Provenance} of=${state.provenance} />` },
    ]} />
    <${Table} label="Transitions of ${many}" rows=${graph.transitions} rowKey=${(move) => move.id} columns=${[
      { key: "from", title: "From", cell: (move) => names.get(move.source) ?? move.source },
      { key: "to", title: "To", cell: (move) => names.get(move.destination) ?? move.destination },
      { key: "label", title: "Label", cell: (move) => move.label },
      { key: "command", title: "Command", cell: (move) => html`<code>${move.command}</code>` },
      { key: "actor", title: "Who", cell: (move) => move.actor },
      { key: "sure", title: "How sure", cell: (move) => html`<${Provenance} of=${move.provenance} />` },
    ]} />`;
}
