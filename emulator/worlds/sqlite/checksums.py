"""Checksums of the rows of a state file. They find damage inside texts, which SQLite does not notice.

Temporary triggers maintain the table `sums`, so the statements that write rows need not know of it. A file without it
was written by an earlier version. It is read without a check, and gets the table when it is opened for writing.
"""

from __future__ import annotations

import sqlite3
import zlib

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
