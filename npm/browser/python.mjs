// Python with the files of the emulator, in Node and in browsers.

const MEBIBYTE = 1024 * 1024;
const SITE = '/lib/python3.14/site-packages';

/** The version of Pyodide. Its private interface for snapshots is used, so another version starts without a snapshot. */
export const PYODIDE_VERSION = '314.0.7';

/** Write the files of an archive: a line of JSON with paths and sizes, then their contents. */
function writeFiles(FS, archive) {
  const end = archive.indexOf(10);
  const folders = new Set();
  let at = end + 1;
  for (const [path, size] of JSON.parse(new TextDecoder().decode(archive.subarray(0, end)))) {
    const folder = `${SITE}/${path}`.slice(0, -1 - path.split('/').at(-1).length);
    if (!folders.has(folder)) FS.mkdirTree(folder);
    folders.add(folder);
    FS.writeFile(`${SITE}/${path}`, archive.subarray(at, at + size));
    at += size;
  }
}

/** Create the module of Pyodide with enough memory for a snapshot. Pyodide itself does not enlarge it. */
const withMemory = (createModule, bytes) => async (settings) => {
  const module = await createModule(settings);
  while (module.HEAP8.length < bytes) module._malloc(MEBIBYTE); // the snapshot replaces all contents
  return module;
};

/**
 * Start Python. With a snapshot, the modules of the emulator are imported already.
 *
 * `pyodide` has `loadPyodide`, `createModule` and `version`; `site` and `snapshot` are bytes; `options` are those of `loadPyodide`.
 */
export async function startPython({ pyodide, site, snapshot, environment, options = {} }) {
  let python;
  if (snapshot && pyodide.version === PYODIDE_VERSION) {
    try {
      const createPyodideModule = withMemory(pyodide.createModule, snapshot.length);
      python = await pyodide.loadPyodide({ ...options, env: { HOME: environment.HOME }, _loadSnapshot: snapshot, createPyodideModule });
      writeFiles(python.FS, site);
      python.pyimport('oms_start').resume(python.toPy(environment));
      return python;
    } catch (error) {
      console.warn(`oms-emulator: starts without its snapshot: ${error.message}`);
    }
  }
  python = await pyodide.loadPyodide({ ...options, env: environment });
  writeFiles(python.FS, site);
  return python;
}
