"""The JSON text of a world's state and of its armed faults."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

import orjson

from emulator.core.clock import CLOCK_MODES, ClockMode
from emulator.core.faults import ArmedFault
from emulator.core.schedule import TrafficRate
from emulator.core.snapshots import WorldState
from emulator.rules.arming import fault_from_document, fault_scenario_document


def state_text(state: WorldState) -> str:
    """Return the text of a state."""
    document = {
        "mode": state.mode,
        "now": state.now,
        "requests": state.next_request,
        "calls": state.calls,
        "speed": state.speed,
        "pace": list(state.rate),
        "next_fault": state.next_fault,
    }
    return orjson.dumps(document).decode()


def parse_state(text: str) -> WorldState:
    """Parse the text of a state. Raise `ValueError`, `KeyError` or `TypeError` if it is not valid."""
    found = orjson.loads(text)
    if found["mode"] not in CLOCK_MODES:
        raise ValueError(f"unknown clock {found['mode']!r}")
    return WorldState(
        mode=cast("ClockMode", found["mode"]),
        now=datetime.fromisoformat(found["now"]),
        speed=float(found["speed"]),
        rate=TrafficRate(*found["pace"]),
        calls={caller: [datetime.fromisoformat(at) for at in times] for caller, times in found["calls"].items()},
        next_request=int(found["requests"]),
        next_fault=int(found["next_fault"]),
    )


def faults_text(faults: Iterable[ArmedFault]) -> str:
    """Return the text of armed faults with their counts."""
    return orjson.dumps([fault_scenario_document(fault) for fault in faults]).decode()


def parse_faults(text: str) -> list[ArmedFault]:
    """Parse armed faults. Raise `ValueError`, `KeyError` or `TypeError` if the text is not valid."""
    return [fault_from_document(document) for document in orjson.loads(text)]


def counts_text(fault: ArmedFault) -> str:
    """Return the text of one fault without the requests that it has seen, which are stored one by one."""
    return orjson.dumps(fault_scenario_document(fault) | {"seen": {}}).decode()
