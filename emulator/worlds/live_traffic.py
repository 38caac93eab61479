"""Generated traffic: new orders and their further moves, by the world's clock, and the thread that runs it.

The traffic depends on the seed and the records only. Each write has the time at which it was due, however late the
thread wakes up. So the same seed gives the same day, also in a world that was restored, branched or loaded.
"""

from __future__ import annotations

import heapq
import logging
import threading
import weakref
from contextlib import suppress
from datetime import datetime, timedelta

from emulator.api.control.clock import FORGET_ORDERS
from emulator.api.serializers.events import EVENT_MAPS
from emulator.core.errors import ApiError, ControlError
from emulator.core.records import Order, Package, RecordKind, TransferOrder
from emulator.core.seeded_random import draw, u16
from emulator.domain.traffic import (
    NextCheck,
    build_move_step,
    build_order_step,
    build_restock_steps,
    finished_orders,
    next_check,
)
from emulator.state.clock import LATEST, Scheduled
from emulator.state.runtime import Runtime
from emulator.state.steps import Step
from emulator.state.store import Snapshot
from emulator.state.world import World
from emulator.worlds.loading.scenarios import replay_step

LOG = logging.getLogger("emulator.worlds.live_traffic")
HOUR = timedelta(hours=1)
CLEANUP_INTERVAL = timedelta(minutes=15)
"""Interval at which finished orders are removed."""
LIVE_KINDS: tuple[RecordKind, ...] = (Package, TransferOrder)
"""Kinds of records that the traffic moves. Of two checks at one time, the earlier kind comes first."""
MAX_WAIT = 3_600.0
"""Longest wait of the scheduler in seconds, because the wait of a condition is limited."""
STOP_SECONDS = 5.0


class CheckPlan:
    """The next check of each record. A check may move the record on."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._checks: dict[tuple[RecordKind, int], NextCheck] = {}
        self._heap: list[tuple[datetime, int, int]] = []
        """When a record is checked, the position of its kind, and its id."""

    def rebuild(self, records: Snapshot, after: datetime) -> None:
        """Plan the checks of all records that are not in the base."""
        self._checks.clear()
        self._heap.clear()
        for kind in LIVE_KINDS:
            for id_ in records.added_ids(kind):
                self.add(records, kind, id_, after)

    def add(self, records: Snapshot, kind: RecordKind, id_: int, after: datetime) -> None:
        """Plan the next check of a record."""
        subject = records.get(kind, id_)
        check = None if subject is None else next_check(records, self._seed, subject, after)
        if check is None:
            self._checks.pop((kind, id_), None)
        elif self._checks.get((kind, id_)) != check:
            self._checks[kind, id_] = check
            heapq.heappush(self._heap, (check.at, LIVE_KINDS.index(kind), id_))

    def add_order(self, records: Snapshot, order: int, after: datetime) -> None:
        """Plan the next checks of an order's packages and transfer orders."""
        for package in records.related(Package, "order", order):
            self.add(records, Package, package, after)
            for transfer in records.related(TransferOrder, "package", package):
                self.add(records, TransferOrder, transfer, after)

    def first_time(self) -> datetime | None:
        """Return the time of the first check. Drop entries whose record was planned again."""
        while self._heap:
            at, kind_index, id_ = self._heap[0]
            check = self._checks.get((LIVE_KINDS[kind_index], id_))
            if check is not None and check.at == at:
                return at
            heapq.heappop(self._heap)
        return None

    def pop(self) -> tuple[RecordKind, int, int]:
        """Remove the first check. Return the kind and the id of its record, and the number of the check."""
        _, kind_index, id_ = heapq.heappop(self._heap)
        kind = LIVE_KINDS[kind_index]
        return kind, id_, self._checks[kind, id_].attempt


