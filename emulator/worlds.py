"""The worlds of one server: found by name, made, replaced, deleted; too many and idle ones are told of."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from emulator.core.metrics import Metrics
from emulator.core.refusals import Conflict, InvalidDocument, UnknownRecord
from emulator.core.sources import ClockMode, machine_seconds
from emulator.core.world import Moment, Safe, World, at_once
from emulator.loading import open_world
from emulator.rules.scenarios import Scenario

DEFAULT_WORLD = "default"
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
MOST_WORLDS = 1_000
IDLE_SECONDS = 3_600.0
REMEMBERED = 1_000
"""How many names of worlds that went idle are remembered, to say so to whoever still calls."""


class Shelf(Protocol):
    """Where the worlds of a server are kept beyond the process."""

    @property
    def opened(self) -> Sequence[World]:
        """The worlds that were there already."""

    def check(self) -> None:
        """Raise `NotKept` if nothing can be kept any more."""

    def put(self, world: World) -> Safe:
        """Keep a new world, in place of another of its name."""

    def delete(self, name: str) -> Safe:
        """Keep a world no longer."""


class UnknownWorld(UnknownRecord):
    """No such world on this server."""


@dataclass(slots=True)
class Place:
    """Where a world is: a reset puts another one there."""

    world: World
    used: float


class Worlds:
    """Worlds by name. `scenario` and `clock` are what new ones start from; `outfit` is told of each new one.

    On a `shelf`, each is kept before anybody is told that it is there.
    """

    def __init__(  # noqa: PLR0913 - limits by keyword
        self,
        scenario: Scenario,
        clock: ClockMode,
        *,
        strict: bool = False,
        limit: int = MOST_WORLDS,
        idle_seconds: float = IDLE_SECONDS,
        outfit: Callable[[World], None] = lambda _: None,
        shelf: Shelf | None = None,
    ) -> None:
        self.scenario, self.clock, self.strict = scenario, clock, strict
        self.limit, self.idle_seconds = limit, idle_seconds
        self.outfit, self.shelf = outfit, shelf
        self.metrics = Metrics()
        self._places: dict[str, Place] = {}
        self._gone: dict[str, None] = {}
        self._looked = machine_seconds()
        self._lock = threading.RLock()
        for world in () if shelf is None else shelf.opened:
            outfit(world)
            self._places[world.name] = Place(world, machine_seconds())
        if DEFAULT_WORLD not in self:
            self.put(DEFAULT_WORLD, scenario)

    def named(self, name: str, *, using: bool = True) -> World:
        """Give the world of this name, `using` it or only looking; `UnknownWorld` if there is none any more."""
        place = self._places.get(name)
        if place is None:
            raise self._unknown(name)
        if using:
            place.used = machine_seconds()
        return place.world

    def _unknown(self, name: str) -> UnknownWorld:
        if name in self._gone:
            return UnknownWorld(f"world {name!r} was closed after {self.idle_seconds:g} seconds without a call", self)
        return UnknownWorld(f"no world is named {name!r}; make it with PUT /__admin/worlds/{name}", self)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._places))

    def __len__(self) -> int:
        return len(self._places)

    def all(self) -> list[World]:
        """Give all worlds there are, the oldest first."""
        return [place.world for place in tuple(self._places.values())]

    def put(self, name: str, scenario: Scenario | None = None, clock: ClockMode | None = None) -> World:
        """Put a world that starts from a scenario at this name: a new one, or in place of another."""
        world = open_world(scenario or self.scenario, clock or self.clock, name, strict=self.strict)
        return self._place(world)

    def branch(self, name: str, origin: World, moment: Moment | None = None) -> World:
        """Put a world that goes on from what another one is now, or was at a moment, at this name."""
        moment = moment or origin.moment()
        settings = origin.settings
        world = World(name, settings, origin.base, origin.clock.like(), origin.announce)
        world.strict, world.render_cache = origin.strict, origin.render_cache
        world.go_to(moment, requests=True)
        return self._place(world)

    def reset(self, name: str) -> World:
        """Put a world at this name that starts from the scenario of the one that is there."""
        before = self.named(name)
        world = open_world(before.settings.source, self.clock, name, strict=self.strict)
        world.snapshots = before.snapshots
        return self._place(world)

    def mount(self, name: str, place: Place) -> None:
        """Show the world of another server here: a reset there or here is one for both."""
        with self._lock:
            self._room_for(name)
            self._places[name] = place

    def unmount(self, name: str) -> None:
        """Show a world here no more; where else it is, it goes on."""
        with self._lock:
            self._places.pop(name, None)

    def place(self, name: str) -> Place:
        """Give where a world is, to mount it on another server."""
        return self._places[name]

    def delete(self, name: str) -> None:
        """Close a world; `UnknownWorld` if there is none, `InvalidDocument` for the one that is always there."""
        if name == DEFAULT_WORLD:
            raise InvalidDocument(f"world {DEFAULT_WORLD!r} is always there; POST reset starts it anew")
        with self._lock:
            place = self._places.get(name)
            if place is None:
                raise self._unknown(name)
            safe = at_once if self.shelf is None else self.shelf.delete(name)
            del self._places[name]
            place.world.closed = True
        safe()

    def _place(self, world: World) -> World:
        name = checked_name(world.name)
        self.outfit(world)
        self.metrics.watch(world)
        with self._lock:
            self._close_idle()
            place = self._places.get(name)
            if place is None:
                self._room_for(name)
            safe = at_once if self.shelf is None else self.shelf.put(world)
            if place is None:
                self._places[name] = Place(world, machine_seconds())
            else:
                place.world.closed = True
                place.world, place.used = world, machine_seconds()
            self._gone.pop(name, None)
        safe()
        return world

    def _room_for(self, name: str) -> None:
        if len(self._places) < self.limit or name in self._places:
            return
        self._close_idle(at_once=True)
        if len(self._places) >= self.limit:
            raise Conflict(
                f"{self.limit} worlds are open, as many as --max-worlds allows;"
                " DELETE /__admin/worlds/<name> closes one"
            )

    def _close_idle(self, *, at_once: bool = False) -> None:
        """Close the worlds that nobody called for long; looked at once a second, or at once."""
        now = machine_seconds()
        if now - self._looked < 1 and not at_once:
            return
        self._looked = now
        oldest = now - self.idle_seconds
        for name, place in tuple(self._places.items()):
            if place.used <= oldest and name != DEFAULT_WORLD:
                if self.shelf is not None:
                    self.shelf.delete(name)
                del self._places[name]
                place.world.closed = True
                self._gone[name] = None
        for name in tuple(self._gone)[:-REMEMBERED]:
            del self._gone[name]


def checked_name(name: str, whose: str = "world") -> str:
    """Give the name if a world, or a snapshot, may have it."""
    if not NAME.fullmatch(name) or name in (".", ".."):
        raise InvalidDocument(f"a {whose}'s name has 1 to 100 letters of A-Z a-z 0-9 . _ -, unlike {name[:120]!r}")
    return name
