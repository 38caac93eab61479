"""The bar of unused features: checks for faults, limits and provenance cost a request almost no time.

Both sides run the emulator's request path. One side runs the normal code. On the other side the same functions are
compiled again, with a constant in place of each check for a fault or a limit. The difference is the cost of the
checks.
"""

import __future__

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from types import ModuleType
from typing import Any
from unittest import mock

from benchmarks.inprocess import detail, milliseconds
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from emulator import Emulator
from emulator.client.session import build_environ
from emulator.web import app, authentication, create_emulator_app, dispatch

LIMIT = 2.0
"""Limit in microseconds for the checks."""
CALLS = 50
PAIRS = 400
"""Pairs of slices in a round, for each second of the plan. A small difference needs many."""
CHECK_VALUES: dict[str, bool] = {
    "is_recorded and self.interceptor is not None": False,
    "is_recorded and (context.world.faults.armed or FAULT_HEADER in context.environ)": False,
    "not context.info.is_altered": True,
    "world.provenance is not None": False,
    "reply.fault is not None": False,
    "credential.calls_per_minute is not None or world.settings.limits": False,
}
"""Check -> its value without faults, limits and provenance."""
CHECKING_FUNCTIONS: tuple[tuple[type | ModuleType, str, Callable[..., Any]], ...] = (
    (app.EmulatorApp, "respond", app.EmulatorApp.respond),
    (app.EmulatorApp, "_reply_to", app.EmulatorApp._reply_to),  # noqa: SLF001 - it has checks
    (app, "send_reply", app.send_reply),
    (dispatch, "check_access", authentication.check_access),
)
"""Where each function with a check is looked up during a request, and the function."""


class CheckReplacer(ast.NodeTransformer):
    """Replaces each check by its constant value."""

    def __init__(self) -> None:
        self.replaced: set[str] = set()

    def visit(self, node: ast.AST) -> ast.AST:
        text = ast.unparse(node) if isinstance(node, ast.expr) else ""
        if text not in CHECK_VALUES:
            return self.generic_visit(node)
        self.replaced.add(text)
        return ast.copy_location(ast.Constant(CHECK_VALUES[text]), node)


def compile_function(function: Callable[..., Any], transformer: ast.NodeTransformer) -> Any:
    """Compile the transformed source of a function in its own namespace."""
    tree = transformer.visit(ast.parse(textwrap.dedent(inspect.getsource(function))))
    made: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(tree), "<unarmed>", "exec", __future__.annotations.compiler_flag)
    exec(code, inspect.unwrap(function).__globals__, made)  # noqa: S102 - our own source
    return made[function.__name__]


def sides() -> tuple[list[Any], list[Any]]:
    """Return the functions with their checks, and with constants. Both are compiled in the same way."""
    replacer = CheckReplacer()
    both = [
        (compile_function(function, ast.NodeTransformer()), compile_function(function, replacer))
        for _, _, function in CHECKING_FUNCTIONS
    ]
    if missing := CHECK_VALUES.keys() - replacer.replaced:
        raise MeasurementFailedError(f"the request path no longer contains these checks: {', '.join(missing)}")
    return [one for one, _ in both], [other for _, other in both]


@contextmanager
def patched(functions: list[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for (place, name, _), function in zip(CHECKING_FUNCTIONS, functions, strict=True):
            stack.enter_context(mock.patch.object(place, name, function))
        yield


def unarmed(plan: Plan) -> Iterator[Round]:
    """Measure the cost of the checks for a GET of a package, in microseconds, beside the limit."""
    oms = Emulator("demo")
    _, answer = detail(oms)
    environ = build_environ(answer.request)
    call = partial(create_emulator_app(oms.worlds)[0], environ, lambda *_: None)
    ours, theirs = (partial(measure_call, functions, call) for functions in sides())
    ours(), theirs()
    for _ in range(plan.groups * plan.rounds):
        pairs = interleave(max(1, round(PAIRS * plan.seconds)), ours, theirs)
        yield Round(1000 * median(each.ours - each.theirs for each in pairs), LIMIT)


def measure_call(functions: list[Any], call: Callable[[], object]) -> float:
    """Return the milliseconds of a call with these functions. The first calls are a warm-up."""
    with patched(functions):
        milliseconds(call, CALLS // 2)
        return milliseconds(call, CALLS)
