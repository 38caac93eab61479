"""Who sends: a bounded pool for all worlds, or whoever flushes or moves a clock."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import weakref
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from emulator.core.deliveries import Flushed, Line
from emulator.core.records import WebhookEvent
from emulator.core.refusals import NotKept
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
SLOW = 1.0
"""Seconds from which on an attempt makes its world one that gets fewer threads: receivers that hang leave some."""

Claim = tuple[World, int]


class WorldsCourier:
    """Sends the events of all worlds: in the background as they come up, or when somebody flushes or moves a clock.

    No more threads than `pool`, and none before there is something to send. Worlds take turns; each begins with two
    requests at a time, and gets one more for every quick and good answer, until there are as many as threads.
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
        """Worlds to look at, in turn."""
        self._timers: list[tuple[float, int, weakref.ref[World]]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        """Guards all of this, and the worlds' lines."""
        self._wanted, self._arrived = threading.Condition(self._lock), threading.Condition(self._lock)
        self._threads: list[threading.Thread] = []
        self._shift = 0
        """Which threads are to go on: those of an earlier shift end."""
        self._thread = threading.local()

    def outfit(self, world: World) -> None:
        """Send what comes up in this world from now on, and what waits in it already."""
        world.deliver = self._attempts.attempt
        world.courier = self
        world.agenda.append(self)
        if self.mode == "background":
            world.settle = self._attempts.settle
            world.after_write.append(self.wake)
            world.after_clock.append(self.wake)
            self.wake(world)

    # What a clock that is moved asks for

    def next(self, world: World) -> datetime | None:
        """Give when the next event of a world is due that `run` would send."""
        if world.closed or self._is_delivering(world):
            return None
        left = line_of(world).left
        return next((at for at, id_ in world.root.queued(WebhookEvent) if id_ not in left), None)

    def run(self, world: World, now: datetime) -> None:
        """Send what is due in a world by now, one after another, in order."""
        if self._is_delivering(world):
            return
        with self._lock:
            line_of(world).held += 1
        try:
            while (event_id := self._claimed(world, now)) is not None:
                self._deliver((world, event_id))
        finally:
            with self._lock:
                line_of(world).held -= 1
                self._arrived.notify_all()
            if self.mode == "background":
                self.wake(world)

    def _claimed(self, world: World, now: datetime) -> int | None:
        """Claim the first event that is due, once what is on its way in this world has arrived."""
        line = line_of(world)
        with self._lock:
            self._arrived.wait_for(lambda: not line.on_the_way, timeout=2 * self._attempts.longest)
            event_id = None if world.closed else first_due(world, now)
            if event_id is not None:
                line.on_the_way.add(event_id)
        return event_id

    def _is_delivering(self, world: World) -> bool:
        """Tell whether this thread is sending an event of the world, whose receiver asks for something by and by."""
        return getattr(self._thread, "world", None) is world

    # On demand

    def flush(self, world: World) -> Flushed:
        """Send what is due in a world, wait for what is on its way; give what was sent since the last flush.

        A receiver that flushes waits for nothing; nobody waits for receivers that hang longer than for two of them.
        """
        if self._is_delivering(world):
            return world.mailbox.take_counts()
        until = machine_seconds() + 2 * self._attempts.longest
        while not world.closed and machine_seconds() < until:
            if self.mode == "background":
                self.wake(world)
            else:
                self.run(world, world.clock.now())
            with self._lock:
                self._arrived.wait_for(lambda: not self._is_busy(world), timeout=max(0.0, until - machine_seconds()))
                if first_due(world) is None:
                    break
        return world.mailbox.take_counts()

    def _is_busy(self, world: World) -> bool:
        line = line_of(world)
        return bool(line.on_the_way or line.held or id(world) in self._ready)

    # In the background

    def wake(self, world: World) -> None:
        """Look at a world: something may be due in it, now or later."""
        if self._is_delivering(world) or next_due(world.root) is None:
            return  # who delivers looks again afterwards
        with self._lock:
            self._ready[id(world)] = world
            if len(self._threads) < self.pool:
                self._hire()
            self._wanted.notify()

    def _hire(self) -> None:
        name = f"delivery {len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, args=(self._shift,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self, shift: int) -> None:
        while (claim := self._wait_for_claim(shift)) is not None:
            self._deliver(claim)

    def _wait_for_claim(self, shift: int) -> Claim | None:
        with self._lock:
            while shift == self._shift:
                self._ring()
                if (claim := self._take()) is not None:
                    if self._ready:
                        self._wanted.notify()
                    return claim
                self._wanted.wait(self._timers[0][0] - machine_seconds() if self._timers else None)
        return None

    def _ring(self) -> None:
        """Make ready the worlds whose time has come."""
        while self._timers and self._timers[0][0] <= machine_seconds():
            world = heapq.heappop(self._timers)[2]()
            if world is not None:
                line_of(world).timer = None
                self._ready[id(world)] = world

    def _take(self) -> Claim | None:
        """Claim one event of the worlds that are ready, in turn; a world without any waits for its time."""
        for key in tuple(self._ready):
            world = self._ready[key]
            line = line_of(world)
            if not world.closed and not line.held and len(line.on_the_way) >= line.allowed:
                continue  # it has its share, and is ready still
            del self._ready[key]
            if world.closed or line.held:
                self._arrived.notify_all()
                continue  # who holds it wakes it afterwards
            event_id = first_due(world)
            if event_id is not None:
                line.on_the_way.add(event_id)
                self._ready[key] = world
                return world, event_id
            self._set_timer(world)
            self._arrived.notify_all()
        return None

    def _set_timer(self, world: World) -> None:
        found, line = next_due(world.root), line_of(world)
        wait = None if found is None else world.clock.seconds_until(found[0])
        if wait is None:
            return
        at = machine_seconds() + min(max(wait, 0), threading.TIMEOUT_MAX / 2)
        if wait > 0 and (line.timer is None or at < line.timer):
            line.timer = at
            heapq.heappush(self._timers, (at, next(self._order), weakref.ref(world)))

    def _deliver(self, claim: Claim) -> None:
        """Send an event and record what came of it, whatever happens: it never raises, and the claim ends."""
        world, event_id = claim
        began, is_done, is_good, line = machine_seconds(), False, False, line_of(world)
        self._thread.world = world
        try:
            is_good = self._attempts.deliver(world, event_id)
            is_done = True
        except NotKept as error:
            LOG.warning("event %d of world %s is sent again after a restart: %s", event_id, world.name, error)
        except Exception:
            LOG.exception("event %d of world %s is left until a restart", event_id, world.name)
        finally:
            self._thread.world = None
            with self._lock:
                line.on_the_way.discard(event_id)
                if not is_done:
                    line.left.add(event_id)  # it is still due, and would be sent for ever
                if machine_seconds() - began >= SLOW:
                    line.allowed = max(1, line.allowed // 2)
                elif is_good:
                    line.allowed = min(line.allowed + 1, self.pool)
                if self.mode == "background":
                    self._ready[id(world)] = world
                    self._wanted.notify()
                self._arrived.notify_all()

    def stop(self, worlds: Collection[World], seconds: float = DRAIN_SECONDS) -> None:
        """Send what is due, as far as that is done in so many seconds; what is left stays queued in its world."""
        until = machine_seconds() + seconds
        if self.mode == "background":
            for world in worlds:
                self.wake(world)
        with self._lock:
            if self._threads:
                self._arrived.wait_for(lambda: self._is_drained(worlds), timeout=seconds)
            self._shift += 1
            threads, self._threads = self._threads, []
            self._wanted.notify_all()
        for thread in threads:
            thread.join(timeout=max(0.0, until - machine_seconds()))

    def _is_drained(self, worlds: Collection[World]) -> bool:
        return not self._ready and not any(line_of(world).on_the_way for world in worlds)


def line_of(world: World) -> Line:
    return world.mailbox.line


def first_due(world: World, now: datetime | None = None) -> int | None:
    """Give the first event that is due, not on its way, and not left."""
    line = line_of(world)
    ids = due(world.root, now or world.clock.now())
    return next((id_ for id_ in ids if id_ not in line.on_the_way and id_ not in line.left), None)
