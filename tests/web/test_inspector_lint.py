"""A linter has nothing to say about the inspector's modules: no unknown name, nothing unused, no shadowed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.web.admin.pages import INSPECTOR
from tests.support.node import Done, Tools, missing

TOOLS = Tools(Path(__file__).parent / "node")

pytestmark = [
    pytest.mark.gate,
    pytest.mark.skipif(missing() is not None, reason=f"the linter is Node's: {missing()}"),
]


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    TOOLS.install()


def linted(folder: Path) -> Done:
    """Lint a folder's modules, but for the libraries that are others'."""
    config = TOOLS.folder / "eslint.config.mjs"
    return TOOLS.run(
        "eslint", "--config", config, "--ignore-pattern", "vendor/", "--max-warnings", "0", ".", within=folder
    )


def test_the_linter_is_content() -> None:
    done = linted(INSPECTOR)
    assert done.code == 0, done.text


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """A name that nobody declared, one that nobody uses, and what is no JavaScript."""
    (tmp_path / "one.js").write_text('import { a } from "./two.js";\nb();\n', "utf-8")
    (tmp_path / "two.js").write_text("export const a = ;\n", "utf-8")
    done = linted(tmp_path)
    assert done.code == 1
    assert all(rule in done.text for rule in ("no-unused-vars", "no-undef", "Parsing error")), done.text
