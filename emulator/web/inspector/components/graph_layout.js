/** Layout of a state graph as a pipeline: the normal path in one row, exceptions below it, and a bar for cancelled records. */
import { stateCategory } from "./common.js";

export const ACTORS = {
  command: { title: "API command", sign: "" },
  carrier: { title: "carrier", sign: "C" },
  planner: { title: "planner", sign: "P" },
  operator: { title: "operator", sign: "O" },
};
export const isEvidenced = (provenance) => provenance === "documented" || provenance === "observed";

/** State values of the normal path, in order. */
const PATHS = [["300", "100", "200", "400", "500", "600", "800"], ["waiting", "ready_to_shipment", "in_transit", "transferred"]];
const SIZE = { width: 118, height: 48, gap: 24, margin: 12, rowGap: 22, top: 60 };
const LINE_LENGTH = 17;

/** Merge the transitions between the same two states into one edge. Transitions that keep the state have no edge. */
export function edgesOf(graph, actors) {
  const edges = new Map();
  const known = new Set(graph.states.map((state) => state.id));
  for (const transition of graph.transitions) {
    if (transition.source === transition.destination || !actors.includes(transition.actor) || !known.has(transition.destination)) continue;
    const key = `${transition.source}-${transition.destination}`;
    const edge = edges.get(key) ?? { key, from: transition.source, to: transition.destination, actor: transition.actor, transitions: [], evidenced: false };
    edge.transitions.push(transition);
    if (transition.actor === "command") edge.actor = "command";
    edge.evidenced ||= isEvidenced(transition.provenance);
    edges.set(key, edge);
  }
  return [...edges.values()];
}

/** Return the place of each state: its column on the path, and its row below it; `bar` for a final bar. */
function placeStates(graph) {
  const values = new Map(graph.states.map((state) => [state.enum_value, state]));
  const path = PATHS.map((each) => each.filter((value) => values.has(value))).sort((one, other) => other.length - one.length)[0];
  const places = new Map(path.map((value, column) => [values.get(value).id, { column, row: 0 }]));
  const bar = graph.states.filter((state) => stateCategory(state.enum_value) === "over" && !places.has(state.id));
  bar.forEach((state) => places.set(state.id, { isBar: true }));
  const rows = new Map();
  let rest = graph.states.filter((state) => !places.has(state.id));
  while (rest.length) {
    const placed = rest.filter((state) => parentOf(state, graph, places) !== undefined);
    for (const state of placed.length ? placed : rest) {
      const column = parentOf(state, graph, places) ?? 0;
      const row = (rows.get(column) ?? 0) + 1;
      rows.set(column, row);
      places.set(state.id, { column, row });
    }
    rest = rest.filter((state) => !places.has(state.id));
  }
  return { places, columns: Math.max(path.length, 1), rows: Math.max(0, ...rows.values()), bar };
}

/** Return the column of the state from which an exception comes, preferring one with room below it. */
function parentOf(state, graph, places) {
  const sources = graph.transitions.filter((each) => each.destination === state.id && each.source !== state.id).map((each) => places.get(each.source)).filter((place) => place && !place.isBar);
  return sources.map((place) => place.column).sort((one, other) => load(one, places) - load(other, places) || one - other)[0];
}

const load = (column, places) => [...places.values()].filter((place) => place.column === column && place.row > 0).length;

/** Return the position of each state and the path of each edge; `isNarrow`: the path runs downwards. */
export function layoutGraph(graph, actors, isNarrow) {
  const { places, columns, rows, bar } = placeStates(graph);
  const { width, height, gap, margin, rowGap, top } = SIZE;
  const starts = isNarrow ? narrowRows(places, columns) : [];
  const total = isNarrow ? { width: 2 * width + 4 * gap + margin, height: starts[columns] } : { width: 2 * margin + columns * (width + gap) - gap, height: top + (rows + 1) * (height + rowGap) };
  const states = graph.states.map((state) => {
    const { column, row, isBar } = places.get(state.id);
    const index = bar.indexOf(state);
    const box = isBar ? { left: margin, top: total.height + index * (34 + 8), width: total.width - 2 * margin, height: 34 }
      : isNarrow ? { left: row ? width + 3 * gap : margin + gap, top: starts[column] + Math.max(row - 1, 0) * (height + 12), width, height }
        : { left: margin + column * (width + gap), top: top + row * (height + rowGap), width, height };
    return { ...state, ...box, x: box.left + box.width / 2, y: box.top + box.height / 2, column, row, isBar, lines: isBar ? [state.name] : wrapName(state.name) };
  });
  const byId = new Map(states.map((state) => [state.id, state]));
  const edges = edgesOf(graph, actors).map((edge) => ({ ...edge, ...route(byId.get(edge.from), byId.get(edge.to), isNarrow) }));
  return { width: total.width, height: total.height + bar.length * 42 + margin, states, edges };
}

