"""Recorded GET answers back to records, states and transitions: the shapes, read in the other direction."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from emulator.core.records import (
    ABSENT,
    REFERENCES,
    Absent,
    State,
    Transition,
    TransitionLog,
    WebhookEvent,
)
from emulator.core.schemas import problem
from emulator.shapes.answers import Answer, UnknownAnswer, documents_of, source_of
from emulator.shapes.columns import COLUMN_TYPES, excerpt, to_column
from emulator.shapes.documents import SHAPES
from emulator.shapes.pieces import Column, Part, Piece, Place, Shape, instance, is_nameless, names_of


class Correction(NamedTuple):
    """A place where an answer contradicts what it said before about the same record: the first value wins."""

    pointer: str
    page: Any
    served: Any


CODE_IN_SLUG = re.compile(r"^(?:package|transferorder)__(?P<code>[a-z0-9_]+?)__")


@dataclass
class Known:
    """What recorded answers tell: kind -> id -> column -> value; the first value of a column stays."""

    records: dict[type[Any], dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    subjects: list[tuple[type[Any], int]] = field(default_factory=list)
    """Packages and transfer orders that an answer belongs to."""
    counts: dict[int, int] = field(default_factory=dict)
    """Package -> how many items an answer counts in it."""
    corrections: list[Correction] = field(default_factory=list)
    lenient: bool = False
    """Whether keys that no shape has are left out, as an import of somebody's own OMS needs it."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Shape and key of what was left out -> how often."""
    misfits: dict[str, int] = field(default_factory=dict)
    """Shape and key of values that no column takes -> how often; only where lenient, elsewhere they are errors."""
    _hints: list[tuple[type[Any], int, tuple[str, ...], Any, str]] = field(default_factory=list)
    _supposed: list[tuple[type[Any], int, str, Any]] = field(default_factory=list)
    _deferred: list[tuple[Place, str, type[Shape], Any]] = field(default_factory=list)
    _ways: list[tuple[int, str]] = field(default_factory=list)

    def learn(self, answers: Iterable[Answer]) -> None:
        """Take in answers; `UnknownAnswer` where a path or a key has no place."""
        for answer in answers:
            self.learn_one(answer)
        self.settle()

    def settle(self) -> None:
        """Follow up what was said of records that are reached by references, and of those without an id."""
        while self._deferred:
            self._find_nameless(*self._deferred.pop(0))
        for hint in self._hints:
            self._follow(*hint)
        for kind, id_, column, value in self._supposed:
            self._follow_supposed(kind, id_, column, value)
        for way in self._ways:
            self._find_way(*way)
        for columns in self.records[Transition].values():
            if "position" not in columns:  # no record offers it: it is not for callers
                columns.setdefault("actor", "operator")
        for table in (self.records[TransitionLog], self.records[WebhookEvent]):
            for columns in table.values():
                self._name_subject(columns)

    def know(self, kind: type[Any], id_: int, column: str, value: Any, pointer: str) -> None:
        """Keep a column's value, unless it is known already; then a different one is a correction."""
        columns = self.records[kind].setdefault(id_, {"id": id_})
        first = columns.setdefault(column, value)
        if first is ABSENT and self.lenient:
            first = columns[column] = value
        if first != value:
            self.corrections.append(Correction(pointer, in_json(value), in_json(first)))
        target = REFERENCES[kind].get(column)
        if target is not None and isinstance(value, int):
            self.records[target].setdefault(value, {"id": value})

    def hint(self, kind: type[Any], id_: int, path: tuple[str, ...], value: Any, pointer: str) -> None:
        """Keep for later what is said of a record that is reached by references."""
        self._hints.append((kind, id_, path, value, pointer))

    def suppose(self, kind: type[Any], id_: int, column: str, value: Any) -> None:
        """Keep for later what a column is likely to be: what is said outright counts more."""
        self._supposed.append((kind, id_, column, value))

    def defer(self, place: Place, column: str, shape: type[Shape], document: Any) -> None:
        """Keep for later the document of a record that bears no id: the column refers to it."""
        self._deferred.append((place, column, shape, document))

    def take_way(self, log: int, label: str) -> None:
        """Keep for later the label of the transition that a log tells of."""
        self._ways.append((log, label))

    def expect(self, kind: type[Any], column: str, id_: int, number: int) -> None:  # noqa: ARG002 - only items are counted
        self.counts[id_] = number

    def take(self, shape: type[Shape], document: Any, pointer: str, **known: Any) -> int:
        """Take in one document; give the id of its record."""
        id_ = self._id_of(shape, objectual(document, pointer), pointer)
        self.take_as(shape, id_, document, pointer)
        for column, value in known.items():
            self.know(shape.kind, id_, column, value, pointer)
        return id_

    def take_as(self, shape: type[Shape], id_: int, document: Any, pointer: str) -> None:
        """Take in a document of the record with this id, whatever id the document bears."""
        fields = instance(shape).fields
        if self.lenient:
            self._leave_out(shape, set(objectual(document, pointer)) - set(fields))
        self.records[shape.kind].setdefault(id_, {"id": id_})
        for key, piece in fields.items():
            if isinstance(piece, Piece):
                self._take_key(shape, id_, key, piece, objectual(document, pointer), pointer)
        for column, value in shape.implied.items():
            self.know(shape.kind, id_, column, value, pointer)

    def _take_key(  # noqa: PLR0913 - a key stands in a document of a shape
        self, shape: type[Shape], id_: int, key: str, piece: Piece, document: Mapping[str, Any], pointer: str
    ) -> None:
        if key in document:
            self._take_value(piece, Place(shape.kind, id_, key, f"{pointer}/{key}"), document[key])
        elif isinstance(piece, Column) and Absent in COLUMN_TYPES[shape.kind][piece.column or key]:
            self.know(shape.kind, id_, piece.column or key, ABSENT, f"{pointer}/{key}")

    def _take_value(self, piece: Piece, place: Place, value: Any) -> None:
        try:
            piece.take(place, value, self)
        except UnknownAnswer:
            raise
        except ValueError as error:
            if not self.lenient or place.key in ("id", "pk"):
                raise UnknownAnswer(f"{place.pointer}: {error}") from None
            name = f"{place.kind.__name__}.{place.key}"
            self.misfits[name] = self.misfits.get(name, 0) + 1

    def learn_one(self, answer: Answer) -> list[int]:
        """Take in one answer, up to what `settle` follows up; give the ids of its documents."""
        found, owner = source_of(answer.path)
        ids = []
        for pointer, document in documents_of(answer.body):
            if not self.lenient and (wrong := problem(found.shape, document)):
                raise UnknownAnswer(f"{answer.path}: {pointer}{wrong}")
            ids.append(self.take(SHAPES[found.shape], document, pointer))
            if owner is not None:
                self.know(SHAPES[found.shape].kind, ids[-1], found.column, owner, pointer)
        if found.owner is not None and owner is not None:
            self.subjects.append((found.owner, owner))
            self.records[found.owner].setdefault(owner, {"id": owner})
        return ids

    def _leave_out(self, shape: type[Shape], keys: set[str]) -> None:
        for key in sorted(keys):
            name = f"{shape.__name__}.{key}"
            self.left_out[name] = self.left_out.get(name, 0) + 1

    def _id_of(self, shape: type[Shape], document: Mapping[str, Any], pointer: str) -> int:
        for key in ("id", "pk"):
            if key in document:
                if type(document[key]) is not int:
                    raise UnknownAnswer(f"{pointer}/{key}: is {excerpt(document[key])}, must be a number")
                return int(document[key])
        if not is_nameless(shape):
            raise UnknownAnswer(f"{pointer or '/'}: has neither `id` nor `pk`, must have one")
        return self._alike(shape, document)

    def _alike(self, shape: type[Shape], document: Mapping[str, Any]) -> int:
        """Give the record that a document without an id must mean: one that it does not contradict, or a new one."""
        told = dict(told_by(shape, document))
        for id_, columns in self.records[shape.kind].items():
            agree = (columns.get(column, value) == value for column, value in told.items())
            if not (told.keys() - shape.implied.keys()).isdisjoint(columns) and all(agree):
                return id_
        return self._free_id(shape.kind)

    def _find_nameless(self, place: Place, column: str, shape: type[Shape], document: Any) -> None:
        id_ = self.records[place.kind][place.id].get(column)
        if id_ is None:
            id_ = self._alike(shape, objectual(document, place.pointer))
            self.know(place.kind, place.id, column, id_, place.pointer)
        self.take_as(shape, id_, document, place.pointer)

    def _follow_supposed(self, kind: type[Any], id_: int, column: str, value: Any) -> None:
        columns = self.records[kind].setdefault(id_, {"id": id_})
        target = REFERENCES[kind].get(column)
        if columns.setdefault(column, value) == value and target is not None and isinstance(value, int):
            self.records[target].setdefault(value, {"id": value})

    def _find_way(self, log: int, label: str) -> None:
        """Let a log's transition be one between its states: one with this label, or without any, or a new one."""
        columns = self.records[TransitionLog][log]
        if not {"old_state", "new_state"} <= columns.keys():
            return
        ends = {"source_state": columns["old_state"], "destination_state": columns["new_state"]}
        for way in self.records[Transition].values():
            if all(way.get(end) == state for end, state in ends.items()) and way.setdefault("label", label) == label:
                return
        id_ = self._free_id(Transition)
        self.records[Transition][id_] = {"id": id_, "label": label, **ends}

    def _free_id(self, kind: type[Any]) -> int:
        return max(self.records[kind], default=0) + 1

    def _follow(self, kind: type[Any], id_: int, path: tuple[str, ...], value: Any, pointer: str) -> None:
        for at, column in enumerate(path[:-1]):
            target = REFERENCES[kind][column]
            columns = self.records[kind].setdefault(id_, {"id": id_})
            if columns.get(column) is None:
                columns[column] = self._likely(target, path[at + 1 :], value)
            kind, id_ = target, columns[column]
            self.records[kind].setdefault(id_, {"id": id_})
        self.know(kind, id_, path[-1], value, pointer)

    def _likely(self, kind: type[Any], path: tuple[str, ...], value: Any) -> int:
        """Give the record that a path must mean which starts at an unnamed one: one that agrees, or a new one."""
        if len(path) == 1:
            for id_, columns in self.records[kind].items():
                if columns.get(path[0], value) == value:
                    return id_
        return self._free_id(kind)

    def _name_subject(self, columns: dict[str, Any]) -> None:
        """Content types name kinds of records: a log's states have the content type of its subject."""
        content_type = columns.get("content_type")
        for column in ("old_state", "new_state"):
            if content_type is not None and column in columns:
                self.records[State][columns[column]].setdefault("content_type", content_type)

    @property
    def language(self) -> str:
        """The language in which the states' names were printed."""
        for columns in self.records[State].values():
            names = names_of(columns.get("translations"))
            if "tr-tr" in names and names["tr-tr"] == columns.get("name") != names.get("en-us"):
                return "tr-tr"
        return "en-us"

    def name_commands(self) -> None:
        """Give each transition the command code that its slug or its `command` tells."""
        for columns in self.records[Transition].values():
            columns.setdefault("command_code", code_of(columns.get("slug"), columns.get("command")))


