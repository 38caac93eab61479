"""The SQLite file: created atomically, checked before it is changed, and opened by one process at a time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

APPLICATION_ID = 0x4F4D5345
"""SQLite's application id of our files: OMSE."""
FORMAT_VERSION = 2
"""Version of the tables."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scenarios (digest TEXT PRIMARY KEY, document BLOB NOT NULL, request TEXT, start TEXT NOT NULL);
CREATE TABLE worlds (
  id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, scenario TEXT NOT NULL, course INTEGER NOT NULL,
  now TEXT NOT NULL
);
CREATE TABLE courses (id INTEGER PRIMARY KEY, parent INTEGER, upto INTEGER NOT NULL);
CREATE TABLE steps (at INTEGER PRIMARY KEY, line BLOB NOT NULL, changes BLOB NOT NULL);
CREATE TABLE snapshots (
  position INTEGER PRIMARY KEY, world INTEGER NOT NULL, name TEXT NOT NULL, course INTEGER NOT NULL,
  upto INTEGER NOT NULL, now TEXT NOT NULL, faults TEXT NOT NULL, UNIQUE (world, name)
);
CREATE TABLE faults (
  position INTEGER PRIMARY KEY, world INTEGER NOT NULL, id INTEGER NOT NULL, document TEXT NOT NULL,
  UNIQUE (world, id)
);
CREATE TABLE seen (
  world INTEGER, fault INTEGER, request TEXT, times INTEGER NOT NULL, PRIMARY KEY (world, fault, request)
) WITHOUT ROWID;
"""
"""A row of `courses` is a branch: the first `upto` steps of its parent (without one: of the scenario), then its own
steps. Undo, restore and branch create a branch and copy nothing. `steps.at` is branch << 32 | number of the step. A
snapshot is the first `upto` steps of a branch. `seen` has the requests that a fault with a rate has seen."""


class StateFileError(ValueError):
    """A state file that cannot be used. The message is one line: which file, and why. The file is unchanged."""


def create_file(path: Path, made_for: str) -> None:
    """Create a file without worlds, by renaming a temporary file. Raise `StateProblem` on failure."""
    try:
        number, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(number)
        try:
            with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(f"BEGIN; {TABLES}")
                connection.execute("INSERT INTO meta VALUES ('made_for', ?)", (made_for,))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode = WAL")
            Path(aside).replace(path)
            sync_folder(path.parent)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StateFileError(f"cannot make state file {path}: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise StateFileError(f"cannot make state file {path}: {error}") from None


def sync_folder(folder: Path) -> None:
    """Flush the folder to disk, so that a new file is found after a crash."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def is_new_file(path: Path) -> bool:
    """Return whether the file is missing or empty. Raise `StateProblem` if it cannot be a writable state file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StateFileError(f"cannot open state file {path}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise StateFileError(
            f"state file {path} is no file but {'a folder' if path.is_dir() else 'a device or pipe'}"
        )
    if not found.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise StateFileError(f"state file {path} is read-only, so nothing could be kept in it")
    return found.st_size == 0


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a valid file for reading only. Neither the file nor its write-ahead log changes.

    Raise `StateProblem` for a file that is in use, foreign, of another version, or damaged.
    """
    beside = [path.with_name(path.name + end) for end in ("-shm", "-wal")]
    there = [each.exists() for each in beside]
    try:
        with closing(connect(path, "ro")) as connection:
            check_format(path, connection)
            yield connection
    except sqlite3.Error as error:
        raise StateFileError(error_message(path, error)) from None
    finally:
        for each, was in zip(beside, there, strict=True):
            if not was:
                with contextlib.suppress(OSError):
                    each.unlink()


def check_format(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StateFileError(f"{path} is a database, but no state file of oms-emulator")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT_VERSION:
        whose = "a later" if version > FORMAT_VERSION else "an earlier"
        raise StateFileError(
            f"state file {path} is of {whose} oms-emulator: its form is {version}, and this one knows {FORMAT_VERSION}"
        )
    (first, *_) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if first != "ok":
        raise StateFileError(f"state file {path} is damaged: {' '.join(first.split())}")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=0, isolation_level=None, check_same_thread=False)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file for writing and lock it. Raise `StateProblem` on failure."""
    try:
        connection = connect(path, "rw")
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StateFileError(error_message(path, error)) from None
    return connection


ERROR_MESSAGES = {
    "SQLITE_BUSY": "state file {path} is in use by another process",
    "SQLITE_NOTADB": "{path} is no state file of oms-emulator",
    "SQLITE_CORRUPT": "state file {path} is damaged",
    "SQLITE_READONLY": "state file {path} is read-only, so nothing could be kept in it",
    "SQLITE_FULL": "the disk of state file {path} is full",
}


def error_message(path: Path, error: sqlite3.Error) -> str:
    """Return an SQLite error as one line."""
    name = getattr(error, "sqlite_errorname", "")
    known = next((text for code, text in ERROR_MESSAGES.items() if name.startswith(code)), None)
    return f"state file {path}: {error}" if known is None else known.format(path=path)
