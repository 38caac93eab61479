"""The pieces that documents are declared with; each says what to print, and what a printed value tells.

`serialize` goes from a record to its document. `take` goes back: from a recorded document to facts about records
(`shapes/recorded.py`). They stand together, so that a shape is written down once for both ways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

import orjson
from marshmallow import Schema, fields, missing

from emulator.core.records import ABSENT, REFERENCES, Absent, PackageItem, Transition
from emulator.shapes.columns import COLUMN_TYPES, shown, to_column
from emulator.shapes.links import with_links
from emulator.shapes.reading import Reading

BOUND_FORMAT = "%Y-%m-%dT%H:%M:%S%z"
MOST_ITEMS = 10_000
"""How many items a recorded count can say that a package has: they are made when it is read."""


class Facts(Protocol):
    """What recorded documents tell about records (see `shapes/recorded.py`)."""

    def know(self, kind: type[Any], id_: int, column: str, value: Any, pointer: str) -> None: ...
    def hint(self, kind: type[Any], id_: int, path: tuple[str, ...], value: Any, pointer: str) -> None: ...
    def take(self, shape: type[Shape], document: Any, pointer: str, **known: Any) -> int: ...
    def suppose(self, kind: type[Any], id_: int, column: str, value: Any) -> None: ...
    def defer(self, place: Place, column: str, shape: type[Shape], document: Any) -> None: ...
    def expect(self, kind: type[Any], column: str, id_: int, number: int) -> None: ...
    def take_as(self, shape: type[Shape], id_: int, document: Any, pointer: str) -> None: ...
    def take_way(self, log: int, label: str) -> None: ...


class Row(NamedTuple):
    """One record on its way into a document."""

    record: Any
    reading: Reading


class Place(NamedTuple):
    """Where a printed value stood, and whose it is."""

    kind: type[Any]
    id: int
    key: str
    pointer: str


class Piece(fields.Field[Any]):
    """One key of a document."""

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        """Tell the facts what this value says."""


class Shape(Schema):
    """A document of one kind of record. A shared one (reference data) is rendered once for all its readers."""

    kind: ClassVar[type[Any]]
    shared: ClassVar[bool] = False
    implied: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Columns that every record in such a document has, though it does not print them."""


@cache
def instance(shape: type[Shape]) -> Shape:
    return shape()


def document(shape: type[Shape], record: Any, reading: Reading) -> Any:
    """Give the document of a record, ready for `orjson`."""
    if not shape.shared:
        return printed(shape, Row(record, reading))

    def make(own: Reading) -> bytes:
        return text(printed(shape, Row(own.one(shape.kind, record.id), own)))

    part = reading.kept.get((shape, record.id, reading.language), reading.view, reading.language, make)
    reading.learn(part.reads)
    return reading.shared_json(part.body)


class Printing(NamedTuple):
    """How documents of a shape are printed: columns that are printed as they are all at once, pieces one by one."""

    keys: dict[str, Any]
    """All keys, in order."""
    plain: tuple[tuple[str, str], ...]
    """Keys of such columns, and the columns."""
    pieces: tuple[tuple[str, Callable[[str, Row], Any]], ...]


@cache
def printing(shape: type[Shape]) -> Printing:
    """Work out once how a shape is printed (marshmallow's own `dump` asks every field of every document)."""
    found = instance(shape).dump_fields
    columns = {key: plain_column(shape, key, field) for key, field in found.items()}
    plain = {key: column for key, column in columns.items() if column is not None}
    return Printing(
        dict.fromkeys(found),
        tuple(plain.items()),
        tuple((key, field.serialize) for key, field in found.items() if key not in plain),
    )


def plain_column(shape: type[Shape], key: str, field: Any) -> str | None:
    """Give the column of a key that is printed as it is kept, whatever it holds; None for any other key."""
    if type(field) is not Column:
        return None
    column = field.column or key
    types = COLUMN_TYPES[shape.kind].get(column, (bytes,))
    return None if {bytes, Absent}.intersection(types) else column


def printed(shape: type[Shape], row: Row) -> dict[str, Any]:
    """Give a record's document, its keys as the shape declares them."""
    how = printing(shape)
    body = how.keys.copy()
    record = row.record
    for key, column in how.plain:
        body[key] = getattr(record, column)
    for key, serialize in how.pieces:
        value = serialize(key, row)
        if value is missing:
            del body[key]
        else:
            body[key] = value
    return body


def text(value: Any) -> bytes:
    """Give compact JSON as the framework's renderer writes it: line separators escaped."""
    try:
        body = orjson.dumps(value, option=orjson.OPT_UTC_Z)
    except TypeError:  # a lone surrogate, which a caller's JSON may hold and UTF-8 cannot
        return json.dumps(value, separators=(",", ":")).encode()
    if b"\xe2\x80" in body:
        body = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return body


def is_nameless(shape: type[Shape]) -> bool:
    """Tell whether such documents bear no id, so that only the record that refers to them can say whose they are."""
    return not {"id", "pk"} & instance(shape).fields.keys()


