"""Other tools accept the documents: linters report no error, a client compiles, and workflows succeed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.api.openapi import arazzo_document, openapi_document
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


@pytest.mark.parametrize("part", ["all", "oms", "control"])
def test_linters_find_no_error_in_openapi_30(part: str, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(openapi_document(version="3.0", part=part)), "utf-8")
    redocly = TOOLS.run("redocly", "lint", "--config", ROOT / "redocly.yaml", file)
    spectral = TOOLS.run("spectral", "lint", "--ruleset", TOOLS.folder / ".spectral.yaml", file)
    assert redocly.code == 0, redocly.text
    assert spectral.code == 0, spectral.text


def test_workflows_are_valid_and_succeed(document_file: Path, tmp_path: Path) -> None:
    """Redocly validates the Arazzo document, and executes its workflows against the emulator."""
    file, results = tmp_path / "arazzo.json", tmp_path / "results.json"
    shutil.copy(document_file, tmp_path / "openapi.json")
    file.write_text(json.dumps(arazzo_document()), "utf-8")
    linted = TOOLS.run("redocly", "lint", file)
    assert linted.code == 0, linted.text
    with Emulator("demo") as oms:
        done = TOOLS.run("redocly", "respect", file, "--server", f"oms={oms.url}", "--json-output", results)
    assert done.code == 0, done.text
    (executed,) = json.loads(results.read_text("utf-8"))["files"].values()
    workflows = executed["executedWorkflows"]
    steps = {each["workflowId"]: [step["stepId"] for step in each["executedSteps"]] for each in workflows}
    assert steps == {
        "packAndShip": ["findPackage", "pack", "setInvoiceNumber", "ship", "checkShipped"],
        "refuseAndReplan": ["findPackage", "refuse", "checkRefused", "checkReplanned"],
        "transfer": ["findTransfer", "prepare", "dispatch", "deliver", "checkTransferred"],
    }


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
