"""Who sends: a bounded pool for all worlds, or whoever flushes or moves a clock."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from emulator.core.deliveries import Flushed
from emulator.core.sources import machine_seconds
from emulator.core.world import World
from emulator.delivery.answers import LONGEST, TIMEOUT
from emulator.delivery.attempting import Attempts
from emulator.rules.retry import due, next_due

LOG = logging.getLogger("emulator.delivery")

DeliveryMode = Literal["background", "flush"]
POOL = 8
"""How many requests are on their way at once, at most."""
DRAIN_SECONDS = 5.0
"""How long a stop waits for what is due."""

Claim = tuple[World, int]


class WorldsCourier:
    """Sends the events of all worlds: in the background as they come up, or when somebody flushes or moves a clock.

    No more threads than `pool`, and none before there is something to send.
    """

    def __init__(
        self,
        mode: DeliveryMode = "background",
        allowed_hosts: Collection[str] = (),
        *,
        pool: int = POOL,
        timeout: float = TIMEOUT,
        longest: float = LONGEST,
    ) -> None:
        self.mode, self.pool = mode, pool
        self._attempts = Attempts(allowed_hosts, timeout, longest)
        self._ready: dict[int, World] = {}
        self._held: set[int] = set()
        self._timers: list[tuple[float, int, World]] = []
        self._order = itertools.count()
        self._on_the_way: dict[tuple[int, int], None] = {}
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def outfit(self, world: World) -> None:
        """Send what comes up in this world from now on."""
        world.deliver = self._attempts.attempt
        world.courier = self
        world.agenda.append(self)
        if self.mode == "background":
            world.after_write.append(self.wake)
            world.after_clock.append(self.wake)

    # What a clock that is moved asks for

    def next(self, world: World) -> datetime | None:
        """Give when the next event of a world is due."""
        found = next_due(world.root)
        return None if found is None else found[0]

    def run(self, world: World, now: datetime) -> None:
        """Send what is due in a world by now, one after another, in order."""
        with self._changed:
            self._held.add(id(world))
        try:
            while (claim := self._claimed(world, now)) is not None:
                self._deliver(claim)
        finally:
            with self._changed:
                self._held.discard(id(world))

    # On demand

    def flush(self, world: World) -> Flushed:
        """Send what is due in a world, wait for what is on its way; give what was sent since the last flush."""
        while not world.closed:
            if self.mode == "flush" or not self._wakes():
                self.run(world, world.clock.now())
            else:
                self.wake(world)
            with self._changed:
                if not self._changed.wait_for(lambda: not self._is_busy(world), timeout=2 * self._attempts.longest):
                    break
                if self._first_due(world) is None:
                    break
        return world.mailbox.take_counts()

    def _wakes(self) -> bool:
        return self.mode == "background" and not self._stopping

    def _is_busy(self, world: World) -> bool:
        if any(key[0] == id(world) for key in self._on_the_way):
            return True
        return self._wakes() and id(world) in self._ready

    # In the background

    def wake(self, world: World) -> None:
        """Look at a world: something may be due in it, now or later."""
        if next_due(world.root) is None or self._stopping:
            return
        with self._changed:
            self._ready[id(world)] = world
            if len(self._threads) < self.pool:
                self._hire()
            self._changed.notify()

    def _hire(self) -> None:
        thread = threading.Thread(target=self._work, name=f"delivery {len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (claim := self._wait_for_claim()) is not None:
            self._deliver(claim)

    def _wait_for_claim(self) -> Claim | None:
        with self._changed:
            while not self._stopping:
                self._ring()
                if (claim := self._take()) is not None:
                    if self._ready:
                        self._changed.notify()
                    return claim
                self._changed.wait(self._timers[0][0] - machine_seconds() if self._timers else None)
        return None

    def _ring(self) -> None:
        """Make ready the worlds whose time has come."""
        while self._timers and self._timers[0][0] <= machine_seconds():
            world = heapq.heappop(self._timers)[2]
            world.timer = None
            self._ready[id(world)] = world

    def _take(self) -> Claim | None:
        """Claim one event of the worlds that are ready, in turn; a world without any waits for its time."""
        while self._ready:
            world = self._ready.pop(next(iter(self._ready)))
            if world.closed or id(world) in self._held:
                continue
            event_id = self._first_due(world)
            if event_id is not None:
                self._on_the_way[id(world), event_id] = None
                self._ready[id(world)] = world
                return world, event_id
            self._set_timer(world)
            self._changed.notify_all()
        return None

    def _first_due(self, world: World, now: datetime | None = None) -> int | None:
        """Give the first event that is due and not on its way."""
        ids = due(world.root, now or world.clock.now())
        return next((id_ for id_ in ids if (id(world), id_) not in self._on_the_way), None)

    def _set_timer(self, world: World) -> None:
        found = next_due(world.root)
        wait = None if found is None else world.clock.seconds_until(found[0])
        if wait is None:
            return
        at = machine_seconds() + wait
        if wait > 0 and (world.timer is None or at < world.timer):
            world.timer = at
            heapq.heappush(self._timers, (at, next(self._order), world))

    def _claimed(self, world: World, now: datetime) -> Claim | None:
        """Claim the first event that is due, once what is on its way in this world has arrived."""
        with self._changed:
            self._changed.wait_for(lambda: not any(key[0] == id(world) for key in self._on_the_way))
            event_id = None if world.closed else self._first_due(world, now)
            if event_id is None:
                return None
            self._on_the_way[id(world), event_id] = None
        return world, event_id

    def _deliver(self, claim: Claim) -> None:
        world, event_id = claim
        try:
            self._attempts.deliver(world, event_id)
        except Exception:
            LOG.exception("event %d of world %s could not be sent", event_id, world.name)
            self._attempts.give_up(world, event_id)
        finally:
            with self._changed:
                self._on_the_way.pop((id(world), event_id), None)
                self._changed.notify_all()
            if self.mode == "background":
                self.wake(world)

    def stop(self, worlds: Collection[World], seconds: float = DRAIN_SECONDS) -> None:
        """Send what is due, as far as that is done in so many seconds; what is left stays queued in its world."""
        until = machine_seconds() + seconds

        def is_done() -> bool:
            return not self._on_the_way and all(self._first_due(world) is None for world in worlds)

        with self._changed:
            if self.mode == "background" and self._threads:
                self._changed.wait_for(is_done, timeout=max(0.0, until - machine_seconds()))
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=max(0.0, until + 1 - machine_seconds()))
        self._threads, self._stopping = [], False
