"""What recorded answers leave open: columns that nobody told, records and states that are known by their id alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from emulator.core.records import KINDS, State, Transition
from emulator.shapes.columns import COLUMN_TYPES
from emulator.shapes.recorded import Known

START = datetime(2023, 4, 5, 9, 0, tzinfo=UTC)
"""What time it is in a world whose answers tell none."""
UNPRINTED = {"max_quota", "command_code", "position", "actor", "request_id", "told_from", "plan_item"}
"""Columns that no document prints, or one alone."""
NAMED = {kind: name for name, kind in KINDS.items()}
OWN = {State, Transition}
"""Kinds that have lines of their own."""


def untold(known: Known) -> Iterator[str]:
    """Say which columns of shown records no answer tells, and in how many."""
    for kind, table in list(known.records.items()):
        shown = [columns for columns in table.values() if len(columns) > 1]
        lacking = Counter(
            column for columns in shown for column in COLUMN_TYPES[kind] if column not in columns.keys() | UNPRINTED
        )
        if lacking and kind not in OWN:
            named = ", ".join(f"{column} in {times}" for column, times in lacking.items())
            yield f"{NAMED[kind]}, {len(shown)} shown: {named}"


def missing(known: Known) -> Iterator[str]:
    """Say how many records of each kind are named, and shown by no answer."""
    for kind, table in list(known.records.items()):
        ids = [id_ for id_, columns in table.items() if len(columns) == 1]
        if ids and kind not in OWN:
            yield f"{NAMED[kind]}: {len(ids)} of {len(table)} known by the id alone: {listed(ids)}"


def known_by_id(known: Known) -> Iterator[str]:
    """Say of which states and transitions little more than the id is known."""
    for id_, columns in sorted(known.records[State].items()):
        if "name" not in columns:
            yield f"state {id_}: known by its id alone; named State {id_}"
    for id_, columns in sorted(known.records[Transition].items()):
        if "label" not in columns:
            yield f"transition {id_}: known by its id alone"
        elif not isinstance(columns.get("slug"), str):
            yield f"transition {id_} {columns['label']}: no slug; it is run by its id"


MOST = 10


def listed(ids: list[int]) -> str:
    shown = ", ".join(map(str, sorted(ids)[:MOST]))
    return shown if len(ids) <= MOST else f"{shown} ..."


def latest(known: Known) -> datetime:
    """Give the last moment at which an answer says that something was made or changed: there the world starts."""
    return max(moments(known), default=START)


def moments(known: Known) -> Iterator[datetime]:
    for table in known.records.values():
        for columns in table.values():
            found: list[Any] = [columns.get("created_date"), columns.get("modified_date")]
            yield from (at for at in found if isinstance(at, datetime))