/** Return the top of each row of the narrow layout, and of what follows. */
function narrowRows(places, columns) {
  const starts = [SIZE.margin];
  for (let column = 0; column < columns; column += 1) {
    starts.push(starts[column] + Math.max(1, load(column, places)) * (SIZE.height + 12) + 12);
  }
  return starts;
}

/** Return the path of an edge, whether it is on the normal path, and the middle for its sign. */
function route(from, to, isNarrow) {
  if (to.isBar) return gutter(from, to);
  const isPath = from.row === 0 && to.row === 0;
  const span = to.column - from.column;
  if (isPath && span === 1) return { ...straight(from, to, isNarrow), isMain: true };
  if (isPath) return arc(from, to, span, isNarrow);
  return bend(from, to, isNarrow);
}

const line = (...points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;

const straight = (from, to, isNarrow) => (isNarrow
  ? { path: line([from.x, from.top + from.height], [to.x, to.top - 2]), middle: { x: from.x, y: (from.top + from.height + to.top) / 2 } }
  : { path: line([from.left + from.width, from.y], [to.left - 2, to.y]), middle: { x: (from.left + from.width + to.left) / 2, y: from.y } });

/** A step over other states of the path, or back: above the row, or beside the column. */
function arc(from, to, span, isNarrow) {
  if (isNarrow) {
    const x = from.left - 10 - Math.min(Math.abs(span), 4) * 5;
    return { path: `M${from.left} ${from.y}C${x} ${from.y} ${x} ${to.y} ${to.left - 2} ${to.y}`, middle: { x: (x + from.left) / 2, y: (from.y + to.y) / 2 } };
  }
  const y = from.top - 14 - Math.min(Math.abs(span), 5) * 10;
  return { path: `M${from.x} ${from.top}C${from.x} ${y} ${to.x} ${y} ${to.x} ${to.top - 2}`, middle: { x: (from.x + to.x) / 2, y: (from.top + 3 * y) / 4 } };
}

/** Down the gap beside the column to the bar. All edges of a column share it. */
function gutter(from, to) {
  const x = from.left + from.width + 9;
  return { path: line([from.left + from.width, from.y + 10], [x, from.y + 10], [x, to.top - 2]), middle: { x, y: to.top - 14 }, isBundled: true };
}

/** A curve between a state of the path and an exception, or between two exceptions. */
function bend(from, to, isNarrow) {
  const isBack = to.column < from.column || (to.column === from.column && to.row < from.row);
  const shift = isBack ? 14 : -14;
  const start = isNarrow ? [from.left + (to.left > from.left ? from.width : 0), from.y + shift / 2] : [from.x + shift, from.top + (to.top > from.top ? from.height : 0)];
  const end = isNarrow ? [to.left + (to.left > from.left ? -2 : to.width + 2), to.y + shift / 2] : [to.x + shift, to.top > from.top ? to.top - 2 : to.top + to.height + 2];
  const middle = { x: (start[0] + end[0]) / 2, y: (start[1] + end[1]) / 2 };
  const curve = isNarrow ? `C${middle.x} ${start[1]} ${middle.x} ${end[1]}` : `C${start[0]} ${middle.y} ${end[0]} ${middle.y}`;
  return { path: `M${start[0]} ${start[1]}${curve} ${end[0]} ${end[1]}`, middle };
}

/** Break a name into at most two lines. */
export function wrapName(name) {
  const lines = [""];
  for (const word of name.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length > LINE_LENGTH && lines.at(-1) && lines.length < 2) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
