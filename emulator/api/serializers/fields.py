"""Serializers and their fields: each document is declared once for both directions.

`to_representation` converts a record to JSON. `collect` is the reverse: it passes the column values that a recorded
document contains to a `Collector` (see `loading/collector.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType, NoneType, new_class
from typing import Any, ClassVar, NamedTuple, TypeGuard, cast, get_type_hints

import orjson
from marshmallow import Schema, fields, missing
from marshmallow.schema import SchemaMeta

from emulator.api.serializers.rendering import TrackedReader, to_json, with_placeholders
from emulator.core.json_text import JsonObject, JsonValue, stored_json
from emulator.core.records import (
    KINDS,
    OMITTED,
    REFERENCES,
    ColumnValue,
    Omitted,
    PackageItem,
    Record,
    RecordKind,
    State,
    Transition,
)
from emulator.core.schemas import load_schema

RANGE_BOUND_FORMAT = "%Y-%m-%dT%H:%M:%S%z"
MAX_ITEM_COUNT = 10_000
"""Largest accepted item count of a recorded package: the import creates that many items."""


class FieldLocation(NamedTuple):
    """The position of a recorded value: the record it belongs to, its key, and its JSON pointer in the response."""

    kind: RecordKind
    id: int
    key: str
    pointer: str


@dataclass
class Collector(ABC):
    """Receives what recorded documents state about records."""

    item_counts: dict[int, int] = field(default_factory=dict)
    """Package -> number of its items."""
    related: list[tuple[RecordKind, int, tuple[str, ...], ColumnValue, str]] = field(default_factory=list)
    """Kind and id of a record, a path of references to a column, its value, and the pointer of the value."""
    suggestions: list[tuple[RecordKind, int, str, ColumnValue]] = field(default_factory=list)
    """Kind and id of a record, a column, and its value unless another document sets it."""
    deferred: list[tuple[FieldLocation, str, type[Serializer], JsonValue]] = field(default_factory=list)
    """Documents without an id, each after the column that refers to its record, and its serializer."""
    log_labels: list[tuple[int, str]] = field(default_factory=list)
    """Transition logs, and the labels of the transitions that they describe."""

    @abstractmethod
    def set_column(self, kind: RecordKind, id_: int, column: str, value: ColumnValue, pointer: str) -> None:
        """Set a column of a record, unless it is known. Then a different value is a correction."""

    @abstractmethod
    def add_document(
        self, serializer: type[Serializer], document: JsonValue, pointer: str, **columns: ColumnValue
    ) -> int:
        """Collect a document and further columns of its record. Return the record's id."""

    @abstractmethod
    def add_document_of(self, serializer: type[Serializer], id_: int, document: JsonValue, pointer: str) -> None:
        """Collect a document of the record with this id, whatever id the document contains."""


class SerializerField(fields.Field[JsonValue]):
    """One key of a document."""

    @property
    def key(self) -> str:
        """The key; marshmallow sets it when the serializer is instantiated."""
        return cast("str", self.name)

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        """Return the JSON value of this key for a record; `marshmallow.missing` leaves the key out."""
        raise NotImplementedError

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        """Pass what a recorded value states to the collector; by default it states nothing."""


class SerializerMeta(SchemaMeta):
    """Selects the fields of the keys in `schema`, and adds columns for the others (marshmallow's hook for fields)."""

    @classmethod
    def get_declared_fields(
        cls,
        klass: SchemaMeta,
        cls_fields: list[tuple[str, fields.Field[Any]]],
        inherited_fields: list[tuple[str, fields.Field[Any]]],
        dict_cls: type[dict[str, Any]] = dict,
    ) -> dict[str, fields.Field[Any]]:
        declared = dict(inherited_fields + cls_fields)
        schema: str = getattr(klass, "schema", "")
        keys = load_schema(schema)["properties"] if schema else ()
        return dict_cls({key: declared.get(key) or Column("id" if key == "pk" else None) for key in keys})

    def resolve_hooks(self) -> dict[str, list[tuple[str, bool, dict[str, Any]]]]:
        """Return no hooks: `dump` and `load` would call them. The search for them takes longer than all else here."""
        return {}


class Serializer(Schema, metaclass=SerializerMeta):
    """The documents of one kind of record."""

    kind: ClassVar[RecordKind]
    schema: ClassVar[str] = ""
    """Name of the document's schema, whose properties are the keys in their order. Those without a declared field are
    columns with the same name (`pk`: the id). Fields of other base classes have an effect if the schema has them."""
    is_shared: ClassVar[bool] = False
    """Whether many documents contain this one (reference data): then its text is cached."""
    implied_columns: ClassVar[Mapping[str, ColumnValue]] = MappingProxyType({})
    """Column values of every record with such a document that the document does not show."""


def serializer_of(
    name: str, kind: RecordKind, schema: str, /, **attributes: SerializerField | bool
) -> type[Serializer]:
    """Return a serializer with these fields, or `is_shared`. The other keys of its schema are columns."""
    own = {"kind": kind, "schema": schema, **attributes}
    return new_class(name, (Serializer,), exec_body=lambda namespace: namespace.update(own))


