"""What a world is beside its records and its steps: its clock, its counters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, cast

import orjson

from emulator.core.sources import CLOCK_MODES, ClockMode
from emulator.core.world import World


class Now(NamedTuple):
    """A world's clock, the number of its next request, and its throttled callers."""

    mode: ClockMode
    now: datetime
    requests: int
    calls: Mapping[str, list[datetime]]

    def text(self) -> str:
        return orjson.dumps(self._asdict()).decode()

    @classmethod
    def of(cls, text: str) -> Now:
        """Give what a text says. `ValueError`, `KeyError` or `TypeError` for one that is none."""
        found = orjson.loads(text)
        if found["mode"] not in CLOCK_MODES:
            raise ValueError(f"unknown clock {found['mode']!r}")
        calls = {caller: [datetime.fromisoformat(at) for at in times] for caller, times in found["calls"].items()}
        mode = cast("ClockMode", found["mode"])
        return cls(mode, datetime.fromisoformat(found["now"]), int(found["requests"]), calls)

    def put(self, world: World) -> None:
        """Let a world be so."""
        world.clock.become(self.mode, self.now)
        world.count_requests_from(self.requests)
        world.calls = {caller: list(times) for caller, times in self.calls.items()}


def now_of(world: World) -> Now:
    """Give what a world is, for whoever has its lock."""
    calls = {caller: list(times) for caller, times in tuple(world.calls.items())}
    return Now(world.clock.mode, world.clock.now(), world.next_request, calls)
