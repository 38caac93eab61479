"""Small worlds, and what changed in one: every table before and after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from emulator.core.bases import TableBase
from emulator.core.records import KINDS
from emulator.core.sources import Clock, ClockMode
from emulator.core.store import Root, Transaction
from emulator.core.world import Announce, Settings, World

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def quiet(tx: Transaction, settled: Any) -> None:
    """Announce nothing."""


def world_of(records: Iterable[Any] = (), clock: ClockMode = "frozen", announce: Announce = quiet) -> World:
    """Make a world that has these records."""
    tables: dict[type[Any], dict[int, Any]] = {}
    for record in records:
        tables.setdefault(type(record), {})[record.id] = record
    settings = Settings("made by hand", 1, START)
    return World("default", settings, TableBase(tables), Clock(clock, START), announce)


Tables = dict[type[Any], dict[int, Any]]


def tables(root: Root) -> Tables:
    """Give every record of every kind."""
    return {kind: {record.id: record for record in root.all(kind)} for kind in KINDS.values()}


REMOVED = "removed"
Changes = dict[tuple[str, int], Any]
"""(kind, id) -> the new record, the columns that changed, or REMOVED."""


def changes(before: Tables, after: Tables) -> Changes:
    """Give all that differs between two states of a world."""
    found: Changes = {}
    for kind, table in after.items():
        for id_ in before[kind].keys() - table.keys():
            found[kind.__name__, id_] = REMOVED
        for id_, record in table.items():
            old = before[kind].get(id_)
            if old is None:
                found[kind.__name__, id_] = record
            elif old != record:
                pairs = zip(record._fields, old, record, strict=True)
                found[kind.__name__, id_] = {name: value for name, was, value in pairs if was != value}
    return found
