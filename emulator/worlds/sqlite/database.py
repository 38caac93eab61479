"""The SQLite file: created atomically, checked before it is changed, and written by one thread of one process."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from emulator.core.errors import PersistError
from emulator.state.clock import machine_seconds
from emulator.state.persistence import CommitToken, release_worker_slot
from emulator.worlds.sqlite.history import delete_branch, delete_steps

LOG = logging.getLogger("emulator")
APPLICATION_ID = 0x4F4D5345
"""SQLite's application id of our files: OMSE."""
MIN_FREE_BYTES = 64 * 1024
FORMAT_VERSION = 2
"""Version of the tables."""

TABLES = (Path(__file__).parent / "tables.sql").read_text("utf-8")


class StateFileError(ValueError):
    """A state file that cannot be used. The message is one line: which file, and why. The file is unchanged."""


def create_file(path: Path, made_for: str) -> None:
    """Create a file without worlds, by renaming a temporary file. Raise `StateFileError` on failure."""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
        try:
            with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(f"BEGIN; {TABLES}")
                maintain_checksums(connection)
                connection.execute("INSERT INTO meta VALUES ('made_for', ?)", (made_for,))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode = WAL")
            Path(temporary).replace(path)
            sync_folder(path.parent)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StateFileError(f"cannot make state file {path}: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise StateFileError(f"cannot make state file {path}: {error_message(path, error)}") from None


def sync_folder(folder: Path) -> None:
    """Flush the folder to disk, so that a new file exists after a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_new_file(path: Path) -> bool:
    """Return whether the file is missing or empty. Raise `StateFileError` if it cannot be a writable state file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StateFileError(f"cannot open state file {path}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise StateFileError(
            f"state file {path} is not a file but {'a folder' if path.is_dir() else 'a device or pipe'}"
        )
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise StateFileError(ERROR_MESSAGES["SQLITE_READONLY"].format(path=path))
    return status.st_size == 0


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a valid file for reading only. Neither the file nor its write-ahead log changes.

    Raise `StateFileError` for a file that is in use, foreign, of another version, or damaged. A file is damaged if
    the caller raises `ValueError`, `TypeError` or `LookupError` while it reads.
    """
    created = [each for end in ("-shm", "-wal") if not (each := path.with_name(path.name + end)).exists()]
    try:
        with closing(connect(path, "ro")) as connection:
            check_format(path, connection)
            yield connection
    except sqlite3.Error as error:
        raise StateFileError(error_message(path, error)) from None
    except StateFileError:
        raise
    except (ValueError, TypeError, LookupError) as error:
        raise StateFileError(f"state file {path} is damaged: {error}") from None
    finally:
        for each in created:
            with contextlib.suppress(OSError):
                each.unlink()


def check_format(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StateFileError(f"{path} is a database, but not a state file of oms-emulator")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT_VERSION:
        origin = "a later" if version > FORMAT_VERSION else "an earlier"
        raise StateFileError(
            f"state file {path} is of {origin} oms-emulator: its format is {version}, this one reads {FORMAT_VERSION}"
        )
    (first, *_) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if first != "ok":
        raise StateFileError(f"state file {path} is damaged: {' '.join(first.split())}")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=0, isolation_level=None, check_same_thread=False)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file for writing and lock it. Raise `StateFileError` on failure."""
    try:
        connection = connect(path, "rw")
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            maintain_checksums(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StateFileError(error_message(path, error)) from None
    return connection


ERROR_MESSAGES = {
    "SQLITE_BUSY": "state file {path} is in use by another process",
    "SQLITE_NOTADB": "{path} is not a state file of oms-emulator",
    "SQLITE_CORRUPT": "state file {path} is damaged",
    "SQLITE_READONLY": "state file {path} is read-only, so nothing can be stored in it",
    "SQLITE_FULL": "the disk of state file {path} is full",
}


def error_message(path: Path, error: Exception) -> str:
    """Return an error as one line."""
    if not isinstance(error, sqlite3.Error):
        return f"state file: {error!r}"
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_IOERR") and is_disk_full(path.parent):
        name = "SQLITE_FULL"
    message = next((text for code, text in ERROR_MESSAGES.items() if name.startswith(code)), None)
    return f"state file {path}: {error}" if message is None else message.format(path=path)


def is_disk_full(folder: Path) -> bool:
    """Return whether there is no room for another page. SQLite then reports an I/O error in some places."""
    try:
        return shutil.disk_usage(folder).free < MIN_FREE_BYTES
    except OSError:
        return False


# Checksums of the rows find damage inside texts, which SQLite does not notice. Temporary triggers maintain the table
# `sums`, so the statements that write rows need not know of it. A file without it was written by an earlier version.
# It is read without a check, and gets the table when it is opened for writing.

ROW_KEYS = {
    "meta": "{0}key",
    "scenarios": "{0}digest",
    "worlds": "{0}id",
    "courses": "{0}id",
    "steps": "{0}at",
    "snapshots": "{0}position",
    "faults": "{0}position",
    "seen": "{0}world || ' ' || {0}fault || ' ' || {0}request",
}
"""Table -> the expression that identifies a row."""
CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS sums (name TEXT, row BLOB, sum INTEGER NOT NULL, PRIMARY KEY (name, row)) WITHOUT ROWID
"""
TRIGGERS = """
CREATE TEMP TRIGGER sum_inserted_{table} AFTER INSERT ON main.{table} BEGIN
  INSERT OR REPLACE INTO sums VALUES ('{table}', {new_key}, row_sum({new_columns}));
END;
CREATE TEMP TRIGGER sum_updated_{table} AFTER UPDATE ON main.{table} BEGIN
  DELETE FROM sums WHERE name = '{table}' AND row = {old_key};
  INSERT OR REPLACE INTO sums VALUES ('{table}', {new_key}, row_sum({new_columns}));
END;
CREATE TEMP TRIGGER sum_deleted_{table} AFTER DELETE ON main.{table} BEGIN
  DELETE FROM sums WHERE name = '{table}' AND row = {old_key};
END;
"""


def row_sum(*values: int | str | bytes | None) -> int:
    """Return the checksum of the values of a row."""
    return zlib.crc32(repr(values).encode())


def maintain_checksums(connection: sqlite3.Connection) -> None:
    """Update the checksums whenever this connection writes. Add them to a file that has none."""
    connection.create_function("row_sum", -1, row_sum, deterministic=True)
    is_new = not has_checksums(connection)
    connection.execute(CREATE_TABLE)
    for table, key in ROW_KEYS.items():
        names = _column_names(table, connection)
        if is_new:
            sums = f"SELECT '{table}', {key.format('')}, row_sum({', '.join(names)}) FROM {table}"  # noqa: S608 - ours
            connection.execute(f"INSERT INTO sums {sums}")
        new_columns = ", ".join(f"NEW.{name}" for name in names)
        old_key, new_key = key.format("OLD."), key.format("NEW.")
        text = TRIGGERS.format(table=table, old_key=old_key, new_key=new_key, new_columns=new_columns)
        for statement in text.split("END;")[:-1]:
            connection.execute(f"{statement}END")


def verify_checksums(connection: sqlite3.Connection) -> None:
    """Raise `ValueError` if a row does not have its checksum, or if a checksum has no row."""
    if not has_checksums(connection):
        return
    connection.create_function("row_sum", -1, row_sum, deterministic=True)
    for table, key in ROW_KEYS.items():
        columns = ", ".join(f"{table}.{name}" for name in _column_names(table, connection))
        rows = f"{table} JOIN sums ON sums.name = '{table}' AND sums.row = {key.format(f'{table}.')}"
        query = f"SELECT count(*), sum(sums.sum = row_sum({columns})) FROM {rows}"  # noqa: S608 - ours
        found, valid = connection.execute(query).fetchone()
        (stored,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
        (expected,) = connection.execute("SELECT count(*) FROM sums WHERE name = ?", (table,)).fetchone()
        if not found == (valid or 0) == stored == expected:
            raise ValueError(f"a row of {table} does not have its checksum")


def has_checksums(connection: sqlite3.Connection) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'sums'"
    return bool(connection.execute(query).fetchone()[0])


def _column_names(table: str, connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


# The thread that writes

FileChange = Callable[[sqlite3.Connection], None]
WAIT_FRACTION, MAX_WAIT = 0.5, 0.01
"""Time to wait for other writes, as a fraction of the last commit, and its maximum in seconds."""
MAX_DELETED_STEPS = 2_000
"""Maximum number of unused steps to delete at a time, because writes wait for it."""


class Batch(CommitToken):
    """Changes that are committed together."""

    def __init__(self) -> None:
        self.changes: list[FileChange] = []
        self.latest_states: dict[int, FileChange] = {}
        """World -> its latest state. Earlier states of the batch are not written."""
        self.unused_branches = 0
        """Number of branches that are unused once the batch is on disk."""
        self.error: str | None = None
        self._done = threading.Event()
        self._callbacks: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def finish(self, error: str | None) -> None:
        with self._lock:
            self.error = error
            for callback in self._callbacks if error is None else ():
                callback()
            self._done.set()

    def on_success(self, callback: Callable[[], object], /) -> None:
        with self._lock:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        if self.error is None:
            callback()

    def wait(self) -> None:
        release_worker_slot()
        self._done.wait()
        if self.error is not None:
            raise PersistError(self.error)


class Writer:
    """Runs all changes in order in one thread. Concurrent writes share one commit."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self.unused_branches: deque[int] = deque()
        """Unused branches. The garbage collector appends to it, so it must not need a lock."""
        self._batch = Batch()
        self._error: str | None = None
        self._is_closing = False
        self._expected_changes, self._max_wait = 1, 0.0
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"emulator state {path}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `PersistError` if the file is closed or failed."""
        if self._error is not None:
            raise PersistError(self._error)

    def add(self, change: FileChange | None, world: int = 0, state: FileChange | None = None) -> Batch:
        """Queue a change, and the state of a world after it. Return the batch that commits both."""
        with self._wake:
            self.check()
            batch = self._batch
            if change is not None:
                batch.changes.append(change)
            if state is not None:
                batch.latest_states[world] = state
            self._wake.notify()
        return batch

    def reset_after_fork(self) -> None:
        """Refuse writes in a forked process. Its parent has the file and the thread."""
        self._error = f"state file {self.path} is in use by the process that was forked"
        self._wake = threading.Condition()
        self._thread = threading.Thread()

    def close(self) -> None:
        """Write what is queued, and close the file."""
        if self._thread.ident is None:
            return
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            began = machine_seconds()
            error = self._write(batch)
            self._max_wait = min((machine_seconds() - began) * WAIT_FRACTION, MAX_WAIT)
            self._expected_changes = len(batch.changes) + len(self._batch.changes)
            batch.finish(error)
            if batch.unused_branches:
                self._delete_unused_steps()
        try:
            self._connection.close()
        except sqlite3.Error as error:
            LOG.error("%s", error_message(self.path, error))

    def _next_batch(self) -> Batch | None:
        """Wait for the next batch. None: the writer is closed."""
        with self._wake:
            while not self._batch.changes and not self._batch.latest_states:
                if self._is_closing:
                    self._error = self._error or f"state file {self.path} is closed, so nothing more is stored"
                    return None
                self._wake.wait()
            self._wait_for_others()
            batch, self._batch = self._batch, Batch()
            batch.unused_branches = len(self.unused_branches)
            return batch

    def _wait_for_others(self) -> None:
        """Wait a fraction of a commit for the threads that wrote in the last batch, so that they share the next."""
        until = machine_seconds() + self._max_wait
        while len(self._batch.changes) < self._expected_changes and not self._is_closing:
            if (left := until - machine_seconds()) <= 0:
                return
            self._wake.wait(left)

    def _write(self, batch: Batch) -> str | None:
        """Commit a batch. Return the reason if it fails."""
        if self._error is None:
            try:
                self._commit([*batch.changes, *batch.latest_states.values()])
            except Exception as error:  # noqa: BLE001 - the waiting threads must get any error
                reason = error_message(self.path, error)
                self._error = f"{reason}; nothing more is stored, so writes are refused until a restart"
                LOG.error("%s", self._error)
        return self._error

    def _commit(self, changes: list[FileChange]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                change(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _delete_unused_steps(self) -> None:
        """Delete some steps of an unused branch."""
        if self._error is not None:
            return
        branch = self.unused_branches[0]
        try:
            if delete_steps(self._connection, branch, limit=MAX_DELETED_STEPS) < MAX_DELETED_STEPS:
                delete_branch(self._connection, branch)
                self.unused_branches.popleft()
        except sqlite3.Error as error:
            LOG.warning("%s", error_message(self.path, error))
