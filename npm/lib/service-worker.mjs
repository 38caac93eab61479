// The service worker: answers the requests of all pages below the address of the emulator, and no others.
// The files of the package go to the web server. All worlds share them.
import { Connection } from './oms-emulator/assets/connection.mjs';

const BASE = new URL(new URL(location.href).searchParams.get('base'), location.href).href;
const FILE = /^(\/w\/[^/]+)?(\/(?:assets|__admin\/ui|__admin\/docs)(?:\/[^?]*)?)(?:\?.*)?$/;
const PATIENCE = 10_000;

let connection;
let waiting = [];

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

// A page sends a port to the worker: when it starts, or because it was asked to.
addEventListener('message', ({ data, ports }) => {
  if (data.kind !== 'oms-emulator port') return;
  connection = new Connection(ports[0]);
  waiting.forEach((resolve) => resolve(connection));
  waiting = [];
});

// Return the connection to the worker. The browser stops a service worker at any time, so ask the pages for a new one.
async function connect() {
  if (connection) return connection;
  const connected = new Promise((resolve) => waiting.push(resolve));
  const pages = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  pages.forEach((page) => page.postMessage({ kind: 'oms-emulator connect' }));
  return Promise.race([connected, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
}

async function respond(request) {
  if (request.mode === 'navigate') connection = undefined; // the worker may have ended with its last page
  const current = await connect();
  if (!current) return new Response('No page runs the emulator. Call setupEmulator().', { status: 503 });
  try {
    return await current.fetch(request, request.url.slice(BASE.length) || '/');
  } catch {
    return Response.error();
  }
}

/** Load a file of the package for a page of a world. The page keeps its address, which names the world. */
function loadFile(path) {
  return fetch(BASE + path.replace(/(ui|docs)\/?$/, '$1/index.html'));
}

addEventListener('fetch', (event) => {
  const { url } = event.request;
  if (url !== BASE && !url.startsWith(`${BASE}/`)) return;
  const [isFile, world, path] = FILE.exec(url.slice(BASE.length)) ?? [];
  if (!isFile) event.respondWith(respond(event.request));
  else if (world) event.respondWith(loadFile(path));
});
