/** Hooks that load data once, or again whenever the stream reports a change. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { live, REPLACED, subscribe, worldTime } from "./live.js";

/** The pause after a request is at least this many times its duration, so the reloads of a page take little of the server's time. */
const PAUSE_FACTOR = 40;
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** The pause before a failed request is repeated. It doubles with each failure. */
const FIRST_RETRY = 2_000;

/**
 * Load data when a dependency changes. Return `{data, error, busy, isOutdated, reload, settled}`; the previous data stays until the new data
 * arrives, also when a request fails. Only a refusal removes it. A failed request is repeated until it succeeds.
 * `isOutdated`: the data is that of other dependencies, and a request is in progress. The promise of `reload` is resolved when the response to the newest request is shown. `settled` waits for a request in progress.
 */
function useRequest(load, dependencies) {
  const [{ of, ...state }, set] = useState({ data: null, error: null, busy: true, of: null });
  const newest = useRef(null);  // the promise of the newest request
  const current = useRef(load);  // an earlier `reload` may be called late, and must not load what was shown then
  current.current = load;
  const reload = useCallback(() => {
    set((previous) => ({ ...previous, busy: true }));
    const request = current.current().then((data) => ({ data, error: null, of: reload }), (error) => (error.isRefusal ? { data: null, error } : { error })).then((next) => {
      if (request !== newest.current) return newest.current;
      set((previous) => ({ ...previous, ...next, busy: false }));
      return undefined;
    });
    newest.current = request;
    return request;
  }, dependencies);
  useEffect(() => {
    reload();
    return () => { newest.current = null; };
  }, [reload]);
  useRetries(state, reload);
  return { ...state, isOutdated: state.busy && state.data !== null && of !== reload, reload, settled: () => newest.current };
}

/** Repeat a failed request after a pause, and as soon as the server is connected again. */
function useRetries({ error, busy }, reload) {
  const failures = useRef(0);
  useEffect(() => {
    if (busy) return undefined;
    if (error === null || error.isRefusal) {
      failures.current = 0;
      return undefined;
    }
    const retry = () => { if (!document.hidden) reload(); };
    const timer = setInterval(retry, Math.min(FIRST_RETRY * 2 ** failures.current++, LONGEST_PAUSE));
    let connection = live.connection;
    const unsubscribe = subscribe(() => {
      if (live.connection === "open" && connection !== "open") reload();
      connection = live.connection;
    });
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }, [error, busy, reload]);
}

/** Load data that only another world changes. */
export const useLoad = (load, dependencies) => useLive(load, [], dependencies);

/** Load data, and load it again when one of the topics changes while the page is visible and `running` is true. */
export function useLive(load, topics, dependencies, running = true) {
  const loaded = useRequest(load, dependencies);
  const wasRunning = useRef(running);
  useLayoutEffect(() => {  // not later: a change would be loaded during a pause
    if (running && !wasRunning.current) loaded.reload();  // shows the changes of the pause
    wasRunning.current = running;
    if (!running) return undefined;
    let isActive = true;
    let timer = null;
    let isStale = false;
    let isBusy = false;
    let allowedAt = 0;
    const schedule = () => {
      if (document.hidden || isBusy || timer !== null) isStale = true;
      else timer = setTimeout(refresh, Math.max(0, allowedAt - performance.now()));
    };
    const refresh = async () => {
      [timer, isBusy, isStale] = [null, true, false];
      await loaded.settled();  // that request does not show the change, but it shows data soon
      if (!isActive) return;
      const startedAt = performance.now();
      await loaded.reload();
      isBusy = false;
      allowedAt = performance.now() + pauseAfter(performance.now() - startedAt);
      if (isStale && isActive) schedule();
    };
    const onVisibilityChange = () => { if (!document.hidden && isStale) schedule(); };
    const unsubscribe = subscribe((changed) => { if (changed.some((topic) => topics.includes(topic) || topic === REPLACED)) schedule(); });
    document.addEventListener("visibilitychange", onVisibilityChange);
    return () => {
      isActive = false;
      unsubscribe();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisibilityChange);
    };
  }, [loaded.reload, running]);
  return loaded;
}

/** Return the pause after a request of this duration, in ms. */
export const pauseAfter = (duration) => Math.min(Math.max(SHORTEST_PAUSE, duration * PAUSE_FACTOR), LONGEST_PAUSE);

/** Return a value of the stream's state, and render again when it becomes another one. */
export function useStream(select) {
  const [, set] = useState(null);
  const value = select(live);
  useEffect(() => {
    const update = () => set(() => select(live));
    update();
    return subscribe(update);
  }, []);
  return value;
}

/** Return the clock of the world with its current time as `now`, for all places that show it. */
export function useClock() {
  const clock = useStream(({ summary }) => summary?.clock);
  const [, set] = useState(0);
  const isMoving = clock !== undefined && clock.mode !== "frozen";
  useEffect(() => {
    if (!isMoving) return undefined;
    const timer = setInterval(() => { if (!document.hidden) set((count) => count + 1); }, 500);
    return () => clearInterval(timer);
  }, [isMoving]);
  return clock ? { ...clock, now: new Date(worldTime()).toISOString() } : null;
}
