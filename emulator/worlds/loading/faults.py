"""Arming and disarming of a world's faults, by document or from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack, cast

from emulator.api.control.operations import validated_document
from emulator.api.routes import ROUTES
from emulator.core.errors import InvalidDocument, UnknownRecord
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Transition
from emulator.domain.fault_rules import (
    CONDITION_KEYS,
    FAULT_KINDS,
    fault_document,
    fault_from_document,
    parse_time,
    resolve_state_ids,
    validate_options,
)
from emulator.state.clock import format_time
from emulator.state.faults import ArmedFault, Faults
from emulator.state.store import Reader
from emulator.state.world import World

if TYPE_CHECKING:
    from emulator.api_types import Fault, FaultKindName, FaultOptions, Operation, PackageState, Role, TransferState

OPERATIONS = frozenset(route.operation for route in ROUTES)


def arm_fault(
    faults: Faults, view: Reader, document: JsonObject, action: Callable[[], object] | None = None
) -> ArmedFault:
    """Arm the fault that a document (valid by its schema) describes, with an action if it is an overtaken call.

    Raise `InvalidDocument` for an unknown kind, option, operation, token or state. The error lists the known ones.
    """
    when = {name: value for name, value in (document.get("when") or {}).items() if value is not None}
    for operation in (document.get("operation"), when.get("read")):
        if operation is not None and operation not in OPERATIONS:
            raise InvalidDocument(f"unknown operation {operation!r}", sorted(OPERATIONS), operation)
    options = validate_options(document["kind"], document.get("options", {}))
    if "state" in when:
        resolve_state_ids(view, when["state"])
    if (transition := options.get("transition")) is not None and view.get(Transition, transition) is None:
        raise InvalidDocument(f"unknown transition {transition}", sorted(view.ids(Transition)), transition)
    if isinstance(when.get("after"), str):
        parse_time(when["after"])
    times = document.get("times") or (1 if "nth" in when else None)
    checked = {**document, "options": options, "when": when, "times": times}
    return faults.add(lambda id_: replace(fault_from_document({"id": id_, **checked}), action=action))


def arm_from_document(world: World, document: JsonValue, action: Callable[[], object] | None = None) -> ArmedFault:
    """Arm the fault that a client's document describes. Raise `InvalidDocument` if it is not valid."""
    valid = validated_document("fault-wanted", document)
    world.check_fault(valid["kind"])
    fault = arm_fault(world.faults, world.records, valid, action)
    world.save_faults()
    return fault


def disarm_fault(world: World, id_: int) -> None:
    """Disarm one fault. Raise `UnknownRecord` if no fault has this id."""
    if not world.faults.remove(id_):
        raise UnknownRecord.among(f"no fault {id_} is armed", [fault.id for fault in world.faults.armed])
    world.save_faults()


def disarm_all_faults(world: World) -> None:
    world.faults.clear()
    world.save_faults()


