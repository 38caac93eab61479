"""Build the npm package from the wheel (`make npm`): write `dist/npm/` and the archive that `npm publish` takes.

With `--playground` (`make playground`), also write `dist/playground/`.

The package contains the wheel, its dependencies and the stand-ins for their compiled parts, compiled by Pyodide.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import orjson
from jinja2 import Template

from emulator.api.openapi import openapi_document
from emulator.api.openapi.control import CONTROL_ENDPOINTS, TEXT, Endpoint
from emulator.api.openapi.operations import JSON
from emulator.core.credentials import CREDENTIALS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "npm"
TARGET = ROOT / "dist" / "npm"
PLAYGROUND = ROOT / "dist" / "playground"
REPLACED = {"orjson", "rpds-py"}
"""Compiled dependencies. `npm/python/stand_ins` replaces them."""
OMITTED_FILES = re.compile(
    r"\.(so|pyd|pyc|pyi|map|exe)$|\.data/|^bin/|^\.\./"
    r"|^faker/providers/.*/(?!en_US/|tr_TR/|en/|tr/)[a-z]{2,3}(_[A-Za-z]+)?/"  # other locales of the anonymizer
    r"|/(tests|proxy/py\.typed)/"
)
SITE, SNAPSHOT = "site.gz", "snapshot.gz"
"""The Python files of the package, and the memory of a Python that has imported them."""


OPENAPI_TYPESCRIPT = SOURCE / "node_modules" / ".bin" / "openapi-typescript"
CONTROL_TYPES = SOURCE / "types" / "control.d.ts"
LATE_SCRIPT = re.compile(r'<script(?: type="module")?(?= src="[^"]*(?:main|start|bundle|preset|standalone)\.js")')
"""Scripts of a page that may send requests."""
CONNECT = '<script type="module" src="../../assets/page.mjs"></script>'


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Run a command and return what it prints. Exit with its output if it fails."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1577836800", "NODE_PATH": str(SOURCE / "node_modules")}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def requirements(name: str) -> set[str]:
    """Return the distributions that a distribution needs at run time, without those that stand-ins replace."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for line in distribution(waiting.pop()).requires or ():
            match = re.match(r"[\w.-]+", line)
            key = re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""
            if "extra ==" in line or key in found | REPLACED or not is_installed(key):
                continue  # a marker of another system or version excludes what is not installed
            found.add(key)
            waiting.append(key)
    return found


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def site_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of all Python files and data: the wheel, its dependencies, and the stand-ins."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)
    for name in sorted(requirements("oms-emulator")):
        for file in distribution(name).files or ():
            if not OMITTED_FILES.search(str(file)):
                yield str(file), Path(str(file.locate())).read_bytes()
    for path in sorted((SOURCE / "python").rglob("*.py")):
        yield path.name, path.read_bytes()


def control_methods() -> str:
    """Return the JavaScript module with a row for each method of the control API: name, method and path."""
    rows = [(method_name(each), each.method, each.path) for each in control_endpoints()]
    comment = "/** Name, method and path of each endpoint of the control API. */"
    return f"{comment}\nexport const CONTROL = {json.dumps(rows)};\n"


def control_endpoints() -> list[Endpoint]:
    """Return the endpoints that have a method: those that a page does not open itself."""
    return [each for each in CONTROL_ENDPOINTS if each.media_type in (JSON, TEXT) and 303 not in each.responses]


def method_name(endpoint: Endpoint) -> str:
    """Return the name of a method: `control_put_clock` becomes `putClock`."""
    first, *others = endpoint.operation.removeprefix("control_").split("_")
    return first + "".join(map(str.capitalize, others))


def write_types() -> None:
    """Write the TypeScript types of the documents and of the control API, from the OpenAPI document."""
    source = TARGET / "openapi.json"
    source.write_bytes(orjson.dumps(openapi_document("/")))
    run(
        OPENAPI_TYPESCRIPT,
        source,
        "--output",
        TARGET / "types" / "api.d.ts",
        "--empty-objects-unknown",
        "--default-non-nullable=false",
    )
    source.unlink()
    methods = "\n".join(map(method_type, control_endpoints()))
    text = CONTROL_TYPES.read_text("utf-8").replace("/* methods */", methods)
    (TARGET / "types" / CONTROL_TYPES.name).write_text(text, "utf-8")


