"""A world as a scenario file: what it started from, and the steps that made it what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from emulator.core import jsontext
from emulator.core.refusals import Conflict
from emulator.core.world import World
from emulator.rules.arming import kept_document
from emulator.rules.scenarios import Scenario, as_text, document_of


def exported(world: World) -> dict[str, Any]:
    """Give the scenario document of a world; a world made from it is the same, byte for byte.

    `Conflict` for a world that was written to in a way that no call made: its steps do not tell.
    """
    with world.lock:
        if not world.whole:
            raise Conflict(f"world {world.name} was changed by other means than calls, so no steps tell how")
        lines, now = list(world.steps), world.clock.now()
        faults = [kept_document(fault) for fault in world.faults.copy().armed]
        calls = {caller: list(map(as_text, times)) for caller, times in world.calls.items()}
    document = document_with(world.settings.source, lines, now)
    steps = document.pop("steps")
    document |= {"faults": faults} if faults else {}
    document |= {"calls": calls} if calls else {}
    return document | {"steps": steps}


def document_with(start: Scenario, lines: Iterable[bytes], now: datetime) -> dict[str, Any]:
    """Give the scenario document of a world that started from a scenario, and did these steps until now."""
    return document_of(start) | {"now": as_text(now), "steps": [jsontext.read(line) for line in lines]}


def as_file(document: Mapping[str, Any]) -> bytes:
    """Give the text of a scenario file: a line for each key, and for each step, so that versions compare by lines."""
    lines = [b"%s: %s" % (jsontext.written(key), listed(value)) for key, value in document.items()]
    return b"{\n  %s\n}\n" % b",\n  ".join(lines)


def listed(value: Any) -> bytes:
    """Give a value's text: a list's with a line for each of its entries."""
    if not isinstance(value, list) or not value:
        return jsontext.written(value)
    return b"[\n    %s\n  ]" % b",\n    ".join(map(jsontext.written, value))
