/** The state graph as a drawing, and as tables for screen readers. */
import { html, useEffect, useRef, useState } from "../lib.js";
import { useStream } from "../loading.js";
import { href } from "../router.js";
import { number, plural } from "../format.js";
import { Activity } from "./activity.js";
import { ACTORS, isEvidenced, layoutGraph } from "./graph_layout.js";
import { Provenance, stateCategory } from "./common.js";
import { Table } from "./table.js";

const NARROW_SCREEN = matchMedia("(max-width: 800px)");

/** `list`: the page that lists the records; `one` and `many`: the noun for them. */
export const StateGraph = (props) => (props.graph.states.length
  ? html`<${Graph} ...${props} />` : html`<p class="empty">This world has no states for ${props.many}.</p>`);

function Graph({ graph, list, one, many }) {
  const [actors, setActors] = useState(Object.keys(ACTORS));
  const [focused, setFocused] = useState(null);
  const [selected, setSelected] = useState(null);
  const narrow = useNarrow();
  const present = Object.keys(ACTORS).filter((actor) => graph.transitions.some((transition) => transition.actor === actor));
  const toggle = (actor) => setActors(actors.includes(actor) ? actors.filter((each) => each !== actor) : [...actors, actor]);
  return html`<div>
    <${Drawing} ...${{ graph, actors, focused, setFocused, selected, setSelected, list, one, many, narrow }} />
    ${selected ? html`<${EdgeDetails} ...${{ graph, edge: selected, list, onClose: () => setSelected(null) }} />` : html`<${StateTransitions} graph=${graph} state=${focused} />`}
    <div class="legend" role="group" aria-label="Actors shown">
      ${present.map((actor) => html`<label key=${actor} class="actor ${actor}">
        <input type="checkbox" checked=${actors.includes(actor)} onChange=${() => toggle(actor)} />
        <svg class="sample" width="34" height="14" aria-hidden="true"><path class="edge ${actor}" d="M1 7H33" />
          ${ACTORS[actor].sign && html`<${ActorBadge} actor=${actor} x="17" y="7" />`}</svg>${ACTORS[actor].title}</label>`)}
      <span class="key"><svg width="34" height="14" aria-hidden="true"><path class="edge command" d="M1 7H33" /></svg> documented or observed</span>
      <span class="key"><svg width="34" height="14" aria-hidden="true"><path class="edge command assumed" d="M1 7H33" /></svg> assumed</span>
      <span class="key"><svg width="34" height="14" aria-hidden="true"><rect class="heat" width="34" height="14" rx="3" style=${{ opacity: 0.5 }} /></svg> many ${many}</span>
    </div>
    <details><summary>Show as tables</summary><${Tables} graph=${graph} list=${list} many=${many} /></details>
  </div>`;
}

function useNarrow() {
  const [narrow, set] = useState(NARROW_SCREEN.matches);
  useEffect(() => {
    const update = (event) => set(event.matches);
    NARROW_SCREEN.addEventListener("change", update);
    return () => NARROW_SCREEN.removeEventListener("change", update);
  }, []);
  return narrow;
}

/** A small cache of recent layouts. */
const CACHE_SIZE = 8;
const layouts = new Map();

/** Return the layout with current counts. The layout is computed again only when states, transitions or actors change. */
function cachedLayout(graph, actors, narrow) {
  const key = JSON.stringify([graph.states.map((state) => state.id), graph.transitions.map((transition) => transition.id), actors, narrow]);
  const layout = layouts.get(key) ?? layoutGraph(graph, actors, narrow);
  layouts.delete(key);
  layouts.set(key, layout);
  if (layouts.size > CACHE_SIZE) layouts.delete(layouts.keys().next().value);
  const counts = new Map(graph.states.map((state) => [state.id, state.count]));
  return { ...layout, states: layout.states.map((state) => ({ ...state, count: counts.get(state.id) })) };
}

const FLASH_MS = 1_600;

