"""Fault sweeps: run a test once for each call that it makes and each kind of fault, and judge what happens.

`emulator/client/reruns.py` runs the tests of pytest, `emulator/cli/reruns.py` any other command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import orjson

from emulator.core.call import Reply
from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonObject
from emulator.coverage.report import json_lines
from emulator.web.app import EmulatorApp
from emulator.web.authentication import SAFE_METHODS
from emulator.web.context import Environ, RequestContext
from emulator.web.fault_injection import (
    DETACH,
    STREAM,
    FaultSpec,
    SendAction,
    Wait,
    apply_faults,
    build_fault_target,
)

SWEEP_VARIABLE = "OMS_SWEEP"
"""Environment variable with the path of the sweep file, for the pytest plugin."""
HANG_SECONDS = 30.0
"""A client that waits for a response for this long is considered hung."""
ALL_KINDS = "each"
FAULTS: Mapping[str, FaultSpec] = {
    "status-500": FaultSpec("status", {"status": 500, "body": "html"}),
    "status-503": FaultSpec("status", {"status": 503}),
    "status-429": FaultSpec("status", {"status": 429, "retry_after": 0}),
    "delay": FaultSpec("delay", {}),
    "reset": FaultSpec("reset", {}),
    "lost_request": FaultSpec("lost_request", {}),
    "lost_response": FaultSpec("lost_response", {}),
    "truncated": FaultSpec("truncated", {}),
    "malformed": FaultSpec("malformed", {}),
    "drip": FaultSpec("drip", {"seconds": 0.2}),
}
"""Column of the grid -> fault. The delay lasts until the client counts as hung."""
Outcome = Literal["survived", "failed cleanly", "hung", "wrote twice", "lost a write", "not reached"]
FINDINGS: tuple[Outcome, ...] = ("hung", "wrote twice", "lost a write")
CELLS: Mapping[Outcome, str] = {
    "survived": "ok",
    "failed cleanly": "fails",
    "hung": "HUNG",
    "wrote twice": "TWICE",
    "lost a write": "LOST",
    "not reached": "-",
}
LEGEND = (
    "ok: survived; fails: failed cleanly; HUNG: waited without a timeout; TWICE: a write was made twice; "
    "LOST: passed although a write is missing; -: the call was not made"
)
Write: TypeAlias = tuple[str, str, bytes]
"""Method, path and body."""


class SweptCall(NamedTuple):
    """A call of a test. The number counts its calls with the same method and path."""

    method: str
    path: str
    number: int

    def describe(self) -> str:
        return f"{self.method} {self.path}" + ("" if self.number == 1 else f" ({self.number})")


class SweepSettings(NamedTuple):
    """What to sweep with."""

    kinds: Sequence[str] = tuple(FAULTS)
    hang_after: float = HANG_SECONDS


def select_kinds(names: Sequence[str]) -> list[str]:
    """Return the kinds of these names. `each` selects all. Raise `InvalidDocument` for an unknown name."""
    for name in names:
        if name not in (ALL_KINDS, *FAULTS):
            raise InvalidDocument(f"unknown kind of fault {name!r}", (ALL_KINDS, *FAULTS), name)
    return [kind for kind in FAULTS if not names or ALL_KINDS in names or kind in names]


class Sweeper:
    """Counts the calls and writes of one run, and injects one fault."""

    def __init__(self, target: SweptCall | None = None, fault: FaultSpec | None = None) -> None:
        """Without a target, only count."""
        self.calls: list[SweptCall] = []
        self.writes: Counter[Write] = Counter()
        """The writes that were made, whatever response arrived."""
        self.has_hung = False
        self._target, self._fault = target, fault
        self._numbers: Counter[tuple[str, str]] = Counter()

    def respond(self, context: RequestContext, proceed: Callable[[RequestContext], Reply]) -> Reply:
        self._numbers[context.method, context.path] += 1
        call = SweptCall(context.method, context.path, self._numbers[context.method, context.path])
        self.calls.append(call)
        if call != self._target or self._fault is None:
            return self._run(context, proceed)
        if self._fault.kind == "delay":
            self._watch_wait(context.environ)
        run = partial(self._run, context, proceed)
        return apply_faults(context, build_fault_target(context), [self._fault], run)

    def _run(self, context: RequestContext, proceed: Callable[[RequestContext], Reply]) -> Reply:
        reply = proceed(context)
        if context.method not in SAFE_METHODS and reply.status < 300:
            self.writes[context.method, context.path, context.body_bytes] += 1
        return reply

    def _watch_wait(self, environ: Environ) -> None:
        """Notice if the client is still connected when the wait is over."""
        detach = environ.get(STREAM, environ.get(DETACH))
        if detach is not None:
            environ[DETACH] = lambda actions: detach(self._watched(actions))

    def _watched(self, actions: Iterator[SendAction]) -> Iterator[SendAction]:
        for action in actions:
            yield action
            self.has_hung = self.has_hung or isinstance(action, Wait)

    def outcome(self, baseline: Sweeper, *, has_passed: bool) -> Outcome:
        """Judge a run by its writes, compared with those of the run without a fault."""
        if self._target not in self.calls:
            return "not reached"
        if self.has_hung:
            return "hung"
        if any(count > baseline.writes[write] > 0 for write, count in self.writes.items()):
            return "wrote twice"
        if not has_passed:
            return "failed cleanly"
        return "lost a write" if baseline.writes - self.writes else "survived"


@contextmanager
def sweeping(sweeper: Sweeper) -> Iterator[None]:
    """Pass the requests to all emulators of the process to the sweeper, inside the block."""
    EmulatorApp.interceptor = sweeper
    try:
        yield
    finally:
        EmulatorApp.interceptor = None


class Grid(NamedTuple):
    """The outcomes of a test: one row for each call, one column for each kind of fault."""

    test: str
    kinds: Sequence[str]
    rows: Mapping[SweptCall, Sequence[Outcome]]

    @property
    def findings(self) -> list[str]:
        """Describe the outcomes that harm: call, fault and outcome."""
        return [
            f"{call.describe()}, {kind}: {outcome}"
            for call, outcomes in self.rows.items()
            for kind, outcome in zip(self.kinds, outcomes, strict=True)
            if outcome in FINDINGS
        ]

    def as_document(self) -> JsonObject:
        rows = [{"call": list(call), "outcomes": list(outcomes)} for call, outcomes in self.rows.items()]
        return {"test": self.test, "kinds": list(self.kinds), "rows": rows, "findings": self.findings}

    @classmethod
    def from_document(cls, document: JsonObject) -> Grid:
        rows = {SweptCall(*row["call"]): row["outcomes"] for row in document["rows"]}
        return cls(document["test"], document["kinds"], rows)

    def as_text(self) -> str:
        """Return the grid as lines of text."""
        names = {call: call.describe() for call in self.rows}
        width = max(map(len, names.values()), default=0)
        lines = [self.test, f"  {'':{width}}  {'  '.join(self.kinds)}"]
        for call, outcomes in self.rows.items():
            cells = (f"{CELLS[each]:{len(kind)}}" for kind, each in zip(self.kinds, outcomes, strict=True))
            lines.append(f"  {names[call]:{width}}  {'  '.join(cells)}".rstrip())
        return "\n".join(lines)


def sweep(test: str, baseline: Sweeper, settings: SweepSettings, run: Callable[[Sweeper], bool]) -> Grid:
    """Run a test for each of its calls and each kind. `run` returns whether it passes."""
    faults = {kind: FAULTS[kind] for kind in settings.kinds}
    if "delay" in faults:
        faults["delay"] = FaultSpec("delay", {"seconds": settings.hang_after})
    rows: dict[SweptCall, list[Outcome]] = {}
    for call in baseline.calls:
        rows[call] = []
        for fault in faults.values():
            sweeper = Sweeper(call, fault)
            rows[call].append(sweeper.outcome(baseline, has_passed=run(sweeper)))
    return Grid(test, settings.kinds, rows)


# Reports and the file between `sweep` and the pytest plugin


def summary(grids: Sequence[Grid]) -> str:
    """Return the result in one line, without a full stop."""
    cells = [outcome for grid in grids for outcomes in grid.rows.values() for outcome in outcomes]
    counts = Counter(cells)
    harm = ", ".join(f"{counts[outcome]} {outcome}" for outcome in FINDINGS)
    return f"{len(cells)} runs with a fault in {len(grids)} tests: {harm}"


def render(grids: Sequence[Grid], form: str) -> str:
    """Return the report as text or JSON."""
    if form == "json":
        return json_lines({"summary": summary(grids), "grids": [grid.as_document() for grid in grids]}).decode()
    return "\n\n".join([*(grid.as_text() for grid in grids), LEGEND, summary(grids)])


def write_settings(path: Path, settings: SweepSettings) -> None:
    path.write_bytes(orjson.dumps(settings._asdict(), option=orjson.OPT_APPEND_NEWLINE))


def read_settings(path: Path) -> SweepSettings:
    return SweepSettings(**orjson.loads(path.read_bytes().splitlines()[0]))


def add_grid(path: Path, grid: Grid) -> None:
    with path.open("ab") as file:
        file.write(orjson.dumps(grid.as_document(), option=orjson.OPT_APPEND_NEWLINE))


def read_grids(path: Path) -> list[Grid]:
    return [Grid.from_document(orjson.loads(line)) for line in path.read_bytes().splitlines()[1:]]
