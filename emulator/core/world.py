"""A world: everything that changes, with one lock for writers and none for readers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.core.bases import Base
from emulator.core.coverage import Coverage
from emulator.core.deliveries import Courier, Mailbox
from emulator.core.faults import Faults
from emulator.core.journal import Journal
from emulator.core.moments import Agenda, Announce, Keeper, Moment, Pace, Safe, Settings, Settle, Settled
from emulator.core.refusals import Conflict
from emulator.core.sending import Deliver, send_nothing
from emulator.core.sources import WRITE_STEP, Clock, ClockMode
from emulator.core.steps import Doing, Step, StepLog, line_of
from emulator.core.store import Root, Transaction
from emulator.core.undoing import Undoable, Write

__all__ = ["Agenda", "Announce", "Keeper", "Moment", "Pace", "Safe", "Settings", "World"]


@dataclass(eq=False)
class World:
    """One scenario's records, clock and counters, apart from every other world's."""

    name: str
    settings: Settings
    base: Base
    clock: Clock
    announce: Announce
    """Called just before the commit."""
    root: Root = field(init=False)
    calls: dict[str, list[datetime]] = field(default_factory=dict)
    """Throttled callers, by scheme, role and scope -> when their latest calls were."""
    faults: Faults = field(default_factory=Faults)
    strict: bool = False
    """Whether a query parameter that nobody knows is refused."""
    render_cache: Any = None
    """Rendered documents, shared by all worlds on one base (`shapes/cache.py`)."""
    journal: Journal = field(default_factory=Journal)
    coverage: Coverage = field(default_factory=Coverage)
    """What was met here; one for all worlds of a server."""
    steps: StepLog = field(default_factory=StepLog)
    undoable: Undoable = field(default_factory=Undoable)
    written: datetime | None = None
    """When the latest write was."""
    snapshots: dict[str, Moment] = field(default_factory=dict)
    agenda: list[Agenda] = field(default_factory=list)
    settle: Settle | None = None
    """Called for each event of what is not repeated."""
    after_write: list[Callable[[World], None]] = field(default_factory=list)
    """Told of each write once it is safe."""
    after_clock: list[Callable[[World], None]] = field(default_factory=list)
    """Told when the clock goes on otherwise than by itself: whoever waits by it reckons anew."""
    jumps: int = 0
    """How often the world became what did not follow from what it was: what was due meanwhile does not happen."""
    pace: Pace = field(default_factory=Pace)
    keeper: Keeper | None = None
    course: Any = None
    """Where the keeper has this world's steps."""
    untold: int = 0
    """How many writes no step tells of, since no call made them."""
    closed: bool = False
    """Replaced or deleted: nothing more happens in it by itself."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    writing: bool = False
    """A transaction is open; only its thread, which has the lock, sees this."""
    mailbox: Mailbox = field(default_factory=Mailbox)
    courier: Courier | None = None
    """Sends what hooks are told; None: nobody does."""
    deliver: Deliver = send_nothing
    """Makes one attempt to send an event; whoever delivers puts itself here."""

    def __post_init__(self) -> None:
        self.root = Root(self.base, {})
        self._requests = 0
        self._counting = threading.Lock()
        self._thread = threading.local()
        self._replaying: datetime | None = None

    def new_request_id(self) -> str:
        """Give the id of the next request: the journal's key."""
        with self._counting:
            self._requests += 1
            return f"{self._requests:08d}"

    @property
    def whole(self) -> bool:
        """Whether the steps tell of every write."""
        return self.untold == 0

    @property
    def next_request(self) -> int:
        """The number of the next request."""
        return self._requests + 1

    @contextmanager
    def doing(self, doing: Doing) -> Iterator[None]:
        """Say what the next write of this thread is, so that it can be repeated."""
        self._thread.doing = doing
        try:
            yield
        finally:
            self._thread.doing = None

    @contextmanager
    def repeating(self, at: datetime | None) -> Iterator[None]:
        """Let writes have this time: the time that they had."""
        with self.lock:
            self._replaying = at
            try:
                yield
            finally:
                self._replaying = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give a transaction; it is kept when the block ends well, and leaves no trace when it raises.

        One within another of the same world is an error: the outer one would overwrite what it kept. So is a second
        one in the same call, which could not be repeated.
        """
        with self.lock:
            if self.writing:
                raise RuntimeError(f"world {self.name} is in a transaction of this thread already")
            self._check_keeper()
            self.writing = True
            try:
                now = self._replaying or self._next_write()
                transaction = Transaction(self.root, now, len(self.steps) + 1)
                yield transaction
                settled = self._announced(transaction) if transaction.events else ()
                safe = self._commit(transaction, [each.step for each in settled])
            finally:
                self.writing = False
        if safe is not None:
            safe()
        for each in settled:
            each.tell()
        self._tell()

    def _announced(self, transaction: Transaction) -> list[Settled]:
        """Make records of a write's events; give those with which all is over."""
        found: list[Settled] = []

        def settled(event: Any, hook: Any) -> Any:
            over = None if self.settle is None or self._replaying else self.settle(self, event, hook)
            if over is None:
                return event
            found.append(over)
            return over.event

        self.announce(transaction, settled)
        if self._replaying is None:
            self.coverage.add(("events", event_type) for event_type, _, _ in transaction.events)
        return found

    def _tell(self) -> None:
        for tell in self.after_write:
            tell(self)

    def _next_write(self) -> datetime:
        """Give the time of a write: what nobody called for does not move a frozen clock, whenever it comes."""
        doing: Doing | None = getattr(self._thread, "doing", None)
        is_called_for = doing is None or doing.step.request_id is not None
        return self.clock.next_write() if is_called_for else self.clock.now()

    def _commit(self, transaction: Transaction, followed: Sequence[Step]) -> Safe | None:
        doing: Doing | None = getattr(self._thread, "doing", None)
        step = None if doing is None else doing.done(transaction.now)
        if doing is not None:
            self._thread.doing = Doing(ALREADY)
        if step is not None and step.operation == ALREADY.operation:
            raise RuntimeError(f"world {self.name}: one call makes one write")
        if step is None and self.keeper is not None:
            raise RuntimeError(f"world {self.name} is kept in a file, which a write that no call makes cannot be")
        request_id = None if step is None else step.request_id
        if request_id is None:
            self.undoable.followed(is_step=step is not None)
        else:
            before = Root(self.base, self.root.maps)  # without what readers keep with it: that would pile up
            self.undoable.called(Write(before, self.written, transaction.now, request_id, steps=1, untold=0))
        for _ in followed:
            self.undoable.followed(is_step=True)
        self.root, self.written = transaction.root(), transaction.now
        self.clock.wrote(transaction.now)
        self.untold += step is None
        lines = [line_of(each) for each in (step, *followed) if each is not None]
        for line in lines:
            self.steps.append(line)
        return None if self.keeper is None else self.keeper.keep(self, lines, transaction)

    def undo(self) -> str:
        """Take the last call's write back, with what followed from it by itself; give the id of its request.

        A frozen clock goes back too, if it was not moved since. `Conflict` when no write is left to undo.
        """
        with self.lock:
            self._check_keeper()
            if not self.undoable:
                raise Conflict(self._nothing_to_undo())
            write = self.undoable.pop()
            self._take_back(write)
            safe = self._rewritten()
        safe()
        self.jumped()
        return write.request_id

    def jumped(self) -> None:
        """Say that the world is at another time or state, which did not follow from what it was."""
        self.jumps += 1
        self.tell_of_clock()

    def tell_of_clock(self) -> None:
        for tell in self.after_clock:
            tell(self)

    def _take_back(self, write: Write) -> None:
        self.root, self.written = write.before, write.before_at
        for _ in range(write.steps):
            self.steps.pop()
        self.untold -= write.untold
        if self.clock.mode == "frozen" and self.clock.now() == write.at:
            self.clock.set(write.at - WRITE_STEP)

    def _nothing_to_undo(self) -> str:
        if not self.steps:
            return f"nothing was written in world {self.name}, so there is nothing to undo"
        return f"of {len(self.steps)} writes in world {self.name}, none is left that can be undone"

    def moment(self) -> Moment:
        """Give all that this world is now, to come back to or to start another from."""
        with self.lock:
            return Moment(
                self.root,
                self.clock.mode,
                self.clock.now(),
                self.steps.copy(),
                tuple(self.undoable),
                {caller: list(calls) for caller, calls in self.calls.items()},
                self.faults.copy(),
                self._requests,
                self.untold,
                self.course,
                self.clock.speed,
                self.pace,
                self.written,
            )

    def go_to(self, moment: Moment, *, requests: bool = False) -> None:
        """Become what a world on the same base was at a moment; with `requests`, count requests from there too."""
        with self.lock:
            self._check_keeper()
            self.root = moment.root
            self.clock.become(moment.mode, moment.now, moment.speed)
            self.pace = moment.pace
            self.steps = moment.steps.copy()
            self.untold = moment.untold
            self.undoable, self.written = Undoable(moment.undoable), moment.written
            self.calls = {caller: list(calls) for caller, calls in moment.calls.items()}
            self.course = moment.course
            self.faults = moment.faults.copy()
            if requests:
                self._requests = moment.requests
            safe = self._rewritten()
        safe()
        self.jumped()

    def set_time(self, mode: ClockMode, now: datetime | None = None, speed: float | None = None) -> None:
        """Let the clock go on in this mode, from this time or where it is, at this speed or as fast as it does."""
        with self.lock:
            self._check_keeper()
            is_jump = now is not None or (mode == "real") != (self.clock.mode == "real")
            usual = self.clock.speed if mode == self.clock.mode else 1.0
            self.clock.become(mode, now or self.clock.now(), usual if speed is None else speed)
            safe = self._timed()
        safe()
        if is_jump:
            self.jumped()
        else:
            self.tell_of_clock()

    def set_pace(self, pace: Pace) -> None:
        """Be as lively as this; what was due while it was paused does not happen."""
        with self.lock:
            self._check_keeper()
            self.pace = pace
            safe = self._timed()
        safe()
        self.jumped()

    def _check_keeper(self) -> None:
        if self.keeper is not None:
            self.keeper.check()

    def _rewritten(self) -> Safe:
        return at_once if self.keeper is None else self.keeper.rewrite(self)

    def _timed(self) -> Safe:
        return at_once if self.keeper is None else self.keeper.keep_time(self)

    def count_requests_from(self, number: int) -> None:
        """Let the next request have this number."""
        self._requests = number - 1

    def next_event(self) -> datetime | None:
        """Give when something happens by itself next, or None."""
        return min((due for each in self.agenda if (due := each.next(self)) is not None), default=None)

    def run_due(self) -> None:
        """Do what is due by now."""
        for each in self.agenda:
            if (due := each.next(self)) is not None and due <= self.clock.now():
                each.run(self, self.clock.now())

    def advance(self, to: datetime) -> None:
        """Move the clock on to a time, and do on the way what is due, in its order and at its time.

        A time that has passed moves nothing. `ValueError` for a real clock.
        """
        while (due := self.next_event()) is not None and due <= to:
            self._move_clock(due)
            self.run_due()
        with self.lock:
            self._check_keeper()
            self._move_clock(to)
            safe = self._timed()
        safe()
        self.tell_of_clock()

    def _move_clock(self, to: datetime) -> None:
        with self.lock:  # a write that is being made would set it back to its own time
            self.clock.set(max(to, self.clock.now()))


def at_once() -> None:
    """Wait for nothing."""


ALREADY = Step("(done)")
"""What a thread is at whose call has written: nothing that another write could be recorded as."""
