"""Build the distributions and check them as a release would (`make release-check`).

Check the metadata, that the sdist and the working copy build the same wheel, that the wheel works in an empty
environment, how large a plain install is, and that every run-time dependency has wheels for all supported systems and
versions. Write the distributions and a list of their components (CycloneDX) to `dist/`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
MAX_MEGABYTES = 65
"""Size of a plain install with its byte code, without pip and setuptools."""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux": ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
    "macOS": ("macosx_11_0_arm64", "macosx_12_0_arm64", "macosx_14_0_arm64"),
    "Windows": ("win_amd64",),
}
INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
SMOKE_TEST = """
from emulator import Emulator
import requests
with Emulator("demo") as oms:
    response = requests.get(f"{oms.url}/api/v1/oms/packages/", headers=oms.auth, timeout=30)
    assert response.status_code == 200 and response.json()["count"] > 0, response.text
    page = requests.get(f"{oms.url}/__admin/ui/", timeout=30)
    assert page.status_code == 200, page.text
print("a server answers", response.json()["count"], "packages")
"""


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Run a command and return what it prints. Exit with its output if it fails."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1577836800", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build() -> tuple[Path, Path]:
    """Return the sdist and the wheel. Fail if the sdist builds a wheel with other files."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST)  # builds the wheel from the sdist
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "build", "--wheel", "--outdir", folder)
        (direct,) = Path(folder).glob("*.whl")
        if file_checksums(direct) != file_checksums(wheel):
            sys.exit("the sdist builds another wheel than the working copy")
    return sdist, wheel


def file_checksums(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist()}


def check_install(wheel: Path) -> float:
    """Install the wheel into an empty environment, test it, list its components, and return the megabytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "venv", folder / "venv")
        programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        run(programs / "python", "-m", "pip", "install", "--quiet", wheel, folder=folder)
        print(run(programs / "python", "-c", SMOKE_TEST, folder=folder).strip())
        print(run(programs / "oms-emulator", "--version", folder=folder).strip())
        list_components(programs / "python", folder / "tools")
        packages = next((folder / "venv").rglob("site-packages"))
        return sum(file_sizes(packages)) / 1e6


def list_components(python: Path, folder: Path) -> None:
    """Write the list of the packages of an environment. `folder` becomes the environment of the program that does it.

    It is not a development dependency: it installs validators of IRIs that slow down every import of jsonschema by
    two seconds.
    """
    run(sys.executable, "-m", "venv", folder)
    tool = folder / python.parent.name / "python"
    run(tool, "-m", "pip", "install", "--quiet", "cyclonedx-bom>=7")
    run(tool, "-m", "cyclonedx_py", "environment", "--output-file", DIST / "components.cdx.json", python)


def file_sizes(packages: Path) -> Iterator[int]:
    """Yield the sizes of all files that do not belong to the installers."""
    for path in packages.rglob("*"):
        if path.is_file() and not path.relative_to(packages).parts[0].startswith(INSTALLERS):
            yield path.stat().st_size


def missing_wheels(wheel: Path) -> Iterator[str]:
    """Yield each version and system for which a dependency has no wheel."""
    for version, (system, platforms) in product(PYTHONS, PLATFORMS.items()):
        options = [option for platform in platforms for option in ("--platform", platform)]
        options += ["--python-version", version, "--implementation", "cp"]
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--only-binary",
                ":all:",
                "--target",
                folder,
            ]
            done = subprocess.run(
                [*command, "--dry-run", *options, str(wheel)], capture_output=True, text=True, check=False
            )
        if done.returncode:
            yield f"{version} on {system}: {done.stderr.strip().splitlines()[-1]}"


def main() -> None:
    sdist, wheel = build()
    print(run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel).strip())
    size = check_install(wheel)
    print(f"plain install without pip: {size:.0f} MB (at most {MAX_MEGABYTES})")
    if size > MAX_MEGABYTES:
        sys.exit("the plain install is too large")
    if missing := list(missing_wheels(wheel)):
        sys.exit("\n".join(["no wheels for CPython", *missing]))
    print(f"every dependency has wheels for CPython {', '.join(PYTHONS)} on {', '.join(PLATFORMS)}")


if __name__ == "__main__":
    main()
