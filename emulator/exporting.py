"""A world as a scenario file: what it started from, and the steps that made it what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from emulator.core import jsontext
from emulator.core.faults import Armed
from emulator.core.refusals import Conflict
from emulator.core.world import World
from emulator.rules.arming import kept_document
from emulator.rules.scenarios import Scenario, as_text, document_of

Calls = Mapping[str, Sequence[datetime]]


def exported(world: World) -> dict[str, Any]:
    """Give the scenario document of a world; a world made from it is the same, byte for byte.

    `Conflict` for a world that was written to in a way that no call made: its steps do not tell.
    """
    with world.lock:
        if not world.whole:
            raise Conflict(f"world {world.name} was changed by other means than calls, so no steps tell how")
        lines, now = list(world.steps), world.clock.now()
        start = world.settings.source.lively(*world.pace).on(world.settings.brought)
        faults = world.faults.copy().armed
        calls = {caller: list(times) for caller, times in world.calls.items()}
    return document_with(start, lines, now, faults, calls)


def document_with(
    start: Scenario, lines: Iterable[bytes], now: datetime, faults: Iterable[Armed], calls: Calls
) -> dict[str, Any]:
    """Give the scenario document of a world that started from a scenario, and did these steps until now.

    The faults are armed in it now, and the limited tokens called at these times.
    """
    as_now = {
        "now": as_text(now),
        "faults": [kept_document(fault) for fault in faults],
        "calls": {caller: list(map(as_text, times)) for caller, times in calls.items()},
    }
    steps = [jsontext.read(line) for line in lines]
    return document_of(start) | {key: value for key, value in as_now.items() if value} | {"steps": steps}


def as_file(document: Mapping[str, Any]) -> bytes:
    """Give the text of a scenario file: a line for each key, and for each step, so that versions compare by lines."""
    lines = [b"%s: %s" % (jsontext.written(key), listed(value)) for key, value in document.items()]
    return b"{\n  %s\n}\n" % b",\n  ".join(lines)


def listed(value: Any) -> bytes:
    """Give a value's text: a list's with a line for each of its entries."""
    if not isinstance(value, list) or not value:
        return jsontext.written(value)
    return b"[\n    %s\n  ]" % b",\n    ".join(map(jsontext.written, value))
