"""The bar of what is not asked for: faults and limits cost a request next to nothing where there are none.

Both sides are the emulator's own door. On the one, the code is as it is; on the other, the same functions were
compiled again with each question for a fault or a limit answered beforehand. The difference is what the questions
cost.
"""

import __future__

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from types import FunctionType, ModuleType
from typing import Any
from unittest import mock

from benchmarks.inprocess import detail, milliseconds
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleaved
from emulator import Emulator
from emulator.app import create_door
from emulator.session import environ_of
from emulator.web import access, dispatch, door

LIMIT = 2.0
"""Microseconds that they may cost."""
CALLS = 50
PAIRS = 400
"""How many pairs of slices a round has, for each second of the plan: a difference this small needs many."""
ANSWERED: dict[str, bool] = {
    "world.faults.armed or FAULT in environ": False,
    "arrival.seen.fault is None": True,
    "reply.disturbance is not None": False,
    "credential.calls_per_minute is not None or world.settings.limits": False,
}
"""Question -> its answer where there is neither fault nor limit."""
ASKING: tuple[tuple[type | ModuleType, str, Any], ...] = (
    (door.Door, "__call__", door.Door.__call__),
    (door, "send", door.send),
    (dispatch, "admit", access.admit),
)
"""Where a function that asks is looked up when a request comes, and the function."""


class Answering(ast.NodeTransformer):
    """Puts the answers in place of the questions."""

    def __init__(self) -> None:
        self.met: set[str] = set()

    def visit(self, node: ast.AST) -> ast.AST:
        text = ast.unparse(node) if isinstance(node, ast.expr) else ""
        if text not in ANSWERED:
            return self.generic_visit(node)
        self.met.add(text)
        return ast.copy_location(ast.Constant(ANSWERED[text]), node)


def compiled(function: FunctionType, transformer: ast.NodeTransformer) -> Any:
    """The function, made anew from its transformed text, in the namespace that it has."""
    tree = transformer.visit(ast.parse(textwrap.dedent(inspect.getsource(function))))
    made: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(tree), "<unarmed>", "exec", __future__.annotations.compiler_flag)
    exec(code, inspect.unwrap(function).__globals__, made)  # noqa: S102 - our own source
    return made[function.__name__]


def sides() -> tuple[list[Any], list[Any]]:
    """The functions that ask, and the same with the answers in them; both are made the same way."""
    answering = Answering()
    both = [(compiled(function, ast.NodeTransformer()), compiled(function, answering)) for _, _, function in ASKING]
    if unmet := ANSWERED.keys() - answering.met:
        raise MeasurementFailedError(f"the way of a request does not ask any more: {', '.join(unmet)}")
    return [one for one, _ in both], [other for _, other in both]


@contextmanager
def instead(functions: list[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for (place, name, _), function in zip(ASKING, functions, strict=True):
            stack.enter_context(mock.patch.object(place, name, function))
        yield


def unarmed(plan: Plan) -> Iterator[Round]:
    """What the questions cost a GET of package detail, in microseconds, beside the limit."""
    oms = Emulator("demo")
    _, answer = detail(oms)
    environ = environ_of(answer.request)
    call = partial(create_door(oms.worlds)[0], environ, lambda *_: None)
    ours, theirs = (partial(timed, functions, call) for functions in sides())
    ours(), theirs()
    for _ in range(plan.groups * plan.rounds):
        pairs = interleaved(max(1, round(PAIRS * plan.seconds)), ours, theirs)
        yield Round(1000 * median(each.ours - each.theirs for each in pairs), LIMIT)


def timed(functions: list[Any], call: Callable[[], object]) -> float:
    """Milliseconds of one call with these functions in their places; the first calls only find their way."""
    with instead(functions):
        milliseconds(call, CALLS // 2)
        return milliseconds(call, CALLS)
