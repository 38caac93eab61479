"""Compare what the JSON Schema of each request body refuses with what the framework refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.api.request_fields import is_accepted
from emulator.core.fields import Form
from emulator.core.schemas import find_problem, load_schema

JsonObject = dict[str, Any]
HOOK = {
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
}
VALID: Mapping[str, JsonObject] = {
    "command": {"transition": 199, "input_parameters": {}},
    "reference-command": {"transition": 199},
    "set-invoice-number": {"invoice_number": "A-1"},
    "set-remote-id": {"remote_id": "R-1"},
    "extra-information": {"extra_information": {"note": "fragile"}},
    "login": {"username": "admin", "password": "admin"},
    "new-denial-reason": {"title": "Torn", "remote_id": "T-1", "priority": 3, "is_active": True},
    "hook": HOOK,
    "hook-change": HOOK,
    "hook-retry": {"force": True},
}
"""Request schema -> a valid body."""
VALUES: Mapping[str, Any] = {
    "`null`": None,
    "`true`": True,
    "`5`": 5,
    "`5.0`": 5.0,
    "`1.5`": 1.5,
    '`"5"`': "5",
    '`"text"`': "text",
    '`""`': "",
    '`"  "`': "  ",
    '`"true"`': "true",
    "256 characters": "x" * 256,
    "`[]`": [],
    "`[1]`": [1],
    "`{}`": {},
    '`{"a": 1}`': {"a": 1},
}
"""Name of a value -> the value, which replaces each field of a body."""


COLUMNS = {
    "refused by both": (True, True),
    "by the schema only": (True, False),
    "by the framework only": (False, True),
}
"""Column of a table -> who refuses: the schema, the framework."""
BODY, UNKNOWN_KEY, FORM = "the body", "an unknown key", "a form"


class Mutant(NamedTuple):
    """A body that differs from a valid one in one place, and who refuses it."""

    schema: str
    field: str
    change: str
    body: Any
    by_schema: bool
    by_framework: bool


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of all bodies."""
    for schema, valid in VALID.items():
        yield from (mutant(schema, field, change, body) for field, change, body in changes(schema, valid))


def mutant(schema: str, field: str, change: str, body: Any) -> Mutant:
    """Ask the schema and the framework."""
    by_schema = isinstance(body, Form) or find_problem(schema, body) is not None
    return Mutant(schema, field, change, body, by_schema, not is_accepted(schema, body))


def changes(schema: str, valid: JsonObject) -> Iterator[tuple[str, str, Any]]:
    """Yield the name of a field, the change and the changed body."""
    yield from ((BODY, name, VALUES[name]) for name in ("`null`", '`"text"`', "`[1]`", "`5`"))
    yield BODY, "`{}`", {}
    yield BODY, FORM, Form(form_pairs(valid))
    yield UNKNOWN_KEY, "any value", {**valid, "unknown": 1}
    for field in load_schema(schema)["properties"]:
        yield field, "missing", {key: value for key, value in valid.items() if key != field}
        yield from ((field, name, {**valid, field: value}) for name, value in VALUES.items())


def form_pairs(body: JsonObject, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names and values of a body as a form. `name.key` is a key of the object `name`."""
    for key, value in body.items():
        if isinstance(value, dict) and value and key != "kwargs":
            yield from form_pairs(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value if isinstance(value, str) else json.dumps(value)


def table_rows(schema: str) -> list[dict[str, str]]:
    """Return a row for each field of a body: what both refuse, and what only one of them refuses."""
    found = [each for each in mutants() if each.schema == schema]
    return [
        {"field": field}
        | {column: changes_with_verdict(found, field, verdict) for column, verdict in COLUMNS.items()}
        for field in dict.fromkeys(each.field for each in found)
    ]


def changes_with_verdict(found: list[Mutant], field: str, verdict: tuple[bool, bool]) -> str:
    """Return the changes of a field with this verdict of the schema and the framework."""
    return ", ".join(
        each.change for each in found if each.field == field and (each.by_schema, each.by_framework) == verdict
    )
