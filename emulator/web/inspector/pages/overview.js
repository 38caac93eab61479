/** The overview page: what happens now, the state graphs, and how to call the API. */
import { control, ROOT, TOKEN } from "../api.js";
import { html, useState } from "../lib.js";
import { useClock, useLive } from "../loading.js";
import { LatestActivity } from "../components/activity.js";
import { ActionButton, Card, CodeBlock, copy, CopyButton, PageHeading, Properties, stateCategory, WhenLoaded } from "../components/common.js";
import { Charts } from "../components/charts.js";
import { ConfirmButton } from "../components/dialog.js";
import { StateGraph } from "../components/state_graph.js";
import { runAction, showError } from "../components/toasts.js";
import { switchWorld } from "../components/layout.js";
import { Table } from "../components/table.js";
import { href } from "../router.js";
import { number, time } from "../format.js";

export const TOKENS = [
  ["full-access", "allows everything"],
  ["read-only", "403 for writes"],
  ["no-access", "403 for all requests"],
  ["inactive", "401 “User inactive or deleted.”"],
  ["throttled", "429 from the 6th request in a minute"],
];
const FEED_LENGTH = 12;

export function Page() {
  const health = useLive(() => control("GET", "health"), ["world"], []);
  const graph = useLive(() => control("GET", "graph"), ["records"], []);
  const reset = () => runAction(() => control("POST", "reset"), "World reset to the start of its scenario")
    .then((ok) => ok && Promise.all([health.reload(), graph.reload()]));
  return html`<div><${PageHeading} title="Overview"><${ConfirmButton} confirm="Reset world" onAction=${reset}
      question="The world returns to the start of its scenario. Its journal and all changes since then are lost. Snapshots stay.">Reset world<//><//>
    <${Totals} graph=${graph.data?.packages} />
    <div class="columns wide-left">
      <${Card} title="Activity" side=${html`<a href=${href("journal")}>Journal</a>`}><${LatestActivity} length=${FEED_LENGTH} /><//>
      <${Card} title="Traffic" class="traffic"><${Traffic} /><//>
    </div>
    <${WhenLoaded} request=${graph}>${({ packages, transfers }) => html`<div>
      <${Card} title="Packages" side=${html`<a href=${href("packages")}>All packages</a>`}>
        <${StateGraph} graph=${packages} list="packages" one="package" many="packages" /><//>
      <${Card} title="Transfer orders" side=${html`<a href=${href("transfers")}>All transfer orders</a>`}>
        <${StateGraph} graph=${transfers} list="transfers" one="transfer order" many="transfer orders" /><//></div>`}<//>
    <div class="columns">
      <${Card} title="This world"><${WhenLoaded} request=${health}>${(state) => html`<${WorldProperties} state=${state} graph=${graph.data} />`}<//><//>
      <${Card} title="Example request"><p>The OMS API is served at <code>${location.origin}${ROOT}</code>. Try:</p>
        <${CodeBlock} label="example request" text=${curl("/api/v1/oms/packages/short/?limit=2")} /><//>
      <${Card} title="Tokens"><${Tokens} /><//>
      <${Card} title="Worlds"><${Worlds} /><//>
    </div></div>`;
}

const GROUPS = [["waiting", "Waiting"], ["moving", "In progress"], ["done", "Done"], ["trouble", "Problems"], ["over", "Cancelled"]];

/** The number of packages in each group of states, in large figures. */
function Totals({ graph }) {
  if (!graph?.states.length) return null;
  const sum = (group) => graph.states.filter((state) => stateCategory(state.enum_value) === group).reduce((total, state) => total + state.count, 0);
  return html`<dl class="totals" aria-label="Packages by group of states">
    <div><dt>Packages</dt><dd><a href=${href("packages")}>${number(total(graph))}</a></dd></div>
    ${GROUPS.map(([group, title]) => html`<div key=${group} class=${group}><dt>${title}</dt><dd>${number(sum(group))}</dd></div>`)}</dl>`;
}

function Traffic() {
  const timeline = useLive(() => control("GET", "timeline"), ["requests", "records"], []);
  return html`<${WhenLoaded} request=${timeline} feature="charts">${(report) => html`<${Charts} report=${report} />`}<//>`;
}

const curl = (path) => `curl -H "Authorization: Token ${TOKEN}" "${location.origin}${ROOT}${path}"`;

const total = (part) => (part ? part.states.reduce((sum, state) => sum + state.count, 0) : undefined);

function WorldProperties({ state, graph }) {
  const clock = useClock();
  return html`<${Properties} items=${[
    ["World", html`<strong>${state.world}</strong>`],
    ["Scenario", html`<a href=${href("scenarios")}>${state.scenario}</a>`],
    ["Seed", state.seed],
    ["Clock", html`<a href=${href("clock")}>${time((clock ?? state).now)} UTC</a>`],
    ["Packages", number(total(graph?.packages))],
    ["Transfer orders", number(total(graph?.transfers))],
    ["Version", state.version],
  ]} />`;
}

function Tokens() {
  const [created, setCreated] = useState({});
  const createJwt = async (role) => {
    try {
      const { token } = await control("POST", "tokens", { body: { role, kind: "jwt" } });
      setCreated((previous) => ({ ...previous, [role]: token }));
      await copy(`Bearer ${token}`, `Copied a JWT for ${role}`);
    } catch (error) {
      showError(error);
    }
  };
  return html`<div><p>The guide surface uses <code>Authorization: Token …</code>, the reference surface <code>Authorization: Bearer …</code>.</p>
    <${Table} label="Tokens" rows=${TOKENS} rowKey=${([name]) => name} columns=${[
      { key: "name", whole: true, title: "Token", cell: ([name]) => html`<code>${name}</code>` },
      { key: "effect", title: "Effect", cell: ([, effect]) => effect },
      { key: "copy", whole: true, title: "Copy", cell: ([name]) => html`<span class="buttons"><${CopyButton} text=${name} subject="token ${name}" />
        <${ActionButton} class="small" onAction=${() => createJwt(name)} aria-label="Create and copy a JWT for ${name}">JWT<//></span>` },
    ]} />
    ${Object.entries(created).map(([role, token]) => html`<${CodeBlock} key=${role} label="JWT for ${role}" text="Authorization: Bearer ${token}" />`)}</div>`;
}

function Worlds() {
  const worlds = useLive(() => control("GET", "worlds"), ["worlds"], []);
  return html`<${WhenLoaded} request=${worlds} feature="multiple worlds">${({ results }) => html`<div>
    <${Table} label="Worlds" rows=${results} rowKey=${(world) => world.name} columns=${[
      { key: "name", title: "World", cell: (world) => html`<button type="button" class="link"
        onClick=${() => switchWorld(world.name)}>${world.name}</button>` },
      { key: "scenario", title: "Scenario", cell: (world) => world.scenario },
      { key: "steps", title: "Steps", number: true, cell: (world) => number(world.steps) },
    ]} /><p><a href=${href("scenarios")}>Snapshots and branches</a></p></div>`}<//>`;
}