class LiveTraffic:
    """The generated traffic of one world, a scheduled task.

    Everything up to `_done_until` has happened. The plan is rebuilt after a write that this task did not make.
    """

    def __init__(self, world: World, scheduler: Scheduler) -> None:
        self._world_ref, self._scheduler = weakref.ref(world), scheduler
        self._done_until = world.clock.now()
        self._discontinuities = 0
        self._planned_records: Snapshot | None = None
        self._plan = CheckPlan(world.settings.source.seed)

    @property
    def _world(self) -> World:
        """The world, which owns the task. A strong reference would keep a deleted world until a collection."""
        return self._world_ref()  # type: ignore[return-value]

    def next_due(self) -> datetime | None:
        """Return the next due time, or None in a world without traffic."""
        rate = self._world.schedule.rate
        if rate.orders_per_hour is None or rate.is_paused or self._world.is_closed:
            return None
        with self._world.lock:
            self._update_plan()
            times = [self._next_order()[0], self._next_round(HOUR), self._next_round(CLEANUP_INTERVAL)]
            if (first := self._plan.first_time()) is not None:
                times.append(first)
        due = min(times)
        return due if due < LATEST else None

    def run_due(self, now: datetime) -> None:
        """Run what is due by now, in order, each at its due time."""
        world = self._world
        while (due := self.next_due()) is not None and due <= now:
            with world.lock:
                if self._discontinuities == world.schedule.discontinuities and world.records is self._planned_records:
                    self._run_at(due)

    def reschedule(self) -> None:
        """Wake the scheduler's thread."""
        self._scheduler.wake(self._world, self)

    def _update_plan(self) -> None:
        """Rebuild the plan if the world was changed by others."""
        world = self._world
        if self._discontinuities != world.schedule.discontinuities:
            self._discontinuities = world.schedule.discontinuities
            self._done_until, self._planned_records = world.clock.now(), None
        if self._planned_records is None or changes_more_than_events(self._planned_records, world.records):
            self._plan.rebuild(world.records, self._done_until)
        self._planned_records = world.records

    def _next_round(self, interval: timedelta) -> datetime:
        """Return the next time that is a whole number of intervals after the world's start."""
        start = self._world.settings.source.start
        return start + interval * ((self._done_until - start) // interval + 1)

    def _next_order(self) -> tuple[datetime, int]:
        """Return the time and the number of the next order. Each slot of the hour has one, at a random time.

        The time is `LATEST` if there is no order, or if the calendar ends before it.
        """
        rate, source = self._world.schedule.rate.orders_per_hour, self._world.settings.source
        if not rate:
            return LATEST, 0
        with suppress(OverflowError):
            slot = HOUR / rate
            number = (self._done_until - source.start) // slot
            for each in (number, number + 1):
                at = source.start + slot * each + slot * u16(draw(source.seed, "live slot", each), 0) / 65_536
                if at > self._done_until:
                    return at, each
        return LATEST, 0

    def _run_at(self, due: datetime) -> None:
        """Run what is due at a time: a new order, restocking, moves of records, and last the cleanup."""
        world, seed = self._world, self._world.settings.source.seed
        first_new = next_order_id(world)
        at, number = self._next_order()
        if at == due:
            self._try_step(build_order_step(world.records, seed, number), due)
        if self._next_round(HOUR) == due:
            for step in build_restock_steps(world.records, seed, (due - world.settings.source.start) // HOUR):
                self._try_step(step, due)
        is_cleanup = self._next_round(CLEANUP_INTERVAL) == due
        checked = []
        while self._plan.first_time() == due:
            checked.append(self._check_first_record(due))
        if is_cleanup and (orders := finished_orders(world.records, due)):
            self._try_step(Step(FORGET_ORDERS, body={"orders": orders}), due)
        self._done_until, self._planned_records = due, world.records
        for kind, id_, order in checked:
            self._plan.add(world.records, kind, id_, due)
            self._plan.add_order(world.records, order, due)
        for order in range(first_new, next_order_id(world)):
            self._plan.add_order(world.records, order, due)

    def _check_first_record(self, due: datetime) -> tuple[RecordKind, int, int]:
        """Move the first record on. Return its kind, its id and its order."""
        world = self._world
        kind, id_, attempt = self._plan.pop()
        subject = world.records.get_existing(kind, id_)
        self._try_step(build_move_step(world.records, world.settings.source.seed, subject, attempt), due)
        package = subject if kind is Package else world.records.get_existing(Package, subject.package)
        return kind, id_, package.order

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
            replay_step(world, step._replace(at=max(times)), finalize_events=True)


def changes_more_than_events(before: Snapshot, after: Snapshot) -> bool:
    """Return whether two snapshots differ in other records than events. No move of a record depends on those."""
    return any(before.maps.get(key) is not value for key, value in after.maps.items() if key not in EVENT_MAPS)


def next_order_id(world: World) -> int:
    next_ids = world.records.maps.get("next")
    return (None if next_ids is None else next_ids.get(Order)) or world.base.next_id(Order)


class Scheduler:
    """Runs scheduled tasks in the background. The thread starts with the first task."""

    def __init__(self) -> None:
        self._tasks: dict[int, tuple[World, Scheduled]] = {}
        self._changed = threading.Condition()
        self._is_woken = False
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def wake(self, world: World, task: Scheduled) -> None:
        """Look at a task's next due time, unless its clock is frozen. Forget the task of a closed world."""
        with self._changed:
            if world.is_closed:
                self._tasks.pop(id(task), None)
            if self._is_stopping or world.is_closed or world.clock.mode == "frozen":
                return
            self._tasks[id(task)] = world, task
            self._is_woken = True
            self._start_or_notify()

    def _start_or_notify(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run_thread, name="scheduler", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def reset_after_fork(self) -> None:
        """Forget the thread, which does not exist in a forked process. The next `wake` starts another one."""
        self._changed, self._thread = threading.Condition(), None

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


class TimerScheduler(Scheduler):
    """Runs scheduled tasks from the timers of a runtime without threads."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self._runtime = runtime

    def _start_or_notify(self) -> None:
        self._runtime.call_later(0, self._run_tasks)

    def _run_tasks(self) -> None:
        self._is_woken = False
        wait = min((self._run_task(*each) for each in tuple(self._tasks.values())), default=MAX_WAIT)
        if self._tasks:
            self._runtime.call_later(0 if self._is_woken else min(wait, MAX_WAIT), self._run_tasks)
