"""A world: the complete mutable state of one emulated OMS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.core.errors import Conflict, PersistError
from emulator.core.records import Webhook, WebhookEvent
from emulator.state.clock import WRITE_STEP, Clock, ClockMode, Schedule, Scheduled, TrafficRate
from emulator.state.faults import FaultMatch, Faults
from emulator.state.journal import (
    DEFAULT_JOURNAL_SIZE,
    Coverage,
    Journal,
    Metrics,
    ProvenanceLog,
    RequestIds,
    ThrottleWindows,
)
from emulator.state.outbox import FinalizedEvent, WebhookOutbox, WebhookSender
from emulator.state.persistence import (
    COMMITTED,
    Branch,
    CommitToken,
    Persistence,
    Snapshots,
    WorldSnapshot,
    WorldState,
)
from emulator.state.scenario import DEFAULT_BASE_URL, Settings
from emulator.state.steps import (
    CONSUMED,
    PendingSteps,
    ReadBody,
    Recording,
    Step,
    TransactionBlock,
    UndoEntry,
    UndoStack,
)
from emulator.state.store import Caches, Snapshot, Transaction

FinalizeEvent = Callable[[WebhookEvent, Webhook], WebhookEvent]
"""Takes the new record of an event, and its hook. Returns the record to store."""
RecordEvents = Callable[[Transaction, FinalizeEvent], None]
"""Turns the events that a transaction queued into records."""


FaultCheck = Callable[[str], None]
"""Called with the kind of a fault."""


@dataclass(frozen=True)
class WorldServices:
    """What a server provides to each of its worlds."""

    record_events: RecordEvents
    """Called at the end of each transaction that queued events."""
    sender: Callable[[World], WebhookSender] = lambda _: WebhookSender()
    """Returns the sender of a world's webhooks."""
    traffic: Callable[[World], Sequence[Scheduled]] = lambda _: ()
    """Returns the scheduled tasks that generate the traffic of a world."""
    coverage: Coverage = field(default_factory=Coverage)
    metrics: Metrics = field(default_factory=Metrics)
    provenance: ProvenanceLog | None = None
    """Records what each response rests on, and adds a header to it. None: off."""
    journal_size: int = DEFAULT_JOURNAL_SIZE
    validates_responses: bool = False
    """Whether a response that violates its schema is replaced by a 500."""
    world_url: Callable[[str], str | None] = lambda _: None
    """Returns the URL at which the server answers for a world, by its name. None: no server listens."""
    check_fault: FaultCheck = lambda _kind: None
    """Raises `InvalidDocument` for a fault that the server cannot carry out."""


