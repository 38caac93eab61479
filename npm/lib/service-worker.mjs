// The service worker: answers the requests of all pages below the address of the emulator, and no others.
// Page navigations and the files of the package go to the web server.
import { Connection } from './oms-emulator/assets/connection.mjs';

const BASE = new URL(new URL(location.href).searchParams.get('base'), location.href).href;
const FILES = ['/assets/', '/__admin/ui/', '/__admin/docs'].map((path) => BASE + path);
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
  const current = await connect();
  if (!current) return new Response('No page runs the emulator. Call setupEmulator().', { status: 503 });
  try {
    return await current.fetch(request, request.url.slice(BASE.length) || '/');
  } catch {
    return Response.error();
  }
}

addEventListener('fetch', (event) => {
  const { url, mode, destination } = event.request;
  const isOurs = url === BASE || url.startsWith(`${BASE}/`);
  if (!isOurs || FILES.some((path) => url.startsWith(path)) || (mode === 'navigate' && destination === 'document')) return;
  event.respondWith(respond(event.request));
});
