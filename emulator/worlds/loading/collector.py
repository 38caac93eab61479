"""Collection of column values from recorded GET responses: the serializers, applied in the other direction."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from emulator.api.serializers import SERIALIZERS
from emulator.api.serializers.fields import (
    COLUMN_TYPES,
    Collector,
    Column,
    FieldLocation,
    Nested,
    Serializer,
    SerializerField,
    excerpt,
    fields_of,
    from_column,
    has_no_id,
    to_column,
    translated_names,
)
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import (
    OMITTED,
    REFERENCES,
    Columns,
    ColumnValue,
    Omitted,
    RecordKind,
    State,
    Transition,
    TransitionLog,
    WebhookEvent,
)
from emulator.core.schemas import find_problem
from emulator.domain.commands import PLAIN_MOVE
from emulator.worlds.loading.recorded_responses import InvalidResponse, RecordedResponse, documents_of, endpoint_of

Tables: TypeAlias = dict[RecordKind, dict[int, Columns]]
"""Kind -> id -> known columns."""
CODE_IN_SLUG = re.compile(r"^(?:package|transferorder)__(?P<code>[a-z0-9_]+?)__")


class Correction(NamedTuple):
    """A recorded value that contradicts an earlier one of the same record. The earlier value is served."""

    pointer: str
    recorded: JsonValue
    served: JsonValue


@dataclass
class RecordCollector(Collector):
    """The column values in recorded responses. The first value of each column is kept.

    Values of records without a known id are kept apart until `resolve` finds or creates those records.
    """

    records: Tables = field(default_factory=lambda: defaultdict(dict))
    owners: list[tuple[RecordKind, int]] = field(default_factory=list)
    """Packages and transfer orders whose logs, events or items were recorded."""
    corrections: list[Correction] = field(default_factory=list)
    is_lenient: bool = False
    """Whether unknown keys and invalid values are ignored, as an import from another OMS requires."""
    ignored_keys: Counter[str] = field(default_factory=Counter)
    """Serializer and unknown key -> number of times."""

    def add_responses(self, responses: Iterable[RecordedResponse]) -> None:
        """Collect responses and resolve them. Raise `InvalidResponse` for an unknown path or key."""
        for response in responses:
            self.add_response(response)
        self.resolve()

    def add_response(self, response: RecordedResponse) -> list[int]:
        """Collect one response without resolving it. Return the ids of its documents."""
        endpoint, owner = endpoint_of(response.path)
        serializer = SERIALIZERS[endpoint.schema]
        ids = []
        for pointer, recorded in documents_of(response.body):
            document = without_former_keys(recorded, endpoint.schema)
            if not self.is_lenient and (error := find_problem(endpoint.schema, document)):
                raise InvalidResponse(f"{response.path}: {pointer}{error}")
            ids.append(self.add_document(serializer, document, pointer))
            if owner is not None:
                self.set_column(serializer.kind, ids[-1], endpoint.owner_column, owner, pointer)
        if endpoint.owner is not None and owner is not None:
            self.owners.append((endpoint.owner, owner))
            self.columns_of(endpoint.owner, owner)
        return ids

    def add_document(
        self, serializer: type[Serializer], document: JsonValue, pointer: str, **columns: ColumnValue
    ) -> int:
        """Collect one document and further columns of its record. Return the record's id."""
        id_ = self._id_of(serializer, require_object(document, pointer), pointer)
        self.add_document_of(serializer, id_, document, pointer)
        for column, value in columns.items():
            self.set_column(serializer.kind, id_, column, value, pointer)
        return id_

    def add_document_of(self, serializer: type[Serializer], id_: int, document: JsonValue, pointer: str) -> None:
        """Collect a document of the record with this id, whatever id the document contains."""
        kind, found = serializer.kind, require_object(document, pointer)
        fields = fields_of(serializer)
        if self.is_lenient:
            unknown = sorted(found.keys() - fields.keys())
            self.ignored_keys.update(f"{serializer.__name__}.{key}" for key in unknown)
        self.columns_of(kind, id_)
        for key, each in fields.items():
            location = FieldLocation(kind, id_, key, f"{pointer}/{key}")
            if key in found:
                self._collect_field(each, location, found[key])
            elif isinstance(each, Column) and Omitted in COLUMN_TYPES[kind][each.column]:
                self.set_column(kind, id_, each.column, OMITTED, location.pointer)
        for column, value in serializer.implied_columns.items():
            self.set_column(kind, id_, column, value, pointer)

    def columns_of(self, kind: RecordKind, id_: int) -> Columns:
        """Return the known columns of a record. Add the record if it is new."""
        return self.records[kind].setdefault(id_, {"id": id_})

    def set_column(self, kind: RecordKind, id_: int, column: str, value: ColumnValue, pointer: str) -> None:
        """Set a column unless it is known. Then a different value is a correction."""
        columns = self.columns_of(kind, id_)
        known = columns.setdefault(column, value)
        if known is OMITTED and self.is_lenient:
            known = columns[column] = value
        if known != value:
            self.corrections.append(Correction(pointer, from_column(value), from_column(known)))
        self._add_referenced(kind, column, value)

    def resolve(self) -> None:
        """Find or create the referenced records, and set the values that depend on all responses."""
        while self.deferred:
            self._resolve_deferred(*self.deferred.pop(0))
        for related in self.related:
            self._resolve_related(*related)
        for kind, id_, column, value in self.suggestions:
            if self.columns_of(kind, id_).setdefault(column, value) == value:
                self._add_referenced(kind, column, value)
        for log, label in self.log_labels:
            self._resolve_log_label(log, label)
        for columns in self.records[Transition].values():
            if "position" not in columns:  # no record offers it as a command
                columns.setdefault("actor", "operator")
        for table in (self.records[TransitionLog], self.records[WebhookEvent]):
            for columns in table.values():
                self._set_content_type_of_states(columns)

    def set_command_codes(self) -> None:
        """Set the command code of each transition from its slug or its `command`."""
        for columns in self.records[Transition].values():
            columns.setdefault("command_code", command_code(columns.get("slug"), columns.get("command")))

    @property
    def language(self) -> str:
        """The language of the recorded names of states."""
        for columns in self.records[State].values():
            names = translated_names(columns.get("translations"))
            if "tr-tr" in names and names["tr-tr"] == columns.get("name") != names.get("en-us"):
                return "tr-tr"
        return "en-us"

    def _collect_field(self, each: SerializerField, location: FieldLocation, value: JsonValue) -> None:
        try:
            each.collect(location, value, self)
        except InvalidResponse:
            raise
        except ValueError as error:
            if not self.is_lenient or location.key in ("id", "pk"):
                raise InvalidResponse(f"{location.pointer}: {error}") from None

    def _add_referenced(self, kind: RecordKind, column: str, value: ColumnValue) -> None:
        """Add the record that a column refers to."""
        target = REFERENCES[kind].get(column)
        if target is not None and isinstance(value, int):
            self.columns_of(target, value)

    def _id_of(self, serializer: type[Serializer], document: Mapping[str, JsonValue], pointer: str) -> int:
        for key in ("id", "pk"):
            if key in document:
                if type(document[key]) is not int:
                    raise InvalidResponse(f"{pointer}/{key}: is {excerpt(document[key])}, must be a number")
                return int(document[key])
        if not has_no_id(serializer):
            raise InvalidResponse(f"{pointer or '/'}: has neither `id` nor `pk`, must have one")
        return self._matching_id(serializer, document)

    def _matching_id(self, serializer: type[Serializer], document: Mapping[str, JsonValue]) -> int:
        """Return a record that a document without an id may describe: one without contradictions, or a new one."""
        own = dict(own_columns(serializer, document))
        for id_, columns in self.records[serializer.kind].items():
            agrees = (columns.get(column, value) == value for column, value in own.items())
            if not (own.keys() - serializer.implied_columns.keys()).isdisjoint(columns) and all(agrees):
                return id_
        return self._free_id(serializer.kind)

    def _free_id(self, kind: RecordKind) -> int:
        return max(self.records[kind], default=0) + 1

    def _resolve_deferred(
        self, location: FieldLocation, column: str, serializer: type[Serializer], document: JsonValue
    ) -> None:
        id_ = self.records[location.kind][location.id].get(column)
        if id_ is None:
            id_ = self._matching_id(serializer, require_object(document, location.pointer))
            self.set_column(location.kind, location.id, column, id_, location.pointer)
        self.add_document_of(serializer, id_, document, location.pointer)

    def _resolve_related(
        self, kind: RecordKind, id_: int, path: tuple[str, ...], value: ColumnValue, pointer: str
    ) -> None:
        for depth, column in enumerate(path[:-1], 1):
            target = REFERENCES[kind][column]
            columns = self.columns_of(kind, id_)
            if columns.get(column) is None:
                columns[column] = self._likely_id(target, path[depth:], value)
            kind, id_ = target, columns[column]
            self.columns_of(kind, id_)
        self.set_column(kind, id_, path[-1], value, pointer)

    def _likely_id(self, kind: RecordKind, path: tuple[str, ...], value: ColumnValue) -> int:
        """Return a record for an unknown reference: one whose column agrees with the value, or a new one."""
        if len(path) == 1:
            for id_, columns in self.records[kind].items():
                if columns.get(path[0], value) == value:
                    return id_
        return self._free_id(kind)

    def _resolve_log_label(self, log: int, label: str) -> None:
        """Set the label of a transition between the states of a log. Add one if all of them have other labels."""
        columns = self.records[TransitionLog][log]
        if not {"old_state", "new_state"} <= columns.keys():
            return
        states = {"source_state": columns["old_state"], "destination_state": columns["new_state"]}
        for transition in self.records[Transition].values():
            is_between = all(transition.get(column) == state for column, state in states.items())
            if is_between and transition.setdefault("label", label) == label:
                return
        self.columns_of(Transition, self._free_id(Transition)).update(label=label, **states)

    def _set_content_type_of_states(self, columns: Columns) -> None:
        """Set the content type of a log's states: it is that of the log's subject."""
        content_type = columns.get("content_type")
        for column in ("old_state", "new_state"):
            if content_type is not None and column in columns:
                self.records[State][columns[column]].setdefault("content_type", content_type)


