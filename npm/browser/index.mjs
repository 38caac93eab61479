// `setupEmulator` for pages: an emulator in a worker, behind a service worker or a replaced `fetch`.
import { Connection } from './connection.mjs';
import { EmulatorHandle } from './handle.mjs';

export { ControlError } from './handle.mjs';

const originalFetch = globalThis.fetch;

function openWorker(assets) {
  const url = `${assets}worker.mjs`;
  if (globalThis.SharedWorker) return new SharedWorker(url, { type: 'module', name: 'oms-emulator', extendedLifetime: true }).port;
  return new Worker(url, { type: 'module' });
}

/** Send the service worker a port to the worker. */
function sendPort(worker, serviceWorker) {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ kind: 'connect', content: port1 }, [port1]);
  serviceWorker.postMessage({ kind: 'oms-emulator port' }, [port2]);
}

/** Register the service worker, and wait until it controls this page. */
async function registerServiceWorker(url, script) {
  const container = navigator.serviceWorker;
  const controlled = container.controller ? null : new Promise((resolve) => container.addEventListener('controllerchange', resolve, { once: true }));
  await container.register(`${script}?base=${encodeURIComponent(new URL(url).pathname)}`, { type: 'module' });
  const { active } = await container.ready;
  await controlled;
  return active;
}

/** Answer the requests of this page that the service worker would answer. Return a function that ends it. */
function replaceFetch(url, respond) {
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const isOurs = request.url === url || request.url.startsWith(`${url}/`);
    return isOurs ? respond(request) : originalFetch(input, init);
  };
  return () => { globalThis.fetch = originalFetch; };
}

/**
 * Connect this page to the worker, without starting an emulator. The page of the inspector needs no more.
 */
export async function connectPage({ url, serviceWorker }) {
  const worker = openWorker(`${url}/assets/`);
  const connection = new Connection(worker);
  const respond = (request) => connection.fetch(request, request.url.slice(url.length) || '/');
  const answer = ({ data, source }) => data?.kind === 'oms-emulator connect' && sendPort(worker, source);
  navigator.serviceWorker?.addEventListener('message', answer);
  let restore = () => {};
  if (serviceWorker && navigator.serviceWorker) sendPort(worker, await registerServiceWorker(url, serviceWorker));
  else restore = replaceFetch(url, respond);
  return {
    connection, respond,
    close() {
      navigator.serviceWorker?.removeEventListener('message', answer);
      restore();
      worker.close?.();
      worker.terminate?.();
    },
  };
}

/**
 * Start an emulator for this page, or share the one that another tab started with the same options.
 *
 * `url` is its address, whose files `oms-emulator init FOLDER` copies.
 * `serviceWorker: false` replaces the `fetch` of this page instead. All other options are those of `Emulator` in Python.
 */
export async function setupEmulator({ url: address = '/oms-emulator', serviceWorker, ...options } = {}) {
  const url = new URL(address, document.baseURI).href.replace(/\/$/, '');
  const script = serviceWorker ?? `${url.slice(0, url.lastIndexOf('/'))}/oms-emulator-sw.mjs`;
  const page = await connectPage({ url, serviceWorker: script });
  await page.connection.ask('start', JSON.stringify({ url, options }));
  return new EmulatorHandle(url, page.respond, () => page.close());
}
