"""The generated pages are up to date, and the documentation names only paths, modules and objects that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tools.docs import FOLDER, PAGES, text_of

ROOT = FOLDER.parent
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DOCUMENTS = [ROOT / "README.md", CONTRIBUTING, *sorted(FOLDER.rglob("*.md"))]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
BASES = (ROOT, ROOT / "emulator", ROOT / "emulator/scenarios")
"""Folders that paths in the text may be relative to."""
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.<>*-]*(?:/[\w.<>*-]+)+/?|[\w<>*-]+/|\w+\.py")
PATH_IN_TOP_FOLDER = re.compile(
    r"(?<![\w/.-])(?:emulator|tests|tools|benchmarks|contract_tests|docs|examples)/[\w./-]+"
)
DOTTED_NAME = re.compile(r"(?<![\w/.-])(?:emulator|tests|tools|benchmarks|contract_tests)(?:\.\w+)+")
NAME_IN_FILE = re.compile(r"`(\w+)` in `([^`]+)`")
LINK = re.compile(r"\]\(([^)#:]+)")
NOT_PATHS = {"100/min", "multipart/form-data"}


def paths_in(text: str) -> Iterator[str]:
    """Yield the paths in code, and those below the folders of the repository."""
    for code in CODE.findall(text):
        if PATH.fullmatch(code) and not code.startswith("/") and code.casefold() not in NOT_PATHS:
            yield code
    yield from (path.rstrip(".") for path in PATH_IN_TOP_FOLDER.findall(text))


def find(path: str) -> Path | None:
    """Return the file or folder that a path means. `<name>` stands for any name."""
    pattern = re.sub(r"<\w+>", "*", path).strip("/")
    return next((found for base in BASES for found in base.glob(pattern)), None)


def is_name(name: str) -> bool:
    """Return whether a dotted name is a module or an object in a module."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    """`make docs` would not change it."""
    assert (FOLDER / page).read_text("utf-8") == text_of(page)


@each_document
def test_named_paths_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    assert [path for path in paths_in(text) if find(path) is None] == []


@each_document
def test_named_modules_exist(document: Path) -> None:
    names = DOTTED_NAME.findall(document.read_text("utf-8"))
    assert [name for name in names if find(name) is None and not is_name(name)] == []


@each_document
def test_link_targets_exist(document: Path) -> None:
    targets = LINK.findall(document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@each_document
def test_named_objects_are_in_their_files(document: Path) -> None:
    """`NAME` in `path` is a name that this file contains."""
    text = document.read_text("utf-8")
    assert [place for place in NAME_IN_FILE.findall(text) if not contains_name(*place)] == []


def contains_name(name: str, path: str) -> bool:
    file = find(path)
    return file is not None and re.search(rf"\b{name}\b", file.read_text("utf-8")) is not None


CHANGES = {
    *("operation", "command", "state, transition, location", "error text", "filter", "fault kind", "event type"),
    *("scenario", "control API call", "inspector page"),
}
"""Kinds of change that the table of CONTRIBUTING.md must have."""


def change_rows() -> dict[str, str]:
    """Return the table "Where each change goes": kind of change -> places."""
    section = CONTRIBUTING.read_text("utf-8").partition("## Where each change goes")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return {change: where for change, where, *_ in rows[2:]}


def test_the_place_of_each_kind_of_change_is_named() -> None:
    rows = change_rows()
    assert rows.keys() >= CHANGES
    assert [change for change, where in rows.items() if not any(map(find, paths_in(where)))] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("See `web/nowhere.py`.", ["web/nowhere.py"]),
        ("See `web/app.py`, `nowhere/` and `scenarios/<name>.json`.", ["nowhere/"]),
        ("`GET /packages/`, `100/min` and `.venv/bin/x y` are not paths.", []),
        ("Run pytest tests/nowhere.py.", ["tests/nowhere.py"]),
    ],
)
def test_wrong_paths_are_found(text: str, wrong: list[str]) -> None:
    assert [path for path in paths_in(text) if find(path) is None] == wrong


def test_wrong_names_are_found() -> None:
    names = DOTTED_NAME.findall("`emulator.JWT_SECRET`, `emulator.nowhere`, `python -m tools.docs`, `oms.emulator.x`")
    assert [(name, is_name(name)) for name in names] == [
        ("emulator.JWT_SECRET", True),
        ("emulator.nowhere", False),
        ("tools.docs", True),
    ]
    assert contains_name("FILTER_SETS", "api/filters/__init__.py")
    assert not contains_name("FILTER", "api/filters/__init__.py")
