/** Loading once, and looking again and again without getting in the way of those who work. */
import { useCallback, useEffect, useRef, useState } from "./lib.js";

const SHARE = 20;
/** A look that took a while is repeated after this many times as long at the earliest: a twentieth of the server's time. */
const SLOWEST = 30_000;

/** Load when what it hangs on changes: `{data, error, busy, reload}`. The data before stays until the new is there. */
export function useLoad(load, on) {
  const [state, set] = useState({ data: null, error: null, busy: true });
  const latest = useRef(0);
  const reload = useCallback(async () => {
    const mine = ++latest.current;
    set((before) => ({ ...before, busy: true }));
    const next = await load().then((data) => ({ data, error: null }), (error) => ({ error }));
    if (mine === latest.current) set((before) => ({ ...before, ...next, busy: false }));
  }, on);
  useEffect(() => {
    reload();
    return () => { latest.current += 1; };
  }, [reload]);
  return { ...state, reload };
}

/** The same, looked at again every `wait` ms while the page is visible and `running`. */
export function useLive(load, wait, on, running = true) {
  const loaded = useLoad(load, on);
  useEffect(() => {
    if (!running) return undefined;
    let timer = null;
    let over = false;
    const plan = (ms) => { timer = setTimeout(look, ms); };
    const look = async () => {
      if (document.hidden) return;  // shown again, the page looks at once
      const began = performance.now();
      await loaded.reload();
      if (!over) plan(pause(wait, performance.now() - began));
    };
    const seen = () => {
      clearTimeout(timer);
      if (!document.hidden) look();
    };
    plan(wait);
    document.addEventListener("visibilitychange", seen);
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [loaded.reload, wait, running]);
  return loaded;
}

/** How long to wait after a look that took so long. */
export const pause = (wait, took) => Math.min(Math.max(wait, took * SHARE), SLOWEST);
