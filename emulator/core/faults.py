"""The faults that are armed in a world, and how often each was met."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple


@dataclass(slots=True)
class Armed:
    """One fault: what it does, to which calls, and how often it did."""

    id: int
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    operation: str | None = None
    method: str | None = None
    when: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    """How often it disturbs at most."""
    hits: int = 0
    """How many calls it disturbed."""
    met: int = 0
    """How many calls there were that it could have disturbed."""
    seen: dict[str, int] = field(default_factory=dict)
    """For a rate: the same request -> how often it came."""

    def copy(self) -> Armed:
        return replace(self, seen=dict(self.seen))


class Counted(NamedTuple):
    """A call that a fault could have disturbed."""

    fault: Armed
    request: str
    """For a rate: what the fault has `seen`."""


class Faults:
    """Armed faults in the order in which they were armed; copies share nothing that changes."""

    def __init__(self, armed: Iterable[Armed] = (), next_id: int = 1) -> None:
        self.armed = tuple(armed)
        self.next_id = next_id
        self.lock = threading.Lock()

    def add(self, fault: Armed) -> None:
        with self.lock:
            self.armed = (*self.armed, fault)
            self.next_id = max(self.next_id, fault.id + 1)

    def remove(self, id_: int) -> bool:
        """Disarm one; tell whether it was armed."""
        with self.lock:
            before = self.armed
            self.armed = tuple(fault for fault in before if fault.id != id_)
            return len(self.armed) < len(before)

    def clear(self) -> None:
        with self.lock:
            self.armed = ()

    def copy(self) -> Faults:
        with self.lock:
            return Faults((fault.copy() for fault in self.armed), self.next_id)
