"""The files of the inspector: paths, headers and syntax."""

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
    """Each file has its content type and a policy that forbids other sources."""
    answer = client.get(UI + name)
    assert answer.status_code == 200
    assert answer.content == (INSPECTOR / (name or "index.html")).read_bytes()
    assert answer.headers["Content-Type"] == CONTENT_TYPES[Path(name or "index.html").suffix]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.medium
def test_cached_file_is_not_sent_again(client: requests.Session) -> None:
    tag = client.get(UI).headers["ETag"]
    again = client.get(UI, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.medium
@pytest.mark.parametrize(
    "name", ["none.js", "../ui.py", "%2e%2e/ui.py", "vendor/", "vendor/README.md", "//etc/passwd"]
)
def test_other_files_are_not_found(name: str, client: requests.Session) -> None:
    answer = client.get(f"{UI}{name}")
    assert answer.status_code == 404
    assert answer.json()["error"].endswith("Not Found")


@pytest.mark.medium
@pytest.mark.parametrize("prefix", ["", "/w/tryout"])
def test_path_without_a_slash_redirects(prefix: str, client: requests.Session) -> None:
    """The redirect keeps the prefix of the world."""
    client.put("/__admin/worlds/tryout", json={})
    answer = client.get(f"{prefix}/__admin/ui", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{prefix}{UI}")
    assert client.get(f"{prefix}{UI}").status_code == 200


def test_page_has_only_relative_urls_and_no_inline_code() -> None:
    """Relative URLs make the inspector work below the prefix of any world."""
    page = (INSPECTOR / "index.html").read_text("utf-8")
    assert set(re.findall(r'(?:href|src)="([^"]+)"', page)) <= set(assets())
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", page)


@every_script
def test_script_imports_existing_files(script: Path) -> None:
    for name in IMPORTED.findall(script.read_text("utf-8")):
        assert (script.parent / name).resolve().is_file(), f"{script.name} imports {name}"


@every_script
def test_script_is_small(script: Path) -> None:
    assert len(script.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.slow
@every_script
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_script_is_valid_javascript(script: Path) -> None:
    done = subprocess.run(
        [str(NODE), "--input-type=module", "--check"], input=script.read_bytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_page_lists_every_built_in_token() -> None:
    table = (INSPECTOR / "pages" / "overview.js").read_text("utf-8").partition("TOKENS = [")[2].partition("];")[0]
    assert re.findall(r'\["([\w-]+)"', table) == list(CREDENTIALS)


def test_every_parameter_has_an_input() -> None:
    """A parameter is a number, a text, or a list with a separate input or a JSON input."""
    kinds = {
        type(field).__name__
        for table in COMMANDS.values()
        for each in table.values()
        for field in each.parameters.values()
    }
    assert kinds <= {"IntegerField", "CharField", "ListField"}


def test_reads_of_the_inspector_are_not_in_the_journal(oms: Emulator, client: requests.Session) -> None:
    """Writes of the inspector and reads of other clients are in the journal."""
    there = {"Referer": f"http://oms.test{UI}", "Sec-Fetch-Site": "same-origin"}
    before = len(oms.world.journal)
    client.get("/api/v1/oms/packages/", headers=there)
    client.head("/api/v1/oms/packages/", headers={**there, "Referer": f"http://oms.test/w/default{UI}"})
    assert len(oms.world.journal) == before
    client.post("/api/v1/oms/packages/1/command/", json={}, headers=there)
    client.get("/api/v1/oms/packages/", headers={"Referer": "http://shop.test/"})
    assert len(oms.world.journal) == before + 2


@pytest.mark.parametrize(
    ("origin", "site"),
    [("http://oms.test", None), ("http://oms.test", "cross-site"), ("http://other.test", "same-origin")],
    ids=["no browser", "a page of another site", "another server's inspector"],
)
def test_referer_of_the_inspector_does_not_hide_other_clients(oms: Emulator, origin: str, site: str | None) -> None:
    """Their reads are in the journal and trigger faults."""
    oms.faults.add(status=503)
    headers = {"Referer": f"{origin}{UI}"} | ({} if site is None else {"Sec-Fetch-Site": site})
    assert oms.session().get("/api/v1/oms/packages/", headers=headers).status_code == 503
    assert len(oms.world.journal) == 1