/** Return the keys of the edges that were taken a moment ago. */
function useFlashes(graph) {
  const [flashes, set] = useState(new Set());
  const seen = useRef(null);
  const entries = useStream(({ activity }) => activity);
  useEffect(() => {
    const moved = entries.filter((entry) => entry.kind === "moved");
    const fresh = seen.current === null ? [] : moved.filter((entry) => !seen.current.has(entry.id));
    seen.current = new Set(moved.map((entry) => entry.id));
    const idOf = (name) => graph.states.find((state) => state.name === name)?.id;
    const keys = fresh.map((entry) => `${idOf(entry.from)}-${idOf(entry.to)}`);
    if (!keys.length) return;
    const taken = new Set(keys);
    set(taken);
    setTimeout(() => set((shown) => (shown === taken ? new Set() : shown)), FLASH_MS);
  }, [entries]);
  return flashes;
}

function Drawing({ graph, actors, focused, setFocused, selected, setSelected, list, one, many, narrow }) {
  const { width, height, states, edges } = cachedLayout(graph, actors, narrow);
  const flashes = useFlashes(graph);
  const most = Math.max(...states.map((state) => state.count), 1);
  const heat = (count) => (count ? 0.06 + 0.5 * (Math.log(count + 1) / Math.log(most + 1)) ** 2 : 0);
  const classOf = (edge) => ["arrow-link", edge.isMain && "main", focused !== null && edge.from !== focused && edge.to !== focused && "dim",
    (edge.from === focused || edge.to === focused || selected?.key === edge.key) && "strong", flashes.has(edge.key) && "flash"].filter(Boolean).join(" ");
  return html`<div class="canvas" tabindex="0" role="region" aria-label="State graph of ${many}, scrollable">
    <svg viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="group"
      aria-label="States of ${many}; each links to its list">
      <defs>${Object.keys(ACTORS).map((actor) => html`<marker key=${actor} id="arrow-${actor}" viewBox="0 0 10 10" refX="9" refY="5"
        markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="arrow ${actor}" d="M0 0L10 5L0 10z" /></marker>`)}</defs>
      <g aria-hidden="true">${edges.map((edge) => html`<g key=${edge.key} class=${classOf(edge)} onClick=${() => setSelected(selected?.key === edge.key ? null : edge)}>
        <path class="target" d=${edge.path} />
        <path class="edge ${edge.actor} ${edge.evidenced ? "" : "assumed"}" d=${edge.path} marker-end="url(#arrow-${edge.actor})">
          <title>${edge.transitions.map((transition) => transition.label).join(", ")}</title></path>
        ${ACTORS[edge.actor].sign && !edge.isBundled && html`<${ActorBadge} actor=${edge.actor} x=${edge.middle.x} y=${edge.middle.y} />`}</g>`)}</g>
      ${states.map((state) => html`<a key=${state.id} href=${href(list, { state: state.id })}
        class="node ${stateCategory(state.enum_value)} ${isEvidenced(state.provenance) ? "" : "assumed"}"
        aria-label="${state.name}: ${plural(state.count, one, many)}, ${state.provenance}"
        onMouseEnter=${() => setFocused(state.id)} onMouseLeave=${() => setFocused(null)}
        onFocus=${() => setFocused(state.id)} onBlur=${() => setFocused(null)}>
        <rect x=${state.left} y=${state.top} width=${state.width} height=${state.height} rx="8" />
        <rect class="heat" x=${state.left} y=${state.top} width=${state.width} height=${state.height} rx="8" style=${{ opacity: heat(state.count) }} />
        <path class="edgebar" d="M${state.left + 4} ${state.top + 9}V${state.top + state.height - 9}" />
        ${state.lines.map((line, index) => html`<text key=${index} class="name" x=${state.left + 11}
          y=${state.y + (index - (state.lines.length - 1) / 2) * 13 + 4 + (state.isBar ? 0 : 4)}>${line}</text>`)}
        <text class="count" x=${state.left + state.width - 6} y=${state.isBar ? state.y + 4 : state.top + 12} text-anchor="end">${number(state.count)}</text>
      </a>`)}
    </svg></div>`;
}

