"""What the service accepts in silence, and most likely was not meant: told in a hint, refused when strict."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from emulator.core.errors import ApiError, ParseError, ValidationFailed
from emulator.core.exchange import Query
from emulator.core.fields import Field, FieldError, Form, ListField, ObjectField
from emulator.core.records import Package, TransferOrder, Transition
from emulator.core.schemas import schema
from emulator.core.store import View
from emulator.params.pagination import MAX_PAGE_SIZE
from emulator.params.query import NO_FILTER, PAGE, SORT, TYPES
from emulator.rules.commands import command_of
from emulator.rules.filters import FILTER_SETS
from emulator.rules.graph import COMMAND

LONGEST, TOLD = 60, 3
INPUT = "input_parameters"


class Finding(NamedTuple):
    """A part of a request that has no effect, or not the one that it looks like."""

    name: str
    says: str


def in_query(query: Query, filters: str | None, size_parameter: str | None) -> Iterator[Finding]:
    """Find values of known parameters that are ignored or changed."""
    table = FILTER_SETS[filters] if filters is not None else None
    types = {} if table is None else dict(table.names)
    for name, values in query.items():
        value = values[-1]
        if len(values) > 1:
            yield Finding(name, f"query parameter {name!r} came {len(values)} times, and only the last one counts")
        if name == size_parameter:
            yield from of_size(name, value)
        elif name == PAGE and value == "" and size_parameter is not None:
            yield Finding(name, "query parameter 'page' is empty and was ignored")
        elif name == SORT and table is not None and table.sortable:
            yield from of_order(value, table.sortable)
        elif name in types and is_nothing(types[name].type, value):
            yield Finding(name, f"filter {name!r} with the value {shown(value)} filters nothing")


def of_size(name: str, value: str) -> Iterator[Finding]:
    try:
        size = int(value)
    except ValueError:
        size = 0
    if size < 1:
        yield Finding(name, f"{name} {shown(value)} is no number above 0 and was ignored")
    elif size > MAX_PAGE_SIZE:
        yield Finding(
            name, f"{name} {shown(value)} is more than {MAX_PAGE_SIZE}: no page has more, read on with its 'next'"
        )


def of_order(value: str, sortable: Mapping[str, str]) -> Iterator[Finding]:
    for term in value.split(","):
        name = term.strip().removeprefix("-")
        if name not in sortable:
            yield Finding(SORT, f"sort {shown(name)} is no column and was ignored{nearest(name, sortable)}")


def is_nothing(type_: str, value: str) -> bool:
    try:
        return TYPES[type_](value) is NO_FILTER
    except FieldError:
        return False


def in_body(body: Any, name: str | None, subject: type[Any] | None, view: View) -> Iterator[Finding]:
    """Find keys that nobody reads in a body of this schema, those of a command's parameters included."""
    if not isinstance(body, Mapping):
        return
    if name is None:
        if body:
            yield Finding("body", "the body is not read here and was ignored")
        return
    known = known_keys(name)
    if not body.keys() <= known:
        keys = (key.partition(".")[0] if isinstance(body, Form) else key for key in body)
        yield from strangers(dict.fromkeys(keys), known, "")
    parameters = body.get(INPUT) if subject is not None else None
    if not parameters or not isinstance(parameters, Mapping) or subject is None:
        return
    if (fields := parameters_of(body, subject, view)) is not None:
        yield from in_fields(parameters, fields, f"{INPUT}.")


@cache
def known_keys(name: str) -> frozenset[str]:
    """Give the keys that a request body of this schema may have."""
    return frozenset(schema(name)["properties"])


def parameters_of(body: Mapping[str, Any], subject: type[Any], view: View) -> Mapping[str, Field] | None:
    """Give the fields of `input_parameters` of the command that a body names; None where it names none."""
    id_, slug = body.get("transition"), body.get("slug")
    by_id = view.get(Transition, id_) if isinstance(id_, int) else None
    by_slug = view.find(Transition, "slug", slug) if isinstance(slug, str) else []
    for transition in [*([by_id] if by_id is not None else []), *by_slug]:
        if transition.actor == COMMAND:
            more = {"package_items": ListField()} if transition.is_packageitem_parameter_required else {}
            return {**command_of(subject, transition.command_code).parameters, **more}
    return None


def in_fields(values: Mapping[str, Any], fields: Mapping[str, Field], prefix: str) -> Iterator[Finding]:
    yield from strangers(values, fields, prefix)
    for key, field in fields.items():
        inner = field.child if isinstance(field, ListField) else field
        if isinstance(inner, ObjectField):
            value = values.get(key)
            for entry in value if isinstance(value, list) else [value]:
                if isinstance(entry, Mapping):
                    yield from in_fields(entry, inner.fields, f"{prefix}{key}.")


def strangers(keys: Iterable[str], known: Collection[str], prefix: str) -> Iterator[Finding]:
    for key in keys:
        if key not in known:
            told = f"key {shown(prefix + key)} is unknown and was ignored{nearest(key, known)}"
            yield Finding(
                key[:LONGEST], told if known else f"key {shown(prefix + key)} was ignored: nothing is taken here"
            )


def nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:LONGEST], list(known), 1)
    return f"; nearest known: {near[0]!r}" if near else ""


def shown(text: str) -> str:
    return repr(text[:LONGEST])


def hint_of(findings: Sequence[Finding]) -> str | None:
    """Tell of findings in one line."""
    told = [finding.says for finding in findings[:TOLD]]
    more = [f"{len(findings) - TOLD} more such parts"] if len(findings) > TOLD else []
    return "; ".join(told + more) or None


def refusal(findings: Sequence[Finding], *, by_field: bool) -> ApiError:
    """Give the error that refuses a request when strict, in the form that the operation has for its errors."""
    hint = f"strict: {hint_of(findings)}"
    if by_field:
        errors: dict[str, list[str]] = {}
        for finding in findings:
            errors.setdefault(finding.name, []).append(finding.says)
        return ValidationFailed(errors, hint)
    error = ParseError("; ".join(finding.says for finding in findings))
    error.hint = hint
    return error


SUBJECTS: Mapping[str, type[Any]] = {
    "command_package": Package,
    "reference_command_package": Package,
    "command_transfer": TransferOrder,
}
"""Operation -> whose commands it runs."""