@cache
def fields_of(serializer: type[Serializer]) -> Mapping[str, SerializerField]:
    """Return the bound fields of a serializer by key, in the order of the document."""
    return cast("Mapping[str, SerializerField]", serializer().fields)


def has_no_id(serializer: type[Serializer]) -> bool:
    """Return whether the documents contain no id, so that only the referring record identifies them."""
    return not {"id", "pk"} & fields_of(serializer).keys()


def serialize(serializer: type[Serializer], record: Record, reader: TrackedReader) -> JsonValue:
    """Return the document of a record as a value for `to_json`."""
    if not serializer.is_shared:
        return serialize_fields(serializer, record, reader)

    def render(own: TrackedReader) -> bytes:
        return to_json(serialize_fields(serializer, own.get_existing(serializer.kind, record.id), own))

    key = (serializer, record.id, reader.language)
    cached = reader.cache.get(key, reader.source, reader.language, render)
    reader.add_reads(cached.reads)
    return reader.embed_shared(cached.body)


class RenderPlan(NamedTuple):
    """How a serializer renders: columns without conversion are copied, other fields are called one by one."""

    template: JsonObject
    """All keys in order."""
    copied: tuple[tuple[str, str], ...]
    """Key and column."""
    converted: tuple[tuple[str, Callable[[Record, TrackedReader], JsonValue]], ...]
    """Key and method of its field."""


@cache
def render_plan(serializer: type[Serializer]) -> RenderPlan:
    """Build the plan once; marshmallow's own `dump` would evaluate every field of every document."""
    all_fields = fields_of(serializer)
    copied = {key: field.column for key, field in all_fields.items() if is_copied(field, serializer.kind)}
    converted = ((key, field.to_representation) for key, field in all_fields.items() if key not in copied)
    return RenderPlan(dict.fromkeys(all_fields), tuple(copied.items()), tuple(converted))


def is_copied(field: SerializerField, kind: RecordKind) -> TypeGuard[Column]:
    """Return whether the JSON value of a field is its column's value without any conversion."""
    return type(field) is Column and not {bytes, Omitted}.intersection(COLUMN_TYPES[kind].get(field.column, (bytes,)))


def serialize_fields(serializer: type[Serializer], record: Record, reader: TrackedReader) -> JsonObject:
    """Return the document of a record with its keys in the declared order."""
    plan = render_plan(serializer)
    body = plan.template.copy()
    for key, column in plan.copied:
        body[key] = getattr(record, column)
    for key, to_representation in plan.converted:
        value = to_representation(record, reader)
        if value is missing:
            del body[key]
        else:
            body[key] = value
    return body


def represent(value: ColumnValue, reader: TrackedReader) -> JsonValue:
    """Return the value of a column as its document shows it."""
    if isinstance(value, bytes):
        return reader.embed(value)
    return missing if value is OMITTED else value


class Column(SerializerField):
    """A column of the record; by default the one with the name of the key. References are shown as ids."""

    def __init__(self, column: str | None = None) -> None:
        super().__init__()
        self._column = column

    @property
    def column(self) -> str:
        return self._column or self.key

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        return represent(getattr(record, self.column), reader)

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        value = to_column(location.kind, self.column, value)
        collector.set_column(location.kind, location.id, self.column, value, location.pointer)


class UrlColumn(Column):
    """A column with a URL that may contain `{domain_url}` or `{cdn_url}` for the installation's own hosts."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        return reader.embed(with_placeholders(orjson.dumps(getattr(record, self.column))))


class UrlTemplate(SerializerField):
    """A URL that contains the record's id: `UrlTemplate("{domain_url}/api/.../{id}/preview/")`."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.template = template

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        url = self.template.replace("{id}", str(record.id))
        return reader.embed(with_placeholders(orjson.dumps(url)))


class RangeBound(Column):
    """A bound of a delivery range; the vendor prints its zone as `+0000`, unlike that of every other time."""

    def to_representation(self, record: Record, _: TrackedReader, /) -> JsonValue:
        bound: datetime = getattr(record, self.column)
        return bound.astimezone(UTC).strftime(RANGE_BOUND_FORMAT)


