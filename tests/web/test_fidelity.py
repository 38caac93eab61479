"""Fidelity is complete: each row has a provenance, and an assumed row has a reason."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, get_args

import pytest

from emulator import Emulator
from emulator.api.filters import FILTER_SETS
from emulator.api.openapi.operations import SHARED_PARAMETERS
from emulator.api.parameters import FILTER_PARSERS
from emulator.api.request_fields import REQUEST_FIELDS
from emulator.api.routes import ROUTES, AuthScheme, Route
from emulator.core import schemas
from emulator.core.errors import ApiError
from emulator.core.records import Package, State, TransferOrder
from emulator.domain.commands import COMMANDS
from emulator.web.admin.fidelity import SUBJECTS, fidelity_document
from emulator.web.context import METHODS
from emulator.web.negotiation import RESOURCE_NAMES
from emulator.web.parsing import BODY_PARSERS
from emulator.web.provenance import notes
from tests.support import samples

PROVENANCES = {"documented", "observed", "framework", "assumed"}
OWN_SCHEMA_FOLDER = files("emulator") / "schemas" / "own"
OWN_SCHEMAS = {file.name.removesuffix(".json") for file in OWN_SCHEMA_FOLDER.iterdir()} | {"formats"}
"""Schemas of documents that the vendor does not have."""


def every_note() -> list[tuple[str, dict]]:
    found = fidelity_document()
    rows = [(f"{part} {row}", row) for part, table in found.items() for row in table]
    return rows + [(f"parameter {each}", each) for row in found["commands"] for each in row["parameters"]]


@pytest.mark.parametrize("row", [row for _, row in every_note()], ids=[name[:60] for name, _ in every_note()])
def test_provenance_is_known_and_an_assumption_has_a_reason(row: dict) -> None:
    assert row["provenance"] in PROVENANCES
    assert (row["provenance"] == "assumed") == ("reason" in row)


def test_every_operation_has_an_entry() -> None:
    assert notes()["operations"].keys() == {route.operation for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.operation} {route.path}" for route in ROUTES])
def test_every_status_of_an_operation_has_an_entry(route) -> None:
    assert {int(status) for status in notes()["statuses"][route.operation]} == set(route.responses)


def test_every_schema_has_an_entry() -> None:
    assert notes()["shapes"].keys() == set(schemas.schema_names()) - OWN_SCHEMAS


def test_observed_schemas_are_used_by_samples() -> None:
    """A schema is observed only if a sample of the guide, a captured response or the published code contains it."""
    real = [name for name in samples.names() if not name.startswith("reference-")]
    reached = {spot.shape.split("/")[0] for name in real for spot in samples.sample_nodes(name, samples.body(name))}
    published = {
        name
        for name in schemas.schema_names()
        if re.search("^dj-whisperer|captured", schemas.load_schema(name).get("x-source", ""))
    }
    observed = {name for name, note in notes()["shapes"].items() if note["provenance"] == "observed"}
    assert observed == reached | published


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_command_and_parameter_has_an_entry(subject: str) -> None:
    commands = COMMANDS[{"package": Package, "transfer_order": TransferOrder}[subject]]
    told = notes()["commands"][subject]
    assert told.keys() == commands.keys()
    assert {code: set(note["parameters"]) for code, note in told.items()} == {
        code: set(command.parameters) for code, command in commands.items()
    }


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def list_order(route: Route) -> str:
    return route.filter_set or str(route.responses[200])


PAGED = [route for route in ROUTES if route.is_paginated]
ERROR_STYLES = schemas.load_schema("scenario")["properties"]["error_style"]["enum"]
PROTOCOL = {
    "errors": {each.__name__ for each in subclasses(ApiError) if each.__module__ == ApiError.__module__},
    "error styles": set(ERROR_STYLES),
    "body formats": set(BODY_PARSERS),
    "parameters": set(SHARED_PARAMETERS),
    "page sizes": {route.page for route in PAGED} | {"maximum"},
    "default orders": {list_order(route) for route in PAGED},
    "sort columns": {f"{name}.{column}" for name, table in FILTER_SETS.items() for column in table.sortable},
    "body fields": {f"{body}.{field}" for body, fields in REQUEST_FIELDS.items() for field in fields},
    "views": {route.view.__qualname__.partition(".")[0] for route in ROUTES},
    "methods": set(METHODS),
    "credentials": set(get_args(AuthScheme)),
    "filter values": set(FILTER_PARSERS),
    "resource names": {*RESOURCE_NAMES, "other operations"},
}
"""Class of behaviour -> its members, read from the tables that the emulator runs on."""
REQUESTS = {
    "404 for a URL that no operation has",
    "redirect to the trailing slash",
    "a parameter that is sent twice",
    "unknown query parameters and unknown keys of a body",
}
"""What happens to requests before or without a view. No table lists it."""


def test_every_class_of_behaviour_has_rows() -> None:
    assert {name: set(rules) for name, rules in notes()["protocol"].items()} == PROTOCOL | {"requests": REQUESTS}


def test_no_section_is_without_a_check() -> None:
    """A new section of the file needs a test that compares it with the tables."""
    assert notes().keys() == {"operations", "statuses", "shapes", "webhooks", "live", "protocol", "commands"}


@pytest.mark.medium
def test_states_of_items_are_listed() -> None:
    rows = Emulator("empty").session().get("/__admin/fidelity").json()["item_states"]
    values = {row["enum_value"]: row["provenance"] for row in rows if row["of"] == "PackageItemStatus"}
    assert {value for value, mark in values.items() if mark == "observed"} == {"100", "150", "600", "900"}
    listed = {(row["of"], row["id"]) for row in rows}
    assert listed == {
        (state.enum_class, state.id)
        for state in Emulator("empty").world.records.all(State)
        if state.enum_class not in {"PackageStatus", "TransferStatus"}
    }


def test_documented_name_and_assumed_comparison_are_separate() -> None:
    """The name of a filter and its comparison can have different evidence."""
    rows = {
        (row["operations"][0], row["name"]): row
        for row in fidelity_document()["filters"]
        if "lookup_provenance" in row
    }
    marks = {key: (row["provenance"], row["lookup_provenance"]) for key, row in rows.items()}
    assert marks == {
        ("list_packages", "order__number"): ("assumed", "documented"),
        ("list_packages_simple", "order__number"): ("assumed", "documented"),
        ("list_transfers", "order__number"): ("documented", "assumed"),
    }


CORRECTED = {
    ("operations", "reference_patch_package_extra_information"): "documented",
    ("operations", "reference_get_invoice_document"): "documented",
    ("statuses", "command_package 200"): "documented",
    ("statuses", "reference_get_invoice_document 200"): "documented",
    ("statuses", "list_packages 400"): "documented",
    **{("statuses", f"* {status}"): "documented" for status in (401, 403, 406, 429, 500)},
    **{("statuses", f"* {status}"): "framework" for status in (405, 415)},
}


@pytest.mark.parametrize(("part", "name"), CORRECTED, ids=[name for _, name in CORRECTED])
def test_mark_follows_the_page(part: str, name: str) -> None:
    """The pages list the statuses; their bodies are the framework's."""
    operation, _, status = name.partition(" ")
    note = notes()[part][operation]
    assert (note[status] if status else note)["provenance"] == CORRECTED[part, name]


def test_denial_reasons_name_their_own_pages() -> None:
    pages = {route.page for route in ROUTES if "denial_reason" in route.operation}
    assert pages == {"Package Denial Reasons (packages module)", "Package Denial Reason Services (guide)"}


@pytest.mark.medium
def test_control_api_returns_all_entries() -> None:
    """States and transitions are those of the world."""
    answer = Emulator("empty", installation="second").session().get("/__admin/fidelity")
    assert answer.status_code == 200
    found = answer.json()
    assert {key: found[key] for key in fidelity_document()} == fidelity_document()
    assert [row["provenance"] for row in found["states"] if row["id"] == 142] == ["assumed"]
    assert [row["provenance"] for row in found["transitions"] if row["id"] == 1215] == ["observed"]
