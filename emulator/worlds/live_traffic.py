"""Generated traffic: orders that arrive, and all that happens to them, along the world's clock.

What happens, and when, depends only on the seed and the records. Each write has the time at which it was due, however
late the thread wakes up. So the same seed gives the same day, also in a world that was restored, branched or loaded.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from emulator.api.control.clock import FORGET_ORDERS
from emulator.core.control_errors import ControlError
from emulator.core.errors import ApiError
from emulator.core.records import Order, Package, TransferOrder
from emulator.core.seeded_random import draw, u16
from emulator.domain.traffic import (
    NextCheck,
    build_move_step,
    build_order_step,
    build_restock_steps,
    finished_orders,
    next_check,
)
from emulator.loading.replay import replay_step
from emulator.state.clock import LATEST
from emulator.state.schedule import Scheduled
from emulator.state.steps import Step
from emulator.state.store import Snapshot
from emulator.state.world import World

HOUR = timedelta(hours=1)
CLEANUP_INTERVAL = timedelta(minutes=15)
"""Interval at which finished orders are removed."""
LIVE_KINDS: tuple[type[Any], ...] = (Package, TransferOrder)

RecordKey = tuple[type[Any], int]


class LiveTraffic:
    """The generated traffic of one world, a scheduled task.

    Everything up to `_done_until` has happened. The plan says when each record is looked at next. It is rebuilt from
    the records after a write that this task did not make.
    """

    def __init__(self, world: World, scheduler: Scheduler) -> None:
        self._world, self._scheduler = world, scheduler
        self._done_until = world.clock.now()
        self._discontinuities = 0
        self._planned_root: Snapshot | None = None
        self._next_looks: dict[RecordKey, NextCheck] = {}
        self._heap: list[tuple[datetime, int, int]] = []

    def next_due(self) -> datetime | None:
        """Return the next due time, or None in a world without traffic."""
        rate = self._world.schedule.rate
        if rate.orders_per_hour is None or rate.is_paused or self._world.is_closed:
            return None
        with self._world.lock:
            self._update_plan()
            times = [at for at in (self._first_look_time(), *self._next_round_times()) if at is not None]
        due = min(times)
        return due if due < LATEST else None

    def run_due(self, now: datetime) -> None:
        """Run what is due by now, in order, each at its due time."""
        world = self._world
        while (due := self.next_due()) is not None and due <= now:
            with world.lock:
                if self._discontinuities == world.schedule.discontinuities and world.records is self._planned_root:
                    self._run_at(due)

    def reschedule(self) -> None:
        """Wake the scheduler's thread if this world has traffic."""
        if self._world.schedule.rate.orders_per_hour is not None:
            self._scheduler.wake(self._world, self)

    # The plan

    def _update_plan(self) -> None:
        """Rebuild the plan if the world was changed by others."""
        world = self._world
        if self._discontinuities != world.schedule.discontinuities:
            self._discontinuities = world.schedule.discontinuities
            self._done_until, self._planned_root = world.clock.now(), None
        if world.records is not self._planned_root:
            self._next_looks.clear()
            self._heap.clear()
            for kind in LIVE_KINDS:
                for id_ in world.records.added_ids(kind):
                    self._plan(kind, id_)
            self._planned_root = world.records

    def _plan(self, kind: type[Any], id_: int) -> None:
        """Plan when to look at a record next."""
        world = self._world
        subject = world.records.get(kind, id_)
        look = None if subject is None else next_check(world.records, world.settings.seed, subject, self._done_until)
        if look is None:
            self._next_looks.pop((kind, id_), None)
        elif self._next_looks.get((kind, id_)) != look:
            self._next_looks[kind, id_] = look
            heapq.heappush(self._heap, (look.at, LIVE_KINDS.index(kind), id_))

    def _plan_order(self, order: int) -> None:
        root = self._world.records
        for package in root.related(Package, "order", order):
            self._plan(Package, package)
            for transfer in root.related(TransferOrder, "package", package):
                self._plan(TransferOrder, transfer)

    def _first_look_time(self) -> datetime | None:
        """Return the due time of the first record. Drop entries of the heap that were planned again."""
        while self._heap:
            at, rank, id_ = self._heap[0]
            planned = self._next_looks.get((LIVE_KINDS[rank], id_))
            if planned is not None and planned.at == at:
                return at
            heapq.heappop(self._heap)
        return None

    def _next_round_times(self) -> Iterator[datetime]:
        """Return the times of the next order, the next restocking and the next cleanup."""
        yield self._next_order()[0]
        yield self._next_round(HOUR)
        yield self._next_round(CLEANUP_INTERVAL)

    def _next_round(self, every: timedelta) -> datetime:
        return next_round_time(self._world.settings.start, every, self._done_until)

    def _next_order(self) -> tuple[datetime, int]:
        """Return the time and the number of the next order. Each slot of the hour has one, at a random time."""
        rate, settings = self._world.schedule.rate.orders_per_hour, self._world.settings
        if not rate:
            return LATEST, 0
        slot = HOUR / rate
        number = (self._done_until - settings.start) // slot
        for each in (number, number + 1):
            at = settings.start + slot * each + slot * u16(draw(settings.seed, "live slot", each), 0) / 65_536
            if at > self._done_until:
                break
        return at, each

    # What happens

    def _run_at(self, due: datetime) -> None:
        """Run what is due at a time: a new order, restocking, records' moves, and last the cleanup."""
        world, seed = self._world, self._world.settings.seed
        first_new = next_order_id(world)
        at, number = self._next_order()
        if at == due:
            self._try_step(build_order_step(world.records, seed, number), due)
        if self._next_round(HOUR) == due:
            for step in build_restock_steps(world.records, seed, (due - world.settings.start) // HOUR):
                self._try_step(step, due)
        is_cleanup = self._next_round(CLEANUP_INTERVAL) == due
        looked = []
        while self._first_look_time() == due:
            looked.append(self._move_first_record(due))
        if is_cleanup and (orders := finished_orders(world.records, due)):
            self._try_step(Step(FORGET_ORDERS, body={"orders": orders}), due)
        self._done_until, self._planned_root = due, world.records
        for key, order in looked:
            self._plan(*key)
            self._plan_order(order)
        for order in range(first_new, next_order_id(world)):
            self._plan_order(order)

    def _move_first_record(self, due: datetime) -> tuple[RecordKey, int]:
        """Move the first record on. Return its key and its order."""
        root = self._world.records
        _, rank, id_ = heapq.heappop(self._heap)
        key = LIVE_KINDS[rank], id_
        subject = root.get_existing(*key)
        self._try_step(build_move_step(root, self._world.settings.seed, subject, self._next_looks[key].attempt), due)
        package = subject if rank == 0 else self._world.records.get_existing(Package, subject.package)
        return key, package.order

    def _try_step(self, step: Step | None, due: datetime) -> None:
        """Make a step at its due time, but not before the last write. Ignore a refusal by the rules."""
        world = self._world
        if step is None:
            return
        times = [due]
        if world.last_write_at is not None:
            times.append(world.last_write_at)
        if world.clock.mode == "frozen":
            times.append(world.clock.now())
        with suppress(ApiError, ControlError):
            replay_step(world, step._replace(at=max(times)))


def next_order_id(world: World) -> int:
    """Return the id of the next order."""
    taken = world.records.maps.get("next")
    return (None if taken is None else taken.get(Order)) or world.base.next_id(Order)


def next_round_time(start: datetime, every: timedelta, after: datetime) -> datetime:
    """Return the first time after another that is a whole number of intervals from the start."""
    return start + every * ((after - start) // every + 1)


LOG = logging.getLogger("emulator.worlds.live_traffic")

MAX_WAIT = 3_600.0
"""Longest wait in seconds, because the wait of a condition is limited."""
STOP_SECONDS = 5.0


class Scheduler:
    """Runs scheduled tasks in the background. The thread starts with the first task."""

    def __init__(self) -> None:
        self._tasks: dict[int, tuple[World, Scheduled]] = {}
        self._changed = threading.Condition()
        self._is_woken = False
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def wake(self, world: World, task: Scheduled) -> None:
        """Look at a task's next due time, unless its clock is frozen."""
        if world.clock.mode == "frozen" or world.is_closed:
            return
        with self._changed:
            if self._is_stopping:
                return
            self._tasks[id(task)] = world, task
            self._is_woken = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_thread, name="scheduler", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop the thread. The next `wake` starts it again."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._is_stopping = True
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_SECONDS)
        with self._changed:
            self._is_stopping = False
            self._tasks.clear()

    def _run_thread(self) -> None:
        while self._is_current():
            wait = min((self._run_task(*each) for each in tuple(self._tasks.values())), default=MAX_WAIT)
            with self._changed:
                if not self._is_woken and self._is_current():
                    self._changed.wait(min(wait, MAX_WAIT))
                self._is_woken = False

    def _is_current(self) -> bool:
        return self._thread is threading.current_thread()

    def _run_task(self, world: World, task: Scheduled) -> float:
        """Run a task if it is due. Return the seconds until it is due again."""
        try:
            due = task.next_due()
            if due is not None and due <= world.clock.now():
                task.run_due(world.clock.now())
                due = task.next_due()
            wait = None if due is None else world.clock.seconds_until(due)
        except Exception:
            LOG.exception("the scheduled task of world %s failed, and is stopped", world.name)
            wait = None
        if wait is None:
            with self._changed:
                if not self._is_woken:
                    self._tasks.pop(id(task), None)
            return MAX_WAIT
        return wait