class StateName(Column):
    """The name of a state in the reader's language; the untranslated name if there is no translation."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        return state_name(record, reader.language)


def state_name(state: State, language: str) -> str:
    """Return the name of a state in a language, or its untranslated name."""
    return translated_names(state.translations).get(language, str(state.name))


def translated_names(translations: ColumnValue) -> dict[str, str]:
    """Return language -> name from a state's translations; entries of recorded states without a name are ignored."""
    value = orjson.loads(translations) if isinstance(translations, bytes) else None
    entries = value.items() if isinstance(value, dict) else ()
    return {
        language: entry["name"]
        for language, entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


class RelatedColumn(SerializerField):
    """A column of a record that a path of references leads to: `RelatedColumn("order.channel.name")`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = tuple(path.split("."))

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        related = reader.follow(record, self.path[:-1])
        return None if related is None else represent(getattr(related, self.path[-1]), reader)

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        kind = location.kind
        for column in self.path[:-1]:
            kind = REFERENCES[kind][column]
        value = to_column(kind, self.path[-1], value)
        collector.related.append((location.kind, location.id, self.path, value, location.pointer))


class Nested(SerializerField):
    """The document of the record that a path of references leads to, or null; by default the path is the key."""

    def __init__(self, serializer: type[Serializer], path: str | None = None) -> None:
        super().__init__()
        self.serializer = serializer
        self._path = None if path is None else tuple(path.split("."))

    @property
    def path(self) -> tuple[str, ...]:
        return self._path or (self.key,)

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        related = reader.follow(record, self.path)
        return None if related is None else serialize(self.serializer, related, reader)

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        kind, id_, _, pointer = location
        if value == {}:  # the reference page prints this for documents that it does not show
            return
        if value is not None and has_no_id(self.serializer):
            collector.deferred.append((location, self.path[0], self.serializer, value))
            return
        related = None if value is None else collector.add_document(self.serializer, value, pointer)
        if len(self.path) == 1:
            collector.set_column(kind, id_, self.path[0], related, pointer)
        else:
            collector.related.append((kind, id_, self.path, related, pointer))


class NestedList(SerializerField):
    """The documents of the records that refer to this one."""

    def __init__(self, serializer: type[Serializer], relation: str) -> None:
        super().__init__()
        self.serializer, self.relation = serializer, relation

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        kind = self.serializer.kind
        ids = reader.related(kind, self.relation, record.id)
        return [serialize(self.serializer, reader.get_existing(kind, id_), reader) for id_ in ids]

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        for position, document in shown_documents(value):
            pointer = f"{location.pointer}/{position}"
            collector.add_document(self.serializer, document, pointer, **{self.relation: location.id})


class AvailableCommands(NestedList):
    """The transitions that a caller may run from the record's current state, in the installation's order."""

    def __init__(self, serializer: type[Serializer]) -> None:
        super().__init__(serializer, "source_state")

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        ids = reader.related(Transition, self.relation, record.state)
        transitions = (reader.get_existing(Transition, id_) for id_ in ids)
        commands = [transition for transition in transitions if transition.actor == "command"]
        commands.sort(key=lambda transition: transition.position)
        return [serialize(self.serializer, transition, reader) for transition in commands]

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        for position, document in shown_documents(value):
            collector.add_document(self.serializer, document, f"{location.pointer}/{position}", position=position)


class ItemCount(SerializerField):
    """The number of items of a package."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        return len(reader.related(PackageItem, "package", record.id))

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        count = to_column(PackageItem, "id", value)
        if not 0 <= count <= MAX_ITEM_COUNT:
            raise ValueError(f"is {count}, must be a number from 0 to {MAX_ITEM_COUNT}")
        collector.item_counts[location.id] = count


MAX_EXCERPT = 60

COLUMN_TYPES: dict[RecordKind, dict[str, tuple[type, ...]]] = {
    kind: {column: getattr(hint, "__args__", (hint,)) for column, hint in get_type_hints(kind).items()}
    for kind in KINDS.values()
}
"""Kind -> column -> the types that its values may have."""
JSON_TYPE_NAMES = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    datetime: "a time",
    NoneType: "null",
    Omitted: "absent",
}
"""Column type -> its name in error messages about documents."""


def to_column(kind: RecordKind, column: str, value: JsonValue) -> ColumnValue:
    """Convert a JSON value to the value of a column; raise `ValueError` if the column does not take it.

    Columns of free JSON hold its text, columns of times hold `datetime` values.
    """
    types = COLUMN_TYPES[kind][column]
    if bytes in types:
        return None if value is None and NoneType in types else stored_json(value)
    if datetime in types and isinstance(value, str):
        return require_zone(datetime.fromisoformat(value))
    if type(value) not in types:
        expected = " or ".join(sorted(JSON_TYPE_NAMES[type_] for type_ in types))
        raise ValueError(f"is {excerpt(value)}, must be {expected}")
    return value


def from_column(value: ColumnValue) -> JsonValue:
    """Convert a column value to the JSON value that a document shows."""
    if isinstance(value, bytes):
        return orjson.loads(value)
    if isinstance(value, datetime):
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))
    return None if value is OMITTED else value


def require_zone(at: datetime) -> datetime:
    """Return the time; raise `ValueError` if it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"is {at.isoformat()}, must be a time with its zone, such as {at.isoformat()}Z")
    return at


def shown_documents(value: JsonValue) -> Iterator[tuple[int, JsonValue]]:
    """Yield the documents of a list with their positions; raise `ValueError` if the value is not a list.

    The reference page prints `{}` for documents that it does not show; these are left out.
    """
    if not isinstance(value, list):
        raise ValueError(f"is {excerpt(value)}, must be a list")
    return ((position, document) for position, document in enumerate(value) if document != {})


def excerpt(value: JsonValue) -> str:
    """Return the JSON text of a value for a message, shortened to `MAX_EXCERPT` characters."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}..."
