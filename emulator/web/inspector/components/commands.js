/** The commands of a package or transfer order: a button for each allowed command, and a reason for each blocked one. */
import { control, guide } from "../api.js";
import { html, useRef, useState } from "../lib.js";
import { useLoad } from "../polling.js";
import { plural } from "../format.js";
import { Dialog } from "./dialog.js";
import { Field, readForm } from "./form_fields.js";
import { ActionButton, Card, ErrorMessage, Hint } from "./common.js";
import { runAction, showError, showSuccess } from "./toasts.js";

/** Undo the last step of the world. */
export const undo = (reload) => runAction(() => control("POST", "undo"), ({ undone }) => `Undone: request ${undone}`)
  .then((ok) => ok && reload());

/** `record`: the detail document; `kind`: `{path, graph, of}`; `reload`: called after each successful command. */
export function Commands({ record, kind, reload, others }) {
  const [open, setOpen] = useState(null);
  const graph = useLoad(() => control("GET", "graph"), [record.state.id]);
  const fidelity = useLoad(async () => (await control("GET", "fidelity")).commands, []);
  const known = graph.data?.[kind.graph];
  const parametersOf = (transition) => {
    const code = known?.transitions.find((each) => each.id === transition.id)?.command ?? transition.command;
    const row = fidelity.data?.find((each) => each.of === kind.of && each.command === code);
    const parameters = row?.parameters ?? [];
    const needsItems = transition.is_packageitem_parameter_required && !parameters.some((each) => each.name === "package_items");
    return needsItems ? [...parameters, { name: "package_items", type: "ListField", required: true }] : parameters;
  };
  const effectOf = ({ source_state: from, destination_state: to }) =>
    (from === to ? "no state change" : `→ ${known?.states.find((state) => state.id === to)?.name ?? "…"}`);
  const start = (transition) => {
    const fields = parametersOf(transition);
    return fields.length ? setOpen({ transition, parameters: fields }) : sendCommand(record, kind, transition, {}, reload);
  };
  return html`<${Card} title="Commands" side=${html`<${ActionButton} class="small" onAction=${() => undo(reload)}>Undo last step<//>`}>
    ${record.commands.length
      ? html`<div class="commands">${record.commands.map((each) => html`<${ActionButton} key=${each.id} class="command-button" title=${each.slug}
          onAction=${() => start(each)}>${each.label}${parametersOf(each).length ? " …" : ""} <small>${effectOf(each)}</small><//>`)}</div>`
      : html`<p class="empty">No commands are allowed in state ${record.state.name}.</p>`}
    ${others}
    ${known && html`<${BlockedCommands} ...${{ record, kind, graph: known, reload }} />`}
    ${open && html`<${CommandForm} ...${{ record, kind, reload, ...open }} onClose=${() => setOpen(null)} />`}
  <//>`;
}

const bodyOf = (transition, parameters) => ({
  ...(transition.slug ? { slug: transition.slug } : { transition: transition.id }),
  input_parameters: parameters,
});

/** Send a command and show its outcome. Return null, or the error. */
async function sendCommand(record, kind, transition, parameters, reload, onError = showError) {
  try {
    const response = await guide("POST", `${kind.path}${record.id}/command/`, { body: bodyOf(transition, parameters) });
    showSuccess(`${transition.label}: status ${response.status}, request ${response.requestId}.`);
    await reload();
    return null;
  } catch (error) {
    onError(error);
    return error;
  }
}

function CommandForm({ record, kind, transition, parameters, reload, onClose }) {
  const [error, setError] = useState(null);
  const form = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    let values;
    try {
      values = readForm(form.current, parameters);
    } catch (invalid) {
      setError(invalid);
      return;
    }
    if (await sendCommand(record, kind, transition, values, reload, setError) === null) onClose();
  };
  return html`<${Dialog} title=${transition.label} onClose=${onClose}>
    <form ref=${form} onSubmit=${submit}>
      ${parameters.map((each) => html`<${Field} key=${each.name} parameter=${each} record=${record} />`)}
      ${error && html`<${ErrorMessage} error=${error} />`}
      <div class="actions"><button class="main">Send command</button></div>
    </form><//>`;
}

/** Commands that the current state does not allow. They can still be sent, to see the error response. */
function BlockedCommands({ record, kind, graph, reload }) {
  const [error, setError] = useState(null);
  const names = new Map(graph.states.map((state) => [state.id, state.name]));
  const otherStates = graph.transitions.filter((each) => each.actor === "command" && each.source !== record.state.id);
  const byCommand = Map.groupBy(otherStates, (each) => each.command);
  const allowed = new Set(graph.transitions.filter((each) => each.source === record.state.id).map((each) => each.command));
  const rows = [...byCommand].filter(([command]) => !allowed.has(command));
  return html`<details><summary>${plural(rows.length, "blocked command")}</summary>
    ${error && html`<div class="error-message" role="alert"><strong>${error.status}</strong> ${error.message}
      ${error.hint && html`<${Hint} text=${error.hint} />`}</div>`}
    <ul class="blocked-commands">${rows.map(([command, transitions]) => html`<li key=${command}>
      <span><strong>${transitions[0].label}</strong> <span class="hint">requires ${[...new Set(transitions.map((each) => names.get(each.source)))].join(" or ")};
        current state: ${record.state.name}.</span></span>
      <${ActionButton} class="small" aria-label="Send ${transitions[0].label} anyway"
        onAction=${() => sendCommand(record, kind, transitions[0], {}, reload, setError)}>Send anyway<//></li>`)}</ul>
  </details>`;
}

/** Actions on a package that do not go through the API: carrier events and cancellation. */
export function ExternalActions({ record, reload }) {
  const act = (path, body, message) => runAction(() => control("POST", `packages/${record.id}/${path}`, { body }), message)
    .then((ok) => ok && reload());
  return html`<div><h3>Actions outside the API</h3><div class="commands">
    ${["attempted", "failed", "delivered", "cancelled"].map((event) => html`<${ActionButton} key=${event}
      onAction=${() => act("carrier", { event }, `Carrier reported: ${event}`)}>Carrier: ${event}<//>`)}
    <${ActionButton} class="danger" onAction=${() => act("cancel", undefined, "Package cancelled")}>Cancel package<//>
  </div></div>`;
}