const LOG_LENGTH = 5;

/** The commands of an edge, and the latest records that took it. */
function EdgeDetails({ graph, edge, list, onClose }) {
  const names = new Map(graph.states.map((state) => [state.id, state.name]));
  const [from, to] = [names.get(edge.from), names.get(edge.to)];
  const entries = useStream(({ activity }) => activity).filter((entry) => entry.kind === "moved" && entry.from === from && entry.to === to);
  return html`<div class="transitions" role="status"><strong>${from} → ${to}</strong> <button type="button" class="quiet" aria-label="Close" onClick=${onClose}>✕</button>
    <ul>${edge.transitions.map((each) => html`<li key=${each.id}><span class="badge">${each.label}</span> <code>${each.command}</code>
      ${each.actor !== "command" && html` <em>${ACTORS[each.actor]?.title ?? each.actor}</em>`}</li>`)}</ul>
    ${entries.length ? html`<${Activity} entries=${entries.slice(0, LOG_LENGTH)} label="Latest" />` : html`<p class="hint">No recent changes. <a href=${href(list, { state: edge.from })}>Records in ${from}</a></p>`}</div>`;
}

const ActorBadge = ({ actor, x, y }) => html`<g class="sign ${actor}" transform="translate(${x} ${y})">
  <circle r="7" /><text y="3.5" text-anchor="middle">${ACTORS[actor].sign}</text></g>`;

/** The transitions out of the state under the pointer or the focus. */
function StateTransitions({ graph, state }) {
  const names = new Map(graph.states.map((each) => [each.id, each.name]));
  if (state === null) return html`<p class="transitions">Point at a state to see its transitions. Select it to open its list, or an arrow to see its commands.</p>`;
  const transitions = graph.transitions.filter((each) => each.source === state);
  return html`<div class="transitions"><strong>${names.get(state)}</strong>
    ${transitions.length ? "" : ": no transitions from this state."}
    <ul>${transitions.map((each) => html`<li key=${each.id}><span class="badge">${each.label}</span>
      ${each.source === each.destination ? " no state change" : ` → ${names.get(each.destination) ?? "?"}`}
      ${each.actor !== "command" && html` <em>${ACTORS[each.actor]?.title ?? each.actor}</em>`}</li>`)}</ul></div>`;
}

function Tables({ graph, list, many }) {
  const names = new Map(graph.states.map((state) => [state.id, state.name]));
  return html`
    <${Table} label="States of ${many}" rows=${graph.states} rowKey=${(state) => state.id} columns=${[
      { key: "id", title: "ID", number: true, cell: (state) => state.id },
      { key: "name", title: "State", cell: (state) => html`<a href=${href(list, { state: state.id })}>${state.name}</a>` },
      { key: "value", title: "Value", cell: (state) => state.enum_value },
      { key: "count", title: many, number: true, cell: (state) => number(state.count) },
      { key: "provenance", title: "Provenance", cell: (state) => html`<${Provenance} of=${state.provenance} />` },
    ]} />
    <${Table} label="Transitions of ${many}" rows=${graph.transitions} rowKey=${(row) => row.id} columns=${[
      { key: "from", title: "From", cell: (row) => names.get(row.source) ?? row.source },
      { key: "to", title: "To", cell: (row) => names.get(row.destination) ?? row.destination },
      { key: "label", title: "Label", cell: (row) => row.label },
      { key: "command", title: "Command", cell: (row) => html`<code>${row.command}</code>` },
      { key: "actor", title: "Actor", cell: (row) => row.actor },
      { key: "provenance", title: "Provenance", cell: (row) => html`<${Provenance} of=${row.provenance} />` },
    ]} />`;
}
