"""Replacement of personal values in records and stored documents, by the table `fixtures/personal.json`."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

import orjson

from emulator.core.jsontext import JsonValue
from emulator.core.records import (
    KINDS,
    REFERENCES,
    ColumnValue,
    Package,
    Record,
    RecordKind,
    StockLocation,
    TransferOrder,
)
from emulator.shapes.events import PAYLOAD_SERIALIZERS
from emulator.shapes.fields import (
    Column,
    Nested,
    NestedList,
    RelatedColumn,
    Serializer,
    SerializerField,
    UrlTemplate,
    fields_of,
)

FILE = Path(__file__).parent.parent / "fixtures" / "personal.json"
KEPT, FREE, SECRETS, PAYLOAD, BODY, UNKNOWN = "kept", "free", "secrets", "payload", "body", "unknown"
"""Categories besides those of personal values. `kept`: not personal. `free`: free JSON, each key has a category.
`secrets`: all values are secret. `payload`: a stored document. `body`: a text that may be JSON. `unknown`: a text
under a key that the table does not contain."""
Replace: TypeAlias = Callable[[str, str], str]
"""Returns the replacement of a personal value, given its category and the value."""
LONG_NUMBER = 10**9
"""Numbers under unknown keys from this one on may be telephone or identity numbers."""
PAYLOAD_KEYS = {"packageitem_set": Package, "transferitem_set": TransferOrder, "stock_location_type": StockLocation}
"""Key that only the payloads of one kind of subject have -> kind."""
KIND_NAMES = {kind: name for name, kind in KINDS.items()}


@cache
def category_table() -> Mapping[str, Mapping[str, JsonValue]]:
    """Return the file: `columns` by kind, and `keys` of free JSON."""
    table: Mapping[str, Mapping[str, JsonValue]] = json.loads(FILE.read_text("utf-8"))
    return table


def column_categories(kind: RecordKind) -> Mapping[str, str]:
    """Return column -> category, for the columns of a kind that may hold text."""
    categories: Mapping[str, str] = category_table()["columns"].get(KIND_NAMES[kind], {})
    return categories


class PersonalDataReplacer:
    """Replaces all personal values of records and documents by the results of a function."""

    def __init__(self, replace: Replace) -> None:
        self.replace = replace
        self.unknown_keys: dict[str, int] = {}
        """Key of free JSON that is not in the table -> number of replaced texts."""

    def record(self, record: Record) -> Record:
        """Return a record with its personal values replaced."""
        categories = {name: each for name, each in column_categories(type(record)).items() if each != KEPT}
        changes = {name: self.column(each, name, getattr(record, name)) for name, each in categories.items()}
        return record._replace(**changes) if changes else record

    def column(self, category: str, name: str, value: ColumnValue) -> ColumnValue:
        """Return the replacement of a column's value: of a text, or of each text in JSON."""
        if isinstance(value, bytes):
            return orjson.dumps(self.json(category, name, orjson.loads(value)))
        return self.text(category, value) if isinstance(value, str) else value

    def text(self, category: str, value: str) -> str:
        """Return the replacement of a text; blank texts stay."""
        if category == KEPT or not value.strip():
            return value
        return self.body(value) if category == BODY else self.replace(category, value)

    def json(self, category: str, key: str, value: JsonValue) -> JsonValue:
        """Return the replacement of the JSON value under a key."""
        if category == PAYLOAD:
            return self.payload(value)
        if category == FREE:
            return self.free_json(value, key)
        return value if category == KEPT else self.leaves("secret" if category == SECRETS else category, value)

    def leaves(self, category: str, value: JsonValue) -> JsonValue:
        """Return a JSON value with each text and number replaced as a value of one category."""
        if isinstance(value, dict):
            return {key: self.leaves(category, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.leaves(category, inner) for inner in value]
        if isinstance(value, str):
            return self.text(category, value)
        if category == KEPT or isinstance(value, bool) or not isinstance(value, int):
            return value
        return int(self.replace("digits", str(value)))

    def free_json(self, value: JsonValue, key: str) -> JsonValue:
        """Return the replacement of free JSON; the category of each value is that of its key."""
        category = category_table()["keys"].get(key.lower())
        if isinstance(value, dict) and category != "secret":
            return {inner: self.free_json(part, inner) for inner, part in value.items()}
        if isinstance(value, list) and category != "secret":
            return [self.free_json(part, key) for part in value]
        if category is not None:
            return self.leaves(category, value)
        if isinstance(value, str) and value.strip():
            self.unknown_keys[key] = self.unknown_keys.get(key, 0) + 1
            return self.text(UNKNOWN, value)
        is_long = type(value) is int and abs(value) >= LONG_NUMBER
        return self.leaves("digits", value) if is_long else value

    def body(self, value: str) -> str:
        """Return the replacement of a text that may be JSON, or Python's notation of bytes."""
        if value.startswith(("b'", 'b"')):
            return repr(self.body(parse_bytes_literal(value)).encode())
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict | list):
            return json.dumps(self.free_json(found, ""), ensure_ascii=False)
        return self.replace(BODY, value)

    def payload(self, value: JsonValue) -> JsonValue:
        """Return the replacement of a stored payload: the event stays, the document follows its serializer."""
        if (serializer := payload_serializer(value)) is None:
            return self.free_json(value, "")
        document = self.document(serializer, value["payload"])
        return {key: document if key == "payload" else self.free_json(part, key) for key, part in value.items()}

    def document(self, serializer: type[Serializer], document: JsonValue) -> JsonValue:
        """Return the replacement of a document; the category of each value is that of its column."""
        if not isinstance(document, dict):
            return document
        fields = fields_of(serializer)
        return {key: self.field(serializer.kind, key, fields.get(key), value) for key, value in document.items()}

    def field(self, kind: RecordKind, key: str, field: SerializerField | None, value: JsonValue) -> JsonValue:
        if isinstance(field, Nested):
            return self.document(field.serializer, value)
        if isinstance(field, NestedList):
            return [self.document(field.serializer, part) for part in value] if isinstance(value, list) else value
        if isinstance(field, UrlTemplate):
            return self.leaves("link", value)
        if field is None:
            return self.free_json(value, key)
        return self.json(field_category(kind, field), key, value)


