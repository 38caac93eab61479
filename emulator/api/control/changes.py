"""The exact changes of a world's records between two moments, and the requests that made them.

Two snapshots share what did not change, so the cost depends on the changes and not on the number of records.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

import orjson

from emulator.api.control.journal import mask_json
from emulator.core.errors import Conflict, InvalidDocument, UnknownRecord
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import KINDS, OMITTED, REFERENCES, ColumnValue, Record, RecordKind, State
from emulator.state.clock import format_time
from emulator.state.persistent_map import PersistentMap
from emulator.state.steps import UndoEntry, request_number
from emulator.state.store import Reader, Snapshot
from emulator.state.world import World

HIDDEN_COLUMNS = frozenset(("snapshot", "request_id"))
"""Columns that the OMS does not have: the records to render an event from, and the request behind a log."""
EMPTY_MAP: PersistentMap[int, Record] = PersistentMap()


class FieldChange(NamedTuple):
    """The value of a field before and after. None also stands for a record that does not exist."""

    before: JsonValue
    after: JsonValue


class RecordChange(NamedTuple):
    """A record that was added, changed or removed, and its fields that differ."""

    kind: str
    """The vendor's name of the kind, such as `package`."""
    id: int
    change: str
    """`added`, `changed` or `removed`."""
    fields: dict[str, FieldChange]


class Write(NamedTuple):
    """A write: the records before and after it, and the request that made it."""

    request_id: str
    """The request, or the latest request before the background writes."""
    is_background: bool
    before: Snapshot
    after: Snapshot


def changed_records(before: Snapshot, after: Snapshot) -> list[RecordChange]:
    """Return the records that differ, by kind and id. Raise `Conflict` if the snapshots have different bases."""
    if before.base is not after.base:
        raise Conflict("the world was restarted from another scenario, so its records cannot be compared")
    return [
        change
        for name, kind in KINDS.items()
        for id_ in differing_ids(kind, before, after)
        if (change := record_change(name, id_, before, after)) is not None
    ]


def differing_ids(kind: RecordKind, before: Snapshot, after: Snapshot) -> list[int]:
    """Return the ids of the records of a kind that may differ, ascending."""
    old, new = (snapshot.maps.get(kind, EMPTY_MAP) for snapshot in (before, after))
    return [] if old is new else sorted(new.differing_keys(old))


def record_change(name: str, id_: int, before: Snapshot, after: Snapshot) -> RecordChange | None:
    """Return the change of a record, or None if it is equal in both snapshots."""
    kind = KINDS[name]
    old, new = before.get(kind, id_), after.get(kind, id_)
    fields = {
        column: FieldChange(json_value(kind, column, old, before), json_value(kind, column, new, after))
        for column in differing_columns(kind, old, new)
    }
    change = "added" if old is None else "removed" if new is None else "changed"
    return RecordChange(name, id_, change, fields) if fields else None


def differing_columns(kind: RecordKind, old: Record, new: Record) -> list[str]:
    """Return the columns in which two records differ. None stands for no record, or for no value."""
    pairs = zip(kind._fields, values_of(kind, old), values_of(kind, new), strict=True)
    return [column for column, before, after in pairs if before != after and column not in HIDDEN_COLUMNS]


def values_of(kind: RecordKind, record: Record) -> Iterable[ColumnValue]:
    if record is None:
        return repeat(None, len(kind._fields))
    return [None if value is OMITTED else value for value in record] if OMITTED in record else tuple(record)


def json_value(kind: RecordKind, column: str, record: Record, reader: Reader) -> JsonValue:
    """Return the value of a column as JSON: the name of a state, the time as text, stored JSON as JSON."""
    value: ColumnValue = None if record is None else getattr(record, column)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, bytes):
        return orjson.loads(value)
    if value is not None and REFERENCES[kind].get(column) is State:
        return reader.get_existing(State, value).name
    return None if value is OMITTED else value


# Which request made a change


def writes_of(entries: Iterable[UndoEntry], end: Snapshot, first_request: int = 0) -> list[Write]:
    """Return the writes of an undo stack up to a snapshot, oldest first, from a request on.

    The background writes before this request are included.
    """
    writes: list[Write] = []
    for entry in reversed(tuple(entries)):
        if entry.after is not None:
            writes.append(Write(entry.request_id, True, entry.after, end))
        if request_number(entry.request_id) < first_request:
            break
        writes.append(Write(entry.request_id, False, entry.before, entry.after or end))
        end = entry.before
    return writes[::-1]


def writers_by_field(change: RecordChange, writes: Iterable[Write]) -> dict[str, list[Write]]:
    """Return for each field of a changed record the writes that changed it, oldest first."""
    kind = KINDS[change.kind]
    found: dict[str, list[Write]] = {name: [] for name in change.fields}
    for write in writes:
        old, new = write.before.get(kind, change.id), write.after.get(kind, change.id)
        for column in () if old is new else differing_columns(kind, old, new):
            if column in found:
                found[column].append(write)
    return found


# The control API


def changes_document(world: World, since: str) -> JsonObject:
    """Return the changes after a request. Raise a `ControlError` if it is unknown or too old."""
    if not (since.isascii() and since.isdigit()):
        raise InvalidDocument(f"since must be the id of a request, such as 00000001 (got {since!r})")
    number = int(since[:18])
    with world.lock:
        entries, end = tuple(world.undo_stack), world.records
        start = records_after(world, number, entries) or end
    writes = writes_of(entries, end, number + 1)
    rows = [change_row(change, writes) for change in changed_records(start, end)]
    return {"since": since, "count": len(rows), "results": rows}


def records_after(world: World, number: int, entries: tuple[UndoEntry, ...]) -> Snapshot | None:
    """Return the records after the writes up to a request. None: nothing was written since."""
    stack = world.undo_stack
    if number >= world.request_ids.next_number:
        raise UnknownRecord(f"world {world.name} has had no request {number:08d} yet")
    if number + 1 < stack.first_request:
        raise Conflict(
            f"the changes since request {number:08d} are not kept; the oldest that is kept is"
            f" {stack.first_request - 1:08d}"
        )
    later = [entry.before for entry in entries if request_number(entry.request_id) > number]
    earlier = [entry for entry in entries if request_number(entry.request_id) <= number]
    if earlier:
        return earlier[-1].after or next(iter(later), None)
    return stack.start or next(iter(later), None)


def change_row(change: RecordChange, writes: list[Write]) -> JsonObject:
    found = writers_by_field(change, writes)
    all_writes = [write for name in found for write in found[name]]
    return {
        "record": change.kind,
        "id": change.id,
        "change": change.change,
        "requests": sorted({write.request_id for write in all_writes if not write.is_background}),
        "background": any(write.is_background for write in all_writes),
        "fields": {
            name: {
                "before": mask_json({name: values.before})[name],
                "after": mask_json({name: values.after})[name],
                "requests": [write.request_id for write in found[name] if not write.is_background],
            }
            for name, values in change.fields.items()
        },
    }
