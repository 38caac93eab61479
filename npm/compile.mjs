// Compile the Python files of an archive with the Python of Pyodide: node compile.mjs FROM.zip TO.gz
// Without the first argument, make a snapshot of the imported modules: node compile.mjs --snapshot SITE.gz TO.gz
import fs from 'node:fs';
import zlib from 'node:zlib';
import { loadPyodide } from 'pyodide';
import { startPython } from './browser/python.mjs';

process.on('uncaughtException', (error) => {
  console.error(String(error.message).slice(0, 2000)); // without the source line, which is all of Pyodide
  process.exit(1);
});

const COMPILE = `
import compileall, json, pathlib, py_compile
site = pathlib.Path("/site")
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
if not compileall.compile_dir(site, quiet=1, legacy=True, stripdir="/site", invalidation_mode=mode):
    raise SystemExit("a Python file cannot be compiled")
paths = [path for path in sorted(site.rglob("*")) if path.is_file() and path.suffix != ".py"]
contents = [path.read_bytes() for path in paths]
index = [[str(path.relative_to(site)), len(content)] for path, content in zip(paths, contents)]
with open("/site.pack", "wb") as archive:
    archive.write(json.dumps(index).encode() + b"\\n" + b"".join(contents))
`;

async function compile(source) {
  const python = await loadPyodide();
  python.unpackArchive(new Uint8Array(fs.readFileSync(source)), 'zip', { extractDir: '/site' });
  python.runPython(COMPILE);
  return python.FS.readFile('/site.pack');
}

async function takeSnapshot(site) {
  const python = await startPython({
    pyodide: { loadPyodide },
    site: new Uint8Array(zlib.gunzipSync(fs.readFileSync(site))),
    environment: { HOME: '/home/pyodide', PYTHONHASHSEED: '0' },
    options: { _makeSnapshot: true },
  });
  python.runPython('import oms_start; oms_start.prepare()');
  return python.makeMemorySnapshot();
}

const [source, target, snapshot] = process.argv.slice(2);
const result = source === '--snapshot' ? await takeSnapshot(target) : await compile(source);
fs.writeFileSync(snapshot ?? target, zlib.gzipSync(result, { level: 9 }));
process.exit(0);
