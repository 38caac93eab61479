"""The OpenAPI document and its pages, from the server and from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator import Emulator
from emulator.api.openapi import openapi_document
from emulator.cli import main

DOCS = "/__admin/docs"


@pytest.fixture(scope="module")
def client() -> Any:
    return Emulator("empty").app.test_client()


def test_openapi_document_is_served(client: Any) -> None:
    answer = client.get("/__admin/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.get_json() == json.loads(json.dumps(openapi_document()))


def test_openapi_document_contains_the_prefix_of_the_server(client: Any) -> None:
    """A mounted emulator has its prefix in the server URL."""
    answer = client.get("/__admin/openapi.json", base_url="http://127.0.0.1/below")
    assert answer.get_json()["servers"][0]["url"] == "/below"


@pytest.mark.parametrize("path", [DOCS, f"{DOCS}/"])
def test_all_files_of_the_page_are_served(path: str, client: Any) -> None:
    """The emulator serves the page and its assets, also below a world's prefix."""
    page = client.get(path).text
    parts = re.findall(r'(?:src|href|data-document)="([^"]+)"', page)
    assert len(parts) == 5
    assert {client.get(part).status_code for part in parts} == {200}
    assert all(part.startswith("/__admin/") for part in parts)


@pytest.mark.parametrize("name", ["nothing.js", "../__init__.py", "..%2f__init__.py"])
def test_other_files_are_not_found(name: str, client: Any) -> None:
    assert client.get(f"{DOCS}/{name}").status_code == 404


def test_page_has_the_access_check_of_the_control_api(client: Any) -> None:
    assert client.get(DOCS, headers={"Host": "evil.test"}).status_code == 403


def test_command_line_prints_the_document() -> None:
    done = CliRunner().invoke(main, ["openapi", "--server", "https://oms.test"])
    assert done.exit_code == 0
    assert json.loads(done.output)["servers"][0]["url"] == "https://oms.test"


@pytest.mark.slow
def test_command_line_writes_a_file(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    assert CliRunner().invoke(main, ["openapi", "-o", str(file)]).exit_code == 0
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(openapi_document()))


def test_unwritable_file_gives_a_one_line_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["openapi", "-o", str(tmp_path / "none" / "openapi.json")])
    assert done.exit_code == 2
    assert "cannot write" in done.output