FORMER_KEYS: Mapping[str, frozenset[str]] = {"denial-reason": frozenset(("created_date", "modified_date"))}
"""Schema -> keys that only earlier versions of the emulator showed. Their scenario files still open."""


def without_former_keys(document: JsonValue, schema: str) -> JsonValue:
    former = FORMER_KEYS.get(schema)
    if former is None or not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in former}


def require_object(document: JsonValue, pointer: str) -> JsonObject:
    """Return the document. Raise `InvalidResponse` if it is not an object."""
    if not isinstance(document, dict):
        raise InvalidResponse(f"{pointer or '/'}: is {excerpt(document)}, must be an object")
    return document


def own_columns(serializer: type[Serializer], document: Mapping[str, JsonValue]) -> Iterator[tuple[str, ColumnValue]]:
    """Yield the columns of a document's record, without those of related records."""
    yield from serializer.implied_columns.items()
    for key, each in fields_of(serializer).items():
        if key not in document:
            continue
        if isinstance(each, Column):
            with suppress(ValueError):  # reported when the document is collected
                yield each.column, to_column(serializer.kind, each.column, document[key])
        elif isinstance(each, Nested) and each.path == (key,) and isinstance(document[key], Mapping):
            yield key, document[key].get("id", document[key].get("pk"))


def command_code(slug: ColumnValue, command: ColumnValue) -> str:
    """Return the code of a transition's command: `command` itself, or the part of the slug that names it."""
    if isinstance(command, str):
        return command
    if not isinstance(slug, str):
        return PLAIN_MOVE
    match = CODE_IN_SLUG.match(slug)
    return match["code"].upper() if match else slug.upper()
