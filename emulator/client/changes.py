"""`oms.changes()`, the exact changes of a world's records inside a block, and `stable`, both for assertions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, overload

from emulator.api.control.changes import (
    HIDDEN_COLUMNS,
    FieldChange,
    RecordChange,
    Write,
    changed_records,
    writers_by_field,
    writes_of,
)
from emulator.api.control.journal import SECRET_KEYS, mask_json
from emulator.client.request_assertions import format_value, has_same_booleans
from emulator.core.errors import did_you_mean
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import KINDS, REFERENCES, State
from emulator.state.store import Snapshot
from emulator.state.world import World

UNIQUE = object()
SHIPMENT_NUMBERS = ("awb_number", "query_number")
"""Fields that identify a shipment, besides `tracking_number`."""


TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
TEXT_RULES = (
    (re.compile(r"https?://[^/?#\s]+(?:/w/[\w-]+)?"), "<url>"),
    (re.compile(r"^/w/[\w-]+(?=/)"), ""),
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?<=/)\d+(?=/|$)"), "<id>"),
)
"""Parts of texts -> placeholders: the address of the server and the world, UUIDs, ids in paths."""
ID_KEYS = frozenset(("id", "pk", "order", "package", "product", "order_item", "transfer_order", "webhook"))
"""Keys whose integers are ids of records, besides those that end with `_id`."""
TEXT_KEYS = {"id_encrypted": "<id>"} | dict.fromkeys(
    ("number", "order_number", "tracking_number", "invoice_number", "remote_id"), "<number>"
)
"""Keys whose texts identify a record -> placeholders."""


@overload
def stable(document: Mapping[str, object]) -> JsonObject: ...
@overload
def stable(document: Sequence[object]) -> list[JsonValue]: ...
def stable(document: object) -> JsonValue:
    """Return a copy of a document with placeholders for values that differ between runs.

    Times become `<time>`, ids `<id>`, numbers of orders, packages, shipments and invoices `<number>`, UUIDs `<uuid>`,
    and the address of the server `<url>`. None and all other values stay. The order of keys and rows stays too.

    Example: `assert stable(oms.package(state="Waiting")) == snapshot`
    """
    return _stable(document, "")


def _stable(value: object, key: str) -> JsonValue:
    if isinstance(value, dict):
        return {name: _stable(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_stable(inner, key) for inner in value]
    if isinstance(value, str):
        return _stable_text(value, key)
    is_id = key in ID_KEYS or key.endswith("_id")
    return "<id>" if is_id and isinstance(value, int) and not isinstance(value, bool) else value


def _stable_text(text: str, key: str) -> str:
    if key in TEXT_KEYS:
        return TEXT_KEYS[key]
    if TIME.fullmatch(text):
        return "<time>"
    for pattern, placeholder in TEXT_RULES:
        text = pattern.sub(placeholder, text)
    return text


class Changes:
    """The changes of a world's records since the start of the block, or in the whole block after its end.

    Example: `changes.only(package={"remote_id": (None, "R-1"), "modified_date": ANY})`
    """

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world
        self._start = self._begin()
        self._end: EndOfBlock | None = None

    def _begin(self) -> tuple[Snapshot, int]:
        world = self._world()
        return world.records, world.request_ids.next_number

    def __enter__(self) -> Self:
        self._start, self._end = self._begin(), None
        return self

    def __exit__(self, *error: object) -> None:
        self._end = end_of_block(self._world())

    def only(self, **expected: object) -> None:
        """Assert that exactly these records changed. Without arguments, assert that no record changed.

        - The name of an argument is a kind of record: `package`, `stock`, `transition_log`, `webhook_event`, ….
        - Its value has the fields of the record that changed: `{"state": ("Waiting", "Packed all items")}`. All
          fields that changed must be there, except `id`. A list has a row for each of several records.
        - A record that was added has `None` before, one that was removed has `None` after. Fields that are `None` on
          both sides are not listed.
        - `unittest.mock.ANY` is equal to any value. It can stand for a value, a field, a record or all records of a
          kind.

        Raise an `AssertionError` that names each other change, the request that made it, and the arguments that would
        be right. Raise `ValueError` for an unknown kind or field.
        """
        check_expected(expected)
        found = self._by_kind()
        kinds = [name for name in KINDS if name in found or name in expected]
        lines = [line for name in kinds for line in self._differences(expected.get(name, []), found.get(name, []))]
        if lines:
            raise AssertionError(
                "\n".join(["the changes are not those expected:", *lines, "all changes:", repr(self)])
            )

    def by_kind(self) -> dict[str, list[JsonObject]]:
        """Return the changes as JSON values: kind -> a row for each record -> field -> [before, after]."""
        return {
            name: [
                {field: list(values) for field, values in change.fields.items()} | known_id(change) for change in rows
            ]
            for name, rows in self._by_kind().items()
        }

    def stable(self) -> JsonObject:
        """Return the changes with placeholders for values that differ between runs, for snapshot tests.

        The placeholders are those of `stable`, and `<id>` for each reference to a record.
        """
        rows = {name: [without_ids(name, row) for row in rows] for name, rows in self.by_kind().items()}
        return stable(mask_json(rows))

    def __repr__(self) -> str:
        """Return the call of `only` that accepts all changes. Times are `ANY`."""
        arguments = [f"    {name}={format_rows(rows)},\n" for name, rows in self.by_kind().items()]
        return f"changes.only(\n{''.join(arguments)})" if arguments else "changes.only()"

    def _by_kind(self) -> dict[str, list[RecordChange]]:
        end = self._end or end_of_block(self._world())
        rows: dict[str, list[RecordChange]] = {}
        for change in changed_records(self._start[0], end.records):
            rows.setdefault(change.kind, []).append(change)
        return rows

    def _writes(self) -> list[Write]:
        end = self._end or end_of_block(self._world())
        return writes_of(end.entries, end.records, self._start[1])

    def _differences(self, expected: Any, found: list[RecordChange]) -> Iterator[str]:
        """Yield a line for each difference between the expected rows of a kind and the changes found."""
        if expected == found == [] or is_any(expected):
            return
        rows: Sequence[Any] = [expected] if isinstance(expected, Mapping) else expected
        pairs, missing, others = match_rows(rows, found)
        for row, change in pairs:
            for field in differing_fields(row, change):
                yield self._line(change, field, f"expected {row[field]!r}" if field in row else "expected no change")
        yield from (f"  expected {row!r}, but no other record of this kind changed" for row in missing)
        yield from (self._line(change, None, "expected no change") for change in others)

    def _line(self, change: RecordChange, field: str | None, expected: str) -> str:
        found = writers_by_field(change, self._writes())
        writes = found[field] if field in found else [write for each in found.values() for write in each]
        by = ", ".join(dict.fromkeys(self._describe(write) for write in writes)) or "a write that is not known"
        if field is None:
            return f"  {change.kind} {change.id} was {change.change} by {by}; {expected}"
        values = change.fields.get(field)
        return f"  {change.kind} {change.id}: {field} {describe_values(field, values)} by {by}; {expected}"

    def _describe(self, write: Write) -> str:
        if write.is_background:
            return f"a background write after request {write.request_id}"
        exchange = self._world().journal.get(write.request_id)
        if exchange is None:
            return f"request {write.request_id} (control API or Python)"
        return f"request {write.request_id} ({exchange.method} {exchange.path}, {exchange.info.operation})"


class EndOfBlock(NamedTuple):
    """The records and the undo entries at the end of a block."""

    records: Snapshot
    entries: tuple[Any, ...]


def end_of_block(world: World) -> EndOfBlock:
    with world.lock:
        return EndOfBlock(world.records, tuple(world.undo_stack))


def is_any(value: object) -> bool:
    """Return whether a value is equal to everything, as `unittest.mock.ANY` is. Its module is slow to import."""
    return bool(value == UNIQUE)


def check_expected(expected: Mapping[str, object]) -> None:
    """Raise `ValueError` for an unknown kind, an unknown field, or a field without a pair of values."""
    for name, rows in expected.items():
        if name not in KINDS:
            raise ValueError(f"unknown kind of record {name!r}{did_you_mean(name, KINDS)}; known: {', '.join(KINDS)}")
        for row in [rows] if isinstance(rows, Mapping) else rows if isinstance(rows, list | tuple) else []:
            for field, value in row.items() if isinstance(row, Mapping) else ():
                check_field(name, field, value)


def check_field(name: str, field: str, value: object) -> None:
    fields = [column for column in KINDS[name]._fields if column not in HIDDEN_COLUMNS]
    if field not in fields:
        raise ValueError(f"{name} has no field {field!r}{did_you_mean(field, fields)}; known: {', '.join(fields)}")
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if not is_any(value) and field != "id" and not is_pair:
        raise ValueError(f"{name}.{field} must be a pair (before, after) (got {value!r})")


def match_rows(
    rows: Sequence[Any], found: list[RecordChange]
) -> tuple[list[tuple[Any, RecordChange]], list[Any], list[RecordChange]]:
    """Pair each expected row with the most similar change. Return the pairs, the other rows and the other changes."""
    others, pairs, missing = list(found), [], []
    for row in sorted(rows, key=is_any):
        nearest = min(others, key=lambda change: len(differing_fields(row, change)), default=None)
        if nearest is None or "id" in differing_fields(row, nearest):
            missing.append(row)
        else:
            others.remove(nearest)
            pairs.append((row, nearest))
    return pairs, missing, others


def differing_fields(row: Any, change: RecordChange) -> list[str]:
    """Return the fields of a change that an expected row does not have, or has with other values.

    An id in the row must be that of the record, so that rows of other records are never similar.
    """
    if is_any(row):
        return []
    names = [name for name in {**change.fields, **row} if name != "id"]
    wrong = [name for name in names if not is_expected(row.get(name, ()), change.fields.get(name))]
    is_other = "id" in row and row["id"] not in (change.id, known_id(change)["id"])
    return ["id", *wrong, *names] if is_other else wrong


def is_expected(wanted: Any, values: FieldChange | None) -> bool:
    if values is None:
        return False
    if is_any(wanted) or not isinstance(wanted, list | tuple):
        return is_any(wanted)
    return tuple(wanted) == values and has_same_booleans([*wanted], [*values])


def known_id(change: RecordChange) -> JsonObject:
    """Return the id as rows have it: a pair for a record that was added or removed."""
    return {"id": list(change.fields["id"]) if "id" in change.fields else change.id}


def describe_values(field: str, values: FieldChange | None) -> str:
    if values is None:
        return "was not changed"
    return f"was changed from {format_value(field, values.before)} to {format_value(field, values.after)}"


def without_ids(kind: str, row: JsonObject) -> JsonObject:
    """Return a row with placeholders for references to records and numbers of shipments. Names of states stay."""
    placeholders = {column: "<id>" for column, other in REFERENCES[KINDS[kind]].items() if other is not State}
    placeholders |= dict.fromkeys(SHIPMENT_NUMBERS, "<number>")
    return {field: mask_values(value, placeholders.get(field)) for field, value in row.items()}


def mask_values(value: JsonValue, placeholder: str | None) -> JsonValue:
    """Replace a value, or each value of a pair, that is not None."""
    if isinstance(value, list) and placeholder is not None:
        return [mask_values(each, placeholder) for each in value]
    return value if value is None or placeholder is None else placeholder


def format_rows(rows: list[JsonObject]) -> str:
    """Return the rows of a kind as Python code. Times and secrets are `ANY`."""
    texts = [
        "{" + ", ".join(f'"{name}": {format_pair(name, value)}' for name, value in code_fields(row)) + "}"
        for row in rows
    ]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def code_fields(row: JsonObject) -> list[tuple[str, JsonValue]]:
    """Return the fields of a row for code: with the id of a changed record, without that of an added one."""
    fields = [(name, value) for name, value in row.items() if name != "id"]
    return fields if isinstance(row["id"], list) else [("id", row["id"]), *fields]


def format_pair(name: str, value: JsonValue) -> str:
    if not isinstance(value, list):
        return repr(value)
    is_time = any(isinstance(each, str) and TIME.fullmatch(each) for each in value)
    return "ANY" if is_time or name in SECRET_KEYS else repr(tuple(value))
