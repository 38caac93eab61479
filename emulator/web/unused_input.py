"""Request input that the service silently ignores or converts: reported in the hint, or a 400 in strict mode."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from emulator.api.filters import FILTER_SETS
from emulator.api.parameters import (
    MAX_PAGE_SIZE,
    NO_FILTER,
    PAGE,
    SORT,
    known_parameters,
    parse_filter,
)
from emulator.api.request_fields import is_accepted
from emulator.api.routes import Route
from emulator.core.call import Query
from emulator.core.errors import ApiError, BadRequest, ParseError, ValidationFailed
from emulator.core.fields import NON_FIELD, Field, FieldError, Form, ListField, ObjectField
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Package, TransferOrder, Transition
from emulator.core.schemas import Problem, json_pointer, load_schema
from emulator.domain.commands import command_by_code
from emulator.domain.state_graph import COMMAND
from emulator.state.store import Reader
from emulator.state.world import World
from emulator.web.context import RequestContext
from emulator.web.schema_validation import MAX_CACHED_BYTES, UNKNOWN_KEY, cached_problems, json_problems

MAX_NAME_LENGTH, MAX_NOTICES = 60, 3
INPUT_PARAMETERS = "input_parameters"
COMMAND_SUBJECTS: Mapping[str, type[Any]] = {
    "command_package": Package,
    "reference_command_package": Package,
    "command_transfer": TransferOrder,
}
"""Operation -> the records whose commands it runs."""
IS_FORM = Problem((), "contentMediaType", "is a form", "must be JSON")


class InputNotice(NamedTuple):
    """A part of a request that has no effect, or another effect than it seems to have."""

    name: str
    message: str
    pointer: str | None = None
    """JSON pointer into the body, if the notice is about a part of the body."""


BODY_OF_GET = InputNotice("body", "the body of a GET was ignored")
UNUSED_BODY = InputNotice("body", "the operation has no body, so the body was ignored")


class UnusedInput:
    """The input of one request that its handler ignores."""

    def __init__(self, context: RequestContext, route: Route) -> None:
        self.context, self.route = context, route
        self._schema = request_schema(context.world, route)
        self._unknown_parameters: str | None = None
        self._aliases: list[InputNotice] = []
        self._notices: list[InputNotice] = []
        self._body_notices: list[InputNotice] = []
        self._has_read_body = False

    def check_query(self) -> None:
        """Collect unknown query parameters, and known ones without effect. Raises `ApiError` in strict mode."""
        query, route = self.context.query, self.route
        if not query:
            return
        size_parameter = route.size_parameter if route.is_paginated else None
        names = known_parameters(route.filter_set, size_parameter)
        if route.is_negotiated and (unknown := [name for name in query if name not in names]):
            if self.context.world.strict:
                raise unknown_parameters_error(unknown, names, by_field=route.filter_set is not None)
            self._unknown_parameters = unknown_parameters_hint(unknown, names)
        for is_documented, notice in alias_notices(query, route.filter_set):
            (self._notices if is_documented and self.context.world.strict else self._aliases).append(notice)
        self._notices += query_notices(query, route.filter_set, size_parameter)

    def check_unread_body(self) -> None:
        """Collect a body that the handler does not read. Raises `ApiError` in strict mode for all notices so far."""
        route = self.route
        if (route.method == "GET" or route.request_schema is None) and self.context.has_body:
            if route.method == "GET":
                self._notices.append(BODY_OF_GET)
            elif self._has_content():
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

    def validate_body(self) -> None:
        """Validate the body with the schema of the operation, and collect what only the schema refuses."""
        schema, operation = self._schema, self.route.operation
        if schema is not None:
            problems = request_problems(self.context, schema)
            self._body_notices += [problem_notice(problem, schema) for problem in problems]
            body, subject = self.context.parsed_body, COMMAND_SUBJECTS.get(operation)
            if subject is not None and isinstance(body, (dict, Form)) and body.get(INPUT_PARAMETERS):
                self._body_notices += parameter_notices(body, subject, self.context.world.records)

    def read_body(self) -> JsonValue:
        """Return the body for the handler. In strict mode, the first call raises `ApiError` for its notices."""
        body = self.context.body
        if self.context.world.strict and self._body_notices and not self._has_read_body:
            self._has_read_body = True
            if is_accepted(str(self._schema), body):
                notices, self._body_notices = self._body_notices, []
                raise strict_error(notices, by_field=True)
        self._has_read_body = True
        return body

    def hint(self, error_hint: str | None = None) -> str | None:
        """Return the hint about all notices of the parts of the request that were read."""
        notices = [*self._aliases, *self._notices, *(self._body_notices if self._has_read_body else ())]
        if not notices and self._unknown_parameters is None:
            return error_hint or None
        return "; ".join(filter(None, (self._unknown_parameters, error_hint, notices_hint(notices)))) or None


def unknown_parameters_hint(unknown: Sequence[str], known: Sequence[str]) -> str:
    """Return a hint that names the ignored parameters, each with the most similar known one."""
    hints = [
        f"query parameter '{name[:MAX_NAME_LENGTH]}' is unknown and was ignored{nearest_known(name, known)}"
        for name in unknown[:MAX_NOTICES]
    ]
    if (more := len(unknown) - MAX_NOTICES) > 0:
        hints.append(f"{more} more unknown parameters were ignored")
    return "; ".join(hints)


def unknown_parameters_error(unknown: Sequence[str], known: Sequence[str], *, by_field: bool) -> ApiError:
    """Return the error for unknown parameters in strict mode."""
    names, hint = f"Known: {', '.join(sorted(known))}.", f"strict: {unknown_parameters_hint(unknown, known)}"
    if by_field:
        return ValidationFailed({name: [f"Unknown query parameter. {names}"] for name in unknown}, hint)
    return ParseError(f"Unknown query parameter {', '.join(unknown)}. {names}", hint)


def request_schema(world: World, route: Route) -> str | None:
    """Return the schema of the body. An installation can make the parameters of a command optional."""
    if route.request_schema == "command" and not world.settings.input_parameters_required:
        return "reference-command"
    return route.request_schema


def alias_notices(query: Query, filters: str | None) -> Iterator[tuple[bool, InputNotice]]:
    """Find aliases of filters. Yield with each whether a page documents the filter's name, which is then required."""
    if filters is None:
        return
    for name, filter_ in FILTER_SETS[filters].names:
        if name in query and name != filter_.name:
            is_documented = filter_.provenance != "assumed"
            source = "documented" if is_documented else "assumed"
            yield is_documented, InputNotice(name, f"query parameter {name!r}: the {source} name is {filter_.name!r}")


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
        return parse_filter(type_, value) is NO_FILTER
    except FieldError:
        return False


