"""Fidelity is complete: each row has a provenance, and an assumed row has a reason."""

from importlib.resources import files

import pytest

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.core import schemas
from emulator.core.records import Package, TransferOrder
from emulator.domain.commands import COMMANDS
from emulator.web.admin.fidelity import SUBJECTS, fidelity_document, notes
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
    """A schema is observed only if a sample of the guide or the vendor's published code contains it."""
    real = [name for name in samples.names() if not name.startswith("reference-")]
    reached = {spot.shape.split("/")[0] for name in real for spot in samples.sample_nodes(name, samples.body(name))}
    published = {
        name
        for name in schemas.schema_names()
        if schemas.load_schema(name).get("x-source", "").startswith("dj-whisperer")
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


def test_control_api_returns_all_entries() -> None:
    """States and transitions are those of the world."""
    answer = Emulator("empty", installation="second").session().get("/__admin/fidelity")
    assert answer.status_code == 200
    found = answer.json()
    assert {key: found[key] for key in fidelity_document()} == fidelity_document()
    assert [row["provenance"] for row in found["states"] if row["id"] == 142] == ["assumed"]
    assert [row["provenance"] for row in found["transitions"] if row["id"] == 1215] == ["observed"]
