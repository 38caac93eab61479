/** The overview page: the world, an example request, the state graphs, tokens and worlds. */
import { control, ROOT, TOKEN } from "../api.js";
import { html, useState } from "../lib.js";
import { useLoad, usePolling } from "../polling.js";
import { ActionButton, Card, CodeBlock, copy, CopyButton, PageHeading, Properties, WhenLoaded } from "../components/common.js";
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

export function Page() {
  const health = useLoad(() => control("GET", "health"), []);
  const graph = usePolling(() => control("GET", "graph"), 3_000, []);
  const reset = () => runAction(() => control("POST", "reset"), "World reset to the start of its scenario")
    .then((ok) => ok && Promise.all([health.reload(), graph.reload()]));
  return html`<${PageHeading} title="Overview"><${ActionButton} onAction=${reset}>Reset world<//><//>
    <div class="columns">
      <${Card} title="This world"><${WhenLoaded} request=${health}>${(state) => html`<${WorldProperties} state=${state} graph=${graph.data} />`}<//><//>
      <${Card} title="Example request"><p>The OMS API is served at <code>${location.origin}${ROOT}</code>. Try:</p>
        <${CodeBlock} label="example request" text=${curl("/api/v1/oms/packages/short/?limit=2")} /><//>
    </div>
    <${WhenLoaded} request=${graph}>${({ packages, transfers }) => html`
      <${Card} title="Packages" side=${html`<a href=${href("packages")}>All packages</a>`}>
        <${StateGraph} graph=${packages} list="packages" one="package" many="packages" /><//>
      <${Card} title="Transfer orders" side=${html`<a href=${href("transfers")}>All transfer orders</a>`}>
        <${StateGraph} graph=${transfers} list="transfers" one="transfer order" many="transfer orders" /><//>`}<//>
    <div class="columns">
      <${Card} title="Tokens"><${Tokens} /><//>
      <${Card} title="Worlds"><${Worlds} /><//>
    </div>`;
}

const curl = (path) => `curl -H "Authorization: Token ${TOKEN}" "${location.origin}${ROOT}${path}"`;

const total = (part) => (part ? part.states.reduce((sum, state) => sum + state.count, 0) : undefined);

const WorldProperties = ({ state, graph }) => html`<${Properties} items=${[
  ["World", html`<strong>${state.world}</strong>`],
  ["Scenario", html`<a href=${href("scenarios")}>${state.scenario}</a>`],
  ["Seed", state.seed],
  ["Clock", html`<a href=${href("clock")}>${time(state.now)} UTC</a>`],
  ["Packages", number(total(graph?.packages))],
  ["Transfer orders", number(total(graph?.transfers))],
  ["Version", state.version],
]} />`;

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
  return html`<p>The guide surface uses <code>Authorization: Token …</code>, the reference surface <code>Authorization: Bearer …</code>.</p>
    <${Table} label="Tokens" rows=${TOKENS} rowKey=${([name]) => name} columns=${[
      { key: "name", whole: true, title: "Token", cell: ([name]) => html`<code>${name}</code>` },
      { key: "effect", title: "Effect", cell: ([, effect]) => effect },
      { key: "copy", whole: true, title: "Copy", cell: ([name]) => html`<span class="buttons"><${CopyButton} text=${name} subject="token ${name}" />
        <${ActionButton} class="small" onAction=${() => createJwt(name)} aria-label="Create and copy a JWT for ${name}">JWT<//></span>` },
    ]} />
    ${Object.entries(created).map(([role, token]) => html`<${CodeBlock} key=${role} label="JWT for ${role}" text="Authorization: Bearer ${token}" />`)}`;
}

function Worlds() {
  const worlds = useLoad(() => control("GET", "worlds"), []);
  return html`<${WhenLoaded} request=${worlds} feature="multiple worlds">${({ results }) => html`
    <${Table} label="Worlds" rows=${results} rowKey=${(world) => world.name} columns=${[
      { key: "name", title: "World", cell: (world) => html`<button type="button" class="link"
        onClick=${() => switchWorld(world.name)}>${world.name}</button>` },
      { key: "scenario", title: "Scenario", cell: (world) => world.scenario },
      { key: "now", whole: true, title: "Clock", cell: (world) => time(world.now) },
    ]} /><p><a href=${href("scenarios")}>Snapshots and branches</a></p>`}<//>`;
}
