"""The examples of the npm package work: its adapters, its types, and pages in which the emulator runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from emulator import Emulator
from tests.npm.conftest import ROOT, Command, WebServer, serve_folder
from tests.support.browsers import CHROMIUM
from tests.support.node import NodeTools
from tests.support.ports import free_port

pytestmark = pytest.mark.gate

EXAMPLES = ROOT / "examples"
EXAMPLE = EXAMPLES / "front-end"


@pytest.fixture(scope="module")
def project(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example in which the package is installed."""
    tools = NodeTools(EXAMPLE)
    tools.install()
    folder = tmp_path_factory.mktemp("example") / "front-end"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", ".lock"))
    modules = folder / "node_modules"
    modules.mkdir()
    for path in tools.installed.iterdir():
        (modules / path.name).symlink_to(path)
    for name in ("oms-emulator", "pyodide"):
        shutil.copytree(installed / "node_modules" / name, modules / name)
    (modules / ".bin").unlink()
    shutil.copytree(tools.installed / ".bin", modules / ".bin", symlinks=True)
    (modules / ".bin" / "oms-emulator").symlink_to(modules / "oms-emulator" / "bin" / "oms-emulator.mjs")
    return folder


@pytest.fixture(scope="module")
def built(project: Path) -> Path:
    """Return the folder with the built application and the files of the emulator."""
    run(project, "oms-emulator", "init", "public")
    run(project, "vite", "build")
    return project / "dist"


@pytest.mark.parametrize("command", [["tsc"], ["vitest", "run"]], ids=" ".join)
def test_command_of_the_example_succeeds(project: Path, command: list[str]) -> None:
    run(project, *command)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_fixture_of_playwright_is_the_backend_of_the_page(project: Path, built: Path) -> None:
    environment = {"PORT": str(free_port()), "CHROMIUM": str(CHROMIUM), "PATH": path_with(project)}
    assert "1 passed" in run(project, "playwright", "test", **environment)


def test_built_application_runs_the_emulator_in_its_page(chromium: Browser, built: Path) -> None:
    with serve_folder(built) as server:
        refuse_and_pack(chromium, f"{server.url}/")
        assert not [call for call in server.calls if "/api/" in call]


def test_development_server_serves_the_emulator(chromium: Browser, project: Path, built: Path) -> None:
    with serve_with_vite(project) as url:
        refuse_and_pack(chromium, f"{url}/")


def test_proxy_of_vite_has_the_settings_of_the_documentation(project: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/proxy.md").read_text("utf-8")
    _, _, block = page.partition("```js\n")
    with Emulator("demo", behind_proxy=True) as oms:
        config = tmp_path / "vite.config.mjs"
        config.write_text(block.partition("```")[0].replace("http://127.0.0.1:8080", oms.url), "utf-8")
        with serve_with_vite(project, "--config", str(config)) as url:
            api = f"{url}/oms/api/v1/oms/packages"
            document = oms.session().get(f"{api}/?limit=1").json()
            assert document["next"] == f"{api}/?limit=1&page=2"
            assert f'"{url}/oms/cdn/' in json.dumps(document)
            redirect = oms.session().get(api, allow_redirects=False)
            assert (redirect.status_code, redirect.headers["Location"]) == (301, "/oms/api/v1/oms/packages/")


@contextmanager
def serve_with_vite(project: Path, *options: str) -> Iterator[str]:
    """Run the development server on a free port."""
    port = str(free_port())
    vite = str(project / "node_modules" / ".bin" / "vite")
    command = [vite, "--port", port, "--strictPort", "--host", "127.0.0.1", *options]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any(port in line for line in process.stdout), "Vite does not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def refuse_and_pack(chromium: Browser, url: str) -> None:
    """Open the application, and run a command that the emulator refuses and one that it accepts."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.get_by_role("button", name=re.compile(r"\d Waiting$")).first.click(timeout=120_000)
        page.get_by_role("button", name="Refuse Package").click()
        expect(page.get_by_role("alert")).to_contain_text("denial_reason: This field is required.")
        page.get_by_role("button", name="Pack", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Packed all items")
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.fixture(scope="module")
def stories(npm_command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Serve the example without a bundler, with the files of the emulator."""
    folder = tmp_path_factory.mktemp("example") / "stories"
    shutil.copytree(EXAMPLES / "stories", folder)
    assert npm_command.run("init", str(folder)).returncode == 0
    with serve_folder(folder.parent) as server:  # so the page is below a path
        yield server


STORIES = [
    ("Waiting", "Refuse Package"),
    ("Packed all items", "Demo Kargo"),
    ("Delivered, without commands", "Delivered"),
    ("Day in the warehouse: packed", "İSTANBUL, with Demo Kargo"),
    ("Busy day", "60 packages"),
    ("Nothing to do", "No packages."),
    ("OMS is down", "503: Service temporarily unavailable"),
    ("OMS is slow", "10 packages"),
]
"""Name of a story, and a text that its component shows."""


def test_page_without_a_bundler_shows_components_on_worlds(chromium: Browser, stories: WebServer) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{stories.url}/stories/#package-card--shipped")
        component = page.get_by_label("Component")
        expect(component.locator("mark")).to_have_text("Shipped", timeout=120_000)
        for name, text in STORIES:
            page.get_by_role("link", name=name, exact=True).click()
            expect(component).to_contain_text(text)
        page.get_by_role("link", name="Waiting", exact=True).click()
        page.get_by_role("button", name="Pack", exact=True).click()
        expect(component.locator("mark")).to_have_text("Packed all items")
        assert not [call for call in stories.calls if "/api/" in call]


def path_with(project: Path) -> str:
    """Return a `PATH` that has the tools of a project, as npm sets it."""
    return f"{project / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"


def run(project: Path, name: str, *arguments: str, **environment: str) -> str:
    command = [str(project / "node_modules" / ".bin" / name), *arguments]
    done = subprocess.run(
        command,
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def test_wrong_types_are_refused(project: Path) -> None:
    """An unknown mode and an unknown method are errors of the compiler."""
    wrong = project / "src" / "wrong.ts"
    wrong.write_text(
        'import { setupEmulator } from "oms-emulator";\n'
        "const oms = await setupEmulator();\n"
        'await oms.putClock({ mode: "sideways" });\n'
        "await oms.makePackages();\n",
        "utf-8",
    )
    command = [str(project / "node_modules" / ".bin" / "tsc")]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    wrong.unlink()
    assert [line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("src/wrong.ts")] == [
        "src/wrong.ts(3,22)",
        "src/wrong.ts(4,11)",
    ], done.stdout
