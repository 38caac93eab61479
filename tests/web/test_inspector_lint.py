"""ESLint reports no findings in the inspector: no unknown, unused or shadowed names."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.web.admin.pages import INSPECTOR
from tests.support.node import CommandResult, NodeTools, missing_tools

TOOLS = NodeTools(Path(__file__).parent / "node")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(missing_tools() is not None, reason=f"the linter is Node's: {missing_tools()}"),
]


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    TOOLS.install()


def run_linter(folder: Path) -> CommandResult:
    """Lint the modules of a folder, without third-party libraries."""
    config = TOOLS.folder / "eslint.config.mjs"
    return TOOLS.run(
        "eslint", "--config", config, "--ignore-pattern", "vendor/", "--max-warnings", "0", ".", within=folder
    )


def test_inspector_has_no_lint_findings() -> None:
    done = run_linter(INSPECTOR)
    assert done.code == 0, done.text


def test_linter_finds_errors(tmp_path: Path) -> None:
    """An undeclared name, an unused name and a syntax error."""
    (tmp_path / "one.js").write_text('import { a } from "./two.js";\nb();\n', "utf-8")
    (tmp_path / "two.js").write_text("export const a = ;\n", "utf-8")
    done = run_linter(tmp_path)
    assert done.code == 1
    assert all(rule in done.text for rule in ("no-unused-vars", "no-undef", "Parsing error")), done.text
