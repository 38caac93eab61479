"""The generated pages are up to date, and the documentation names only paths, modules and objects that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tools.docs import FOLDER, PAGES, README, anchor, build_site, readme_text, site_errors, text_of

ROOT = FOLDER.parent
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PAGES_OF_SITE = [path for path in sorted(FOLDER.rglob("*.md")) if "_build" not in path.parts]
DOCUMENTS = [README, ROOT / "AGENTS.md", CONTRIBUTING, *PAGES_OF_SITE]
MAX_README_LINES = 150
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
LINK = re.compile(r"\]\((?!https?:)([^)#:]+)")
SAVED_FILE = re.compile(r"[Ss]ave\s+this\s+as\s+`([^`]+)`")
"""A file that the reader creates."""
ANCHOR = re.compile(r"\]\(([^)#:]*)#([\w-]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NOT_PATHS = {"100/min", "multipart/form-data", ".venv/bin/oms-emulator"}


def paths_in(text: str) -> Iterator[str]:
    """Yield the paths in code, and those below the folders of the repository."""
    for code in CODE.findall(text):
        if PATH.fullmatch(code) and not code.startswith("/") and code.casefold() not in NOT_PATHS:
            yield code
    yield from (path.rstrip(".") for path in PATH_IN_TOP_FOLDER.findall(text))


def find(path: str) -> Path | None:
    """Return the file or folder that a path means. `<name>` stands for any name; a module name alone is searched."""
    pattern = re.sub(r"<\w+>", "*", path).strip("/")
    if "/" in path:
        return next(chain(*(base.glob(pattern) for base in BASES)), None)
    found = chain(ROOT.glob(pattern), (ROOT / "emulator").rglob(pattern))
    return next(found, None)


def is_name(name: str) -> bool:
    """Return whether a dotted name is a module or an object in a module."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.medium
@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    """`make docs` would not change it."""
    assert (FOLDER / page).read_text("utf-8") == text_of(page)


def test_the_evidence_in_the_readme_is_up_to_date() -> None:
    assert README.read_text("utf-8") == readme_text()


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= MAX_README_LINES


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once."""
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


@pytest.mark.gate
def test_the_site_is_built_without_warnings_and_needs_no_other_host(site: Path) -> None:
    """All internal links lead somewhere."""
    assert list(site_errors(site)) == []
    built = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    assert {path.relative_to(FOLDER) for path in PAGES_OF_SITE} <= built


@pytest.mark.gate
def test_each_page_has_a_markdown_twin_for_agents(site: Path) -> None:
    """`llms.txt` links all twins, and `llms-full.txt` has their text. A page names its twin and `llms.txt`."""
    index, text = (site / "llms.txt").read_text("utf-8"), without_targets((site / "llms-full.txt").read_text("utf-8"))
    pages = {path.relative_to(FOLDER).as_posix() for path in PAGES_OF_SITE}
    assert set(re.findall(r"\]\(([^)]+\.md)\)", index)) == pages
    for page in sorted(pages):
        twin = (site / page).read_text("utf-8")
        title = HEADING.search((FOLDER / page).read_text("utf-8"))
        assert title is None or twin.startswith(f"# {title[1]}\n")
        assert without_targets(twin) in text
        links = re.findall(r'<link rel="(?:alternate|describedby)"[^>]*href="([^"]+)"', page_text(site, page))
        assert {(site / page).parent.joinpath(link).resolve() for link in links} == {site / page, site / "llms.txt"}


def without_targets(text: str) -> str:
    """Return Markdown without the targets of its links, which are relative to the file."""
    return re.sub(r"\]\([^)]*\)", "]()", text).strip()


def page_text(site: Path, page: str) -> str:
    return (site / page).with_suffix(".html").read_text("utf-8")


@pytest.mark.gate
@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("reference/cli.md", "--validate-responses"),
        ("reference/python.md", "allow_webhook_hosts"),
        ("reference/control-api.md", "/__admin/worlds/<name>"),
        ("reference/changelog.md", "## 0.1.0 (unreleased)"),
    ],
)
def test_a_twin_has_what_its_page_includes(page: str, expected: str, site: Path) -> None:
    """That is the text of docstrings, of the command line and of other files, not the directives."""
    assert expected in (site / page).read_text("utf-8")


def test_wrong_links_of_a_site_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url(https://fonts.example/a.woff2) } a { src: url(a.png) }")
    (tmp_path / "b.html").write_text('<h1 id="top">B</h1><a href="#top">1</a><a href="#bottom">2</a>')
    links = (
        '<a href="b.html#top">1</a><a href="b.html#end">2</a><a href="c.html">3</a><a href="https://a.example/">4</a>'
    )
    (tmp_path / "a.md").write_text("[1](b.md), [2](https://a.example/), [3](#top), [4](a.css)")
    (tmp_path / "a.html").write_text(f'{links}<link href="a.css"><script src="https://cdn.example/x.js"></script>')
    assert list(site_errors(tmp_path)) == [
        "a.html loads https://cdn.example/x.js",
        "a.html: nothing at b.html#end",
        "a.html: nothing at c.html",
        "b.html: nothing at #bottom",
        "a.md: nothing at b.md",
        "a.css loads https://fonts.example/a.woff2",
    ]


@each_document
def test_named_paths_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    saved, made_by_make = SAVED_FILE.findall(text), ("docs/_build", "dist/")
    paths = [path for path in paths_in(text) if path not in saved and not path.startswith(made_by_make)]
    assert [path for path in paths if find(path) is None] == []


@each_document
def test_named_modules_exist(document: Path) -> None:
    names = DOTTED_NAME.findall(document.read_text("utf-8"))
    assert [name for name in names if find(name) is None and not is_name(name)] == []


@each_document
def test_link_targets_exist(document: Path) -> None:
    targets = LINK.findall(document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@each_document
def test_link_anchors_exist(document: Path) -> None:
    links = ANCHOR.findall(document.read_text("utf-8"))
    assert [
        link for link in links if not has_anchor(document.parent / link[0] if link[0] else document, link[1])
    ] == []


def has_anchor(document: Path, name: str) -> bool:
    """Return whether a heading has this anchor, by GitHub's rule."""
    headings = HEADING.findall(document.read_text("utf-8"))
    return name in {anchor(heading) for heading in headings}


@each_document
def test_named_objects_are_in_their_files(document: Path) -> None:
    """`NAME` in `place`: the file or module contains this name."""
    text = document.read_text("utf-8")
    assert [place for place in NAME_IN_FILE.findall(text) if not contains_name(*place)] == []


def contains_name(name: str, place: str) -> bool:
    if "/" not in place:
        return is_name(f"{place}.{name}")
    file = find(place)
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
    assert [change for change, where in rows.items() if not [*paths_in(where), *DOTTED_NAME.findall(where)]] == []


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
    for place in ("api/filters/__init__.py", "emulator.api.filters"):
        assert contains_name("FILTER_SETS", place)
        assert not contains_name("FILTER", place)
