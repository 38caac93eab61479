"""The inspector's files: what is served, below which address, with which headers; and that they are sound."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from emulator import Emulator
from emulator.core.credentials import CREDENTIALS
from emulator.domain.commands import COMMANDS
from emulator.web.admin.pages import CONTENT_TYPES, INSPECTOR, assets

UI = "/__admin/ui/"
SCRIPTS = sorted(path for path in INSPECTOR.rglob("*.js") if path.parent.name != "vendor")
NODE = shutil.which("node")
every_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(INSPECTOR).as_posix())
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*"(\.[^"]+)\"""")
LONGEST = 250


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", *assets()])
def test_every_file_is_served(name: str, client: requests.Session) -> None:
    """With its own type, and with the order to take nothing from elsewhere."""
    answer = client.get(UI + name)
    assert answer.status_code == 200
    assert answer.content == (INSPECTOR / (name or "index.html")).read_bytes()
    assert answer.headers["Content-Type"] == CONTENT_TYPES[Path(name or "index.html").suffix]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_browser_that_has_a_file_keeps_it(client: requests.Session) -> None:
    tag = client.get(UI).headers["ETag"]
    again = client.get(UI, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["none.js", "../ui.py", "%2e%2e/ui.py", "vendor/", "vendor/README.md", "//etc/passwd"]
)
def test_nothing_else_is_served(name: str, client: requests.Session) -> None:
    """What is no file of the inspector is a 404 of the control API."""
    answer = client.get(f"{UI}{name}")
    assert answer.status_code == 404
    assert answer.json()["error"].endswith("Not Found")


@pytest.mark.parametrize("prefix", ["", "/w/tryout"])
def test_it_is_found_without_the_slash(prefix: str, client: requests.Session) -> None:
    """In the world that was asked."""
    client.put("/__admin/worlds/tryout", json={})
    answer = client.get(f"{prefix}/__admin/ui", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{prefix}{UI}")
    assert client.get(f"{prefix}{UI}").status_code == 200


def test_no_address_is_written_down() -> None:
    """Everything is relative to where the page is, so every world has an inspector; nothing is inline."""
    page = (INSPECTOR / "index.html").read_text("utf-8")
    assert set(re.findall(r'(?:href|src)="([^"]+)"', page)) <= set(assets())
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", page)


@every_script
def test_a_script_imports_what_is_there(script: Path) -> None:
    for name in IMPORTED.findall(script.read_text("utf-8")):
        assert (script.parent / name).resolve().is_file(), f"{script.name} imports {name}"


@every_script
def test_a_script_stays_small(script: Path) -> None:
    assert len(script.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.slow
@every_script
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_a_script_is_javascript(script: Path) -> None:
    """Node reads it as a module."""
    done = subprocess.run(
        [str(NODE), "--input-type=module", "--check"], input=script.read_bytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_the_tokens_are_those_that_there_are() -> None:
    """The overview's table names each built-in token."""
    table = (INSPECTOR / "pages" / "overview.js").read_text("utf-8").partition("TOKENS = [")[2].partition("];")[0]
    assert re.findall(r'\["([\w-]+)"', table) == list(CREDENTIALS)


def test_every_parameter_can_be_filled_in() -> None:
    """A parameter is a number, a text, or a list that has a field of its own or is written as JSON."""
    kinds = {
        type(field).__name__
        for table in COMMANDS.values()
        for each in table.values()
        for field in each.parameters.values()
    }
    assert kinds <= {"IntegerField", "CharField", "ListField"}


def test_only_looking_leaves_no_trace(oms: Emulator, client: requests.Session) -> None:
    """What the inspector's page reads is not in the journal; what it changes is, and what others read is."""
    there = {"Referer": f"http://oms.test{UI}"}
    before = len(oms.world.journal)
    client.get("/api/v1/oms/packages/", headers=there)
    client.head("/api/v1/oms/packages/", headers={"Referer": f"http://oms.test/w/default{UI}"})
    assert len(oms.world.journal) == before
    client.post("/api/v1/oms/packages/1/command/", json={}, headers=there)
    client.get("/api/v1/oms/packages/", headers={"Referer": "http://shop.test/"})
    assert len(oms.world.journal) == before + 2
