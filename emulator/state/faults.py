"""The armed faults of a world, with their counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonValue

OVERTAKEN = "overtaken"
"""Kind of the fault by which another actor changes the record before the call. It does not change the response."""


@dataclass(slots=True)
class ArmedFault:
    """A fault, the calls that it applies to, and its counts."""

    id: int
    kind: str
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    operation: str | None = None
    method: str | None = None
    when: Mapping[str, JsonValue] = field(default_factory=dict)
    times: int | None = None
    """Maximum number of calls that it changes."""
    hits: int = 0
    """Number of calls that it changed."""
    matches: int = 0
    """Number of calls that it matched."""
    request_counts: dict[str, int] = field(default_factory=dict)
    """For a rate: request -> number of times that it was received."""
    readers: set[str] = field(default_factory=set)
    """For `read`: the clients and records that were read and not written since. It is not stored."""
    action: Callable[[], object] | None = None
    """For an overtaken call: what the other actor does, as Python code. A fault with an action is not stored."""

    def copy(self) -> ArmedFault:
        return replace(self, request_counts=dict(self.request_counts), readers=set(self.readers))


class FaultMatch(NamedTuple):
    """A call that a fault matched."""

    fault: ArmedFault
    request: str
    """For a rate: the key in `ArmedFault.request_counts`."""


class Faults:
    """The armed faults in the order of their ids. Copies share nothing that changes."""

    def __init__(self, armed: Iterable[ArmedFault] = (), next_id: int = 1) -> None:
        self.armed = tuple(armed)
        self.next_id = next_id
        self.lock = threading.Lock()

    def add(self, build: Callable[[int], ArmedFault]) -> ArmedFault:
        """Arm the fault that `build` returns for the next id. Raise `InvalidDocument` if it has the id of another."""
        with self.lock:
            fault = build(self.next_id)
            if any(other.id == fault.id for other in self.armed):
                raise InvalidDocument(f"fault {fault.id} is already armed; omit the id, or use another one")
            self.armed = (*self.armed, fault)
            self.next_id = max(self.next_id, fault.id + 1)
        return fault

    def remove(self, id_: int) -> bool:
        """Disarm a fault. Return whether it was armed."""
        with self.lock:
            count = len(self.armed)
            self.armed = tuple(fault for fault in self.armed if fault.id != id_)
            return len(self.armed) < count

    def clear(self) -> None:
        with self.lock:
            self.armed = ()

    def copy(self, *, with_actions: bool = False) -> Faults:
        """Return a copy that can be stored, or also the faults whose action is Python code."""
        with self.lock:
            armed = [fault.copy() for fault in self.armed if with_actions or fault.action is None]
            return Faults(armed, self.next_id)
