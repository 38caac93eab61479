"""The language check reads all texts of the repository, and each rule matches its examples only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools import check_language
from tools.check_language import Passage, files, findings, passages, phrase_findings, rule_of, spelling_findings

ROWS = json.loads((check_language.ROOT / "tools/language_rules.json").read_text("utf-8"))

FORBIDDEN = ROWS[1]["hits"][0]

PYTHON = '''"""Module docstring."""
# A comment.
LIMIT = 5
"""Constant docstring."""
def long_name():
    """Function docstring."""
    option(help="Help text.")
    raise ValueError(f"{LIMIT} is not an acceptable value")
    return "short"
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that the check takes for the repository."""
    monkeypatch.setattr(check_language, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("row", ROWS, ids=[row["rule"] for row in ROWS])
def test_a_rule_matches_its_examples_and_not_its_counterexamples(row: dict[str, Any]) -> None:
    rule = rule_of(row)
    wrong = [text for text in row["hits"] if not [*rule.matches(Passage("", 1, text))]]
    wrong += [text for text in row["passes"] if [*rule.matches(Passage("", 1, text))]]
    assert wrong == []


def test_all_texts_of_a_python_file_are_read(folder: Path) -> None:
    (folder / "a.py").write_text(PYTHON, "utf-8")
    assert sorted(passages(folder / "a.py")) == [
        Passage("a.py", 1, "Module docstring."),
        Passage("a.py", 2, "A comment."),
        Passage("a.py", 4, "Constant docstring."),
        Passage("a.py", 5, "long name", "code"),
        Passage("a.py", 6, "Function docstring."),
        Passage("a.py", 7, "Help text."),
        Passage("a.py", 8, " is not an acceptable value", "code"),
    ]


def test_the_texts_of_a_json_file_are_read(folder: Path) -> None:
    (folder / "a.json").write_text('{"name": "x",\n "description": "One \\"text\\"."}', "utf-8")
    assert list(passages(folder / "a.json")) == [Passage("a.json", 2, 'One "text".', "value")]


def test_excluded_folders_and_files_are_not_read(folder: Path) -> None:
    for name in (*check_language.EXCLUDED, "node_modules", ".venv", "docs", ".ci"):
        (folder / name).mkdir(parents=True)
        (folder / name / "page.md").write_text("Text.", "utf-8")
    for name in (".coverage", "LICENSE", "picture.png"):
        (folder / name).write_bytes(b"")
    assert [path.relative_to(folder).as_posix() for path in files(folder)] == [".ci/page.md", "docs/page.md"]


def test_a_phrase_is_found_across_lines_with_the_line_where_it_starts() -> None:
    found = list(phrase_findings([Passage("a.md", 10, "One.\nTwo " + "in-vain".replace("-", "\n"))]))
    assert [(each.path, each.line, each.rule) for each in found] == [("a.md", 11, "in-vain")]


@pytest.mark.medium
def test_misspelled_words_are_found_outside_of_code() -> None:
    found = spelling_findings(
        [Passage("a.md", 10, "One.\nThe comand."), Passage("a.py", 1, "a wrong comand", "code")]
    )
    assert [str(each) for each in found] == ["a.md:11: spelling: comand ==> command"]


@pytest.mark.medium
def test_findings_of_all_files_are_listed_in_order(folder: Path) -> None:
    (folder / "b.md").write_text(FORBIDDEN, "utf-8")
    (folder / "a.md").write_text("\nThe comand.", "utf-8")
    assert [(each.path, each.line) for each in findings()] == [("a.md", 2), ("b.md", 1)]
