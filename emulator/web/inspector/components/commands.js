/** The actions on a package or transfer order: the next step, and all others in groups. */
import { control, guide } from "../api.js";
import { html, useState } from "../lib.js";
import { useLoad } from "../loading.js";
import { plural } from "../format.js";
import { ConfirmButton, Dialog } from "./dialog.js";
import { Field, readForm } from "./form_fields.js";
import { ActionButton, Card, ErrorMessage, Form, Hint, LoadError, Loading, OtherNames, stateCategory } from "./common.js";
import { runAction, showError, showSuccess } from "./toasts.js";

/** Undo the last step of the world. */
export const undo = (reload) => runAction(() => control("POST", "undo"), ({ undone }) => `Undone: request ${undone}`)
  .then((ok) => ok && reload());

/** The states of the normal path: state value -> place on it. */
const PATH = { packages: { 300: 0, 100: 0, 350: 0.5, 200: 1, 400: 1.5, 450: 1.7, 500: 2, 600: 3, 650: 3.5, 700: 3.5, 800: 4 },
  transfers: { waiting: 0, ready_to_shipment: 1, in_transit: 2, transferred: 3 } };
/** The states that the next step leads to. Others on the path are detours. */
const STATIONS = { packages: ["200", "500", "600", "800"], transfers: ["ready_to_shipment", "in_transit", "transferred"] };
const CARRIER_EVENTS = { CARRIER_ATTEMPTED: ["attempted", "Carrier: attempted"], CARRIER_FAILED: ["failed", "Carrier: failed"],
  CARRIER_DELIVERED: ["delivered", "Carrier: delivered"], CARRIER_CANCELLED: ["cancelled", "Carrier: cancelled"] };
const GROUPS = [["problems", "Problems"], ["updates", "Updates"], ["more", "More"]];

/** `record`: the detail document; `kind`: `{path, graph, of}`; `reload`: called after each successful command. */
export function Commands({ record, kind, reload }) {
  const [open, setOpen] = useState(null);
  const graph = useLoad(() => control("GET", "graph"), []);
  const fidelity = useLoad(async () => (await control("GET", "fidelity")).commands, []);
  // Without its parameters, a button would send the command in place of opening its form.
  const known = fidelity.data || fidelity.error?.isUnsupported ? graph.data?.[kind.graph] : undefined;
  const failed = [graph, fidelity].find((each) => each.error !== null);
  const actions = known ? actionsOf(record, kind, known, fidelity.data ?? []) : [];
  const next = nextStep(actions, kind, valueOfState(known, record.state.id));
  const act = (action) => (action.parameters.length ? setOpen(action)
    : action.send ? runAction(action.send, action.done).then((ok) => ok && reload()) : sendCommand(record, kind, action.transition, {}, reload));
  const inGroup = (group) => actions.filter((action) => action !== next && groupOf(action) === group);
  return html`<${Card} title="Next step" class="next" side=${html`<${ActionButton} class="small" onAction=${() => undo(reload)}>Undo last step<//>`}>
    ${!known && (failed ? html`<${LoadError} request=${failed} />` : html`<${Loading} />`)}
    ${next && html`<div class="commands"><${CommandButton} action=${next} act=${act} isNext />
      ${next.parameters.some((each) => !each.required) && html`<button type="button" class="small" onClick=${() => setOpen(next)}>Options …</button>`}</div>`}
    ${known && !next && html`<p class="empty">${actions.length ? `${record.state.name} is the end of the normal path.` : `No commands are allowed in state ${record.state.name}.`}</p>`}
    ${GROUPS.map(([group, title]) => inGroup(group).length > 0 && html`<div key=${group} class="command-group"><h3>${title}</h3>
      <div class="commands">${inGroup(group).map((action) => html`<${CommandButton} key=${action.key} action=${action} act=${act} />`)}</div></div>`)}
    ${known && html`<${BlockedCommands} ...${{ record, kind, graph: known, reload }} />`}
    ${open && html`<${CommandForm} ...${{ record, kind, reload, ...open }} onClose=${() => setOpen(null)} />`}
  <//>`;
}

const valueOfState = (graph, id) => graph?.states.find((state) => state.id === id)?.enum_value;

/** Return all actions that the state allows: commands of the API, events of the carrier, and the operator's cancellation. */
function actionsOf(record, kind, graph, rows) {
  const commands = record.commands.map((transition) => {
    const edge = graph.transitions.find((each) => each.id === transition.id);
    const row = rows.find((each) => each.of === kind.of && each.command === edge?.command);
    const parameters = row?.parameters ?? [];
    const needsItems = transition.is_packageitem_parameter_required && !parameters.some((each) => each.name === "package_items");
    return { key: transition.id, label: transition.label, title: transition.slug, transition, ...target(graph, transition.source_state, transition.destination_state),
      parameters: needsItems ? [...parameters, { name: "package_items", type: "ListField", required: true }] : parameters };
  });
  if (kind.graph !== "packages") return commands;
  const post = (path, body) => () => control("POST", `packages/${record.id}/${path}`, { body });
  const outside = graph.transitions.filter((each) => each.source === record.state.id).flatMap((each) => {
    const place = target(graph, each.source, each.destination);
    const [event, label] = CARRIER_EVENTS[each.command] ?? [];
    if (event) return [{ key: event, label, ...place, parameters: [], send: post("carrier", { event }), done: `Carrier reported: ${event}` }];
    return each.actor === "operator" ? [{ key: "cancel", label: "Cancel package", ...place, parameters: [], send: post("cancel"), done: "Package cancelled",
      question: "The package is cancelled as the operator does it. “Undo last step” takes it back." }] : [];
  });
  return [...commands, ...outside];
}

