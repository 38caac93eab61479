"""The OpenAPI document and its pages, from the server and from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator import Emulator
from emulator.api.openapi import arazzo_document, asyncapi_document, openapi_document
from emulator.cli import main

DOCS = "/__admin/docs"


@pytest.fixture(scope="module")
def client() -> Any:
    return Emulator("empty").app.test_client()


@pytest.mark.medium
def test_openapi_document_is_served(client: Any) -> None:
    answer = client.get("/__admin/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.get_json() == json.loads(json.dumps(openapi_document()))


@pytest.mark.medium
def test_openapi_document_contains_the_prefix_of_the_server(client: Any) -> None:
    """A mounted emulator has its prefix in the server URL."""
    answer = client.get("/__admin/openapi.json", base_url="http://127.0.0.1/below")
    assert answer.get_json()["servers"][0]["url"] == "/below"


@pytest.mark.medium
@pytest.mark.parametrize(("path", "count"), [(DOCS, 11), (f"{DOCS}/", 11), (f"{DOCS}/redoc", 4)])
def test_all_files_of_the_page_are_served(path: str, count: int, client: Any) -> None:
    """The emulator serves the page and its assets, also below a world's prefix."""
    page = client.get(path).text
    parts = re.findall(r'(?:src|href|data-document)="([^"]+)"', page)
    assert len(parts) == count
    assert {client.get(part).status_code for part in parts} == {200}
    assert all(part.startswith("/__admin/") for part in parts)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("?version=3.0", {"version": "3.0"}),
        ("?part=oms", {"part": "oms"}),
        ("?version=3.0&part=control", {"version": "3.0", "part": "control"}),
        ("?v=1", {}),
    ],
)
def test_version_and_part_can_be_selected(query: str, options: dict[str, str], client: Any) -> None:
    answer = client.get(f"/__admin/openapi.json{query}")
    assert answer.get_json() == json.loads(json.dumps(openapi_document(**options)))


@pytest.mark.medium
def test_unknown_version_is_refused(client: Any) -> None:
    answer = client.get("/__admin/openapi.json?version=2.0")
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "version must be one of 3.1, 3.0 (got '2.0')"


@pytest.mark.parametrize(("name", "document"), [("asyncapi", asyncapi_document()), ("arazzo", arazzo_document())])
def test_other_documents_are_served_and_printed(name: str, document: Any, client: Any) -> None:
    assert client.get(f"/__admin/{name}.json").get_json() == document
    printed = CliRunner().invoke(main, ["openapi", "--document", name])
    assert json.loads(printed.output) == document


@pytest.mark.medium
def test_command_line_prints_openapi_30() -> None:
    done = CliRunner().invoke(main, ["openapi", "--openapi-version", "3.0", "--part", "oms"])
    assert json.loads(done.output) == json.loads(json.dumps(openapi_document(version="3.0", part="oms")))


def test_version_of_another_document_is_refused() -> None:
    done = CliRunner().invoke(main, ["openapi", "--document", "arazzo", "--openapi-version", "3.0"])
    assert done.exit_code == 2
    assert "do not apply to --document arazzo" in done.output


@pytest.mark.parametrize("name", ["nothing.js", "../__init__.py", "..%2f__init__.py"])
def test_other_files_are_not_found(name: str, client: Any) -> None:
    assert client.get(f"{DOCS}/{name}").status_code == 404


def test_page_has_the_access_check_of_the_control_api(client: Any) -> None:
    assert client.get(DOCS, headers={"Host": "evil.test"}).status_code == 403


@pytest.mark.medium
def test_command_line_prints_the_document() -> None:
    done = CliRunner().invoke(main, ["openapi", "--server", "https://oms.test"])
    assert done.exit_code == 0
    assert json.loads(done.output)["servers"][0]["url"] == "https://oms.test"


@pytest.mark.slow
def test_command_line_writes_a_file(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    assert CliRunner().invoke(main, ["openapi", "-o", str(file)]).exit_code == 0
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(openapi_document()))


@pytest.mark.medium
def test_unwritable_file_gives_a_one_line_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["openapi", "-o", str(tmp_path / "none" / "openapi.json")])
    assert done.exit_code == 2
    assert "cannot write" in done.output