def problem_notice(problem: Problem, schema_name: str) -> InputNotice:
    """Return the notice about a problem that the schema finds in the body and the framework does not."""
    *path, last = problem.path or (NON_FIELD,)
    if problem.keyword == UNKNOWN_KEY:
        return unknown_key_notice(path, str(last), known_keys(schema_name, path))
    message = f"{problem.message}; the framework accepts it"
    return InputNotice(str(problem.path[0] if problem.path else NON_FIELD), message, json_pointer(problem.path))


def known_keys(schema_name: str, path: Sequence[str | int]) -> Collection[str]:
    """Return the keys of the object at a path in a request body."""
    keys: JsonObject = load_schema(schema_name)["properties"]
    for step in path:
        keys = keys[str(step)]["properties"]
    return keys


def parameter_notices(body: Mapping[str, JsonValue], subject: type[Any], view: Reader) -> Iterator[InputNotice]:
    """Find unknown parameters of a command on `subject`."""
    parameters = body.get(INPUT_PARAMETERS)
    if not parameters or not isinstance(parameters, Mapping):
        return
    if (fields := command_parameters(body, subject, view)) is not None:
        yield from nested_notices(parameters, fields, (INPUT_PARAMETERS,))


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
    values: Mapping[str, JsonValue], fields: Mapping[str, Field], path: tuple[str | int, ...]
) -> Iterator[InputNotice]:
    """Find keys that are not among the fields, in nested objects and lists too."""
    yield from (unknown_key_notice(path, key, fields) for key in values if key not in fields)
    for key, field in fields.items():
        inner = field.child if isinstance(field, ListField) else field
        if isinstance(inner, ObjectField):
            value = values.get(key)
            for at, entry in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(entry, Mapping):
                    steps = (key, at) if isinstance(value, list) else (key,)
                    yield from nested_notices(entry, inner.fields, (*path, *steps))


