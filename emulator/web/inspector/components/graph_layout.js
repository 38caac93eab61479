/** Layout of a state graph: the edges between states, and all positions. */

export const ACTORS = {
  command: { title: "API command", sign: "" },
  carrier: { title: "carrier", sign: "C" },
  planner: { title: "planner", sign: "P" },
  operator: { title: "operator", sign: "O" },
};
export const isEvidenced = (provenance) => provenance === "documented" || provenance === "observed";

const WIDTH = 160;
const HEIGHT = 46;
const LINE_LENGTH = 15;

/** Merge the transitions of one actor between the same two states into one edge. Transitions that keep the state have no edge. */
export function edgesOf(graph, actors) {
  const edges = new Map();
  const known = new Set(graph.states.map((state) => state.id));
  for (const transition of graph.transitions) {
    if (transition.source === transition.destination || !actors.includes(transition.actor) || !known.has(transition.destination)) continue;
    const key = `${transition.source}-${transition.destination}-${transition.actor}`;
    const edge = edges.get(key) ?? { key, from: transition.source, to: transition.destination, actor: transition.actor, transitions: [], evidenced: false };
    edge.transitions.push(transition);
    edge.evidenced ||= isEvidenced(transition.provenance);
    edges.set(key, edge);
  }
  return [...edges.values()];
}

/** Return the position of each state and edge; `rankdir` is LR or TB. */
export function layoutGraph(dagre, graph, actors, rankdir) {
  const layout = new dagre.Graph({ multigraph: true });
  layout.setGraph({ rankdir, nodesep: 20, ranksep: rankdir === "LR" ? 60 : 44, edgesep: 8, marginx: 14, marginy: 14 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const state of graph.states) layout.setNode(String(state.id), { width: WIDTH, height: HEIGHT });
  const edges = edgesOf(graph, actors);
  for (const edge of edges) layout.setEdge(String(edge.from), String(edge.to), { weight: edge.evidenced ? 3 : 1 }, edge.key);
  dagre.layout(layout);
  const { width, height } = layout.graph();
  return {
    width,
    height,
    states: graph.states.map((state) => {
      const { x, y } = layout.node(String(state.id));
      return { ...state, x, y, left: x - WIDTH / 2, top: y - HEIGHT / 2, width: WIDTH, height: HEIGHT, lines: wrapName(state.name) };
    }),
    edges: edges.map((edge) => {
      const { points } = layout.edge({ v: String(edge.from), w: String(edge.to), name: edge.key });
      return { ...edge, path: curve(points), middle: points[Math.floor(points.length / 2)] };
    }),
  };
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

/** Return an SVG path through points: straight ends, and curves through the midpoints. */
function curve(points) {
  const [first, ...others] = points;
  const at = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const middle = (one, two) => ({ x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 });
  const last = others.at(-1);
  const bends = others.slice(0, -1).map((point, index) => `Q${at(point)} ${at(index === others.length - 2 ? last : middle(point, others[index + 1]))}`);
  return `M${at(first)}${bends.length ? bends.join("") : ""}L${at(last)}`;
}
