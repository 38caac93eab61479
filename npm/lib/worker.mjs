// The worker thread: Python. It receives messages of the main thread when Python waits for them.
import fs from 'node:fs';
import { isatty } from 'node:tty';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import zlib from 'node:zlib';
import { loadPyodide, version } from 'pyodide';
import createModule from 'pyodide/pyodide.asm.mjs';
import { startPython } from '../browser/python.mjs';

const { port, flag, args } = workerData;
const NOT_MOUNTED = new Set(['bin', 'boot', 'dev', 'lib', 'lib32', 'lib64', 'proc', 'sbin', 'sys']);

// Write all bytes. A pipe whose reader is slow may be full.
function writeAll(fd, bytes) {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += fs.writeSync(fd, bytes, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return bytes.length;
}

const output = (fd) => ({ write: (bytes) => writeAll(fd, bytes), isatty: isatty(fd) });

// Make the folders of the machine available to Python under the same paths.
function mountFolders(python) {
  const { FS } = python;
  const mount = (root, at) => {
    FS.mkdirTree(at);
    FS.mount(FS.filesystems.NODEFS, { root }, at);
  };
  if (process.platform === 'win32') {
    mount(process.cwd(), '/cwd');
    FS.chdir('/cwd');
    return;
  }
  for (const entry of fs.readdirSync('/')) {
    const path = `/${entry}`;
    if (!NOT_MOUNTED.has(entry) && fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) mount(path, path);
  }
  FS.chdir(process.cwd());
}

function pythonEnvironment() {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('PYTHON'));
  return { HOME: '/home/pyodide', ...Object.fromEntries(entries) };
}

// Send a message to the main thread.
function post(kind, id, text, data) {
  port.postMessage([kind, id, text, data === undefined ? null : data]);
}

// Pass the messages that have arrived to a Python function. Without any, wait up to these milliseconds (-1: no limit).
function receive(deliver, milliseconds) {
  for (const wait of [milliseconds, 0]) {
    const seen = Atomics.load(flag, 0);
    let received = receiveMessageOnPort(port);
    if (received === undefined && wait !== 0) {
      Atomics.wait(flag, 0, seen, wait < 0 ? Infinity : wait);
      continue;
    }
    for (; received !== undefined; received = receiveMessageOnPort(port)) deliver(...received.message);
    return;
  }
}

// Return the bytes of a compressed file of the package, or undefined if it does not exist.
function readPackageFile(name) {
  const file = new URL(`../${name}`, import.meta.url);
  return fs.existsSync(file) ? new Uint8Array(zlib.gunzipSync(fs.readFileSync(file))) : undefined;
}

const python = await startPython({
  pyodide: { loadPyodide, createModule, version },
  site: readPackageFile('site.gz'),
  snapshot: readPackageFile('snapshot.gz'),
  environment: pythonEnvironment(),
});
python.setStdout(output(1));
python.setStderr(output(2));
mountFolders(python);
python.registerJsModule('oms_host', { post, receive });
let code = 70;
try {
  code = python.pyimport('oms_node').run(python.toPy(args));
} catch (error) {
  writeAll(2, Buffer.from(`oms-emulator: ${error.message}\n`));
}
port.postMessage(['exit', code, '', null]);
