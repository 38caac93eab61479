// `oms-emulator init FOLDER`: copy the files for the browser into the folder of static files of a web application.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const PYODIDE = path.dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));
const PYODIDE_FILES = ['pyodide.mjs', 'pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json'];
const USAGE = 'Usage: oms-emulator init FOLDER\n\nCopy the files for the browser into FOLDER, which a web server publishes.';

/** The folders of the Python files whose contents pages load, and where a page finds them. */
const PAGE_FILES = [
  ['emulator/web/inspector/', '__admin/ui/'],
  ['emulator/web/docs/vendor/', '__admin/docs/'],
  ['emulator/web/docs/', '__admin/docs/'],
  ['flask_swagger_ui/dist/', '__admin/docs/'],
];

/** Return the files of the package that pages load: path -> contents. */
function pageFiles() {
  const archive = zlib.gunzipSync(fs.readFileSync(path.join(PACKAGE, 'site.gz')));
  const end = archive.indexOf(10);
  const files = new Map();
  let at = end + 1;
  for (const [name, size] of JSON.parse(archive.subarray(0, end))) {
    const row = PAGE_FILES.find(([prefix]) => name.startsWith(prefix) && /\.(js|css|svg|png|html)$/.test(name));
    if (row && !files.has(name)) files.set(row[1] + name.slice(row[0].length), archive.subarray(at, at + size));
    at += size;
  }
  return files;
}

/** Copy all files, and return the folder. Throw an error if it has other contents, such as a clone of the repository. */
export function copyAssets(folder) {
  const target = path.join(folder, 'oms-emulator');
  const assets = path.join(target, 'assets');
  if (fs.existsSync(target) && !fs.existsSync(path.join(assets, 'worker.mjs'))) {
    throw new Error(`${target} exists, and \`init\` did not write it`);
  }
  fs.rmSync(target, { recursive: true, force: true });
  fs.cpSync(path.join(PACKAGE, 'browser'), assets, { recursive: true });
  for (const name of ['site.gz', 'snapshot.gz']) fs.copyFileSync(path.join(PACKAGE, name), path.join(assets, name));
  fs.mkdirSync(path.join(assets, 'pyodide'));
  for (const name of PYODIDE_FILES) fs.copyFileSync(path.join(PYODIDE, name), path.join(assets, 'pyodide', name));
  for (const [name, content] of pageFiles()) write(path.join(target, name), content);
  fs.cpSync(path.join(PACKAGE, 'pages'), path.join(target, '__admin'), { recursive: true });
  fs.copyFileSync(path.join(PACKAGE, 'lib/service-worker.mjs'), path.join(folder, 'oms-emulator-sw.mjs'));
  return target;
}

function write(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

/** Run the command, and return its exit code. */
export function init(args) {
  if (args.length !== 1 || args[0].startsWith('-')) {
    const isHelp = args[0] === '--help' || args[0] === '-h';
    (isHelp ? console.log : console.error)(USAGE);
    return isHelp ? 0 : 2;
  }
  try {
    console.log(`${copyAssets(args[0])} and ${path.join(args[0], 'oms-emulator-sw.mjs')} written`);
    return 0;
  } catch (error) {
    console.error(`oms-emulator: ${error.message}`);
    return 2;
  }
}
