"""What a world is beside its records and its steps: its clock, its counters, its armed faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, cast

import orjson

from emulator.core.faults import Armed, Faults
from emulator.core.sources import CLOCK_MODES, ClockMode
from emulator.core.world import Moment, Pace, World
from emulator.rules.arming import fault_of, kept_document


class Now(NamedTuple):
    """A world's clock, the numbers of its next request and its next fault, and its throttled callers."""

    mode: ClockMode
    now: datetime
    requests: int
    calls: Mapping[str, list[datetime]]
    speed: float = 1.0
    pace: Pace = Pace()
    next_fault: int = 1

    def text(self) -> str:
        return orjson.dumps(self._asdict() | {"pace": list(self.pace)}).decode()

    @classmethod
    def of(cls, text: str) -> Now:
        """Give what a text says. `ValueError`, `KeyError` or `TypeError` for one that is none."""
        found = orjson.loads(text)
        if found["mode"] not in CLOCK_MODES:
            raise ValueError(f"unknown clock {found['mode']!r}")
        calls = {caller: [datetime.fromisoformat(at) for at in times] for caller, times in found["calls"].items()}
        mode = cast("ClockMode", found["mode"])
        now, requests = datetime.fromisoformat(found["now"]), int(found["requests"])
        speed, pace = float(found["speed"]), Pace(*found["pace"])
        return cls(mode, now, requests, calls, speed, pace, int(found["next_fault"]))

    def put(self, world: World, faults: Iterable[Armed]) -> None:
        """Let a world be so, with these faults."""
        world.clock.become(self.mode, self.now, self.speed)
        world.pace = self.pace
        world.count_requests_from(self.requests)
        world.calls = {caller: list(times) for caller, times in self.calls.items()}
        world.faults = Faults(faults, self.next_fault)


def now_of(world: World) -> Now:
    """Give what a world is, for whoever has its lock."""
    calls = {caller: list(times) for caller, times in tuple(world.calls.items())}
    clock = world.clock
    return Now(clock.mode, clock.now(), world.next_request, calls, clock.speed, world.pace, world.faults.next_id)


def now_at(moment: Moment) -> Now:
    """Give what a world was at a moment."""
    requests, next_fault = moment.requests + 1, moment.faults.next_id
    return Now(moment.mode, moment.now, requests, moment.calls, moment.speed, moment.pace, next_fault)


def faults_text(faults: Iterable[Armed]) -> str:
    """Give the text of armed faults, counts and all."""
    return orjson.dumps([kept_document(fault) for fault in faults]).decode()


def faults_of(text: str) -> list[Armed]:
    """Give the faults of a text. `ValueError`, `KeyError` or `TypeError` for one that is none."""
    return [fault_of(document) for document in orjson.loads(text)]


def counts_text(fault: Armed) -> str:
    """Give the text of one fault without the requests that it has seen, which are kept one by one."""
    return orjson.dumps(kept_document(fault) | {"seen": {}}).decode()