def to_print(value: Any, reading: Reading) -> Any:
    """Give a column's value as a document has it."""
    if isinstance(value, bytes):
        return reading.json(value)
    return missing if value is ABSENT else value


class Column(Piece):
    """A column as it is; `pk` and ids of references are columns too."""

    def __init__(self, column: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.column = column

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        return to_print(getattr(obj.record, self.column or attr), obj.reading)

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        column = self.column or place.key
        facts.know(place.kind, place.id, column, to_column(place.kind, column, value), place.pointer)


class Address(Column):
    """A URL column in which the page prints `{domain_url}` or `{cdn_url}` for the installation's own hosts."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        return obj.reading.json(with_links(orjson.dumps(getattr(obj.record, self.column or attr))))


class Through(Piece):
    """A column of a record that is reached by references: `Through("order.channel.name")`."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = tuple(path.split("."))

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        record = follow(obj.record, self.path[:-1], obj.reading)
        return None if record is None else to_print(getattr(record, self.path[-1]), obj.reading)

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        kind = place.kind
        for column in self.path[:-1]:
            kind = REFERENCES[kind][column]
        facts.hint(place.kind, place.id, self.path, to_column(kind, self.path[-1], value), place.pointer)


def follow(record: Any, path: Iterable[str], reading: Reading) -> Any:
    """Give the record that a path of references leads to; None where one of them is empty."""
    for column in path:
        id_ = getattr(record, column)
        if id_ is None:
            return None
        record = reading.one(REFERENCES[type(record)][column], id_)
    return record


class Part(Piece):
    """The document of a referenced record, or null."""

    def __init__(self, shape: type[Shape], path: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape, self.path = shape, path
        self._way = None if path is None else tuple(path.split("."))

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        record = follow(obj.record, self._way or (attr,), obj.reading)
        return None if record is None else document(self.shape, record, obj.reading)

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        path = tuple((self.path or place.key).split("."))
        if value == {}:  # the reference's page prints this for what it does not show
            return
        if value is not None and is_nameless(self.shape):
            facts.defer(place, path[0], self.shape, value)
            return
        taken = None if value is None else facts.take(self.shape, value, place.pointer)
        if len(path) == 1:
            facts.know(place.kind, place.id, path[0], taken, place.pointer)
        else:
            facts.hint(place.kind, place.id, path, taken, place.pointer)


class Parts(Piece):
    """The documents of the records that refer to this one."""

    def __init__(self, shape: type[Shape], relation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape, self.relation = shape, relation

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        kind, reading = self.shape.kind, obj.reading
        ids = reading.related(kind, self.relation, obj.record.id)
        return [document(self.shape, reading.one(kind, id_), reading) for id_ in ids]

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        for number, part in shown(value):
            facts.take(self.shape, part, f"{place.pointer}/{number}", **{self.relation: place.id})


class ItemCount(Piece):
    """How many items a package has."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return len(obj.reading.related(PackageItem, "package", obj.record.id))

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        number = to_column(PackageItem, "id", value)
        if not 0 <= number <= MOST_ITEMS:
            raise ValueError(f"is {number}, must be a number from 0 to {MOST_ITEMS}")
        facts.expect(PackageItem, "package", place.id, number)


class StateName(Column):
    """A state's name in the reader's language; its own where there is no translation."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return state_name(obj.record, obj.reading.language)


def state_name(state: Any, language: str) -> str:
    """Give a state's name in a language (`translations`), or its own."""
    return names_of(state.translations).get(language, str(state.name))


def names_of(translations: Any) -> dict[str, str]:
    """Give the names by language that a state's translations hold; recorded ones may hold anything."""
    found = orjson.loads(translations) if isinstance(translations, bytes) else None
    entries = found.items() if isinstance(found, dict) else ()
    return {
        language: entry["name"]
        for language, entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


class Commands(Piece):
    """The transitions that the record's present state allows, in the installation's order."""

    def __init__(self, shape: type[Shape], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = shape

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        reading = obj.reading
        ids = reading.related(Transition, "source_state", obj.record.state)
        found = (reading.one(Transition, id_) for id_ in ids)
        offered = [transition for transition in found if transition.actor == "command"]
        offered.sort(key=lambda transition: transition.position)
        return [document(self.shape, transition, reading) for transition in offered]

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        for number, part in shown(value):
            facts.take(self.shape, part, f"{place.pointer}/{number}", position=number)


class Text(Piece):
    """A URL made from the record's id: `Text("{domain_url}/api/.../{id}/preview/")`."""

    def __init__(self, pattern: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pattern = pattern

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        url = self.pattern.replace("{id}", str(obj.record.id))
        return obj.reading.json(with_links(orjson.dumps(url)))


class Bound(Column):
    """A bound of a delivery range; the vendor prints these with `+0000`, unlike every other time."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        bound: datetime = getattr(obj.record, self.column or attr)
        return bound.astimezone(UTC).strftime(BOUND_FORMAT)
