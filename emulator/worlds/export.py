"""Export of a world as a scenario file: what it started from, and the steps that were made since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from emulator.core import json_text
from emulator.core.errors import Conflict
from emulator.domain.fault_rules import fault_scenario_document
from emulator.domain.scenario_files import scenario_document, with_installation
from emulator.state.clock import format_time
from emulator.state.counters import CallTimes
from emulator.state.faults import ArmedFault
from emulator.state.scenario import Scenario
from emulator.state.world import World


def export_world(world: World) -> dict[str, Any]:
    """Return a scenario document. A world that starts from it is equal to this one, byte for byte.

    Raise `Conflict` for a world with writes that are not in the step log.
    """
    with world.lock:
        if not world.steps.is_replayable:
            raise Conflict(f"world {world.name} was changed by other means than calls, so no steps tell how")
        lines, state = list(world.steps), world.state()
        faults = world.faults.copy().armed
    start = with_installation(world.settings.source.with_traffic(*state.rate), world.settings.embedded_installation)
    return build_export(start, lines, state.now, faults, state.calls)


def build_export(
    start: Scenario, lines: Iterable[bytes], now: datetime, faults: Iterable[ArmedFault], calls: CallTimes
) -> dict[str, Any]:
    """Return the scenario document of a world that started from a scenario and made these steps until now.

    `faults` are the armed ones, and `calls` are the throttle windows.
    """
    as_now = {
        "now": format_time(now),
        "faults": [fault_scenario_document(fault) for fault in faults],
        "calls": {caller: list(map(format_time, times)) for caller, times in calls.items()},
    }
    steps = [json_text.load_json(line) for line in lines]
    return scenario_document(start) | {key: value for key, value in as_now.items() if value} | {"steps": steps}


def encode_scenario_file(document: Mapping[str, Any]) -> bytes:
    """Return the text of a scenario file, with one line per key and per step, so that versions compare by lines."""
    lines = [b"%s: %s" % (json_text.dump_json(key), encode_value(value)) for key, value in document.items()]
    return b"{\n  %s\n}\n" % b",\n  ".join(lines)


def encode_value(value: Any) -> bytes:
    """Return the text of a value. A list has one line per item."""
    if not isinstance(value, list) or not value:
        return json_text.dump_json(value)
    return b"[\n    %s\n  ]" % b",\n    ".join(map(json_text.dump_json, value))
