"""Build the npm package from the wheel (`make npm`): write `dist/npm/` and the archive that `npm publish` takes.

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

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "npm"
TARGET = ROOT / "dist" / "npm"
REPLACED = {"orjson", "rpds-py"}
"""Compiled dependencies. `npm/python` replaces them."""
OMITTED_FILES = re.compile(
    r"\.(so|pyd|pyc|pyi|map|exe)$|\.data/|^bin/|^\.\./"
    r"|^faker/providers/.*/(?!en_US/|tr_TR/|en/|tr/)[a-z]{2,3}(_[A-Za-z]+)?/"  # other locales of the anonymizer
    r"|/(tests|proxy/py\.typed)/"
)
SITE, SNAPSHOT = "site.gz", "snapshot.gz"
"""The Python files of the package, and the memory of a Python that has imported them."""


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Run a command and return what it prints. Exit with its output if it fails."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1577836800"}
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
    for path in sorted((SOURCE / "python").glob("*.py")):
        yield path.name, path.read_bytes()


def build_wheel(folder: Path) -> Path:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build() -> Path:
    """Build the package, and return its archive."""
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.copytree(SOURCE, TARGET, ignore=shutil.ignore_patterns("node_modules", "python", "compile.mjs"))
    shutil.copy(ROOT / "LICENSE", TARGET)
    if not (SOURCE / "node_modules" / "pyodide").is_dir():
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=SOURCE)
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


if __name__ == "__main__":
    print_sizes(build())
