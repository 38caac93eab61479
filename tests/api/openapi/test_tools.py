"""Other tools accept the document: linters report no error, and a generated client compiles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.node import NodeTools, missing_tools

ROOT = Path(__file__).parent.parent.parent.parent
TOOLS = NodeTools(Path(__file__).parent / "node")

pytestmark = [
    pytest.mark.gate,
    pytest.mark.skipif(missing_tools() is not None, reason=f"requires Node: {missing_tools()}"),
]


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    TOOLS.install()


def test_redocly_finds_no_error(document_file: Path) -> None:
    """Our configuration allows the slash at the end of the vendor's paths."""
    done = TOOLS.run("redocly", "lint", "--config", ROOT / "redocly.yaml", "--format", "json", document_file)
    totals = json.loads(done.text[done.text.index("{") : done.text.rindex("}") + 1])["totals"]
    assert (done.code, totals["errors"]) == (0, 0), done.text


def test_redocly_without_configuration_reports_only_the_slash(document_file: Path, tmp_path: Path) -> None:
    settings = tmp_path / "redocly.yaml"
    settings.write_text("extends: [recommended]\n", "utf-8")
    done = TOOLS.run(
        "redocly", "lint", "--config", settings, "--format", "json", "--max-problems", "1000", document_file
    )
    problems = json.loads(done.text[done.text.index("{") : done.text.rindex("}") + 1])["problems"]
    errors = {problem["ruleId"] for problem in problems if problem["severity"] == "error"}
    assert errors == {"no-path-trailing-slash"}


def test_spectral_finds_no_error(document_file: Path) -> None:
    done = TOOLS.run("spectral", "lint", "--ruleset", TOOLS.folder / ".spectral.yaml", document_file)
    assert done.code == 0, done.text
    assert "(0 errors" in done.text


def test_a_typescript_client_compiles(document_file: Path, tmp_path: Path) -> None:
    """The types of openapi-typescript suffice for a client that lists, sends commands and receives events."""
    work = tmp_path / "client"
    work.mkdir()
    (work / "node_modules").symlink_to(TOOLS.installed)
    for name in ("client.ts", "tsconfig.json"):
        shutil.copy(TOOLS.folder / name, work)
    generated = TOOLS.run("openapi-typescript", document_file, "--output", work / "generated.d.ts")
    assert generated.code == 0, generated.text
    compiled = TOOLS.run("tsc", "--project", work)
    assert compiled.code == 0, compiled.text
