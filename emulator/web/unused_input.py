"""Request input that the service silently ignores: reported in the hint, or refused with a 400 in strict mode."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from emulator.api.filters import FILTER_SETS
from emulator.api.parameters import (
    FILTER_PARSERS,
    MAX_PAGE_SIZE,
    NO_FILTER,
    PAGE,
    SORT,
    find_unknown_parameters,
    known_parameters,
    unknown_parameters_error,
    unknown_parameters_hint,
)
from emulator.api.routes import Route
from emulator.core.call import Query
from emulator.core.errors import ApiError, BadRequest, ParseError, ValidationFailed
from emulator.core.fields import Field, FieldError, Form, ListField, ObjectField
from emulator.core.json_text import JsonValue
from emulator.core.records import Package, TransferOrder, Transition
from emulator.core.schemas import load_schema
from emulator.domain.commands import command_by_code
from emulator.domain.state_graph import COMMAND
from emulator.state.store import Reader
from emulator.web.context import RequestContext

MAX_NAME_LENGTH, MAX_NOTICES = 60, 3
INPUT_PARAMETERS = "input_parameters"
COMMAND_SUBJECTS: Mapping[str, type[Any]] = {
    "command_package": Package,
    "reference_command_package": Package,
    "command_transfer": TransferOrder,
}
"""Operation -> the records whose commands it runs."""


class InputNotice(NamedTuple):
    """A part of a request that has no effect, or another effect than it seems to have."""

    name: str
    message: str


BODY_OF_GET = InputNotice("body", "the body of a GET was ignored")
UNUSED_BODY = InputNotice("body", "the operation has no body, so the body was ignored")


class UnusedInput:
    """The input of one request that its handler ignores."""

    def __init__(self, context: RequestContext, route: Route) -> None:
        self.context, self.route = context, route
        self._unknown_parameters: str | None = None
        self._notices: list[InputNotice] = []
        self._is_body_refused = False

    def check_query(self) -> None:
        """Collect unknown query parameters, and known ones without effect. Raises `ApiError` in strict mode."""
        query, route = self.context.query, self.route
        if not query:
            return
        size_parameter = route.size_parameter if route.is_paginated else None
        names = known_parameters(route.filter_set, size_parameter)
        if route.is_negotiated and (unknown := find_unknown_parameters(query, names)):
            if self.context.world.strict:
                raise unknown_parameters_error(unknown, names, by_field=route.filter_set is not None)
            self._unknown_parameters = unknown_parameters_hint(unknown, names)
        self._notices += query_notices(query, route.filter_set, size_parameter)

    def check_unread_body(self) -> None:
        """Collect a body that the handler does not read. Raises `ApiError` in strict mode for all notices so far."""
        route = self.route
        if self.context.has_body and route.method == "GET":
            self._notices.append(BODY_OF_GET)
        elif self.context.has_body and route.request_schema is None and self._has_content():
            self._notices.append(UNUSED_BODY)
        if self.context.world.strict and self._notices:
            raise strict_error(
                self._notices, by_field=route.filter_set is not None or route.request_schema is not None
            )

    def _has_content(self) -> bool:
        """Return whether the body is more than an empty object. A body that cannot be parsed is."""
        try:
            body = self.context.body
        except (ApiError, BadRequest):
            return True
        return not isinstance(body, Mapping) or bool(body)

    def read_body(self) -> JsonValue:
        """Return the body for the handler. In strict mode, the first call raises `ApiError` for unused keys."""
        body = self.context.body
        if self.context.world.strict and self.route.request_schema is not None and not self._is_body_refused:
            notices = self._body_notices(self.context.world.records)
            if notices:
                self._is_body_refused = True
                raise strict_error(notices, by_field=True)
        return body

    def hint(self, view: Reader, error_hint: str | None = None) -> str | None:
        """Return the hint about all unused input. `view` has the records as they were before the request."""
        notices = self._notices if self._is_body_refused else [*self._notices, *self._body_notices(view)]
        return "; ".join(filter(None, (self._unknown_parameters, error_hint, notices_hint(notices)))) or None

    def _body_notices(self, view: Reader) -> list[InputNotice]:
        body = self.context.parsed_body
        if self.route.request_schema is None or not isinstance(body, Mapping):
            return []
        return list(body_notices(body, self.route.request_schema, COMMAND_SUBJECTS.get(self.route.operation), view))


def query_notices(query: Query, filters: str | None, size_parameter: str | None) -> Iterator[InputNotice]:
    """Find values of known query parameters that are ignored or changed."""
    table = FILTER_SETS[filters] if filters is not None else None
    types = {} if table is None else dict(table.names)
    for name, values in query.items():
        value = values[-1]
        if len(values) > 1:
            message = f"query parameter {name!r} was sent {len(values)} times, and only the last value counts"
            yield InputNotice(name, message)
        if name == size_parameter:
            yield from page_size_notices(name, value)
        elif name == PAGE and value == "" and size_parameter is not None:
            yield InputNotice(name, "query parameter 'page' is empty and was ignored")
        elif name == SORT and table is not None and table.sortable:
            yield from sort_notices(value, table.sortable)
        elif name in types and is_ignored_value(types[name].value_type, value):
            yield InputNotice(name, f"filter {name!r} with the value {quoted(value)} filters nothing")


def page_size_notices(name: str, value: str) -> Iterator[InputNotice]:
    try:
        size = int(value)
    except ValueError:
        size = 0
    if size < 1:
        yield InputNotice(name, f"{name} {quoted(value)} is not a number above 0 and was ignored")
    elif size > MAX_PAGE_SIZE:
        message = (
            f"{name} {quoted(value)} is more than {MAX_PAGE_SIZE}: larger pages do not exist; follow 'next' for more"
        )
        yield InputNotice(name, message)


def sort_notices(value: str, sortable: Mapping[str, str]) -> Iterator[InputNotice]:
    for term in value.split(","):
        name = term.strip().removeprefix("-")
        if name not in sortable:
            message = f"sort {quoted(name)} is not a column and was ignored{nearest_known(name, sortable)}"
            yield InputNotice(SORT, message)


def is_ignored_value(type_: str, value: str) -> bool:
    try:
        return FILTER_PARSERS[type_](value) is NO_FILTER
    except FieldError:
        return False


def body_notices(
    body: Mapping[str, JsonValue], schema_name: str, subject: type[Any] | None, view: Reader
) -> Iterator[InputNotice]:
    """Find keys of a body that its schema does not have, and unknown parameters of a command on `subject`."""
    known = known_keys(schema_name)
    if not body.keys() <= known:
        keys = (key.partition(".")[0] if isinstance(body, Form) else key for key in body)
        yield from unknown_key_notices(dict.fromkeys(keys), known, "")
    parameters = body.get(INPUT_PARAMETERS) if subject is not None else None
    if not parameters or not isinstance(parameters, Mapping) or subject is None:
        return
    if (fields := command_parameters(body, subject, view)) is not None:
        yield from nested_notices(parameters, fields, f"{INPUT_PARAMETERS}.")


@cache
def known_keys(schema_name: str) -> frozenset[str]:
    """Return the keys that a request body of a schema may have."""
    return frozenset(load_schema(schema_name)["properties"])


def command_parameters(body: Mapping[str, JsonValue], subject: type[Any], view: Reader) -> Mapping[str, Field] | None:
    """Return the fields of `input_parameters` for the command that a body names, or None if it names none."""
    id_, slug = body.get("transition"), body.get("slug")
    by_id = view.get(Transition, id_) if isinstance(id_, int) else None
    by_slug = view.find(Transition, "slug", slug) if isinstance(slug, str) else []
    for transition in [*([by_id] if by_id is not None else []), *by_slug]:
        if transition.actor == COMMAND:
            more = {"package_items": ListField()} if transition.is_packageitem_parameter_required else {}
            return {**command_by_code(subject, transition.command_code).parameters, **more}
    return None


def nested_notices(
    values: Mapping[str, JsonValue], fields: Mapping[str, Field], prefix: str
) -> Iterator[InputNotice]:
    """Find keys that are not among the fields, in nested objects and lists too."""
    yield from unknown_key_notices(values, fields, prefix)
    for key, field in fields.items():
        inner = field.child if isinstance(field, ListField) else field
        if isinstance(inner, ObjectField):
            value = values.get(key)
            for entry in value if isinstance(value, list) else [value]:
                if isinstance(entry, Mapping):
                    yield from nested_notices(entry, inner.fields, f"{prefix}{key}.")


def unknown_key_notices(keys: Iterable[str], known: Collection[str], prefix: str) -> Iterator[InputNotice]:
    for key in keys:
        if key not in known:
            message = f"key {quoted(prefix + key)} is unknown and was ignored{nearest_known(key, known)}"
            if not known:
                message = f"key {quoted(prefix + key)} was ignored: no keys are expected here"
            yield InputNotice(key[:MAX_NAME_LENGTH], message)


def nearest_known(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:MAX_NAME_LENGTH], list(known), 1)
    return f"; nearest known: {near[0]!r}" if near else ""


def quoted(text: str) -> str:
    return repr(text[:MAX_NAME_LENGTH])


def notices_hint(notices: Sequence[InputNotice]) -> str | None:
    """Return the hint about some notices, in one line, or None if there are none."""
    messages = [notice.message for notice in notices[:MAX_NOTICES]]
    more = [f"{len(notices) - MAX_NOTICES} more"] if len(notices) > MAX_NOTICES else []
    return "; ".join(messages + more) or None


def strict_error(notices: Sequence[InputNotice], *, by_field: bool) -> ApiError:
    """Return the error that refuses a request in strict mode, in the form that the operation has for its errors."""
    hint = f"strict: {notices_hint(notices)}"
    if by_field:
        errors: dict[str, list[str]] = {}
        for notice in notices:
            errors.setdefault(notice.name, []).append(notice.message)
        return ValidationFailed(errors, hint)
    error = ParseError("; ".join(notice.message for notice in notices))
    error.hint = hint
    return error