class WorldFaults:
    """The faults of the current world of an emulator."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def add(  # noqa: PLR0913 - the triggers of a fault, by keyword
        self,
        operation: Operation | None = None,
        kind: FaultKindName | None = None,
        *,
        method: str | None = None,
        times: int | None = None,
        nth: int | None = None,
        token: Role | None = None,
        state: PackageState | TransferState | int | None = None,
        after: int | datetime | str | None = None,
        rate: float | None = None,
        read: Operation | None = None,
        **options: Unpack[FaultOptions],
    ) -> Fault:
        """Arm a fault for an operation, or for every call, and return its document with its id.

        Without a kind, the first option names it: `status=503`, or `delay=2` (seconds). The fault is triggered from
        the `nth` call on (once, unless `times` is given), for a `token`, in a `state`, `after` a number of calls or a
        time, at a `rate` that is drawn from the world's seed, or after the same client called the operation `read`
        for the same record. Raise `ControlError` (a `ValueError`) for unknown values.
        """
        since = format_time(after.astimezone(UTC)) if isinstance(after, datetime) else after
        when = dict(zip(CONDITION_KEYS, (nth, token, state, since, rate, read), strict=True))
        check_keywords(kind, options)
        name, rest = (kind, options) if kind is not None else implied_kind(options)
        document = {"kind": name, "operation": operation, "method": method, "options": rest, "times": times}
        document["when"] = {name: value for name, value in when.items() if value is not None}
        armed = arm_from_document(self._world(), {k: v for k, v in document.items() if v is not None})
        return cast("Fault", fault_document(armed))

    def list(self) -> list[Fault]:
        return [cast("Fault", fault_document(fault)) for fault in self._world().faults.copy(with_actions=True).armed]

    def remove(self, id_: int) -> None:
        """Disarm one fault. Raise `ControlError` if no fault has this id."""
        disarm_fault(self._world(), id_)

    def clear(self) -> None:
        disarm_all_faults(self._world())

    def assert_used(self) -> None:
        """Raise an `AssertionError` that names the armed faults that no call triggered."""
        armed = self._world().faults.copy(with_actions=True).armed
        unused = [describe_fault(fault) for fault in armed if not fault.hits]
        if unused:
            raise AssertionError(f"armed, but triggered by no call: {'; '.join(unused)}")


class Overtaking:
    """An armed overtaking. As a context manager, it fails if it did not happen, and raises the error of `do`."""

    def __init__(self, world: World, document: JsonObject, do: Callable[[], object]) -> None:
        self._world, self._do = world, do
        self._error: BaseException | None = None
        self._fault = arm_from_document(world, document, self._act)

    def _act(self) -> None:
        try:
            self._do()
        except BaseException as error:
            self._error = error
            raise

    @property
    def count(self) -> int:
        """How often a write was overtaken."""
        return self._fault.hits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.faults.remove(self._fault.id)
        if kind is not None:
            return
        if self._error is not None:
            raise self._error
        if not self.count:
            raise AssertionError(f"no write was overtaken: {describe_fault(self._fault)}")


ADD_KEYWORDS = ("operation", "kind", "method", "times", *CONDITION_KEYS)
"""Keywords of `WorldFaults.add` for a fault of any kind."""
IMPLYING_OPTIONS = ("status", "delay")
"""Keywords of `WorldFaults.add` that imply the kind of the same name."""


def check_keywords(kind: str | None, options: Mapping[str, JsonValue]) -> None:
    """Raise `InvalidDocument` for a keyword that no fault of this kind has. Without a kind, options imply it."""
    implied = [name for name in IMPLYING_OPTIONS if name in options]
    kinds = implied or FAULT_KINDS if kind is None else [kind]
    names = [name for each in kinds if each in FAULT_KINDS for name in FAULT_KINDS[each].options]
    known = list(dict.fromkeys([*(IMPLYING_OPTIONS if kind is None else ()), *names, *ADD_KEYWORDS]))
    for name in options if kind is None or kind in FAULT_KINDS else ():
        if name not in known:
            raise InvalidDocument(f"unknown keyword {name!r} of a fault", known, name)


def implied_kind(options: Mapping[str, JsonValue]) -> tuple[str, Mapping[str, JsonValue]]:
    """Return the kind that the options imply, and the remaining options."""
    if "status" in options:
        return "status", options
    if "delay" in options:
        rest = {name: value for name, value in options.items() if name != "delay"}
        return "delay", {"seconds": options["delay"], **rest}
    raise InvalidDocument("a fault needs a kind, or status=, or delay=", FAULT_KINDS)


def describe_fault(fault: ArmedFault) -> str:
    document = fault_document(fault)
    target = " ".join(filter(None, (fault.method, fault.operation or "every operation")))
    values = [f"{key}={value}" for part in ("options", "when") for key, value in document[part].items()]
    settings = f" with {', '.join(values)}" if values else ""
    return f"fault {fault.id} {fault.kind} on {target}{settings} ({fault.matches} calls)"
