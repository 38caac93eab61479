/** Overview: what this world is, how to call it, and where everything is. */
import { ROOT, TOKEN, control } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../live.js";
import { Action, Card, Code, Copy, Facts, Heading, Loaded, copy } from "../parts/pieces.js";
import { Picture } from "../parts/picture.js";
import { attempt, refused } from "../parts/said.js";
import { enter } from "../parts/shell.js";
import { Table } from "../parts/table.js";
import { href } from "../route.js";
import { number, time } from "../text.js";

export const TOKENS = [
  ["full-access", "everything is allowed"],
  ["read-only", "403 on writes"],
  ["no-access", "403 everywhere"],
  ["inactive", "401 “User inactive or deleted.”"],
  ["throttled", "429 from the 6th call in a minute"],
];

export function Page() {
  const health = useLoad(() => control("GET", "health"), []);
  const graph = useLive(() => control("GET", "graph"), 3_000, []);
  const again = () => attempt(() => control("POST", "reset"), "The world is back at its scenario's start")
    .then((ok) => ok && Promise.all([health.reload(), graph.reload()]));
  return html`<${Heading} title="Overview"><${Action} work=${again}>Reset the world<//><//>
    <div class="columns">
      <${Card} title="This world"><${Loaded} from=${health}>${(at) => html`<${ThisWorld} at=${at} graph=${graph.data} />`}<//><//>
      <${Card} title="First call"><p>Everything below <code>${location.origin}${ROOT}</code> is the OMS. Try:</p>
        <${Code} label="first call" text=${curl("/api/v1/oms/packages/short/?limit=2")} /><//>
    </div>
    <${Loaded} from=${graph}>${(found) => html`
      <${Card} title="Packages" side=${html`<a href=${href("packages")}>All packages</a>`}>
        <${Picture} graph=${found.packages} list="packages" one="package" many="packages" /><//>
      <${Card} title="Transfer orders" side=${html`<a href=${href("transfers")}>All transfer orders</a>`}>
        <${Picture} graph=${found.transfers} list="transfers" one="transfer order" many="transfer orders" /><//>`}<//>
    <div class="columns">
      <${Card} title="Tokens"><${Tokens} /><//>
      <${Card} title="Worlds"><${Worlds} /><//>
    </div>`;
}

const curl = (path) => `curl -H "Authorization: Token ${TOKEN}" "${location.origin}${ROOT}${path}"`;

const total = (part) => (part ? part.states.reduce((sum, state) => sum + state.count, 0) : undefined);

const ThisWorld = ({ at, graph }) => html`<${Facts} of=${[
  ["World", html`<strong>${at.world}</strong>`],
  ["Scenario", html`<a href=${href("scenarios")}>${at.scenario}</a>`],
  ["Seed", at.seed],
  ["Clock", html`<a href=${href("clock")}>${time(at.now)} UTC</a>`],
  ["Packages", number(total(graph?.packages))],
  ["Transfer orders", number(total(graph?.transfers))],
  ["Version", at.version],
]} />`;

function Tokens() {
  const [made, set] = useState({});
  const bearer = async (role) => {
    try {
      const { token } = await control("POST", "tokens", { body: { role, kind: "jwt" } });
      set((before) => ({ ...before, [role]: token }));
      await copy(`Bearer ${token}`, `Copied a JWT for ${role}`);
    } catch (error) {
      refused(error);
    }
  };
  return html`<p>The guide takes <code>Authorization: Token …</code>, the reference <code>Authorization: Bearer …</code>.</p>
    <${Table} label="Tokens" rows=${TOKENS} rowKey=${([name]) => name} columns=${[
      { key: "name", whole: true, title: "Token", cell: ([name]) => html`<code>${name}</code>` },
      { key: "meets", title: "Meets", cell: ([, meets]) => meets },
      { key: "do", whole: true, title: "Copy", cell: ([name]) => html`<span class="buttons"><${Copy} text=${name} what="token ${name}" />
        <${Action} class="small" work=${() => bearer(name)} aria-label="Make and copy a JWT for ${name}">JWT<//></span>` },
    ]} />
    ${Object.entries(made).map(([role, token]) => html`<${Code} key=${role} label="JWT for ${role}" text="Authorization: Bearer ${token}" />`)}`;
}

function Worlds() {
  const worlds = useLoad(() => control("GET", "worlds"), []);
  return html`<${Loaded} from=${worlds} what="more than one world">${({ results }) => html`
    <${Table} label="Worlds" rows=${results} rowKey=${(world) => world.name} columns=${[
      { key: "name", title: "World", cell: (world) => html`<button type="button" class="link"
        onClick=${() => enter(world.name)}>${world.name}</button>` },
      { key: "scenario", title: "Scenario", cell: (world) => world.scenario },
      { key: "now", whole: true, title: "Clock", cell: (world) => time(world.now) },
    ]} /><p><a href=${href("scenarios")}>Snapshots and branches</a></p>`}<//>`;
}