def method_type(endpoint: Endpoint) -> str:
    """Return the declaration of a method of the control API."""
    name = endpoint.operation
    parameters = [f"{each}: string | number" for each in re.findall(r"<(\w+)>", endpoint.path)]
    if endpoint.request_schema is not None:
        parameters.append(f"body{'' if endpoint.requires_body else '?'}: Body<'{name}'>")
    elif endpoint.method != "GET":
        parameters.append("body?: undefined")
    parameters.append("query?: Query")
    summary = f"  /** {endpoint.summary}. */"
    return f"{summary}\n  {method_name(endpoint)}({', '.join(parameters)}): Promise<Result<'{name}'>>;"


def write_pages() -> None:
    """Write the pages of the inspector and the documentation as static files that connect to the worker."""
    docs = ROOT / "emulator" / "web" / "docs"
    render = {"root": "../..", "tokens": list(CREDENTIALS)}
    sources = {
        "ui/index.html": (ROOT / "emulator" / "web" / "inspector" / "index.html").read_text("utf-8"),
        "docs/index.html": Template((docs / "index.html").read_text("utf-8")).render(render),
        "docs/redoc.html": Template((docs / "redoc.html").read_text("utf-8")).render(render),
    }
    for name, text in sources.items():
        page = TARGET / "pages" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        later = LATE_SCRIPT.sub('<script type="text/later"', text).replace('docs/redoc"', 'docs/redoc.html"')
        page.write_text(later.replace("</body>", f"{CONNECT}\n</body>"), "utf-8")


def build_wheel(folder: Path) -> Path:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build() -> Path:
    """Build the package, and return its archive."""
    if not OPENAPI_TYPESCRIPT.exists():
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=SOURCE)
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.copytree(
        SOURCE, TARGET, ignore=shutil.ignore_patterns("node_modules", "python", "playground", "compile.mjs")
    )
    (TARGET / "browser" / "control.mjs").write_text(control_methods(), "utf-8")
    write_pages()
    write_types()
    shutil.copy(ROOT / "LICENSE", TARGET)
    with tempfile.TemporaryDirectory() as name:
        wheel, sources = build_wheel(Path(name)), Path(name, "sources.zip")
        with zipfile.ZipFile(sources, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in site_files(wheel):
                archive.writestr(path, content)
        run("node", SOURCE / "compile.mjs", sources, TARGET / SITE)
        run("node", SOURCE / "compile.mjs", "--snapshot", TARGET / SITE, TARGET / SNAPSHOT)
        document = json.loads((SOURCE / "package.json").read_text("utf-8"))
        document["version"] = wheel.name.split("-")[1]
    (TARGET / "package.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    (TARGET / "package-lock.json").unlink(missing_ok=True)
    packed = json.loads(run("npm", "pack", "--json", "--pack-destination", TARGET.parent, folder=TARGET))
    return TARGET.parent / str(packed[0]["filename"])


def print_sizes(archive: Path) -> None:
    """Print the size of each part of an installation in megabytes."""
    pyodide = sum(path.stat().st_size for path in (SOURCE / "node_modules" / "pyodide").rglob("*") if path.is_file())
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.1f} MB")
    for name in (SITE, SNAPSHOT):
        unpacked = len(gzip.decompress((TARGET / name).read_bytes()))
        print(f"{name}: {(TARGET / name).stat().st_size / 1e6:.1f} MB, {unpacked / 1e6:.1f} MB in memory")
    print(f"pyodide: {pyodide / 1e6:.1f} MB")


def build_playground() -> None:
    """Write a folder for any static web server: the emulator, its inspector and its documentation in the browser."""
    shutil.rmtree(PLAYGROUND, ignore_errors=True)
    shutil.copytree(SOURCE / "playground", PLAYGROUND)
    run("node", TARGET / "bin" / "oms-emulator.mjs", "init", PLAYGROUND)
    size = sum(path.stat().st_size for path in PLAYGROUND.rglob("*") if path.is_file())
    print(f"{PLAYGROUND.relative_to(ROOT)}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    print_sizes(build())
    if "--playground" in sys.argv:
        build_playground()