class World:
    """The records, the clock and all other state of one emulated OMS. Worlds share nothing that changes.

    One lock serializes all changes. Readers take `root`, which never changes, and need no lock.
    """

    def __init__(  # noqa: PLR0913 - options by keyword
        self,
        name: str,
        settings: Settings,
        start: WorldSnapshot,
        services: WorldServices,
        *,
        strict: bool = False,
        snapshots: Snapshots | None = None,
        persistence: Persistence | None = None,
    ) -> None:
        """Continue from a snapshot. With `strict`, unknown query parameters are refused."""
        self.name, self.settings, self.strict = name, settings, strict
        self.records, self.base = start.records, start.records.base
        """The records that readers see: after the last write that is stored."""
        self._latest = start.records
        """The records after the last write. The lock guards it."""
        self.clock = Clock(start.state.mode, start.state.now, start.state.speed)
        self.steps = start.steps.copy()
        self.undo_stack = UndoStack(start.undo_entries, start.state.next_request)
        self.last_write_at = start.last_write_at
        self.check_fault = services.check_fault
        self.faults = self._checked_copy(start.faults)
        self.throttle = ThrottleWindows(start.state.calls)
        self.request_ids = RequestIds(start.state.next_request)
        self.snapshots = Snapshots() if snapshots is None else snapshots
        self.persistence = Persistence(start.branch) if persistence is None else persistence
        self.journal = Journal(services.journal_size)
        self.coverage, self.metrics, self.provenance = services.coverage, services.metrics, services.provenance
        self.validates_responses = services.validates_responses
        self.caches: Caches = {}
        """Caches of this world, which are closed with it."""
        self.lock = threading.RLock()
        self.is_closed = False
        self._record_events = services.record_events
        self._served_url = services.world_url
        self._is_writing = False  # only the thread that has the lock reads this
        self._thread = PendingSteps()
        self._replay_time: datetime | None = None
        self._finalizes_events = True
        self.outbox = WebhookOutbox(services.sender(self), self.metrics.count_delivery)
        self.schedule = Schedule(start.state.rate, [self.outbox.sender], services.traffic(self))
        self._restore_stored = self._restore_point()
        """Returns to the last change that is stored."""

    def close(self) -> None:
        """Stop all background work, and empty the caches: the world was replaced or deleted."""
        self.is_closed = True
        self.schedule.reschedule()
        for cache in tuple(self.caches.values()):
            cache.close()

    def _checked_copy(self, faults: Faults) -> Faults:
        """Return a copy of armed faults. Raise `InvalidDocument` if the server cannot carry out one of them."""
        for fault in faults.armed:
            self.check_fault(fault.kind)
        return faults.copy()

    def new_request_id(self) -> str:
        return self.request_ids.allocate()

    # Writes

    def recording(self, step: Step, read_body: ReadBody | None = None) -> Recording:
        """Record the next write of this thread as this step. `read_body` returns a body that is not known before."""
        return Recording(self._thread, step, read_body)

    @contextmanager
    def replaying(self, at: datetime | None, *, finalize_events: bool = False) -> Iterator[None]:
        """Make all writes at this time. None: write at the usual time, and finalize events."""
        with self.lock:
            self._replay_time, self._finalizes_events = at, finalize_events or at is None
            try:
                yield
            finally:
                self._replay_time, self._finalizes_events = None, True

    @property
    def base_url(self) -> str:
        """Start of the links in event payloads: that of the scenario, or the address of the server."""
        own = self.settings.source.base_url
        return own if own != DEFAULT_BASE_URL else self._served_url(self.name) or own

    def transaction(self) -> TransactionBlock:
        """Open a transaction. It is committed when the block ends, and rolled back when the block raises.

        Transactions of one world do not nest, because the outer one would overwrite the inner one. A call makes at
        most one transaction, because it is recorded as one step.
        """
        return TransactionBlock(self._begin, self._end)

    def _begin(self) -> Transaction:
        """Take the lock, and return a new transaction. `TransactionBlock` ends it."""
        self.lock.acquire()
        try:
            if self.persistence.is_durable:
                self.persistence.check()
            if self._is_writing:
                raise RuntimeError(f"world {self.name} is in a transaction of this thread already")
            now = self._replay_time or self._write_time()
            transaction = Transaction(self._newest(), now, len(self.steps) + 1)
        except BaseException as error:
            self._release(error)
            raise
        self._is_writing = True
        return transaction

    def _end(self, transaction: Transaction, error: BaseException | None) -> None:
        """Commit a transaction, or discard it if its block raised an error. Then release the lock."""
        self._is_writing = False  # before the lock is released, because another thread may begin then
        if error is not None:
            self._release(error)
            return
        try:
            finalized = self._create_events(transaction) if transaction.events else []
            token = self._commit(transaction, finalized)
        except BaseException as failure:
            self._release(failure)
            raise
        self.lock.release()
        self._wait_until_stored(token)
        if self._replay_time is None:
            self.coverage.add(tuple([("events", event_type) for event_type, _ in transaction.events]))
        for each in finalized:
            each.publish()
        self.metrics.count_write()
        self.schedule.reschedule()

    def _release(self, error: BaseException) -> None:
        """Release the lock after an error. If a change cannot be stored, discard it."""
        if isinstance(error, PersistError):
            self._discard_changes()
        self.lock.release()

    @contextmanager
    def _changing(self, save: Callable[[], CommitToken] | None = None) -> Iterator[None]:
        """Hold the lock for a change, and then store it with `save`. If the change cannot be stored, discard it."""
        with self.lock:
            try:
                if self.persistence.is_durable:
                    self.persistence.check()
                yield
                token = COMMITTED if save is None else self._publish_after(save())
            except PersistError:
                self._discard_changes()
                raise
        self._wait_until_stored(token)

    def _write_time(self) -> datetime:
        """Return the time of the next write. Background writes do not advance a frozen clock."""
        step = self._thread.step
        is_background = step is not None and step.request_id is None
        return self.clock.now() if is_background else self.clock.next_write_time()

    def _create_events(self, transaction: Transaction) -> list[FinalizedEvent]:
        """Create the records of a transaction's events, and return those that are finalized already."""
        finalized: list[FinalizedEvent] = []

        def finalize(event: WebhookEvent, hook: Webhook) -> WebhookEvent:
            done = self.outbox.sender.finalize(event, hook) if self._finalizes_events else None
            if done is None:
                return event
            finalized.append(done)
            return done.event

        self._record_events(transaction, finalize)
        return finalized

    def _commit(self, transaction: Transaction, finalized: Sequence[FinalizedEvent]) -> CommitToken:
        step = self._consume_step(transaction.now)
        self._push_undo(step, transaction, len(finalized))
        self._latest, self.last_write_at = transaction.to_snapshot(), transaction.now
        self.clock.record_write(transaction.now)
        if step is None:
            self.steps.unrecorded_writes += 1
        lines = [] if step is None else [step.encode()]
        lines += [each.step.encode() for each in finalized]
        for line in lines:
            self.steps.append(line)
        if not self.persistence.is_durable:
            self.records = self._latest
            return COMMITTED
        number = len(self.steps) - len(lines) + 1
        return self._publish_after(self.persistence.save_write(self.state(), number, lines, transaction))

    def _newest(self) -> Snapshot:
        """Return the records after the last write, which may not be stored yet. The caller holds the lock."""
        return self._latest if self.persistence.is_durable else self.records

    def _publish_after(self, token: CommitToken) -> CommitToken:
        """Show the latest records to readers once they are stored."""
        records, restore = self._latest, self._restore_point()

        def publish() -> None:
            self.records, self._restore_stored = records, restore

        token.on_success(publish)
        return token

    def _restore_point(self) -> Callable[[World], None] | None:
        """Return a function that returns a world to its state now. None: nothing is stored.

        Counters of requests are not part of it: request ids, throttle windows and counts of faults keep a request
        whose change failed, because it was received and answered.
        """
        if not self.persistence.is_durable:
            return None
        records, steps, undo_entries = self._latest, self.steps.copy(), tuple(self.undo_stack)
        last_write_at, clock, rate = self.last_write_at, self.clock.setting, self.schedule.rate
        throttle, faults, armed, next_fault = self.throttle, self.faults, self.faults.armed, self.faults.next_id

        def restore(world: World) -> None:  # not a method of `self`, which would be a reference cycle
            world._latest, world.steps, world.undo_stack = records, steps.copy(), UndoStack(undo_entries)
            world.last_write_at, world.clock.setting, world.schedule.rate = last_write_at, clock, rate
            world.throttle, world.faults, faults.armed, faults.next_id = throttle, faults, armed, next_fault

        return restore

    def _wait_until_stored(self, token: CommitToken) -> None:
        """Wait until a change is stored. If it cannot be stored, discard it."""
        if token is COMMITTED:
            return
        try:
            token.wait()
        except PersistError:
            with self.lock:
                self._discard_changes()
            raise

    def _discard_changes(self) -> None:
        """Return to the last change that is stored. The caller holds the lock."""
        if self._restore_stored is not None:
            self._restore_stored(self)

    def _consume_step(self, at: datetime) -> Step | None:
        """Return the step of this thread's write. None: no call made it."""
        thread, step = self._thread, self._thread.step
        if step is CONSUMED:
            raise RuntimeError(f"world {self.name}: one call makes one write")
        if step is None:
            if self.persistence.is_durable:
                raise RuntimeError(f"world {self.name} is kept in a file, which a write that no call makes cannot be")
            return None
        thread.step = CONSUMED
        return step.complete(at, thread.read_body)

    def _push_undo(self, step: Step | None, transaction: Transaction, followed: int) -> None:
        """Remember how to undo a write, together with the recorded writes that followed it in its transaction."""
        start = transaction.start
        before = Snapshot(self.base, start.maps) if start.caches else start  # cached results would pile up
        if step is None or step.request_id is None:
            self.undo_stack.extend(is_recorded=step is not None, before=before)
            for _ in range(followed):
                self.undo_stack.extend(is_recorded=True)
        else:
            entry = UndoEntry(before, self.last_write_at, transaction.now, step.request_id, 1 + followed)
            self.undo_stack.push(entry)

    # Undo and restore

    def undo(self) -> str:
        """Undo the write of the last call and the background writes that followed it. Return its request id.

        A frozen clock goes back, too, unless it was moved since. Raise `Conflict` if there is nothing to undo.
        """
        with self._changing(lambda: self._save_branch(self.persistence.branch)):
            if not self.undo_stack:
                raise Conflict(self._nothing_to_undo())
            entry = self.undo_stack.pop()
            self._latest, self.last_write_at = entry.before, entry.previous_write_at
            self.steps.take_back(entry.steps, entry.unrecorded_writes)
            if self.clock.mode == "frozen" and self.clock.now() == entry.at:
                self.clock.set_time(entry.at - WRITE_STEP)
        self.schedule.record_discontinuity()
        return entry.request_id

    def _nothing_to_undo(self) -> str:
        if not self.steps:
            return f"nothing was written in world {self.name}, so there is nothing to undo"
        return f"of {len(self.steps)} writes in world {self.name}, none is left that can be undone"

    def state(self) -> WorldState:
        """Return the clock, the counters and the throttle windows. The caller holds the lock."""
        return WorldState(
            self.clock.mode,
            self.clock.now(),
            self.clock.speed,
            self.schedule.rate,
            self.throttle.copy_calls(),
            self.request_ids.next_number,
            self.faults.next_id,
        )

    def snapshot(self) -> WorldSnapshot:
        """Return the complete state."""
        with self.lock:
            return WorldSnapshot(
                self._newest(),
                self.state(),
                self.steps.copy(),
                tuple(self.undo_stack),
                self.faults.copy(),
                self.last_write_at,
                self.persistence.branch,
            )

    def take_snapshot(self, name: str) -> WorldSnapshot:
        """Store a snapshot under a name, replacing an earlier one. Raise `Conflict` if there are too many."""
        self.snapshots.check_room(name, self.name)
        with self.lock:
            snapshot = self.snapshot()
            token = self.persistence.save_snapshot(snapshot.state, name, snapshot)
            token.on_success(lambda: self.snapshots.update({name: snapshot}))
        token.wait()
        return snapshot

    def restore(self, snapshot: WorldSnapshot) -> None:
        """Return to a snapshot of a world on the same base. Requests are not counted back."""
        faults = self._checked_copy(snapshot.faults)
        with self._changing(lambda: self._save_branch(snapshot.branch)):
            self._latest, state = snapshot.records, snapshot.state
            self.clock.start(state.mode, state.now, state.speed)
            self.schedule.rate = state.rate
            self.steps = snapshot.steps.copy()
            self.undo_stack = UndoStack(snapshot.undo_entries, self.request_ids.next_number)
            self.last_write_at = snapshot.last_write_at
            self.throttle = ThrottleWindows(state.calls)
            self.faults = faults
        self.schedule.record_discontinuity()

    def _save_branch(self, origin: Branch | None) -> CommitToken:
        return self.persistence.save_branch(self.state(), origin, len(self.steps), self.faults)

    def _save_state(self) -> CommitToken:
        return self.persistence.save_state(self.state())

    # Time

    def set_clock(self, mode: ClockMode, now: datetime | None = None, speed: float | None = None) -> None:
        """Run the clock in this mode. Without `now` or `speed`, it keeps its time or its speed."""
        with self._changing(self._save_state):
            is_jump = now is not None or (mode == "real") != (self.clock.mode == "real")
            usual = self.clock.speed if mode == self.clock.mode else 1.0
            self.clock.start(mode, now or self.clock.now(), usual if speed is None else speed)
        if is_jump:
            self.schedule.record_discontinuity()
        else:
            self.schedule.reschedule()

    def set_traffic_rate(self, rate: TrafficRate) -> None:
        """Change the traffic. What was due while it was paused does not happen later."""
        with self._changing(self._save_state):
            self.schedule.rate = rate
        self.schedule.record_discontinuity()

    def advance(self, to: datetime | None = None, by: timedelta = timedelta(0)) -> None:
        """Advance the clock to a time or by a duration, and run on the way what is due, in order and at its due time.

        A time in the past changes nothing. Durations of concurrent calls add up. Raise `ValueError` for a real clock.
        """
        while (due := self.schedule.next_due()) is not None and due <= (to or self.clock.now() + by):
            with self._changing():
                by -= self._advance_clock(due)
            self.schedule.run_due(self.clock.now())
        with self._changing(self._save_state):
            self._advance_clock(to or self.clock.now() + by)
        self.schedule.reschedule()

    def _advance_clock(self, to: datetime) -> timedelta:
        """Return by how much the clock was advanced. The caller holds the lock."""
        now = self.clock.now()
        self.clock.set_time(max(to, now))
        return max(to - now, timedelta(0))

    # Changes other than writes

    def save_faults(self) -> None:
        """Store which faults are armed."""
        with self._changing(lambda: self.persistence.save_faults(self.state(), self.faults)):
            pass

    def save_fault_counts(self, faults: Faults, counted: Sequence[FaultMatch]) -> None:
        """Store the counts of faults. Requests are answered even if nothing can be stored any more."""
        counted = [each for each in counted if each.fault.action is None]
        if not (counted and self.persistence.is_durable):
            return
        with suppress(PersistError):
            with self.lock:
                if self.faults is not faults:  # the world was restored meanwhile
                    return
                token = self.persistence.save_fault_counts(self.state(), counted)
            token.wait()

    def save_throttle(self) -> None:
        """Store the throttle windows. Requests are answered even if nothing can be stored any more."""
        with suppress(PersistError):
            with self.lock:
                token = self._save_state()
            token.wait()
