/** The clock page: freeze, run and advance the clock, and generate live traffic. */
import { control } from "../api.js";
import { html, useState } from "../lib.js";
import { useClock, useLive } from "../loading.js";
import { advance, setClock } from "../components/clock_controls.js";
import { ActionButton, Card, Form, PageHeading, Properties, RadioGroup, WhenLoaded } from "../components/common.js";
import { runAction } from "../components/toasts.js";
import { time } from "../format.js";

const MODES = [["frozen", "Frozen"], ["ticking", "Ticking"], ["real", "Real"]];
const MODE_DESCRIPTIONS = {
  frozen: "The clock stands still. Each write advances it by one millisecond.",
  ticking: "The clock runs from the start time of the scenario, in real time or faster.",
  real: "The clock shows the time of this machine.",
};
const STEPS = [[60, "+1 minute"], [3_600, "+1 hour"], [86_400, "+1 day"], [604_800, "+1 week"]];

const SPEEDS = [[1, "1 ×"], [10, "10 ×"], [100, "100 ×"], [1_000, "1,000 ×"]];

const MODE_MESSAGES = { frozen: "The clock is frozen", ticking: "The clock is ticking", real: "The clock shows the time of this machine" };

export function Page() {
  const clock = useClock();
  const loaded = useLive(() => control("GET", "clock"), ["clock"], []);
  return html`<div><${PageHeading} title="Clock" /><${WhenLoaded} request=${loaded} feature="clock control">${(first) => html`<${Clock} state=${clock ?? first} />`}<//></div>`;
}

/** The time of the next event. One in the past is sent as soon as the clock or the server allows it. */
const nextEvent = ({ next_event: at, now }) => (at ? `${time(at)}${Date.parse(at) <= Date.parse(now) ? " (due)" : ""}` : "None");

const Clock = ({ state }) => html`<div>
  <${Card} title="Now"><p class="big-time"><time datetime=${state.now}>${time(state.now)}</time> UTC</p>
    <${RadioGroup} name="mode" legend="Mode" options=${MODES} value=${state.mode} onChange=${(mode) => setClock({ mode }, MODE_MESSAGES[mode])} />
    <p class="hint">${MODE_DESCRIPTIONS[state.mode]}</p>
    ${state.mode === "ticking" && html`<${RadioGroup} name="speed" legend="Speed" options=${SPEEDS} value=${state.speed}
      onChange=${(speed) => setClock({ speed: Number(speed) }, `The clock runs at ${speed} × speed`)} />`}
    <${Properties} items=${[["Next event", nextEvent(state)]]} /><//>
  <${Card} title="Advance">
    <div class="commands">${STEPS.map(([seconds, title]) => html`<${ActionButton} key=${seconds} disabled=${state.mode === "real"} onAction=${() => advance({ seconds })}>${title}<//>`)}
      <${ActionButton} class="main" disabled=${!state.next_event || state.mode === "real"} onAction=${() => advance({ to_next_event: true })}>Advance to next event<//></div>
    <p class="hint">${state.mode === "real" ? "A real clock cannot be advanced. Freeze it, or let it tick."
      : "The next event is the next scheduled action: a webhook retry, or a step of the live traffic."}</p>
    <${AdvanceTo} now=${state.now} disabled=${state.mode === "real"} /><//>
  <${LiveTraffic} /></div>`;

const LIVE_STATUS = { true: "Live traffic is paused.", false: "Orders are placed, packed, shipped and delivered as the clock runs." };

function LiveTraffic() {
  const live = useLive(() => control("GET", "live"), ["live"], []);
  const put = (body, text) => runAction(() => control("PUT", "live", { body }), text).then((ok) => ok && live.reload());
  return html`<${Card} title="Live traffic"><${WhenLoaded} request=${live} feature="live traffic">${(state) => html`<div>
    <p class="hint">${state.orders_per_hour === null ? "No live traffic in this world." : LIVE_STATUS[state.paused]}</p>
    <${RateForm} current=${state.orders_per_hour} put=${put} />
    ${state.orders_per_hour !== null && html`<div class="commands">
      ${state.paused ? html`<${ActionButton} class="main" onAction=${() => put({ paused: false }, "Live traffic resumed")}>Resume<//>`
        : html`<${ActionButton} onAction=${() => put({ paused: true }, "Live traffic paused")}>Pause<//>`}
      <${ActionButton} onAction=${() => put({ orders_per_hour: null }, "Live traffic stopped")}>Stop<//></div>`}</div>`}<//><//>`;
}

function RateForm({ current, put }) {
  const [rate, setRate] = useState(current ?? 60);
  const submit = () => put({ orders_per_hour: Number(rate) }, `Generating ${rate} orders per hour`);
  return html`<${Form} class="bar" onSubmit=${submit}>
    <label class="field"><span>Orders per hour</span><input type="number" min="0" max="36000" value=${rate} required
      onInput=${(event) => setRate(event.target.value)} /></label><button>${current === null ? "Start" : "Change rate"}</button><//>`;
}

function AdvanceTo({ now, disabled }) {
  const [to, setTo] = useState(now.slice(0, 19));
  const submit = () => advance({ to: `${to.length === 16 ? `${to}:00` : to}Z` });
  return html`<${Form} class="bar" onSubmit=${submit}>
    <label class="field"><span>Time (UTC)</span><input type="datetime-local" step="1" value=${to} required
      onInput=${(event) => setTo(event.target.value)} /></label><button disabled=${disabled}>Advance to time</button><//>`;
}
