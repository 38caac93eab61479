"""The layers hold, libraries have owners, modules and functions stay small, and no module holds mutable state.

Each test looks at all modules and reports all offenders at once.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec

import pytest

from emulator.cli import COMMANDS
from tools import metrics
from tools.metrics import PACKAGE, ROOT, import_cycles, lengths_in, modules

MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in modules()}


def tree(name: str) -> ast.Module:
    return metrics.tree(MODULES[name])


@pytest.mark.medium
def test_a_module_imports_only_from_lower_layers() -> None:
    """The import contract of `pyproject.toml` holds, as checked by import-linter."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: \d+ kept, 0 broken", done.stdout)


@pytest.mark.medium
def test_no_modules_import_each_other() -> None:
    """Imports for types alone and imports inside functions count too."""
    assert import_cycles() == set()


OWNERS = {
    "flask": ("web/", "client/emulator.py"),  # emulator: for a type alone
    "werkzeug": ("web/",),
    "flask_swagger_ui": ("web/",),
    "jinja2": ("core/files.py",),
    "prometheus_client": ("web/",),
    "granian": ("web/granian_server.py",),
    "waitress": ("web/server.py", "client/emulator.py", "client/aiohttp_intercept.py"),
    "requests": ("client/", "contract/", "worlds/webhooks/"),
    "urllib3": ("client/session.py", "client/httpx_intercept.py", "worlds/webhooks/", "web/recording_proxy.py"),
    "marshmallow": ("api/serializers/",),
    "jsonschema": ("core/",),
    "jsonschema_rs": ("core/",),
    "referencing": ("core/",),
    "jwt": ("core/",),
    "click": ("cli/",),
    "certifi": ("web/tls.py",),  # the certificates that requests trusts
    "trustme": ("web/tls.py",),
    "sqlite3": ("worlds/sqlite/",),
    "faker": ("worlds/loading/anonymizer.py",),
    "mcp": ("client/mcp_server.py",),
    "anyio": (
        "client/mcp_server.py",
        "client/httpx_intercept.py",
        "client/asgi.py",
    ),  # its users run on it
    "aiohttp": ("client/aiohttp_intercept.py",),
    "hypothesis": ("client/convergence.py",),
    "httpx": ("client/httpx_intercept.py",),
    "uvicorn": ("client/mcp_server.py",),  # the HTTP server of mcp
    "pytest": ("coverage/pytest_hooks.py", "contract/", "client/reruns.py"),
    "_pytest": ("client/reruns.py",),
}
"""Library -> the modules that may import it."""


@cache
def imports(name: str) -> tuple[tuple[str, bool], ...]:
    """Return the libraries that a module imports, and whether each import is for types alone."""
    return tuple(imported(name))


