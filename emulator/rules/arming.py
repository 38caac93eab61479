"""Arms faults, and finds those that a call triggers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.core.faults import ArmedFault, Counted, Faults
from emulator.core.records import State
from emulator.core.refusals import InvalidDocument
from emulator.core.seeded_random import draw, u32
from emulator.core.store import View
from emulator.core.world import World
from emulator.rules.arranging.states import ALIASES, PACKAGE, TRANSFER, names_of
from emulator.rules.faults import FaultTarget, checked_options

FACES = 2**32
WHEN = ("nth", "token", "state", "after", "rate")
TABLED = ("operation", "method", "times")


def arm_fault(faults: Faults, view: View, document: Mapping[str, Any], operations: Collection[str]) -> ArmedFault:
    """Arm the fault that a document (valid by its schema) describes.

    Raise `InvalidDocument` for an unknown kind, option, operation, token or state. The error lists the known ones.
    """
    operation = document.get("operation")
    if operation is not None and operation not in operations:
        raise InvalidDocument(f"unknown operation {operation!r}", sorted(operations))
    options = checked_options(document["kind"], document.get("options", {}))
    when = {name: value for name, value in (document.get("when") or {}).items() if value is not None}
    if "state" in when:
        resolve_states(view, when["state"])
    if isinstance(when.get("after"), str):
        parse_time(when["after"])
    if any(fault.id == document.get("id") for fault in faults.armed):
        raise InvalidDocument(f"fault {document['id']} is already armed; omit the id, or use another one")
    times = document.get("times")
    complete = {
        "id": faults.next_id,
        **document,
        "options": options,
        "when": when,
        "times": 1 if times is None and "nth" in when else times,
    }
    fault = fault_from_document(complete)
    faults.add(fault)
    return fault


def fault_from_document(document: Mapping[str, Any]) -> ArmedFault:
    """Return the fault of a document that `kept_document` made."""
    return ArmedFault(
        id=document["id"],
        kind=document["kind"],
        options=document.get("options", {}),
        operation=document.get("operation"),
        method=document.get("method"),
        when=document.get("when", {}),
        times=document.get("times"),
        hits=document.get("hits", 0),
        met=document.get("met", 0),
        seen=dict(document.get("seen", {})),
    )


def fault_document(fault: ArmedFault) -> dict[str, Any]:
    """Return the document of a fault in the control API."""
    return {
        "id": fault.id,
        "kind": fault.kind,
        "operation": fault.operation,
        "method": fault.method,
        "options": dict(fault.options),
        "when": dict(fault.when),
        "times": fault.times,
        "hits": fault.hits,
    }


def fault_scenario_document(fault: ArmedFault) -> dict[str, Any]:
    """Return the document of a fault in scenario files: with its counts, and without empty keys."""
    counts = {"met": fault.met, "seen": fault.seen}
    return {key: value for key, value in (fault_document(fault) | counts).items() if value not in (None, {}, 0)}


def triggered_faults(world: World, call: FaultTarget) -> list[ArmedFault]:
    """Return the faults that this call triggers, in the order of their arming. Count the call in each match."""
    faults, request = world.faults, request_key(call)
    with faults.lock:
        concerned = [fault for fault in faults.armed if is_candidate(fault, call, world)]
        found = [fault for fault in concerned if count_and_trigger(fault, request, world)]
    world.save_fault_counts(faults, [Counted(fault, request) for fault in concerned])
    return found


def is_candidate(fault: ArmedFault, call: FaultTarget, world: World) -> bool:
    """Return whether a fault matches this call."""
    when = fault.when
    return (
        fault.operation in (None, call.operation)
        and fault.method in (None, call.method)
        and when.get("token") in (None, call.token)
        and ("state" not in when or call.state in resolve_states(world.root, when["state"]))
        and not (isinstance(when.get("after"), str) and world.clock.now() < parse_time(when["after"]))
    )


def count_and_trigger(fault: ArmedFault, request: str, world: World) -> bool:
    """Count a call that a fault matches, and return whether it triggers the fault."""
    fault.met += 1
    after = fault.when.get("after")
    if fault.times is not None and fault.hits >= fault.times:
        return False
    if fault.met < fault.when.get("nth", 1) or (isinstance(after, int) and fault.met <= after):
        return False
    if "rate" in fault.when and not draw_probability(fault, request, world.settings.seed):
        return False
    fault.hits += 1
    return True


def request_key(call: FaultTarget) -> str:
    """Return a key that is equal for equal requests."""
    return f"{call.method} {call.path}?{call.query}"


def draw_probability(fault: ArmedFault, request: str, seed: int) -> bool:
    """Draw from the world's seed. The draw depends on the request alone, not on other requests between."""
    fault.seen[request] = fault.seen.get(request, 0) + 1
    draws = draw(seed, f"fault {fault.id} {request}", fault.seen[request])
    return u32(draws, 0) < float(fault.when["rate"]) * FACES


def resolve_states(view: View, name_or_id: str | int) -> frozenset[int]:
    """Return the ids of the states of packages and transfer orders that a name, an enum value or an id denotes."""
    states = [state for state in view.all(State) if state.enum_class in (PACKAGE, TRANSFER)]
    text = str(name_or_id).strip().casefold()
    value = ALIASES.get(text, text)
    found = [state.id for state in states if value in (state.enum_value, str(state.id)) or text in names_of(state)]
    if not found:
        raise InvalidDocument(f"unknown state {name_or_id!r}", [state.name for state in states])
    return frozenset(found)


def parse_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidDocument(f"after: {text!r} is not a date and time: {error}") from None
    return at.replace(tzinfo=at.tzinfo or UTC)