def unknown_key_notice(path: Sequence[str | int], key: str, known: Collection[str]) -> InputNotice:
    """Return the notice about a key of the object at a path that is not among the known ones."""
    name = quoted(".".join([*(step for step in path if isinstance(step, str)), key]))
    message = f"key {name} is unknown and was ignored{nearest_known(key, known)}"
    if not known:
        message = f"key {name} was ignored: no keys are expected here"
    return InputNotice(key[:MAX_NAME_LENGTH], message, json_pointer((*path, key)))


def nearest_known(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:MAX_NAME_LENGTH], list(known), 1)
    return f"; nearest known: {near[0]!r}" if near else ""


def quoted(text: str) -> str:
    return repr(text[:MAX_NAME_LENGTH])


def notices_hint(notices: Sequence[InputNotice]) -> str | None:
    """Return the hint about some notices, in one line, or None if there are none."""
    messages = [notice_text(notice) for notice in notices[:MAX_NOTICES]]
    more = [f"{len(notices) - MAX_NOTICES} more"] if len(notices) > MAX_NOTICES else []
    return "; ".join(messages + more) or None


def notice_text(notice: InputNotice) -> str:
    """Return the message after the JSON pointer, if there is one."""
    if notice.pointer is None:
        return notice.message
    return f"{notice.pointer[:MAX_NAME_LENGTH] or 'the body'}: {notice.message}"


def strict_error(notices: Sequence[InputNotice], *, by_field: bool) -> ApiError:
    """Return the error that refuses a request in strict mode, in the form that the operation has for its errors."""
    hint = f"strict: {notices_hint(notices)}"
    if by_field:
        errors: dict[str, list[str]] = {}
        for notice in notices:
            errors.setdefault(notice.name, []).append(notice.message)
        return ValidationFailed(errors, hint)
    return ParseError("; ".join(notice.message for notice in notices), hint)


def request_problems(context: RequestContext, schema_name: str) -> tuple[Problem, ...]:
    """Return what the schema refuses in the body although the framework accepts it.

    If the framework refuses the body, its error is the response, and only unknown keys are returned.
    """
    try:
        body = context.body
    except (ApiError, BadRequest):
        return ()
    if type(body) is Form:
        problems = form_problems(body, schema_name)
    elif len(raw := context.body_bytes) <= MAX_CACHED_BYTES:
        problems = cached_problems(schema_name, context.content_type, raw)
    else:
        problems = json_problems(schema_name, body)
    if problems and not is_accepted(schema_name, body):
        return tuple(problem for problem in problems if problem.keyword == UNKNOWN_KEY)
    return problems


def form_problems(form: Form, schema_name: str) -> tuple[Problem, ...]:
    """Return that the body is a form, and its unknown keys. `name.key` is a key of the object `name`."""
    known = load_schema(schema_name)["properties"]
    names = dict.fromkeys(key.partition(".")[0] for key in form)
    return (IS_FORM, *(Problem((name,), UNKNOWN_KEY, "is unknown") for name in names if name not in known))
