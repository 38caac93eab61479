"""One thread that writes: all that waits goes to disk together, then everybody who waited goes on."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from emulator.core.refusals import NotKept
from emulator.core.sources import machine_seconds
from emulator.core.turns import resting
from emulator.durable.courses import first_at
from emulator.durable.file import said

LOG = logging.getLogger("emulator")
Work = Callable[[sqlite3.Connection], None]
PATIENCE, LONGEST_PATIENCE = 0.5, 0.01
"""For which part of the time that the last commit took others are waited for, and how many seconds at most."""
DROPPED_AT_ONCE = 2_000
"""How many steps that nobody needs are deleted in one go: whoever writes meanwhile waits for it."""


class Batch:
    """What goes to disk together."""

    def __init__(self) -> None:
        self.work: list[Work] = []
        self.latest: dict[int, Work] = {}
        """What only counts as it was last: how a world is."""
        self.droppable = 0
        """How many courses nobody needs once it is on disk: whatever took their place is in it, or was before."""
        self.refused: str | None = None
        self._done = threading.Event()

    def end(self, refused: str | None = None) -> None:
        self.refused = refused
        self._done.set()

    def wait(self) -> None:
        """Wait until it is on disk; `NotKept` if it is not."""
        with resting():
            self._done.wait()
        if self.refused is not None:
            raise NotKept(self.refused)


class Writer:
    """Takes work in its order, and does it in one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self.dropped: deque[int] = deque()
        """Courses that nobody needs; the collector of garbage adds to it, so no lock may guard it."""
        self._batch = Batch()
        self._refused: str | None = None
        self._closing = False
        self._expected, self._patience = 1, 0.0
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"emulator state {path}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `NotKept` if nothing is written any more."""
        if self._refused is not None:
            raise NotKept(self._refused)

    def add(self, work: Work | None, world: int | None = None, latest: Work | None = None) -> Callable[[], None]:
        """Take work, and how a world is afterwards; give what waits until both are on disk."""
        with self._wake:
            self.check()
            batch = self._batch
            if work is not None:
                batch.work.append(work)
            if world is not None and latest is not None:
                batch.latest[world] = latest
            self._wake.notify()
        return batch.wait

    def close(self) -> None:
        """Write what waits, and close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            began = machine_seconds()
            refused = self._write(batch)
            self._patience = min((machine_seconds() - began) * PATIENCE, LONGEST_PATIENCE)
            self._expected = len(batch.work) + len(self._batch.work)
            batch.end(refused)
            if batch.droppable:
                self._forget_dropped()
        try:
            self._connection.close()
        except sqlite3.Error as error:
            LOG.error("%s", said(self.path, error))

    def _next(self) -> Batch | None:
        """Wait for work; None when there will be none."""
        with self._wake:
            while not self._batch.work and not self._batch.latest:
                if self._closing:
                    self._refused = self._refused or f"state file {self.path} is closed, so nothing more is kept"
                    return None
                self._wake.wait()
            self._gather()
            batch, self._batch = self._batch, Batch()
            batch.droppable = len(self.dropped)
            return batch

    def _gather(self) -> None:
        """Wait a little for those who wrote just now and may again: one commit for all costs as much as for one.

        Nobody waits for others who did not write lately, and never for longer than a part of a commit.
        """
        until = machine_seconds() + self._patience
        while len(self._batch.work) < self._expected and not self._closing:
            if (left := until - machine_seconds()) <= 0:
                return
            self._wake.wait(left)

    def _write(self, batch: Batch) -> str | None:
        """Put a batch on disk; give why it is not, if it is not."""
        if self._refused is None:
            try:
                self._commit([*batch.work, *batch.latest.values()])
            except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                why = said(self.path, error) if isinstance(error, sqlite3.Error) else f"state file: {error!r}"
                self._refused = f"{why}; nothing more is kept, so writes are refused until a restart"
                LOG.error("%s", self._refused)
        return self._refused

    def _commit(self, work: list[Work]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for each in work:
                each(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _forget_dropped(self) -> None:
        """Delete some steps of a course that nobody needs."""
        if self._refused is not None:
            return
        course = self.dropped[0]
        some = "SELECT at FROM steps WHERE at BETWEEN ? AND ? LIMIT ?"
        limits = (first_at(course), first_at(course + 1) - 1, DROPPED_AT_ONCE)
        try:
            gone = self._connection.execute(f"DELETE FROM steps WHERE at IN ({some})", limits).rowcount  # noqa: S608
            if gone < DROPPED_AT_ONCE:
                self._connection.execute("DELETE FROM courses WHERE id = ?", (course,))
                self.dropped.popleft()
        except sqlite3.Error as error:
            LOG.warning("%s", said(self.path, error))
