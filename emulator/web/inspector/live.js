/**
 * The stream of changes of this world. The tabs of a browser share one stream, because a browser opens few
 * connections to a server: one tab reads it and passes the messages on.
 */
import { ROOT } from "./api.js";

const LATEST = 200;
/** Time without a connection after which it counts as lost. A reconnection is usually faster. */
const LOST_AFTER = 2_500;
const REOPEN_AFTER = 2_000;
/** Streams of one browser to this server, for all worlds. A further world is polled. */
const SLOTS = 3;
/** The topic of a message after the world was reset or replaced, or its server was started again. */
export const REPLACED = "replaced";

/** `connection`: connecting, open or lost; `summary`: the last message; `activity`: entries, newest first; `identity`: text that differs after a reset. */
export const live = { connection: "connecting", summary: null, activity: [], receivedAt: 0, identity: "" };
const listeners = new Set();
let lastId = "";
let lostTimer = null;
let isStreamOpen = false;

/** Call `listener(topics)` after each message, and with no topics when the connection changes. Return a function that ends it. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const notify = (topics = []) => [...listeners].forEach((listener) => listener(topics));

function receive(message) {
  const entries = new Map([...message.activity, ...(message.is_fresh ? [] : live.activity)].map((entry) => [entry.id, entry]));
  message.activity.forEach((entry) => entries.set(entry.id, entry));
  live.activity = [...entries.values()].sort((one, other) => (one.at === other.at ? other.id.localeCompare(one.id) : other.at.localeCompare(one.at))).slice(0, LATEST);
  const isReplaced = live.identity !== "" && message.identity !== live.identity;
  Object.assign(live, { summary: message, receivedAt: performance.now(), identity: message.identity });
  notify(isReplaced ? [...message.topics, REPLACED] : message.topics);  // the first message has all topics, because pages load before it
}

function setConnection(connection) {
  clearTimeout(lostTimer);
  lostTimer = null;
  if (live.connection === connection) return;
  live.connection = connection;
  notify();
}

/** The connection counts as lost soon, unless it is opened again. */
function expectConnection() {
  lostTimer ??= setTimeout(setConnection, LOST_AFTER, "lost");
}

/** Open the stream. With `once`, close it after a message and open it again later. */
function open(publish, once = false) {
  const source = new EventSource(`${ROOT}/__admin/events${lastId ? `?after=${encodeURIComponent(lastId)}` : ""}`);
  const reopen = () => { source.close(); setTimeout(open, REOPEN_AFTER, publish, once); };
  source.addEventListener("open", () => publish({ connection: "open" }));
  source.addEventListener("message", (event) => {
    lastId = event.lastEventId;
    publish({ message: { ...JSON.parse(event.data), identity: lastId.split(".")[0] } });
    if (once) reopen();
  });
  source.addEventListener("error", () => {
    publish({ connection: "expected" });
    if (source.readyState === EventSource.CLOSED) reopen();
  });
}

function handle({ connection, message, state }) {
  if (message) receive(message);
  if (connection === "expected") {
    isStreamOpen = false;
    expectConnection();
  } else if (connection || message) {
    isStreamOpen = true;
    setConnection("open");
  }
  if (state && live.summary === null) {
    const { age, connection: shared, ...known } = state;
    Object.assign(live, known, { receivedAt: performance.now() - age });
    isStreamOpen = shared === "open";
    setConnection(shared);
    notify();
  }
}

/** Read the stream for all tabs, until this tab is closed. */
function lead(channel) {
  const publish = (note) => { handle(note); channel.postMessage(note); };
  channel.addEventListener("message", ({ data }) => {
    const { receivedAt, ...state } = live;
    if (data.isQuestion && live.summary) channel.postMessage({ state: { ...state, age: performance.now() - receivedAt } });
  });
  const tryOpen = (slot) => navigator.locks.request(`oms-emulator stream ${slot}`, { ifAvailable: true }, (lock) => {
    if (lock === null && slot < SLOTS) return void tryOpen(slot + 1);
    open(publish, lock === null);
    return new Promise(() => {});
  });
  tryOpen(1);
  return new Promise(() => {});
}

/** Connect this tab. */
export function connect() {
  addEventListener("oms-unreachable", () => setConnection("lost"));
  addEventListener("oms-reachable", () => { if (isStreamOpen) setConnection("open"); });
  expectConnection();
  if (!navigator.locks) return open(handle);
  const channel = new BroadcastChannel(`oms-emulator ${ROOT}`);
  channel.addEventListener("message", ({ data }) => handle(data));
  navigator.locks.request(`oms-emulator ${ROOT || "/"}`, () => lead(channel));
  return channel.postMessage({ isQuestion: true });
}

/** Return the world's time in milliseconds, and null before the first message. */
export function worldTime() {
  const clock = live.summary?.clock;
  if (!clock) return null;
  const passed = clock.mode === "frozen" ? 0 : (performance.now() - live.receivedAt) * (clock.mode === "ticking" ? clock.speed : 1);
  return Date.parse(clock.now) + passed;
}