function target(graph, from, to) {
  const state = graph.states.find((each) => each.id === to);
  return { value: state?.enum_value, isUpdate: from === to, effect: from === to ? "no state change" : `→ ${state?.name ?? "?"}` };
}

function groupOf({ isUpdate, value }) {
  if (isUpdate) return "updates";
  return ["trouble", "over"].includes(stateCategory(value)) || value === "1100" ? "problems" : "more";
}

/** Return the action that leads to the nearest later station of the normal path. One without parameters comes first. */
function nextStep(actions, kind, value) {
  const path = PATH[kind.graph];
  const place = path[value] ?? -1;
  const candidates = actions.filter((action) => STATIONS[kind.graph].includes(action.value) && path[action.value] > place && place >= 0);
  const required = (action) => action.parameters.filter((each) => each.required).length;
  const rank = (action) => [path[action.value], required(action), action.send ? 0 : 1, actions.indexOf(action)];
  return candidates.toSorted((one, other) => compare(rank(one), rank(other)))[0];
}

const compare = (one, other) => one.map((value, index) => value - other[index]).find((difference) => difference !== 0) ?? 0;

function CommandButton({ action, act, isNext = false }) {
  const text = html`${action.label}${action.transition && html`<${OtherNames} record=${action.transition} />`}${action.parameters.length && !isNext ? " …" : ""} <small>${action.effect}</small>`;
  if (action.question) return html`<${ConfirmButton} class="command-button danger" confirm=${action.label} question=${action.question} onAction=${() => act(action)}>${text}<//>`;
  // The next step asks only for parameters that are required.
  const run = () => act(isNext && !action.parameters.some((each) => each.required) ? { ...action, parameters: [] } : action);
  return html`<${ActionButton} class="command-button ${isNext ? "main" : ""}" title=${action.title} data-next-step=${isNext || undefined} onAction=${run}>${text}<//>`;
}

const bodyOf = (transition, parameters) => ({
  ...(transition.slug ? { slug: transition.slug } : { transition: transition.id }),
  input_parameters: parameters,
});

/** Send a command and show its outcome. Return null, or the error. */
async function sendCommand(record, kind, transition, parameters, reload, onError = showError) {
  try {
    const response = await guide("POST", `${kind.path}${record.id}/command/`, { body: bodyOf(transition, parameters) });
    showSuccess(`${transition.label}: status ${response.status}, request ${response.requestId}.`, () => undo(reload));
    await reload();
    return null;
  } catch (error) {
    onError(error);
    return error;
  }
}

function CommandForm({ record, kind, transition, parameters, reload, onClose }) {
  const [error, setError] = useState(null);
  const submit = async (form) => {
    if (await sendCommand(record, kind, transition, readForm(form, parameters), reload, setError) === null) onClose();
  };
  return html`<${Dialog} title=${transition.label} onClose=${onClose}>
    <${Form} onSubmit=${submit}>
      <${OtherNames} record=${transition} />
      ${parameters.map((each) => html`<${Field} key=${each.name} parameter=${each} record=${record} />`)}
      ${error && html`<${ErrorMessage} error=${error} />`}
      <div class="actions"><button class="main">Send command</button></div>
    <//><//>`;
}

/** Commands that the current state does not allow. They can still be sent, to see the error response. */
function BlockedCommands({ record, kind, graph, reload }) {
  const [error, setError] = useState(null);
  const names = new Map(graph.states.map((state) => [state.id, state.name]));
  const otherStates = graph.transitions.filter((each) => each.actor === "command" && each.source !== record.state.id);
  const byCommand = Map.groupBy(otherStates, (each) => each.command);
  const allowed = new Set(graph.transitions.filter((each) => each.source === record.state.id).map((each) => each.command));
  const rows = [...byCommand].filter(([command]) => !allowed.has(command));
  return html`<details class="blocked"><summary>${plural(rows.length, "blocked command")}</summary>
    ${error && html`<div class="error-message" role="alert"><strong>${error.status}</strong> ${error.message}
      ${error.hint && html`<${Hint} text=${error.hint} />`}</div>`}
    <ul class="blocked-commands">${rows.map(([command, transitions]) => html`<li key=${command}>
      <span><strong>${transitions[0].label}</strong> <span class="hint">requires ${[...new Set(transitions.map((each) => names.get(each.source)))].join(" or ")};
        current state: ${record.state.name}.</span></span>
      <${ActionButton} class="small" aria-label="Send ${transitions[0].label} anyway"
        onAction=${() => sendCommand(record, kind, transitions[0], {}, reload, setError)}>Send anyway<//></li>`)}</ul>
  </details>`;
}