def field_category(kind: RecordKind, field: SerializerField) -> str:
    """Return the category of the column that a field shows."""
    if isinstance(field, RelatedColumn):
        for column in field.path[:-1]:
            kind = REFERENCES[kind][column]
        return column_categories(kind).get(field.path[-1], KEPT)
    return column_categories(kind).get(field.column, KEPT) if isinstance(field, Column) else KEPT


def payload_serializer(payload: JsonValue) -> type[Serializer] | None:
    """Return the serializer of the document in a stored payload, found by the document's keys."""
    document = payload.get("payload") if isinstance(payload, dict) else None
    if not isinstance(document, dict):
        return None
    return next((PAYLOAD_SERIALIZERS[kind][0] for key, kind in PAYLOAD_KEYS.items() if key in document), None)


def without_unknown_keys(payload: JsonValue) -> JsonValue:
    """Return a stored payload without the keys that its document's serializer does not have."""
    serializer = payload_serializer(payload)
    return payload if serializer is None else payload | {"payload": prune(serializer, payload["payload"])}


def prune(serializer: type[Serializer], document: JsonValue) -> JsonValue:
    """Return a document without the keys that its serializer does not have."""
    if not isinstance(document, dict):
        return document
    fields = fields_of(serializer)
    return {key: prune_field(fields[key], value) for key, value in document.items() if key in fields}


def prune_field(field: SerializerField, value: JsonValue) -> JsonValue:
    if isinstance(field, NestedList) and isinstance(value, list):
        return [prune(field.serializer, part) for part in value]
    return prune(field.serializer, value) if isinstance(field, Nested) else value


def parse_bytes_literal(value: str) -> str:
    """Return the text of bytes in Python's notation (`b'200 OK'`); other texts are returned unchanged."""
    try:
        found = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else value
