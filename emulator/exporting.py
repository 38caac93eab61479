"""A world as a scenario file: what it started from, and the steps that made it what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from emulator.core.refusals import Conflict
from emulator.core.world import World
from emulator.rules.arming import kept_document
from emulator.rules.scenarios import as_text, document_of


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
    document = document_of(world.settings.source) | {"now": as_text(now)}
    document |= {"faults": faults} if faults else {}
    document |= {"calls": calls} if calls else {}
    return document | {"steps": [json.loads(line) for line in lines]}


def as_file(document: Mapping[str, Any]) -> bytes:
    """Give the text of a scenario file: one line for each step, so that versions compare line by line."""
    head = {key: value for key, value in document.items() if key != "steps"}
    text = orjson.dumps(head, option=orjson.OPT_INDENT_2)
    steps = [as_line(step) for step in document.get("steps", ())]
    listed = b"[\n    " + b",\n    ".join(steps) + b"\n  ]" if steps else b"[]"
    return text[:-2] + b',\n  "steps": ' + listed + b"\n}\n"


def as_line(step: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(step)
    except TypeError:  # a number beyond 64 bits, or half a surrogate pair: legal in what a client sends
        return json.dumps(step).encode()
