"""Print the size and structure figures of `emulator/`, each with its bar (`make metrics`).

A figure may exceed its bar by its allowance. `tests/test_architecture.py` fails if a figure is higher than that.

How the figures are counted:

- Modules and lines: all Python files below `emulator/`, without the generated `api_types.py`. Every physical line
  counts.
- Top entries: files and folders directly in `emulator/`, without the data folders and `__pycache__`.
- Import cycles: groups of modules that import each other. Imports under `TYPE_CHECKING` and inside functions count.
- Function length: lines of the body that hold code. Docstrings, comments, blank lines and the signature do not count.
- Modules per request: modules of `emulator/` in which a function is called during one WSGI call. Lists, other
  packages and another command are requested before, so one-time initialization does not count.
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
import statistics
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import grimp
from werkzeug.test import EnvironBuilder

from emulator import Emulator
from emulator.web import create_emulator_app

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "emulator"
GENERATED = "api_types.py"
NOT_COUNTED = {"fixtures", "schemas", "scenarios", "__pycache__"}
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
PACKAGES = "/api/v1/oms/packages/"
HEADERS = [("Authorization", "Token full-access")]
COMMAND = "package__prepare_package_command__waiting__preparing"


ALLOWANCES = {
    "modules": (25, "56 modules of features that were added after the layout, and of splits"),
    "lines of Python": (
        13_640,
        "10,200 of later features, and 3,440 that these added to older modules",
    ),
}
"""Figure -> how far it may exceed its bar, and why. `docs/explanation/decisions/size.md` has the details."""


class Metric(NamedTuple):
    """A measured figure, its bar, and how far it may exceed the bar."""

    name: str
    value: float
    bar: int

    @property
    def is_acceptable(self) -> bool:
        """Whether the value is at most the bar plus the allowance."""
        return self.value <= self.bar + ALLOWANCES.get(self.name, (0, ""))[0]

    def __str__(self) -> str:
        allowance, reason = ALLOWANCES.get(self.name, (0, ""))
        verdict = "ok"
        if self.value > self.bar:
            over = "over the bar" if self.is_acceptable else "TOO HIGH"
            verdict = f"{over}, at most {self.bar + allowance}" + (f": {reason}" if reason else "")
        return f"{self.name:<28} {self.value:>7g}   bar {self.bar:>6}   {verdict}"


def metrics() -> Iterator[Metric]:
    """Yield all figures in the order in which they are printed."""
    lengths = function_lengths()
    yield Metric("modules", len(modules()), 160)
    yield Metric("lines of Python", sum(text.count("\n") for text in modules().values()), 26_000)
    yield Metric("top entries", sum(entry.name not in NOT_COUNTED for entry in PACKAGE.iterdir()), 14)
    yield Metric("import cycles", len(import_cycles()), 0)
    yield Metric("uses of Any", count_any(), 500)
    yield Metric("noqa comments", sum(len(re.findall("# noqa", text)) for text in modules().values()), 60)
    yield Metric("function length, median", statistics.median(lengths), 6)
    yield Metric("function length, p90", lengths[math.ceil(len(lengths) * 0.9) - 1], 14)
    yield Metric("function length, longest", lengths[-1], 50)
    read, command = modules_per_request()
    yield Metric("modules per GET of a package", len(read), 14)
    yield Metric("modules per command", len(command), 28)


@cache
def modules() -> dict[Path, str]:
    """Return the text of every Python file of the package."""
    return {path: path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py")) if path.name != GENERATED}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(modules()[path])


def count_any() -> int:
    """Count the names `Any` in annotations and expressions, not their imports."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for path in modules() for node in ast.walk(tree(path)))


def import_cycles() -> set[frozenset[str]]:
    """Return the groups of modules that import each other, directly or through others."""
    graph = grimp.build_graph("emulator", exclude_type_checking_imports=False, cache_dir=None)
    groups = {
        name: frozenset(graph.find_upstream_modules(name) & graph.find_downstream_modules(name))
        for name in graph.modules
    }
    return {group | {name} for name, group in groups.items() if group}


def function_lengths() -> list[int]:
    """Return the lengths of all functions in ascending order."""
    return sorted(length for path in modules() for length in lengths_in(path).values())


def lengths_in(path: Path) -> dict[str, int]:
    """Return the length of every function of a module, by name and line."""
    code = code_lines(modules()[path])
    return {
        f"{node.name} (line {node.lineno})": sum(first <= line <= last for line in code)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for first, last in [body_span(node)]
    }


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that hold more than comments."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {
        line for token in tokens if token.type not in NOT_CODE for line in range(token.start[0], token.end[0] + 1)
    }


def body_span(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, int]:
    """Return the first and the last line of a function's body; the first is after a docstring."""
    first = node.body[0]
    has_docstring = ast.get_docstring(node, clean=False) is not None
    return (first.end_lineno or 0) + 1 if has_docstring else first.lineno, node.end_lineno or 0


def modules_per_request() -> tuple[set[str], set[str]]:
    """Return the modules that a GET of a package and a command run through."""
    app, _ = create_emulator_app(Emulator("demo").worlds)
    listing, _ = profiled_call(app, "GET", f"{PACKAGES}?limit=100")
    waiting = [package["id"] for package in listing["results"] if package["state"]["enum_value"] == "100"]
    profiled_call(app, "GET", f"{PACKAGES}{waiting[0]}/")
    _, read = profiled_call(app, "GET", f"{PACKAGES}{waiting[1]}/")
    body = {"slug": COMMAND, "input_parameters": {}}
    for package in waiting[2:4]:
        _, command = profiled_call(app, "POST", f"{PACKAGES}{package}/command/", body)
    return read, command


def profiled_call(app: Any, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[Any, set[str]]:
    """Call a WSGI application; return the document that it answers and the modules that the call ran through."""
    environ = EnvironBuilder(path, method=method, headers=HEADERS, json=body).get_environ()
    statuses: list[str] = []
    called: set[str] = set()

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code.co_filename)

    sys.setprofile(profile)
    try:
        text = b"".join(app(environ, lambda status, *_: statuses.append(status)))
    finally:
        sys.setprofile(None)
    if not statuses[0].startswith("2"):
        raise RuntimeError(f"{method} {path} -> {statuses[0]}: {text.decode()}")
    return json.loads(text or "null"), {name for name in called if Path(name).is_relative_to(PACKAGE)}


def main() -> None:
    """Print the figures and the modules of each import cycle. Exit with code 1 if a figure is too high."""
    figures = list(metrics())
    for metric in figures:
        sys.stdout.write(f"{metric}\n")
    for cycle in sorted(import_cycles(), key=sorted):
        sys.stdout.write(f"cycle: {', '.join(sorted(cycle))}\n")
    sys.exit(not all(metric.is_acceptable for metric in figures))


if __name__ == "__main__":
    main()
