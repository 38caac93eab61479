"""What others make of the document: linters find no error in it, and a client that is generated from it compiles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.node import NodeTools, missing_tools

ROOT = Path(__file__).parent.parent.parent
TOOLS = NodeTools(Path(__file__).parent / "node")

pytestmark = [
    pytest.mark.gate,
    pytest.mark.skipif(missing_tools() is not None, reason=f"the tools are Node's: {missing_tools()}"),
]


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    TOOLS.install()


def test_redocly_finds_no_error(document_file: Path) -> None:
    """Redocly's recommended rules hold, but for the slash that ends the vendor's paths."""
    done = TOOLS.run("redocly", "lint", "--config", ROOT / "redocly.yaml", "--format", "json", document_file)
    totals = json.loads(done.text[done.text.index("{") : done.text.rindex("}") + 1])["totals"]
    assert (done.code, totals["errors"]) == (0, 0), done.text


def test_redoclys_own_defaults_mind_that_slash_alone(document_file: Path, tmp_path: Path) -> None:
    """Without our configuration, the slash is the only thing that is found wrong."""
    settings = tmp_path / "redocly.yaml"
    settings.write_text("extends: [recommended]\n", "utf-8")
    done = TOOLS.run(
        "redocly", "lint", "--config", settings, "--format", "json", "--max-problems", "1000", document_file
    )
    found = json.loads(done.text[done.text.index("{") : done.text.rindex("}") + 1])["problems"]
    errors = {problem["ruleId"] for problem in found if problem["severity"] == "error"}
    assert errors == {"no-path-trailing-slash"}


def test_spectral_finds_no_error(document_file: Path) -> None:
    """Spectral's rules for OpenAPI hold; it fails on errors."""
    done = TOOLS.run("spectral", "lint", "--ruleset", TOOLS.folder / ".spectral.yaml", document_file)
    assert done.code == 0, done.text
    assert "(0 errors" in done.text


def test_a_typescript_client_compiles(document_file: Path, tmp_path: Path) -> None:
    """openapi-typescript's types carry a client that lists, commands, and takes events."""
    work = tmp_path / "client"
    work.mkdir()
    (work / "node_modules").symlink_to(TOOLS.installed)
    for name in ("client.ts", "tsconfig.json"):
        shutil.copy(TOOLS.folder / name, work)
    generated = TOOLS.run("openapi-typescript", document_file, "--output", work / "generated.d.ts")
    assert generated.code == 0, generated.text
    compiled = TOOLS.run("tsc", "--project", work)
    assert compiled.code == 0, compiled.text
