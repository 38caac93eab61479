"""A custom installation replaces the kinds that it contains. The default installation provides the others."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.core.records import (
    REFERENCES,
    CargoCompany,
    City,
    Country,
    DenialReason,
    District,
    Package,
    PackageItem,
    State,
    StockLocation,
    TransferItem,
    TransferOrder,
    Transition,
    TransitionLog,
)
from emulator.domain import installation

DEFAULT = installation.load_installation("default")
KEYS = ("id", "name", "enum_class", "enum_value", "content_type")
NOTE = {"provenance": "documented"}


def state_rows(without: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the default's states, without those of one enum class and value."""
    kept = [each for each in DEFAULT[State].values() if (each.enum_class, each.enum_value) != without]
    return [{key: getattr(each, key) for key in KEYS} | NOTE for each in kept]


def transition_rows(states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = {each["id"] for each in states}
    found = [each for each in DEFAULT[Transition].values() if {each.source_state, each.destination_state} <= ids]
    columns = ("id", "source_state", "destination_state", "label", "slug", "command_code", "actor")
    return [{key: getattr(each, key) for key in columns} | NOTE for each in found]


@pytest.fixture
def written(tmp_path: Path):
    """Write an installation's file, and return its path."""

    def write(document: dict[str, Any]) -> str:
        file = tmp_path / "mine.json"
        file.write_bytes(orjson.dumps(document))
        return str(file)

    return write


def test_missing_kinds_come_from_the_default(written) -> None:
    """A file with states only has the default's locations, carriers, channels and users."""
    mine = installation.load_installation(written({"state": state_rows()}))
    assert {kind for kind in DEFAULT if mine[kind] == DEFAULT[kind]} >= DEFAULT.keys() - {State, Transition}


def test_kinds_of_a_file_replace_the_default(written) -> None:
    """The default's carriers are not added to the user's."""
    rows = [{"id": 5, "name": "Mine"} | NOTE]
    mine = installation.load_installation(written({"cargo_company": rows}))
    assert [each.name for each in mine[CargoCompany].values()] == ["Mine"]


def test_references_of_copied_entries_are_copied(written) -> None:
    """The default's districts are copied with their cities."""
    mine = installation.load_installation(written({"city": [{"id": 7, "country": 1, "name": "MINE"} | NOTE]}))
    assert mine[City][7].name == "MINE"
    assert {each.city for each in mine[District].values()} <= mine[City].keys()
    for kind, table in mine.items():
        for column, other in REFERENCES[kind].items():
            assert {getattr(each, column) for each in table.values()} - {None} <= mine[other].keys()


def test_copied_entries_get_free_ids(written) -> None:
    """The second installation has a package state 85. In the default, 85 is a state of transfer items."""
    mine, origins = installation.load_installation("second"), installation.complete_installation("second").origins
    assert mine[State][85].enum_class == "PackageStatus"
    moved = next(
        each for each in mine[State].values() if (each.content_type, each.enum_value) == (7, "ready_to_shipment")
    )
    assert moved.id not in DEFAULT[State]
    assert "taken" in str(origins[State, moved.id].reason)


def test_copied_states_get_a_free_content_type(written) -> None:
    """If packages have the content type of the default's transfer orders, the transfer orders get another one."""
    rows = [{**row, "content_type": 6} for row in state_rows() if row["enum_class"] == "PackageStatus"]
    mine = installation.load_installation(written({"state": rows}))
    classes = {(each.content_type, each.enum_class) for each in mine[State].values()}
    assert len(classes) == len({content_type for content_type, _ in classes})


def test_external_transitions_are_copied_between_states_with_equal_values() -> None:
    """Recorded responses show commands only. A package of such an installation can still be cancelled."""
    mine = installation.load_installation("second")
    moves = {(each.actor, each.source_state, each.destination_state) for each in mine[Transition].values()}
    assert ("operator", 33, 44) in moves
    assert not [each for each in mine[Transition].values() if each.actor == "command" and each.source_state == 44]


def test_commands_of_the_default_are_not_copied() -> None:
    """Commands that the user's OMS does not offer are not offered."""
    mine = installation.load_installation("second")
    ours = {
        id_ for id_, each in mine[Transition].items() if each.actor == "command" and each.source_state in (33, 34)
    }
    assert ours == set(installation.read_installation(installation.installation_path("second")).records[Transition])


def test_file_without_transitions_gets_the_default_transitions(written) -> None:
    """The transitions lead to the file's states, which have other ids."""
    rows = [row | {"id": row["id"] + 1000} for row in state_rows()]
    mine = installation.load_installation(written({"state": rows}))
    assert {each.slug for each in mine[Transition].values()} == {each.slug for each in DEFAULT[Transition].values()}
    assert {each.source_state for each in mine[Transition].values()} <= {row["id"] for row in rows}


VALUES = sorted({(each.enum_class, each.enum_value) for each in DEFAULT[State].values()})


@pytest.mark.slow
@pytest.mark.parametrize("lacking", VALUES, ids=[" ".join(pair) for pair in VALUES])
def test_demo_dataset_is_valid_without_any_one_state(lacking: tuple[str, str], written) -> None:
    """The nearest earlier state of the path replaces a missing state. The log leads to this state."""
    states = state_rows(lacking)
    name = written({"state": states, "transition": transition_rows(states)})
    oms = Emulator("demo", packages=100, installation=name)
    root = oms.world.records
    known = set(root.ids(State))
    kinds: tuple[type[Any], ...] = (Package, PackageItem, TransferOrder, TransferItem)
    for kind in kinds:
        assert {each.state for each in root.all(kind)} <= known
    for log in root.all(TransitionLog):
        assert log.old_state in known
        assert log.new_state in known
    assert oms.session().get("/api/v1/oms/packages/?limit=100").status_code == 200
    assert oms.session().get("/api/v1/oms/transfer_orders/?limit=100").status_code == 200


@pytest.mark.medium
def test_missing_state_is_replaced_by_the_previous_state(written) -> None:
    """Without the state Shipped, packages that would be shipped or delivered are packed."""
    states = state_rows(("PackageStatus", "600"))
    states = [row for row in states if (row["enum_class"], row["enum_value"]) not in LATER]
    oms = Emulator("demo", installation=written({"state": states, "transition": transition_rows(states)}))
    usual, here = (Counter(each.state for each in one.world.records.all(Package)) for one in (Emulator("demo"), oms))
    assert here[40] == sum(usual[id_] for id_ in (40, 42, 45, 46, 47))


LATER = {("PackageStatus", value) for value in ("650", "700", "800")}


@pytest.mark.medium
def test_one_packing_location_suffices(written) -> None:
    """With a single stock location, all packages and transfers start there."""
    place = next(each for each in DEFAULT[StockLocation].values() if each.is_fulfillment_center)
    rows = [{"id": place.id, "address": place.address, "name": place.name, "is_active": True} | NOTE]
    oms = Emulator("demo", installation=written({"stock_location": rows}))
    assert {each.stock_location for each in oms.world.records.all(Package)} == {place.id}
    assert oms.session().get("/api/v1/oms/transfer_orders/").status_code == 200


def test_missing_packing_location_is_an_error(written) -> None:
    """For a country without pools, only an empty dataset is possible."""
    name = written({"country": [{"id": each, "name": "Utopia", "code": "xx"} | NOTE for each in DEFAULT[Country]]})
    with pytest.raises(ValueError, match="nowhere to pack"):
        Emulator("demo", installation=name)
    assert not list(Emulator("empty", installation=name).world.records.ids(Package))


@pytest.mark.medium
def test_second_installation_has_a_demo_dataset() -> None:
    """The dataset has the installation's ids and content types. All of its commands run."""
    oms = Emulator("demo", installation="second")
    root, session = oms.world.records, oms.session()
    waiting = [each.id for each in root.all(Package) if each.state == 33]
    offered = session.get(f"/api/v1/oms/packages/{waiting[0]}/").json()["commands"]
    assert [each["id"] for each in offered] == [1512, 1313, 1346, 1049, 125, 786, 2, 917, 1511]
    code = next(each.erp_code for each in root.all(StockLocation) if each.erp_code)
    for command, package in zip(offered, waiting, strict=False):
        items = [each.id for each in root.find(PackageItem, "package", package)]
        groups = [{"package_items": items, "erp_code": code}]
        body = {
            "transition": command["id"],
            "input_parameters": {"package_items": items, "assignment_groups": groups, "denial_reason": 1},
        }
        answer = session.post(f"/api/v1/oms/packages/{package}/command/", json=body)
        assert answer.status_code in {200, 204}, (command["label"], answer.text)
        assert oms.world.records.get_existing(Package, package).state == command["destination_state"]


def test_logged_transitions_of_the_second_installation_exist() -> None:
    """The logs of the dataset contain only transitions of the graph."""
    root = Emulator("demo", installation="second").world.records
    moves = {(each.source_state, each.destination_state) for each in root.all(Transition)}
    assert {(each.old_state, each.new_state) for each in root.all(TransitionLog)} <= moves


def test_scenario_names_its_installation(tmp_path: Path, written) -> None:
    """The name is that of a bundled installation, or a path relative to the scenario file."""
    written({"denial_reason": [{"id": 9, "title": "Mine"} | NOTE]})
    file = tmp_path / "scenario.json"
    file.write_bytes(orjson.dumps({"name": "x", "installation": "mine.json"}))
    oms = Emulator(str(file))
    assert [each.title for each in oms.world.records.all(DenialReason)] == ["Mine"]
    file.write_bytes(orjson.dumps({"name": "x", "installation": "second"}))
    assert 142 in Emulator(str(file)).world.records.ids(State)
