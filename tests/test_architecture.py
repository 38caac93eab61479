"""The layers hold, libraries have owners, modules and functions stay small, and no module holds what changes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import emulator

PACKAGE = Path(emulator.__file__).parent
ROOT = PACKAGE.parent
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
every_module = pytest.mark.parametrize("name", MODULES)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text("utf-8"))


def test_a_module_imports_only_from_lower_lines() -> None:
    """The contract of `pyproject.toml`, by import-linter itself."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: \d+ kept, 0 broken", done.stdout)


OWNERS = {
    "flask": ("web/", "app.py", "server.py"),  # server: for a type alone
    "werkzeug": ("web/",),
    "flask_swagger_ui": ("web/",),
    "prometheus_client": ("web/",),
    "waitress": ("server.py", "listening.py"),
    # inworld, pytest_plugin: for a type alone
    "requests": ("session.py", "intercepting.py", "inworld.py", "pytest_plugin.py", "contract/", "delivery"),
    "urllib3": ("session.py", "delivery/"),
    "marshmallow": ("shapes/",),
    "jsonschema": ("core/",),
    "referencing": ("core/",),
    "immutables": ("core/",),
    "jwt": ("core/",),
    "click": ("cli/",),
    "sqlite3": ("durable/",),
    "faker": ("importing/anonymizer.py",),
    "pytest": ("pytest_plugin.py", "coverage/pytest_hooks.py", "contract/"),
}
"""Library -> who may import it."""


@cache
def imports(name: str) -> tuple[tuple[str, bool], ...]:
    """Give what a module imports, and whether that is for types alone."""
    return tuple(imported(name))


def imported(name: str) -> Iterator[tuple[str, bool]]:
    typed = {
        id(inner)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from ((one.name.partition(".")[0], id(node) in typed) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0], id(node) in typed


@every_module
def test_libraries_have_owners(name: str) -> None:
    for library, _ in imports(name):
        if library in OWNERS:
            assert name.startswith(OWNERS[library]) if OWNERS[library] else False, f"{name} imports {library}"


@every_module
def test_libraries_are_known(name: str) -> None:
    """A new dependency gets an owner here."""
    free = {"emulator", "orjson", "_typeshed", *sys.stdlib_module_names}
    assert {library for library, _ in imports(name)} <= free | OWNERS.keys()


def test_the_server_sees_flask_and_requests_as_types_only() -> None:
    assert {library for library, typed in imports("server.py") if not typed} & {"flask", "requests"} == set()


@pytest.mark.parametrize("library", ["faker", "requests", "jsonschema", "jwt", "waitress", "pytest", "sqlite3"])
def test_what_is_used_late_is_imported_late(library: str) -> None:
    """An emulator that is only made needs none of these."""
    code = f"import sys; from emulator import Emulator; Emulator('demo'); sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


LONGEST_MODULE, LONGEST_FUNCTION = 250, 40
TABLES = {
    "core/records.py": "the entities, column by column",
    "shapes/guide.py": "the documents, key by key",
    "shapes/reference.py": "the documents, key by key",
}


def code_lines(node: ast.AST) -> set[int]:
    """Give the lines that hold code: no docstrings, comments or blank ones."""
    return {
        line
        for inner in ast.walk(node)
        if isinstance(inner, ast.stmt) and not is_docstring(inner)
        for line in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
        if not hasattr(inner, "body") or line == inner.lineno
    }


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@every_module
def test_a_module_is_not_too_long(name: str) -> None:
    length = len(code_lines(tree(name)))
    assert length <= LONGEST_MODULE or name in TABLES, f"{name}: {length} lines of code"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_long_enough_to_be_excused(name: str) -> None:
    assert len(code_lines(tree(name))) > LONGEST_MODULE


@every_module
def test_functions_are_not_too_long(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = len(code_lines(node))
            assert length <= LONGEST_FUNCTION, f"{name}: {node.name} has {length} lines"


@every_module
def test_a_module_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(tree(name)), f"{name} has no docstring"


CHANGES = {
    "append",
    "add",
    "update",
    "setdefault",
    "pop",
    "popitem",
    "clear",
    "extend",
    "insert",
    "remove",
    "discard",
}


@every_module
def test_no_module_holds_what_changes(name: str) -> None:
    """Everything that changes lives in a world; caches of what never changes are `functools`'."""
    own = {
        target.id
        for node in tree(name).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for function in ast.walk(tree(name)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            assert not isinstance(node, ast.Global), f"{name}: {function.name} has a global"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
                assert not (isinstance(node.func.value, ast.Name) and node.func.value.id in own), (
                    f"{name}: {function.name}"
                )
            if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                assert not (isinstance(node.value, ast.Name) and node.value.id in own), f"{name}: {function.name}"


def assigned_attributes(module: ast.AST, owner: str) -> list[str]:
    """Return the attributes of a variable or an attribute with this name that a module assigns or deletes."""
    return [
        ast.unparse(node)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
        if getattr(node.value, "id", getattr(node.value, "attr", None)) == owner
    ]


@every_module
def test_no_module_assigns_attributes_of_a_world(name: str) -> None:
    """A world gets all its parts in its constructor, and only its own methods change them."""
    assert assigned_attributes(tree(name), "world") == []


@pytest.mark.parametrize(
    "code",
    ["world.a = 1", "self.world.a = 1", "b, world.a = 1, 2", "world.a += 1", "del world.a", "world.a: int = 1"],
)
def test_assignments_of_all_kinds_are_found(code: str) -> None:
    assert len(assigned_attributes(ast.parse(code), "world")) == 1
    assert assigned_attributes(ast.parse("world.a.b = c = world.a"), "world") == []
