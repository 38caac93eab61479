// Compile the Python files of an archive with the Python of Pyodide: node compile.mjs FROM.zip TO.zip
import fs from 'node:fs';
import { loadPyodide } from 'pyodide';

const [source, target] = process.argv.slice(2);
const python = await loadPyodide();
process.on('uncaughtException', (error) => {
  console.error(error.message); // without the source line, which is all of Pyodide
  process.exit(1);
});
python.unpackArchive(new Uint8Array(fs.readFileSync(source)), 'zip', { extractDir: '/site' });
python.runPython(`
import compileall, pathlib, py_compile, zipfile
site = pathlib.Path("/site")
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
if not compileall.compile_dir(site, quiet=1, legacy=True, stripdir="/site", invalidation_mode=mode):
    raise SystemExit("a Python file cannot be compiled")
with zipfile.ZipFile("/site.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(site.rglob("*")):
        if path.is_file() and path.suffix != ".py":
            entry = zipfile.ZipInfo(str(path.relative_to(site)), (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
`);
fs.writeFileSync(target, python.FS.readFile('/site.zip'));
