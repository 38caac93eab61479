"""A linter has nothing to say about the inspector's modules: no unknown name, nothing unused, no shadowed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.web.admin.pages import INSPECTOR
from tests.support.node import CommandResult, NodeTools, missing_tools

TOOLS = NodeTools(Path(__file__).parent / "node")

pytestmark = [
    pytest.mark.gate,
    pytest.mark.skipif(missing_tools() is not None, reason=f"the linter is Node's: {missing_tools()}"),
]


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    TOOLS.install()


def run_linter(folder: Path) -> CommandResult:
    """Lint a folder's modules, but for the libraries that are others'."""
    config = TOOLS.folder / "eslint.config.mjs"
    return TOOLS.run(
        "eslint", "--config", config, "--ignore-pattern", "vendor/", "--max-warnings", "0", ".", within=folder
    )


def test_the_linter_is_content() -> None:
    done = run_linter(INSPECTOR)
    assert done.code == 0, done.text


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """A name that nobody declared, one that nobody uses, and what is no JavaScript."""
    (tmp_path / "one.js").write_text('import { a } from "./two.js";\nb();\n', "utf-8")
    (tmp_path / "two.js").write_text("export const a = ;\n", "utf-8")
    done = run_linter(tmp_path)
    assert done.code == 1
    assert all(rule in done.text for rule in ("no-unused-vars", "no-undef", "Parsing error")), done.text
