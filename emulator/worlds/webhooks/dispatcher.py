"""The webhook dispatcher: sends due events from a bounded pool of threads, or synchronously."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from emulator.core.errors import PersistError
from emulator.core.records import Webhook, WebhookEvent
from emulator.domain.webhook_retries import due_event_ids, next_due_event
from emulator.state.clock import machine_seconds
from emulator.state.outbox import DeliveryResult, FinalizedEvent, WebhookSender
from emulator.state.runtime import Runtime
from emulator.state.world import World
from emulator.worlds.webhooks.delivery import MAX_SECONDS, TIMEOUT_SECONDS, Deliverer

LOG = logging.getLogger("emulator.worlds.webhooks")

DeliveryMode = Literal["background", "flush"]
POOL_SIZE = 8
"""Maximum number of concurrent requests."""
DRAIN_SECONDS = 5.0
"""Time that a stop waits for due events."""
MAX_WAITING = 1_000
"""Number of due events that are examined for the note about waiting deliveries."""
SLOW_SECONDS = 1.0
"""Seconds after which an attempt halves the concurrency of its world, to leave threads to other worlds."""

Claim = tuple[World, int]


class WebhookDispatcher:
    """Sends the events of all worlds: in the background, or only on a flush and when a clock is advanced.

    The pool starts with the first event and never exceeds its size. Worlds take turns. The concurrency of a world
    starts at two, grows by one with each quick success up to the size of the pool, and is halved by slow attempts.
    """

    def __init__(  # noqa: PLR0913 - options by keyword
        self,
        mode: DeliveryMode = "background",
        allowed_hosts: Collection[str] = (),
        *,
        pool: int = POOL_SIZE,
        timeout: float = TIMEOUT_SECONDS,
        max_seconds: float = MAX_SECONDS,
        has_demo_receiver: bool = False,
    ) -> None:
        self.mode, self.pool, self.has_pool = mode, pool, mode == "background"
        self.deliverer = Deliverer(allowed_hosts, timeout, max_seconds, has_demo_receiver=has_demo_receiver)
        self._ready: dict[int, World] = {}
        """Worlds to look at, in turn."""
        self._timers: list[tuple[float, int, weakref.ref[World]]] = []
        self._timer_numbers = itertools.count()
        self._generation = 0
        """Threads of an earlier generation end."""
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Start without threads. Those of the pool do not exist in a forked process."""
        self.lock = threading.Lock()
        """Guards all of this, and the worlds' queues."""
        self._work_available, self.work_done = threading.Condition(self.lock), threading.Condition(self.lock)
        self._threads: list[threading.Thread] = []
        self._thread = threading.local()

    def sender(self, world: World) -> WorldSender:
        return WorldSender(self, world)

    def is_delivering(self, world: World) -> bool:
        """Return whether this thread is sending an event of the world, so that its receiver made this call."""
        return getattr(self._thread, "world", None) is world

    # Sending in the background

    def wake(self, world: World) -> None:
        """Look at a world: an event may be due, now or later."""
        if world.is_closed or next_due_event(world.records) is None or self.is_delivering(world):
            return  # a thread that delivers looks at its world again afterwards
        with self.lock:
            self._ready[id(world)] = world
            if len(self._threads) < self.pool:
                self._start_thread()
            self._work_available.notify()

    def has_work(self, world: World) -> bool:
        """Return whether a thread sends events of the world, or will look for them. The caller has the lock."""
        queue = world.outbox.queue
        return bool(queue.in_flight or queue.exclusive_senders or id(world) in self._ready)

    def _start_thread(self) -> None:
        name = f"delivery {len(self._threads) + 1}"
        thread = threading.Thread(target=self._run_thread, args=(self._generation,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run_thread(self, generation: int) -> None:
        claim = self._wait_for_claim(generation)
        while claim is not None:
            self.deliver(claim)
            claim = None  # otherwise this thread keeps the world while it waits
            claim = self._wait_for_claim(generation)

    def _wait_for_claim(self, generation: int) -> Claim | None:
        with self.lock:
            while generation == self._generation:
                self._fire_timers()
                if (claim := self._claim()) is not None:
                    if self._ready:
                        self._work_available.notify()
                    return claim
                self._work_available.wait(self._timers[0][0] - machine_seconds() if self._timers else None)
        return None

    def _fire_timers(self) -> None:
        """Mark the worlds ready whose timers have expired."""
        while self._timers and self._timers[0][0] <= machine_seconds():
            world = heapq.heappop(self._timers)[2]()
            if world is not None:
                world.outbox.queue.timer = None
                self._ready[id(world)] = world

    def _claim(self) -> Claim | None:
        """Claim one event of the worlds that are ready, in turn. Set a timer for a world without due events."""
        for key in tuple(self._ready):
            world = self._ready[key]
            queue = world.outbox.queue
            is_taken = world.is_closed or queue.exclusive_senders > 0
            if not is_taken and len(queue.in_flight) >= queue.concurrency:
                continue  # it stays ready
            del self._ready[key]
            if is_taken:
                self.work_done.notify_all()
                continue  # an exclusive sender wakes the world afterwards
            event_id = first_due(world)
            if event_id is not None:
                queue.in_flight.add(event_id)
                self._ready[key] = world
                return world, event_id
            self._set_timer(world)
            self.work_done.notify_all()
        return None

    def _set_timer(self, world: World) -> None:
        found, queue = next_due_event(world.records), world.outbox.queue
        wait = None if found is None else world.clock.seconds_until(found[0])
        if wait is None:
            return
        at = machine_seconds() + min(max(wait, 0), threading.TIMEOUT_MAX / 2)
        if wait > 0 and (queue.timer is None or at < queue.timer):
            queue.timer = at
            heapq.heappush(self._timers, (at, next(self._timer_numbers), weakref.ref(world)))

    def deliver(self, claim: Claim) -> None:
        """Send a claimed event, record the result, and release the claim. Never raise."""
        world, event_id = claim
        began, is_recorded, is_accepted = machine_seconds(), False, False
        self._thread.world = world
        try:
            is_accepted = self.deliverer.deliver(world, event_id)
            is_recorded = True
        except PersistError as error:
            LOG.warning("event %d of world %s is sent again after a restart: %s", event_id, world.name, error)
        except Exception:
            LOG.exception("event %d of world %s is left until a restart", event_id, world.name)
        finally:
            self._thread.world = None
            with self.lock:
                if not is_recorded:
                    world.outbox.queue.failed.add(event_id)  # otherwise it stays due, and is sent forever
                self._release(world, event_id, is_accepted=is_accepted, seconds=machine_seconds() - began)

    def _release(self, world: World, event_id: int, *, is_accepted: bool, seconds: float) -> None:
        """Release a claim, adjust the concurrency of its world, and look at the world again."""
        queue = world.outbox.queue
        queue.in_flight.discard(event_id)
        if seconds >= SLOW_SECONDS:
            queue.concurrency = max(1, queue.concurrency // 2)
        elif is_accepted:
            queue.concurrency = min(queue.concurrency + 1, self.pool)
        if self.mode == "background":
            self._ready[id(world)] = world
            self._work_available.notify()
        self.work_done.notify_all()

    def stop(self, worlds: Collection[World], seconds: float = DRAIN_SECONDS) -> None:
        """Send what is due, within a time limit, and stop the threads. The rest stays in the worlds' queues."""
        until = machine_seconds() + seconds
        if self.mode == "background":
            for world in worlds:
                self.wake(world)
        with self.lock:
            if self._threads:
                self.work_done.wait_for(lambda: self._is_drained(worlds), timeout=seconds)
            self._generation += 1
            threads, self._threads = self._threads, []
            self._work_available.notify_all()
        for thread in threads:
            thread.join(timeout=max(0.0, until - machine_seconds()))

    def _is_drained(self, worlds: Collection[World]) -> bool:
        return not self._ready and not any(world.outbox.queue.in_flight for world in worlds)


class TimerDispatcher(WebhookDispatcher):
    """Sends events from the timers of a runtime without threads, one after another.

    The runtime handles requests while an attempt waits for its response. So whatever is in flight is sent by a caller
    of the current function.
    """

    def __init__(
        self, runtime: Runtime, mode: DeliveryMode, allowed_hosts: Collection[str], *, has_demo_receiver: bool = False
    ) -> None:
        super().__init__(mode, allowed_hosts, has_demo_receiver=has_demo_receiver)
        self._runtime, self.has_pool = runtime, False
        self._is_sending = False

    def is_delivering(self, world: World) -> bool:
        return bool(world.outbox.queue.in_flight)

    def has_work(self, _world: World) -> bool:
        return False

    def wake(self, world: World) -> None:
        if not world.is_closed and next_due_event(world.records) is not None:
            self._ready[id(world)] = world
            self._runtime.call_later(0, self._send_ready)

    def _send_ready(self, until: float = math.inf) -> None:
        """Send the due events of the worlds that are ready, and set a timer for the next one."""
        if self._is_sending:
            return
        self._is_sending = True
        try:
            while machine_seconds() < until and (claim := self._next_claim()) is not None:
                self.deliver(claim)
        finally:
            self._is_sending = False
        if self._timers:
            self._runtime.call_later(self._timers[0][0] - machine_seconds(), self._send_ready)

    def _next_claim(self) -> Claim | None:
        with self.lock:
            self._fire_timers()
            return self._claim()

    def stop(self, worlds: Collection[World], seconds: float = DRAIN_SECONDS) -> None:
        if self.mode == "background":
            for world in worlds:
                self.wake(world)
            self._send_ready(machine_seconds() + seconds)
        self._ready.clear()
        self._timers.clear()
        for world in worlds:
            world.outbox.queue.timer = None


class WorldSender(WebhookSender):
    """The sender of one world: it sends synchronously, or wakes the dispatcher."""

    def __init__(self, dispatcher: WebhookDispatcher, world: World) -> None:
        self.dispatcher, self._world_ref = dispatcher, weakref.ref(world)

    @property
    def _world(self) -> World:
        """The world, which owns the sender. A strong reference would keep a deleted world until a collection."""
        return self._world_ref()  # type: ignore[return-value]

    def attempt(self, event_id: int) -> DeliveryResult:
        return self.dispatcher.deliverer.attempt(self._world, event_id)

    def finalize(self, event: WebhookEvent, hook: Webhook) -> FinalizedEvent | None:
        is_background = self.dispatcher.mode == "background"
        return self.dispatcher.deliverer.finalize(self._world, event, hook) if is_background else None

    def hook_refusal(self, url: str, *, from_foreign_page: bool) -> str | None:
        return self.dispatcher.deliverer.hook_refusal(url, from_foreign_page=from_foreign_page)

    def reschedule(self) -> None:
        if self.dispatcher.mode == "background":
            self.dispatcher.wake(self._world)

    def next_due(self) -> datetime | None:
        world = self._world
        if world.is_closed or self.dispatcher.is_delivering(world):
            return None
        failed = world.outbox.queue.failed
        return next((at for at, id_ in world.records.due_items(WebhookEvent) if id_ not in failed), None)

    def run_due(self, now: datetime) -> None:
        world, dispatcher = self._world, self.dispatcher
        if dispatcher.is_delivering(world):
            return
        with self.exclusive():
            while (event_id := self._claim_exclusively(world, now)) is not None:
                dispatcher.deliver((world, event_id))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        dispatcher, queue = self.dispatcher, self._world.outbox.queue
        with dispatcher.lock:
            queue.exclusive_senders += 1
        try:
            yield
        finally:
            with dispatcher.lock:
                queue.exclusive_senders -= 1
                dispatcher.work_done.notify_all()
            self.reschedule()

    def _claim_exclusively(self, world: World, now: datetime) -> int | None:
        """Wait until nothing is in flight in this world, and claim the first due event."""
        dispatcher, queue = self.dispatcher, world.outbox.queue
        with dispatcher.lock:
            dispatcher.work_done.wait_for(lambda: not queue.in_flight, timeout=2 * dispatcher.deliverer.max_seconds)
            event_id = None if world.is_closed else first_due(world, now)
            if event_id is not None:
                queue.in_flight.add(event_id)
        return event_id

    def flush(self) -> None:
        """Send what is due, and wait for what is in flight.

        A flush by a receiver returns at once. No flush waits longer than two receivers that hang.
        """
        world, dispatcher = self._world, self.dispatcher
        until = machine_seconds() + 2 * dispatcher.deliverer.max_seconds
        while not (world.is_closed or dispatcher.is_delivering(world)) and machine_seconds() < until:
            if dispatcher.has_pool:
                dispatcher.wake(world)
            else:
                self.run_due(world.clock.now())
            with dispatcher.lock:
                left = max(0.0, until - machine_seconds())
                dispatcher.work_done.wait_for(lambda: not dispatcher.has_work(world), timeout=left)
                if first_due(world) is None:
                    return

    @property
    def waiting_note(self) -> str | None:
        world, dispatcher = self._world, self.dispatcher
        if dispatcher.mode == "background" or dispatcher.is_delivering(world):
            return None
        records, refusal = world.records, dispatcher.deliverer.refusal
        hooks = {hook.id for hook in records.all(Webhook) if refusal(world, hook) is None}
        ids = itertools.islice(due_event_ids(records, world.clock.now()), MAX_WAITING) if hooks else ()
        count = sum(records.get_existing(WebhookEvent, id_).webhook in hooks for id_ in ids)
        subject = "1 delivery waits" if count == 1 else f"{count} deliveries wait"
        return f"{subject}: call oms.hooks.flush()" if count else None


def first_due(world: World, now: datetime | None = None) -> int | None:
    """Return the first due event that is neither in flight nor failed."""
    queue = world.outbox.queue
    ids = due_event_ids(world.records, now or world.clock.now())
    return next((id_ for id_ in ids if id_ not in queue.in_flight and id_ not in queue.failed), None)
