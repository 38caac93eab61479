"""The live demo: orders that come, and all that happens to them, along the world's clock.

What happens when is the seed's and the records' own, and each happening has the time that it was due at: so the same
seed gives the same day, however late a thread wakes, and a world that was restored, branched or loaded goes on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from emulator.core.errors import ApiError
from emulator.core.records import Order, Package, TransferOrder
from emulator.core.refusals import ControlError
from emulator.core.seeded_random import draw, u16
from emulator.core.sources import LATEST
from emulator.core.steps import Step
from emulator.core.store import Root
from emulator.core.world import World
from emulator.handlers.living import FORGET
from emulator.repeating import repeat_step
from emulator.rules.living import Next, move_step, next_look, order_step, orders_over, restocking

HOUR = timedelta(hours=1)
FORGETTING = timedelta(minutes=15)
"""How often what is over is forgotten."""
KINDS: tuple[type[Any], ...] = (Package, TransferOrder)

Key = tuple[type[Any], int]


class LiveDemo:
    """What happens by itself in one world (an `Agenda`).

    `after` is the time up to which everything has happened. The plan - when each record is looked at next - is kept
    as long as the world goes on from where the demo left it, and made anew from its records otherwise.
    """

    def __init__(self, world: World) -> None:
        self.after = world.clock.now()
        self._jumps = world.jumps
        self._root: Root | None = None
        self._looks: dict[Key, Next] = {}
        self._heap: list[tuple[datetime, int, int]] = []

    def next(self, world: World) -> datetime | None:
        """Give when something happens next; None in a world that is not live, or paused."""
        if world.pace.orders_per_hour is None or world.pace.is_paused or world.closed:
            return None
        with world.lock:
            self._catch_up(world)
            times = [at for at in (self._first(), *self._rounds(world)) if at is not None]
        due = min(times)
        return due if due < LATEST else None

    def run(self, world: World, now: datetime) -> None:
        """Let happen what is due by now, in its order, each at its own time."""
        while (due := self.next(world)) is not None and due <= now:
            with world.lock:
                if self._jumps == world.jumps and world.root is self._root:
                    self._happen(world, due)

    # The plan

    def _catch_up(self, world: World) -> None:
        if self._jumps != world.jumps:
            self._jumps, self.after, self._root = world.jumps, world.clock.now(), None
        if world.root is not self._root:
            self._looks.clear()
            self._heap.clear()
            for kind in KINDS:
                for id_ in world.root.added_ids(kind):
                    self._plan(world, kind, id_)
            self._root = world.root

    def _plan(self, world: World, kind: type[Any], id_: int) -> None:
        subject = world.root.get(kind, id_)
        look = None if subject is None else next_look(world.root, world.settings.seed, subject, self.after)
        if look is None:
            self._looks.pop((kind, id_), None)
        elif self._looks.get((kind, id_)) != look:
            self._looks[kind, id_] = look
            heapq.heappush(self._heap, (look.at, KINDS.index(kind), id_))

    def _first(self) -> datetime | None:
        """Give when the first record is due, past what was planned anew since."""
        while self._heap:
            at, rank, id_ = self._heap[0]
            planned = self._looks.get((KINDS[rank], id_))
            if planned is not None and planned.at == at:
                return at
            heapq.heappop(self._heap)
        return None

    def _rounds(self, world: World) -> Iterator[datetime]:
        """Give when the next order comes, shelves are filled next, and what is over is forgotten next."""
        yield self._order_after(world)[0]
        yield next_round(world.settings.start, HOUR, self.after)
        yield next_round(world.settings.start, FORGETTING, self.after)

    def _order_after(self, world: World) -> tuple[datetime, int]:
        """Give when the next order comes, and its number: one in each slot of the hour, somewhere in it."""
        rate = world.pace.orders_per_hour
        if not rate:
            return LATEST, 0
        slot, start = HOUR / rate, world.settings.start
        number = (self.after - start) // slot
        for each in (number, number + 1):
            at = start + slot * each + slot * u16(draw(world.settings.seed, "live slot", each), 0) / 65_536
            if at > self.after:
                break
        return at, each

    # What happens

    def _happen(self, world: World, due: datetime) -> None:
        """Let happen what is due at a time: orders, full shelves, records' moves, and last what is forgotten."""
        first_new = next_order_id(world)
        at, number = self._order_after(world)
        if at == due:
            attempt(world, order_step(world.root, world.settings.seed, number), due)
        if next_round(world.settings.start, HOUR, self.after) == due:
            for step in restocking(world.root, world.settings.seed, (due - world.settings.start) // HOUR):
                attempt(world, step, due)
        is_forgetting = next_round(world.settings.start, FORGETTING, self.after) == due
        looked = []
        while self._first() == due:
            looked.append(self._look(world, due))
        if is_forgetting and (orders := orders_over(world.root, due)):
            attempt(world, Step(FORGET, body={"orders": orders}), due)
        self.after, self._root = due, world.root
        for key, order in looked:
            self._plan(world, *key)
            self._plan_order(world, order)
        for order in range(first_new, next_order_id(world)):
            self._plan_order(world, order)

    def _look(self, world: World, due: datetime) -> tuple[Key, int]:
        """Let happen what happens to the record that is due first; give its key and its order."""
        _, rank, id_ = heapq.heappop(self._heap)
        key = KINDS[rank], id_
        subject = world.root.one(*key)
        attempt(world, move_step(world.root, world.settings.seed, subject, self._looks[key].attempt), due)
        package = subject if rank == 0 else world.root.one(Package, subject.package)
        return key, package.order

    def _plan_order(self, world: World, order: int) -> None:
        for package in world.root.related(Package, "order", order):
            self._plan(world, Package, package)
            for transfer in world.root.related(TransferOrder, "package", package):
                self._plan(world, TransferOrder, transfer)


def attempt(world: World, step: Step | None, due: datetime) -> None:
    """Do a step at its time, though not before the last write's; what the rules refuse does not happen."""
    if step is None:
        return
    times = [due]
    if world.written is not None:
        times.append(world.written)
    if world.clock.mode == "frozen":
        times.append(world.clock.now())
    with suppress(ApiError, ControlError):
        repeat_step(world, step._replace(at=max(times)))


def next_order_id(world: World) -> int:
    """Give the id of the order that comes next."""
    taken = world.root.maps.get("next")
    return (None if taken is None else taken.get(Order)) or world.base.next_id(Order)


def next_round(start: datetime, every: timedelta, after: datetime) -> datetime:
    """Give the first time after another that is a whole number of rounds from the start."""
    return start + every * ((after - start) // every + 1)
