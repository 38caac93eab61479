/** A state graph: which moves are drawn between which states, and where. */

export const ACTORS = {
  command: { title: "command of the API", sign: "" },
  carrier: { title: "carrier", sign: "C" },
  planner: { title: "planner", sign: "P" },
  operator: { title: "operator", sign: "O" },
};
export const isSure = (provenance) => provenance === "documented" || provenance === "observed";

const WIDTH = 160;
const HEIGHT = 46;
const LINE = 15;

/** Join the moves between the same two states, by the same kind of actor, into one line; those that stay make none. */
export function edgesOf(graph, actors) {
  const found = new Map();
  const known = new Set(graph.states.map((state) => state.id));
  for (const move of graph.transitions) {
    if (move.source === move.destination || !actors.includes(move.actor) || !known.has(move.destination)) continue;
    const key = `${move.source}-${move.destination}-${move.actor}`;
    const edge = found.get(key) ?? { key, from: move.source, to: move.destination, actor: move.actor, moves: [], sure: false };
    edge.moves.push(move);
    edge.sure ||= isSure(move.provenance);
    found.set(key, edge);
  }
  return [...found.values()];
}

/** Say where each state and each line goes; `rankdir` is LR or TB. */
export function laidOut(dagre, graph, actors, rankdir) {
  const picture = new dagre.Graph({ multigraph: true });
  picture.setGraph({ rankdir, nodesep: 20, ranksep: rankdir === "LR" ? 60 : 44, edgesep: 8, marginx: 14, marginy: 14 });
  picture.setDefaultEdgeLabel(() => ({}));
  for (const state of graph.states) picture.setNode(String(state.id), { width: WIDTH, height: HEIGHT });
  const edges = edgesOf(graph, actors);
  for (const edge of edges) picture.setEdge(String(edge.from), String(edge.to), { weight: edge.sure ? 3 : 1 }, edge.key);
  dagre.layout(picture);
  const { width, height } = picture.graph();
  return {
    width,
    height,
    states: graph.states.map((state) => {
      const { x, y } = picture.node(String(state.id));
      return { ...state, x, y, left: x - WIDTH / 2, top: y - HEIGHT / 2, width: WIDTH, height: HEIGHT, lines: wrapped(state.name) };
    }),
    edges: edges.map((edge) => {
      const { points } = picture.edge({ v: String(edge.from), w: String(edge.to), name: edge.key });
      return { ...edge, path: curve(points), middle: points[Math.floor(points.length / 2)] };
    }),
  };
}

/** Break a name into at most two lines. */
export function wrapped(name) {
  const lines = [""];
  for (const word of name.split(" ")) {
    const grown = `${lines.at(-1)} ${word}`.trim();
    if (grown.length > LINE && lines.at(-1) && lines.length < 2) lines.push(word);
    else lines[lines.length - 1] = grown;
  }
  return lines;
}

/** A smooth line through points: straight ends, curves through the middles between. */
function curve(points) {
  const [first, ...others] = points;
  const at = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const middle = (one, two) => ({ x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 });
  const last = others.at(-1);
  const bends = others.slice(0, -1).map((point, index) => `Q${at(point)} ${at(index === others.length - 2 ? last : middle(point, others[index + 1]))}`);
  return `M${at(first)}${bends.length ? bends.join("") : ""}L${at(last)}`;
}
