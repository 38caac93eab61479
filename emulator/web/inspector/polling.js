/** Hooks that load data once, or poll it with a limited share of the server's time. */
import { useCallback, useEffect, useRef, useState } from "./lib.js";

/** The pause after a request is at least this many times its duration, so polling takes at most a twentieth of the server's time. */
const PAUSE_FACTOR = 20;
const LONGEST_PAUSE = 30_000;

/** Load data when a dependency changes. Return `{data, error, busy, reload}`; the previous data stays until the new data arrives. */
export function useLoad(load, dependencies) {
  const [state, set] = useState({ data: null, error: null, busy: true });
  const latest = useRef(0);
  const reload = useCallback(async () => {
    const request = ++latest.current;
    set((previous) => ({ ...previous, busy: true }));
    const next = await load().then((data) => ({ data, error: null }), (error) => ({ error }));
    if (request === latest.current) set((previous) => ({ ...previous, ...next, busy: false }));
  }, dependencies);
  useEffect(() => {
    reload();
    return () => { latest.current += 1; };
  }, [reload]);
  return { ...state, reload };
}

/** Load data, and reload it every `interval` ms while the page is visible and `running` is true. */
export function usePolling(load, interval, dependencies, running = true) {
  const loaded = useLoad(load, dependencies);
  useEffect(() => {
    if (!running) return undefined;
    let timer = null;
    let stopped = false;
    const schedule = (ms) => { timer = setTimeout(poll, ms); };
    const poll = async () => {
      if (document.hidden) return;  // `onVisibilityChange` polls when the page is shown again
      const startedAt = performance.now();
      await loaded.reload();
      if (!stopped) schedule(pauseAfter(performance.now() - startedAt, interval));
    };
    const onVisibilityChange = () => {
      clearTimeout(timer);
      if (!document.hidden) poll();
    };
    schedule(interval);
    document.addEventListener("visibilitychange", onVisibilityChange);
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisibilityChange);
    };
  }, [loaded.reload, interval, running]);
  return loaded;
}

/** Return the pause after a request of this duration, in ms. */
export const pauseAfter = (duration, interval) => Math.min(Math.max(interval, duration * PAUSE_FACTOR), LONGEST_PAUSE);
