// Start Python twice as the package does, and print what must differ between machines: node start.mjs FOLDER [no-snapshot]
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';

const [folder, option] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { startPython, PYODIDE_VERSION } = await import(pathToFileURL(`${folder}/node_modules/oms-emulator/browser/python.mjs`));
const { loadPyodide, version } = await load('pyodide/pyodide.mjs');
const { default: createModule } = await load('pyodide/pyodide.asm.mjs');
const read = (name) => new Uint8Array(zlib.gunzipSync(fs.readFileSync(`${folder}/node_modules/oms-emulator/${name}`)));
const PROGRAM = 'import json, os, random, sys; json.dumps([sorted(os.environ), random.random(), "emulator.web.app" in sys.modules])';

const starts = [];
for (const name of ['ONE', 'TWO']) {
  const python = await startPython({
    pyodide: { loadPyodide, createModule, version },
    site: read('site.gz'),
    snapshot: option === 'broken' ? new Uint8Array(1024) : read('snapshot.gz'),
    environment: { HOME: '/home/pyodide', [name]: '1' },
  });
  starts.push(JSON.parse(python.runPython(PROGRAM)));
}
console.log(JSON.stringify({ starts, isPinned: version === PYODIDE_VERSION }));
process.exit(0);