def objectual(document: Any, pointer: str) -> Mapping[str, Any]:
    """Insist that a document is an object."""
    if not isinstance(document, Mapping):
        raise UnknownAnswer(f"{pointer or '/'}: is {excerpt(document)}, must be an object")
    return document


def told_by(shape: type[Shape], document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the columns that a document tells by itself, without what it says of other records."""
    yield from shape.implied.items()
    for key, piece in instance(shape).fields.items():
        if isinstance(piece, Column) and key in document:
            with suppress(ValueError):  # taking the document says what is wrong with it
                yield piece.column or key, to_column(shape.kind, piece.column or key, document[key])
        elif isinstance(piece, Part) and piece.path is None and isinstance(document.get(key), Mapping):
            yield key, document[key].get("id", document[key].get("pk"))


def code_of(slug: Any, command: Any) -> str:
    """Give a command code from the slug's pattern; what has none runs as a plain move."""
    if isinstance(command, str):
        return command
    if not isinstance(slug, str):
        return "PKG_STATE_TRANSITION"
    match = CODE_IN_SLUG.match(slug)
    return match["code"].upper() if match else slug.upper()


def in_json(value: Any) -> Any:
    """Give a column's value as its page would print it."""
    if isinstance(value, bytes):
        return orjson.loads(value)
    if isinstance(value, datetime):
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))
    return None if value is ABSENT else value
