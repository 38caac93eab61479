/** The clock in the header: its time, pause and speeds, and steps forward. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useClock } from "../loading.js";
import { href } from "../router.js";
import { time } from "../format.js";
import { ActionButton } from "./common.js";
import { runAction } from "./toasts.js";

const SPEEDS = [1, 10, 100];
const HOUR = 3_600;
const STEPS = [["+1 h", "Advance by 1 hour", HOUR], ["+1 d", "Advance by 1 day", 24 * HOUR], ["+5 d", "Advance by 5 days", 120 * HOUR]];

export const setClock = (body, text) => runAction(() => control("PUT", "clock", { body }), text);
export const advance = (body) => runAction(() => control("POST", "clock/advance", { body }), (next) => `The clock is now at ${time(next.now)}`);

export function HeaderClock() {
  const clock = useClock();
  if (!clock) return html`<span class="header-clock"></span>`;
  const controls = html`<${Controls} clock=${clock} />`;
  return html`<div class="header-clock">
    <a href=${href("clock")} class="now"><span class="sr">World clock: </span><time datetime=${clock.now}>${time(clock.now)}</time></a>
    <span class="inline-clock">${controls}</span>
    <button type="button" class="clock-menu" popovertarget="clock-controls" aria-label="Clock controls">▾</button>
    <div id="clock-controls" popover="auto"><p><strong>${time(clock.now)} UTC</strong></p>${controls}</div></div>`;
}

function Controls({ clock }) {
  const isRunning = (speed) => clock.mode === "ticking" && clock.speed === speed;
  return html`<div class="clock-controls" role="group" aria-label="Clock">
    <span class="segments"><${ActionButton} aria-pressed=${clock.mode === "frozen"} aria-label="Freeze the clock"
        onAction=${() => setClock({ mode: "frozen" }, "The clock is frozen")}>❚❚<//>
      ${SPEEDS.map((speed) => html`<${ActionButton} key=${speed} aria-pressed=${isRunning(speed)} aria-label="Run the clock at ${speed} × speed"
        onAction=${() => setClock({ mode: "ticking", speed }, `The clock runs at ${speed} × speed`)}>×${speed}<//>`)}</span>
    <span class="segments">${STEPS.map(([sign, title, seconds]) => html`<${ActionButton} key=${sign} aria-label=${title} disabled=${clock.mode === "real"}
        onAction=${() => advance({ seconds })}>${sign}<//>`)}
      <${ActionButton} aria-label="Advance to the next event" title=${clock.next_event ? `Next event: ${time(clock.next_event)}` : "No event is scheduled"}
        disabled=${!clock.next_event || clock.mode === "real"} onAction=${() => advance({ to_next_event: true })}>Next<//></span></div>`;
}
