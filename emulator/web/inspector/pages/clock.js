/** The clock of the world: stop it, let it run, move it on. */
import { control } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive } from "../live.js";
import { Action, Card, Choice, Facts, Heading, Loaded } from "../parts/pieces.js";
import { attempt } from "../parts/said.js";
import { time } from "../text.js";

const MODES = [["frozen", "Frozen"], ["ticking", "Ticking"], ["real", "Real"]];
const MEANING = {
  frozen: "Time stands still; each write moves it on by a millisecond.",
  ticking: "Time started at the scenario’s start and runs as fast as a clock on the wall, or faster.",
  real: "Time is that of this machine.",
};
const STEPS = [[60, "+1 minute"], [3_600, "+1 hour"], [86_400, "+1 day"], [604_800, "+1 week"]];

const SPEEDS = [[1, "1 ×"], [10, "10 ×"], [100, "100 ×"], [1_000, "1,000 ×"]];

export function Page() {
  const clock = useLive(() => control("GET", "clock"), 1_000, []);
  const change = (work, text) => attempt(work, text).then((ok) => ok && clock.reload());
  const set = (mode) => change(() => control("PUT", "clock", { body: { mode } }), `The clock is ${mode}`);
  const advance = (body) => change(() => control("POST", "clock/advance", { body }), (after) => `It is ${time(after.now)} now`);
  return html`<div><${Heading} title="Clock" /><${Loaded} from=${clock} what="a clock to set">${(at) => html`<div>
    <${Card} title="Now"><p class="big-time"><time datetime=${at.now}>${time(at.now)}</time> UTC</p>
      <${Choice} name="mode" legend="Mode" options=${MODES} value=${at.mode} onChange=${set} />
      <p class="hint">${MEANING[at.mode]}</p>
      ${at.mode === "ticking" && html`<${Choice} name="speed" legend="Speed" options=${SPEEDS} value=${at.speed}
        onChange=${(speed) => change(() => control("PUT", "clock", { body: { speed: Number(speed) } }), `The clock runs ${speed} × as fast`)} />`}
      <${Facts} of=${[["Next event", at.next_event ? time(at.next_event) : "nothing waits"]]} /><//>
    <${Card} title="Move it on">
      <div class="commands">${STEPS.map(([seconds, title]) => html`<${Action} key=${seconds} work=${() => advance({ seconds })}>${title}<//>`)}
        <${Action} class="main" disabled=${!at.next_event} work=${() => advance({ to_next_event: true })}>To the next event<//></div>
      <p class="hint">The next event is whatever waits for the clock: a webhook’s next try, a day’s next step.</p>
      <${To} now=${at.now} advance=${advance} /><//>
    <${Live} onChange=${clock.reload} /></div>`}<//></div>`;
}

const PACE = { true: "It is paused.", false: "Orders come, are packed, shipped and delivered as the clock goes." };

function Live({ onChange }) {
  const live = useLive(() => control("GET", "live"), 2_000, []);
  const put = (body, text) => attempt(() => control("PUT", "live", { body }), text).then((ok) => ok && (live.reload(), onChange()));
  return html`<${Card} title="Live demo"><${Loaded} from=${live} what="a live demo">${(at) => html`<div>
    <p class="hint">${at.orders_per_hour === null ? "Nothing happens by itself in this world." : PACE[at.paused]}</p>
    <${Rate} now=${at.orders_per_hour} put=${put} />
    ${at.orders_per_hour !== null && html`<div class="commands">
      ${at.paused ? html`<${Action} class="main" work=${() => put({ paused: false }, "The live demo goes on")}>Go on<//>`
        : html`<${Action} work=${() => put({ paused: true }, "The live demo is paused")}>Pause<//>`}
      <${Action} work=${() => put({ orders_per_hour: null }, "Nothing happens by itself any more")}>Switch off<//></div>`}</div>`}<//><//>`;
}

function Rate({ now, put }) {
  const [rate, setRate] = useState(now ?? 60);
  const submit = (event) => {
    event.preventDefault();
    put({ orders_per_hour: Number(rate) }, `${rate} orders an hour come by themselves`);
  };
  return html`<form class="bar" onSubmit=${submit}>
    <label class="field"><span>Orders per hour</span><input type="number" min="0" max="36000" value=${rate} required
      onInput=${(event) => setRate(event.target.value)} /></label><button>Let them come</button></form>`;
}

function To({ now, advance }) {
  const [to, setTo] = useState(now.slice(0, 19));
  const submit = (event) => {
    event.preventDefault();
    advance({ to: `${to.length === 16 ? `${to}:00` : to}Z` });
  };
  return html`<form class="bar" onSubmit=${submit}>
    <label class="field"><span>To (UTC)</span><input type="datetime-local" step="1" value=${to} required
      onInput=${(event) => setTo(event.target.value)} /></label><button>Move the clock</button></form>`;
}
