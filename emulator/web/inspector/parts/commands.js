/** The commands of a package or transfer order: those allowed as buttons, the others with the reason why not. */
import { control, guide } from "../api.js";
import { html, useRef, useState } from "../lib.js";
import { useLoad } from "../live.js";
import { plural } from "../text.js";
import { Dialog } from "./dialog.js";
import { Field, readForm } from "./parameters.js";
import { Action, Card, Hint, Trouble } from "./pieces.js";
import { attempt, done, refused } from "./said.js";

/** Take back the last step of the world. */
export const undo = (reload) => attempt(() => control("POST", "undo"), ({ undone }) => `Undone: request ${undone}`)
  .then((ok) => ok && reload());

/** `record`: the detail; `kind`: `{path, graph, of}`; `reload` is called after each that worked. */
export function Commands({ record, kind, reload, others }) {
  const [open, setOpen] = useState(null);
  const graph = useLoad(() => control("GET", "graph"), [record.state.id]);
  const fidelity = useLoad(async () => (await control("GET", "fidelity")).commands, []);
  const moves = graph.data?.[kind.graph];
  const parametersOf = (transition) => {
    const code = moves?.transitions.find((move) => move.id === transition.id)?.command ?? transition.command;
    const row = fidelity.data?.find((each) => each.of === kind.of && each.command === code);
    const named = row?.parameters ?? [];
    const needsItems = transition.is_packageitem_parameter_required && !named.some((each) => each.name === "package_items");
    return needsItems ? [...named, { name: "package_items", type: "ListField", required: true }] : named;
  };
  const leadsTo = ({ source_state: from, destination_state: to }) =>
    (from === to ? "stays" : `→ ${moves?.states.find((state) => state.id === to)?.name ?? "…"}`);
  const start = (transition) => {
    const parameters = parametersOf(transition);
    return parameters.length ? setOpen({ transition, parameters }) : send(record, kind, transition, {}, reload);
  };
  return html`<${Card} title="Commands" side=${html`<${Action} class="small" work=${() => undo(reload)}>Undo the last step<//>`}>
    ${record.commands.length
      ? html`<div class="commands">${record.commands.map((each) => html`<${Action} key=${each.id} class="leading" title=${each.slug}
          work=${() => start(each)}>${each.label}${parametersOf(each).length ? " …" : ""} <small>${leadsTo(each)}</small><//>`)}</div>`
      : html`<p class="empty">No command is allowed in ${record.state.name}.</p>`}
    ${others}
    ${moves && html`<${RefusedNow} ...${{ record, kind, moves, reload }} />`}
    ${open && html`<${Form} ...${{ record, kind, reload, ...open }} onClose=${() => setOpen(null)} />`}
  <//>`;
}

const bodyOf = (transition, parameters) => ({
  ...(transition.slug ? { slug: transition.slug } : { transition: transition.id }),
  input_parameters: parameters,
});

/** Send the command; tell what came of it. Give null, or why it was refused. */
async function send(record, kind, transition, parameters, reload, tell = refused) {
  try {
    const answer = await guide("POST", `${kind.path}${record.id}/command/`, { body: bodyOf(transition, parameters) });
    done(`${transition.label}: answered ${answer.status}, request ${answer.requestId}.`);
    await reload();
    return null;
  } catch (error) {
    tell(error);
    return error;
  }
}

function Form({ record, kind, transition, parameters, reload, onClose }) {
  const [error, setError] = useState(null);
  const form = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    let values;
    try {
      values = readForm(form.current, parameters);
    } catch (wrong) {
      setError(wrong);
      return;
    }
    if (await send(record, kind, transition, values, reload, setError) === null) onClose();
  };
  return html`<${Dialog} title=${transition.label} onClose=${onClose}>
    <form ref=${form} onSubmit=${submit}>
      ${parameters.map((each) => html`<${Field} key=${each.name} parameter=${each} record=${record} />`)}
      ${error && html`<${Trouble} error=${error} />`}
      <div class="actions"><button class="main">Send the command</button></div>
    </form><//>`;
}

/** What the graph knows and this state does not allow. One may still try, and read the refusal. */
function RefusedNow({ record, kind, moves, reload }) {
  const [answer, setAnswer] = useState(null);
  const names = new Map(moves.states.map((state) => [state.id, state.name]));
  const elsewhere = moves.transitions.filter((move) => move.actor === "command" && move.source !== record.state.id);
  const grouped = Map.groupBy(elsewhere, (move) => move.command);
  const allowed = new Set(moves.transitions.filter((move) => move.source === record.state.id).map((move) => move.command));
  const rows = [...grouped].filter(([command]) => !allowed.has(command));
  return html`<details><summary>${plural(rows.length, "command")} refused now</summary>
    ${answer && html`<div class="trouble" role="alert"><strong>${answer.status}</strong> ${answer.message}
      ${answer.hint && html`<${Hint} text=${answer.hint} />`}</div>`}
    <ul class="refusals">${rows.map(([command, found]) => html`<li key=${command}>
      <span><strong>${found[0].label}</strong> <span class="hint">needs ${[...new Set(found.map((move) => names.get(move.source)))].join(" or ")};
        this is in ${record.state.name}.</span></span>
      <${Action} class="small" aria-label="Try ${found[0].label} all the same"
        work=${() => send(record, kind, found[0], {}, reload, setAnswer)}>Try it<//></li>`)}</ul>
  </details>`;
}

/** What those outside the API may do to a package: the carrier and the operator. */
export function Outside({ record, reload }) {
  const act = (path, body, what) => attempt(() => control("POST", `packages/${record.id}/${path}`, { body }), what)
    .then((ok) => ok && reload());
  return html`<div><h3>From outside the API</h3><div class="commands">
    ${["attempted", "failed", "delivered", "cancelled"].map((event) => html`<${Action} key=${event}
      work=${() => act("carrier", { event }, `The carrier reported: ${event}`)}>Carrier: ${event}<//>`)}
    <${Action} class="danger" work=${() => act("cancel", undefined, "Cancelled")}>Cancel the package<//>
  </div></div>`;
}
