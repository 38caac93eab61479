"""The registry of a server's worlds: finds, creates, replaces and deletes them, and closes idle ones."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.api.serializers.events import record_events
from emulator.core.errors import Conflict, InvalidDocument, PersistError, UnknownRecord
from emulator.state.clock import ClockMode, machine_seconds
from emulator.state.outbox import Receiver
from emulator.state.persistence import COMMITTED, CommitToken, Persistence, Snapshots, WorldSnapshot
from emulator.state.scenario import Scenario, Settings
from emulator.state.world import World, WorldServices
from emulator.worlds.loading.scenarios import settings_of, starting_snapshot

if TYPE_CHECKING:
    from emulator.worlds.sqlite.state_file import StateFile

DEFAULT_WORLD = "default"
NAME_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,100}")
MAX_WORLDS = 1_000
IDLE_SECONDS = 3_600.0
MAX_IDLE_NAMES = 1_000
"""Maximum number of names of closed idle worlds to remember, for the error of later calls."""


class UnknownWorld(UnknownRecord):
    """No such world on this server."""


@dataclass(slots=True)
class Slot:
    """A name of the registry. A reset puts another world into the slot."""

    world: World
    last_used: float


class WorldRegistry:
    """Worlds by name. New ones start from `scenario`, with a clock in mode `clock`.

    With a `storage`, a new world is visible only after it is stored.
    """

    def __init__(  # noqa: PLR0913 - options by keyword
        self,
        scenario: Scenario,
        clock: ClockMode,
        *,
        strict: bool = False,
        limit: int = MAX_WORLDS,
        idle_seconds: float = IDLE_SECONDS,
        services: WorldServices | None = None,
        storage: StateFile | None = None,
    ) -> None:
        self.scenario, self.clock, self.strict = scenario, clock, strict
        self.limit, self.idle_seconds = limit, idle_seconds
        self._services = WorldServices(record_events) if services is None else services
        self._storage = storage
        self.metrics = self._services.metrics
        self._slots: dict[str, Slot] = {}
        self._pending: dict[str, object] = {}
        """Name -> the latest creation or deletion of its world that is not stored yet."""
        self._idle_names: dict[str, None] = {}
        self._last_idle_check = machine_seconds()
        self._lock = threading.RLock()
        for world in () if storage is None else storage.stored_worlds:
            self._slots[world.name] = Slot(world, machine_seconds())
            world.schedule.reschedule()
        if DEFAULT_WORLD not in self:
            self.create(DEFAULT_WORLD, scenario)

    def get(self, name: str, *, using: bool = True, now: float | None = None) -> World:
        """Return a world by name. Raise `UnknownWorld` if there is none.

        `using` it keeps it from becoming idle. `now` is the time of `machine_seconds`, if the caller knows it.
        """
        slot = self._slots.get(name)
        if slot is None:
            raise self._unknown_world(name)
        if using:
            slot.last_used = machine_seconds() if now is None else now
        return slot.world

    def _unknown_world(self, name: str) -> UnknownWorld:
        if name in self._idle_names:
            return UnknownWorld(f"world {name!r} was closed after {self.idle_seconds:g} seconds without a call", self)
        return UnknownWorld(f"no world is named {name!r}; make it with PUT /__admin/worlds/{name}", self)

    def __contains__(self, name: str) -> bool:
        return name in self._slots

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._slots))

    def __len__(self) -> int:
        return len(self._slots)

    def all(self) -> list[World]:
        """Return all worlds, the oldest first."""
        return [slot.world for slot in tuple(self._slots.values())]

    def create(self, name: str, scenario: Scenario | None = None, clock: ClockMode | None = None) -> World:
        """Create a world from a scenario, replacing one of its name."""
        scenario = scenario or self.scenario
        start = starting_snapshot(scenario, clock or self.clock)
        return self._add(name, settings_of(scenario), start, strict=self.strict)

    def branch(self, name: str, origin: World, snapshot: WorldSnapshot | None = None) -> World:
        """Create a world that continues from the present state of another one, or from one of its snapshots.

        It has the same in-process receivers.
        """
        receivers = origin.outbox.receivers
        return self._add(
            name, origin.settings, snapshot or origin.snapshot(), strict=origin.strict, receivers=receivers
        )

    def reset(self, name: str) -> World:
        """Replace a world by one that starts from the same scenario and has the same snapshots."""
        before = self.get(name)
        start = starting_snapshot(before.settings.source, self.clock)
        return self._add(name, before.settings, start, strict=self.strict, snapshots=Snapshots(before.snapshots))

    def replace_scenario(self, scenario: Scenario) -> None:
        """Start all worlds that started from the registry's scenario again, from another scenario.

        Raise `ValueError` for one that cannot be used. All worlds then stay as they are.
        """
        starting_snapshot(scenario, self.clock)
        before, self.scenario = self.scenario, scenario
        for world in self.all():
            if world.settings.source == before:
                self.create(world.name)

    def mount(self, name: str, slot: Slot) -> None:
        """Add a slot of another server. A reset on either server is visible on both."""
        with self._lock:
            self._make_room(name)
            self._slots[name] = slot

    def unmount(self, name: str) -> None:
        """Remove a slot without closing its world."""
        with self._lock:
            self._slots.pop(name, None)

    def slot(self, name: str) -> Slot:
        """Return the slot of a world, to mount it on another server."""
        return self._slots[name]

    def delete(self, name: str) -> None:
        """Close a world. Raise `UnknownWorld` if there is none, and `InvalidDocument` for the default world."""
        if name == DEFAULT_WORLD:
            raise InvalidDocument(f"world {DEFAULT_WORLD!r} cannot be deleted; POST reset starts it again")
        with self._lock:
            if name not in self._slots:
                raise self._unknown_world(name)
            slot, token, change = *self._remove(name), self._begin(name)
        try:
            token.wait()
        except PersistError:
            self._slots.setdefault(name, slot)
            raise
        finally:
            self._end(name, change)
        slot.world.close()

    def _remove(self, name: str) -> tuple[Slot, CommitToken]:
        token = COMMITTED if self._storage is None else self._storage.delete(name)
        return self._slots.pop(name), token

    def _begin(self, name: str) -> object:
        """Note that a world is created or deleted. Its result counts unless another change of the name follows."""
        change = self._pending[name] = object()
        return change

    def _end(self, name: str, change: object) -> bool:
        """Return whether no other change of the name followed."""
        with self._lock:
            is_latest = self._pending.get(name) is change
            if is_latest:
                del self._pending[name]
            return is_latest

    def _add(  # noqa: PLR0913 - options by keyword
        self,
        name: str,
        settings: Settings,
        start: WorldSnapshot,
        *,
        strict: bool,
        snapshots: Snapshots | None = None,
        receivers: Mapping[str, Receiver] = {},
    ) -> World:
        validated_name(name)
        snapshots = Snapshots() if snapshots is None else snapshots
        with self._lock:
            self._close_idle()
            if name not in self._slots:
                self._make_room(name)
            persistence = Persistence(start.branch)
            token = COMMITTED
            if self._storage is not None:
                persistence, token = self._storage.create(name, settings, start, snapshots)
            world = World(
                name, settings, start, self._services, strict=strict, snapshots=snapshots, persistence=persistence
            )
            world.outbox.receivers.update(receivers)
            change = self._begin(name)
        self._fill_slot_once_stored(world, token, change)
        world.schedule.reschedule()
        return world

    def _fill_slot_once_stored(self, world: World, token: CommitToken, change: object) -> None:
        """Put a world into the slot of its name once it is stored, and close the world that was there."""
        try:
            token.wait()
        except PersistError:
            self._end(world.name, change)
            world.close()
            raise
        with self._lock:
            if not self._end(world.name, change):
                world.close()
                return
            slot = self._slots.setdefault(world.name, Slot(world, machine_seconds()))
            if slot.world is not world:
                slot.world.close()
                slot.world, slot.last_used = world, machine_seconds()
            self._idle_names.pop(world.name, None)

    def _make_room(self, name: str) -> None:
        """Raise `Conflict` if there are too many worlds, even after closing idle ones."""
        if self._has_room(name):
            return
        self._close_idle(at_once=True)
        if not self._has_room(name):
            raise Conflict(
                f"{self.limit} worlds are open, as many as --max-worlds allows;"
                " DELETE /__admin/worlds/<name> closes one"
            )

    def _has_room(self, name: str) -> bool:
        return len({name, *self._slots, *self._pending}) <= self.limit

    def _close_idle(self, *, at_once: bool = False) -> None:
        """Close worlds that were not used for long. Check once a second, or at once."""
        now = machine_seconds()
        if now - self._last_idle_check < 1 and not at_once:
            return
        self._last_idle_check = now
        for name, slot in tuple(self._slots.items()):
            if slot.last_used <= now - self.idle_seconds and name != DEFAULT_WORLD:
                self._remove(name)[0].world.close()
                self._idle_names[name] = None
        for name in tuple(self._idle_names)[:-MAX_IDLE_NAMES]:
            del self._idle_names[name]


def validated_name(name: str, whose: str = "world") -> str:
    """Return the name of a world or snapshot if it is valid, or raise `InvalidDocument`."""
    if not NAME_PATTERN.fullmatch(name) or name in (".", ".."):
        raise InvalidDocument(f"a {whose}'s name has 1 to 100 letters of A-Z a-z 0-9 . _ -, unlike {name[:120]!r}")
    return name
