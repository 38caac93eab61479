"""Check the texts of the repository for phrases that are hard to understand, and for spelling (`make language`).

Checked are Python docstrings, comments, names of functions and classes, and strings of three words or more; keys that
hold text in JSON files; and all other text files as a whole. Texts of the vendor and of other projects are excluded
by folder. The phrases are in `language_rules.json`, each with examples that the rule matches and does not match.
"""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EXCLUDED = {
    "emulator/fixtures/documented": "samples of the vendor",
    "emulator/fixtures/documented_reference": "samples of the vendor",
    "emulator/fixtures/pools": "names of people and products",
    "emulator/scenarios/documented": "samples of the vendor",
    "emulator/web/docs/vendor": "libraries of other projects",
    "emulator/web/inspector/vendor": "libraries of other projects",
}
"""Folders that are not checked, with the reason."""
SKIPPED_FOLDERS = {"node_modules", "_build", "build", "dist", "__pycache__"}
SKIPPED_FILES = {"package-lock.json", "language_rules.json", "LICENSE"}
TEXT_SUFFIXES = {".md", ".js", ".mjs", ".ts", ".html", ".css", ".yaml", ".yml", ".toml", ".conf", ".ini", ".sh", ""}
JSON_TEXT = re.compile(r'"(?:description|title|summary|reason|comment|\$comment)"\s*:\s*"((?:[^"\\]|\\.)*)"')
HELP = {"help", "epilog", "short_help"}
"""Keyword arguments that hold the texts of the command line."""
FEWEST_WORDS = 3


class Passage(NamedTuple):
    """A piece of text, and where it begins."""

    path: str
    line: int
    text: str
    kind: Literal["prose", "value", "code"] = "prose"
    """Prose: docstrings, comments, help texts, whole files. Values: of JSON. Code: names and other strings."""


class Rule(NamedTuple):
    """A phrase that must not be used."""

    name: str
    pattern: re.Pattern[str]
    instead: str
    is_opening: bool = False
    """Whether the rule is for the first word of prose."""

    def matches(self, passage: Passage) -> Iterator[re.Match[str]]:
        if passage.kind == "prose" or not self.is_opening:
            yield from self.pattern.finditer(passage.text)


class Finding(NamedTuple):
    """A phrase in a text that breaks a rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


def rule_of(row: dict[str, str | bool]) -> Rule:
    """Build a rule from its row of the table; a space in its pattern matches any whitespace."""
    pattern = re.compile(str(row["pattern"]).replace(" ", r"\s+"), re.IGNORECASE)
    return Rule(str(row["rule"]), pattern, str(row["instead"]), bool(row.get("opening")))


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(map(rule_of, json.loads(Path(__file__).with_name("language_rules.json").read_text("utf-8"))))


def files(folder: Path) -> Iterator[Path]:
    """Yield the files to check, folder by folder."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if is_checked_folder(path):
                yield from files(path)
        elif is_checked_file(path):
            yield path


def is_checked_folder(path: Path) -> bool:
    is_hidden = path.name.startswith(".") and path.name != ".ci"
    return not is_hidden and path.name not in SKIPPED_FOLDERS and path.relative_to(ROOT).as_posix() not in EXCLUDED


def is_checked_file(path: Path) -> bool:
    is_text = path.suffix in TEXT_SUFFIXES | {".py", ".json"}
    return is_text and path.name not in SKIPPED_FILES and not path.name.startswith(".")


def passages(path: Path) -> Iterator[Passage]:
    """Yield the texts of a file."""
    name, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    if path.suffix == ".py":
        yield from python_passages(name, text)
    elif path.suffix == ".json":
        for match in JSON_TEXT.finditer(text):
            yield Passage(name, line_of(text, match.start(1)), json.loads(f'"{match[1]}"'), "value")
    else:
        yield Passage(name, 1, text)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def python_passages(name: str, text: str) -> Iterator[Passage]:
    """Yield comments, docstrings, help texts, other strings, and the names of functions and classes."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield Passage(name, token.start[0], token.string.lstrip("#! "))
    tree = ast.parse(text)
    prose = set(prose_strings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield Passage(name, node.lineno, node.name.replace("_", " "), "code")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node in prose:
                yield Passage(name, node.lineno, node.value)
            elif len(re.findall(r"[^\W\d]+", node.value)) >= FEWEST_WORDS:
                yield Passage(name, node.lineno, node.value, "code")


def prose_strings(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the docstrings, those of constants too, and the help texts of the command line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg in HELP:
            yield from (inner for inner in ast.walk(node.value) if isinstance(inner, ast.Constant))


def phrase_findings(texts: Iterable[Passage]) -> Iterator[Finding]:
    """Yield the phrases that a rule forbids."""
    for passage in texts:
        for rule in rules():
            for match in rule.matches(passage):
                line = passage.line + line_of(passage.text, match.start()) - 1
                phrase = " ".join(match[0].split())
                yield Finding(passage.path, line, rule.name, f"{phrase!r}; use: {rule.instead}")


def spelling_findings(texts: Iterable[Passage]) -> Iterator[Finding]:
    """Yield the misspelled words that codespell finds; strings in code may be misspelled on purpose."""
    lines = [
        (passage.path, passage.line + number, line)
        for passage in texts
        if passage.kind != "code"
        for number, line in enumerate(passage.text.splitlines())
    ]
    text = "\n".join(line for _, _, line in lines)
    command = [sys.executable, "-m", "codespell_lib", "--stdin-single-line", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", check=False)
    for match in re.finditer(r"^(\d+): (.* ==> .*)$", done.stdout, re.MULTILINE):
        path, line, _ = lines[int(match[1]) - 1]
        yield Finding(path, line, "spelling", match[2])


def findings() -> list[Finding]:
    """Return everything that is wrong in the repository's texts, in the order of files and lines."""
    texts = [passage for path in files(ROOT) for passage in passages(path)]
    return sorted([*phrase_findings(texts), *spelling_findings(texts)])


def main() -> int:
    """Print the findings, then their number by rule and by folder; return 1 if there are any."""
    found = findings()
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    by_rule = Counter(finding.rule for finding in found)
    by_folder = Counter(finding.path.partition("/")[0] for finding in found)
    for counts in (by_rule, by_folder):
        sys.stdout.write("\n" + "".join(f"{count:>6}  {name}\n" for name, count in counts.most_common()))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
