// The worker: Python with the emulator. Pages and the service worker are connected to it by ports.
import createModule from './pyodide/pyodide.asm.mjs';
import { loadPyodide, version } from './pyodide/pyodide.mjs';
import { startPython } from './python.mjs';

const senders = new Map(); // id of a request in Python -> the port that sent it, and its id there
let nextId = 1;
let timer;
let python, started;

// Return the bytes of a compressed file, or undefined if it cannot be read. Some web servers make browsers decompress it.
async function readFile(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) return undefined;
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Send a webhook, and return status, headers and body. Python waits, so the request is synchronous.
function sendHook(url, headers, body, seconds) {
  const request = new XMLHttpRequest();
  request.open('POST', url, false);
  request.timeout = seconds * 1000;
  request.responseType = 'arraybuffer';
  for (const [name, value] of Object.entries(JSON.parse(headers))) request.setRequestHeader(name, value);
  request.send(body);
  return [request.status, request.getResponseHeader('Content-Type') ?? '', new Uint8Array(request.response)];
}

const HOST = {
  // Pass a part of a response to the port that sent the request.
  post(kind, id, text, data) {
    const sender = senders.get(id);
    if (!sender) return;
    if (!['head', 'write'].includes(kind)) senders.delete(id);
    sender.port.postMessage({ kind, id: sender.id, text, data: data ?? null });
  },
  schedule(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(() => python.run_timers(), milliseconds);
  },
  send_hook: sendHook,
};

async function loadEmulator() {
  const [site, snapshot] = await Promise.all([readFile('site.gz'), readFile('snapshot.gz')]);
  const environment = { HOME: '/home/pyodide' };
  const pyodide = await startPython({ pyodide: { loadPyodide, createModule, version }, site, snapshot, environment });
  pyodide.registerJsModule('oms_host', HOST);
  return pyodide.pyimport('oms_browser');
}

const loading = loadEmulator();

// Start an emulator. One that runs with the same options is shared; other options replace it.
async function start(options) {
  python = await loading;
  if (started !== options) python.start(options);
  started = options;
}

const HANDLERS = {
  async start(port, { id, content }) {
    try {
      await start(content);
      port.postMessage({ kind: 'done', id });
    } catch (error) {
      port.postMessage({ kind: 'failed', id, text: error.message.trim().split('\n').at(-1) });
    }
  },
  connect(port, { content }) {
    listen(content);
  },
  async request(port, { id, head, body }) {
    await loading;
    if (started === undefined) return port.postMessage({ kind: 'close', id });
    const number = nextId++;
    senders.set(number, { port, id });
    try {
      python.respond(number, head, body ? new Uint8Array(body) : undefined);
      python.run_timers();
    } catch (error) {
      console.error(error);
      HOST.post('close', number, '');
    }
  },
  cancel(port, { id }) {
    for (const [number, sender] of senders) {
      if (sender.port !== port || sender.id !== id) continue;
      senders.delete(number);
      python.forget(number);
    }
  },
};

function listen(port) {
  port.addEventListener('message', ({ data }) => HANDLERS[data.kind](port, data));
  port.start?.();
}

if ('onconnect' in globalThis) addEventListener('connect', ({ ports }) => listen(ports[0]));
else listen(globalThis); // a worker of one page