def imported(name: str) -> Iterator[tuple[str, bool]]:
    nodes = list(ast.walk(tree(name)))
    conditions = [node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    typed = {id(inner) for condition in conditions for inner in ast.walk(condition)}
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((one.name.partition(".")[0], id(node) in typed) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0], id(node) in typed


@pytest.mark.medium
def test_libraries_are_imported_by_their_owners_only() -> None:
    strays = [
        f"{name} imports {library}"
        for name in MODULES
        for library, _ in imports(name)
        if library in OWNERS and not name.startswith(OWNERS[library])
    ]
    assert strays == []


@pytest.mark.medium
def test_every_library_has_an_owner() -> None:
    """A new dependency needs a row in `OWNERS`."""
    free = {"emulator", "orjson", "_typeshed", *sys.stdlib_module_names}
    unknown = {name: {library for library, _ in imports(name)} - free - OWNERS.keys() for name in MODULES}
    assert {name: libraries for name, libraries in unknown.items() if libraries} == {}


@pytest.mark.medium
def test_the_server_imports_flask_and_requests_for_types_only() -> None:
    assert {library for library, typed in imports("client/emulator.py") if not typed} & {"flask", "requests"} == set()


LATE = {
    "faker",
    "granian",
    "requests",
    "jsonschema",
    "jsonschema_rs",
    "jwt",
    "waitress",
    "pytest",
    "sqlite3",
    "trustme",
    "asyncio",
    "aiohttp",
    "anyio",
    "hypothesis",
    "ssl",
    "mcp",
    "httpx",
}
"""Libraries that an emulator must not import before they are used."""


@pytest.mark.medium
def test_libraries_that_are_used_late_are_imported_late() -> None:
    code = (
        f"import sys; from emulator import Emulator; Emulator('demo'); print(*sorted({LATE!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def test_no_validator_of_iris_is_installed_for_development() -> None:
    """Every import of jsonschema compiles its grammars, which takes two seconds in each process of a test."""
    assert find_spec("rfc3987_syntax") is None


STARTED = """
import sys
from emulator import Emulator
with Emulator("demo", server={server!r}):
    print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {libraries!r}))
"""
SERVING = {
    "waitress": {"marshmallow", "orjson", "waitress"},
    "granian": {"granian", "marshmallow", "orjson", "waitress", "anyio", "asyncio", "ssl"},
}
"""Server -> the libraries that serving may import before the first request. Both bind the port in the same way."""


@pytest.mark.medium
@pytest.mark.parametrize("server", SERVING)
def test_serving_imports_few_libraries_before_the_first_request(server: str) -> None:
    code = STARTED.format(server=server, libraries={*OWNERS, *LATE, "orjson"})
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert {server} <= set(done.stdout.split()) <= SERVING[server]


STARTED_BY_COMMAND = """
import sys
from emulator.cli import main
from emulator.client.emulator import Emulator
Emulator.start = lambda _: (print(*sorted(sys.modules)), sys.exit())
main(["serve", "--port", "0", "--quiet"])
"""
NOTHING_IMPORTED = "import sys; print(*sys.modules)"
UNUSED_BY_SERVE = {
    *({name.partition(":")[0] for name in COMMANDS.data.values()} - {"emulator.cli.serve"}),
    *("emulator.api.openapi", "emulator.coverage"),
    *(
        "emulator.worlds.loading.anonymizer",
        "emulator.worlds.loading.collector",
        "emulator.worlds.loading.scenario_import",
    ),
    *("certifi", "http.client", "importlib.metadata", "importlib.resources", "ssl", "tempfile"),
    "xml.etree.ElementTree",
}
"""Modules of other commands and features, which `serve` may not import before the first request."""
SERVING_MODULES = ROOT / "tests" / "fixtures" / "serving_modules.txt"
"""The modules that `serve` imports before the first request, one in a line."""


@pytest.mark.medium
def test_serve_imports_the_listed_modules_before_the_first_request() -> None:
    """Importing all commands took a sixth of the start. The list has our modules, and libraries by name."""
    imported, by_python = modules_after(STARTED_BY_COMMAND), modules_after(NOTHING_IMPORTED)
    assert UNUSED_BY_SERVE & imported == set()
    own = {name for name in imported if name.startswith("emulator.")}
    libraries = {name.partition(".")[0] for name in imported} - {name.partition(".")[0] for name in by_python}
    assert own | libraries - sys.stdlib_module_names == set(SERVING_MODULES.read_text().split())


def modules_after(code: str) -> set[str]:
    """Return the names that a new process prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.slow
def test_no_figure_is_higher_than_its_bar_and_allowance() -> None:
    """Another process prints the figures, because the tests watch the requests of this one."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.metrics"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(160, "ok"), (170, "over the bar, at most 170: of features"), (171, "TOO HIGH, at most 170: of features")],
)
def test_a_figure_may_exceed_its_bar_by_its_allowance_only(
    value: int, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(metrics.ALLOWANCES, "modules", (10, "of features"))
    metric = metrics.Metric("modules", value, 160)
    assert (metric.is_acceptable, str(metric).rpartition("   ")[2]) == (value < 171, verdict)


LONGEST_MODULE, LONGEST_FUNCTION = 500, 50
"""Lines of a module, and lines of code in the body of a function (`tools/metrics.py` says how they are counted)."""
TABLES = {
    "core/records.py": "the entities, column by column",
}
"""Modules that may be longer, with the reason."""


def test_modules_are_short_except_tables() -> None:
    """A table that became short loses its exception."""
    lengths = {name: modules()[path].count("\n") for name, path in MODULES.items()}
    assert {name for name, length in lengths.items() if length > LONGEST_MODULE} == TABLES.keys()


@pytest.mark.medium
def test_functions_are_short() -> None:
    lengths = {f"{path}: {name}": length for path in modules() for name, length in lengths_in(path).items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.medium
def test_every_module_has_a_docstring() -> None:
    assert [name for name in MODULES if not ast.get_docstring(tree(name))] == []


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
"""Methods that change a list, a dictionary or a set."""


@pytest.mark.medium
def test_no_function_changes_a_name_of_its_module() -> None:
    """Everything that changes belongs to a world; values that never change are cached by `functools`."""
    assert [offender for name in MODULES for offender in changes_of_module_state(name)] == []


def changes_of_module_state(name: str) -> Iterator[str]:
    """Yield the places where a function of a module changes what the module holds."""
    held = set(module_names(tree(name)))
    for function in ast.walk(tree(name)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Global) or changed_name(node) in held:
                    yield f"{name}:{function.lineno}: {function.name}"


def module_names(module: ast.Module) -> Iterator[str]:
    """Yield the names that a module assigns at its top level."""
    for node in module.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def changed_name(node: ast.AST) -> str | None:
    """Return the name of the object that a node changes through a method or a subscript, if any."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if method in CHANGES:
            return name
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
    return None


PROBE = """
TABLE = {}
def writes():
    TABLE["a"] = 1
def deletes():
    del TABLE["a"]
def calls():
    TABLE.update(a=1)
def declares():
    global TABLE
def reads(own):
    own.update(TABLE)
    return TABLE["a"]
"""


def test_each_change_of_module_state_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.tree", lambda _: ast.parse(PROBE))
    found = [offender.rpartition(" ")[2] for offender in changes_of_module_state("probe")]
    assert found == ["writes", "deletes", "calls", "declares"]
