"""Faults of a world, armed by document or from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.core.faults import Armed
from emulator.core.keeping import keep_faults
from emulator.core.refusals import InvalidDocument, UnknownRecord
from emulator.core.world import World
from emulator.handlers.control import checked
from emulator.routes import ROUTES
from emulator.rules import arming
from emulator.rules.arming import WHEN, fault_document
from emulator.rules.faults import FAULTS
from emulator.rules.scenarios import as_text

OPERATIONS = frozenset(route.operation for route in ROUTES)


def arm(world: World, document: Mapping[str, Any]) -> Armed:
    """Arm the fault that a document (valid by its schema) describes; `InvalidDocument` names what is known."""
    return arming.arm(world, document, OPERATIONS)


def arm_asked(world: World, document: Any) -> Armed:
    """Arm the fault that somebody's document describes; `InvalidDocument` says what is wrong with it."""
    fault = arm(world, checked("fault-wanted", document))
    keep_faults(world)
    return fault


def disarm(world: World, id_: int) -> None:
    """Disarm one fault; `UnknownRecord` names the ids that are armed."""
    if not world.faults.remove(id_):
        raise UnknownRecord(f"no fault {id_} is armed", [fault.id for fault in world.faults.armed])
    keep_faults(world)


def disarm_all(world: World) -> None:
    """Disarm all faults."""
    world.faults.clear()
    keep_faults(world)


class WorldFaults:
    """The faults of whatever world an emulator has now."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def add(  # noqa: PLR0913 - the triggers of a fault, by keyword
        self,
        operation: str | None = None,
        kind: str | None = None,
        *,
        method: str | None = None,
        times: int | None = None,
        nth: int | None = None,
        token: str | None = None,
        state: str | int | None = None,
        after: int | datetime | str | None = None,
        rate: float | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Arm a fault for an operation, or for every call; give its document with its id.

        Without a kind, the first option names it: `status=503`, or `delay=2` for seconds. It disturbs from the `nth`
        call on (once, unless `times` says more), for a `token`, in a `state`, `after` so many calls or a time, or at
        a `rate` that the world's dice decide. `ControlError` (a `ValueError`) names what is known.
        """
        since = as_text(after.astimezone(UTC)) if isinstance(after, datetime) else after
        when = dict(zip(WHEN, (nth, token, state, since, rate), strict=True))
        found, taken = (kind, options) if kind is not None else kind_meant(options)
        document = {"kind": found, "operation": operation, "method": method, "options": taken, "times": times}
        document["when"] = {name: value for name, value in when.items() if value is not None}
        return fault_document(arm_asked(self._world(), {k: v for k, v in document.items() if v is not None}))

    def list(self) -> list[dict[str, Any]]:
        """Give the armed faults with their hits."""
        return [fault_document(fault) for fault in self._world().faults.copy().armed]

    def remove(self, id_: int) -> None:
        """Disarm one; `ControlError` if none has this id."""
        disarm(self._world(), id_)

    def clear(self) -> None:
        """Disarm all."""
        disarm_all(self._world())

    def assert_used(self) -> None:
        """Raise an `AssertionError` that names the armed faults that no call met."""
        unused = [told(fault) for fault in self._world().faults.copy().armed if not fault.hits]
        if unused:
            raise AssertionError(f"armed, but met by no call: {'; '.join(unused)}")


def kind_meant(options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Give the kind that the options name, and the options that remain."""
    if "status" in options:
        return "status", dict(options)
    if "delay" in options:
        rest = {name: value for name, value in options.items() if name != "delay"}
        return "delay", {"seconds": options["delay"], **rest}
    raise InvalidDocument("a fault needs a kind, or status=, or delay=", FAULTS)


def told(fault: Armed) -> str:
    """Give a fault in a few words."""
    said = fault_document(fault)
    where = " ".join(filter(None, (fault.method, fault.operation or "every operation")))
    values = [f"{key}={value}" for part in ("options", "when") for key, value in said[part].items()]
    return (
        f"fault {fault.id} {fault.kind} on {where}{' with ' if values else ''}{', '.join(values)} ({fault.met} calls)"
    )
