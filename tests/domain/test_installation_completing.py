"""An installation of one's own replaces what it has; the rest is the default's, and every demonstration stands."""

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
    """The default's states, those of one enum class and value left out."""
    kept = [each for each in DEFAULT[State].values() if (each.enum_class, each.enum_value) != without]
    return [{key: getattr(each, key) for key in KEYS} | NOTE for each in kept]


def transition_rows(states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = {each["id"] for each in states}
    found = [each for each in DEFAULT[Transition].values() if {each.source_state, each.destination_state} <= ids]
    columns = ("id", "source_state", "destination_state", "label", "slug", "command_code", "actor")
    return [{key: getattr(each, key) for key in columns} | NOTE for each in found]


@pytest.fixture
def written(tmp_path: Path):
    """Write an installation's file; give its path."""

    def write(document: dict[str, Any]) -> str:
        file = tmp_path / "mine.json"
        file.write_bytes(orjson.dumps(document))
        return str(file)

    return write


def test_kinds_that_a_file_lacks_are_the_defaults(written) -> None:
    """A file with states alone keeps places, carriers, channels and users."""
    mine = installation.load_installation(written({"state": state_rows()}))
    assert {kind for kind in DEFAULT if mine[kind] == DEFAULT[kind]} >= DEFAULT.keys() - {State, Transition}


def test_kinds_that_a_file_has_are_its_own(written) -> None:
    """No carrier of the default's stays beside the user's."""
    rows = [{"id": 5, "name": "Mine"} | NOTE]
    mine = installation.load_installation(written({"cargo_company": rows}))
    assert [each.name for each in mine[CargoCompany].values()] == ["Mine"]


def test_what_borrowed_entries_refer_to_is_there(written) -> None:
    """Districts of the default bring their cities, beside the one that the file has."""
    mine = installation.load_installation(written({"city": [{"id": 7, "country": 1, "name": "MINE"} | NOTE]}))
    assert mine[City][7].name == "MINE"
    assert {each.city for each in mine[District].values()} <= mine[City].keys()
    for kind, table in mine.items():
        for column, other in REFERENCES[kind].items():
            assert {getattr(each, column) for each in table.values()} - {None} <= mine[other].keys()


def test_ids_that_are_taken_are_not_taken_twice(written) -> None:
    """The second installation has a package state 85, which is a state of transfer items in the default."""
    mine, origins = installation.load_installation("second"), installation.origins("second")
    assert mine[State][85].enum_class == "PackageStatus"
    moved = next(
        each for each in mine[State].values() if (each.content_type, each.enum_value) == (7, "ready_to_shipment")
    )
    assert moved.id not in DEFAULT[State]
    assert "taken" in str(origins[State, moved.id].reason)


def test_content_types_stay_apart(written) -> None:
    """A file whose packages have the content type of the default's transfer orders moves those."""
    rows = [{**row, "content_type": 6} for row in state_rows() if row["enum_class"] == "PackageStatus"]
    mine = installation.load_installation(written({"state": rows}))
    classes = {(each.content_type, each.enum_class) for each in mine[State].values()}
    assert len(classes) == len({content_type for content_type, _ in classes})


def test_moves_from_outside_are_borrowed_between_states_of_the_same_value() -> None:
    """Recorded answers show commands only; a package of such an installation can be cancelled all the same."""
    mine = installation.load_installation("second")
    moves = {(each.actor, each.source_state, each.destination_state) for each in mine[Transition].values()}
    assert ("operator", 33, 44) in moves
    assert not [each for each in mine[Transition].values() if each.actor == "command" and each.source_state == 44]


def test_commands_of_the_default_do_not_slip_in() -> None:
    """What the user's OMS does not offer is not offered."""
    mine = installation.load_installation("second")
    ours = {
        id_ for id_, each in mine[Transition].items() if each.actor == "command" and each.source_state in (33, 34)
    }
    assert ours == set(installation.load_own_records("second")[Transition])


def test_a_file_without_transitions_has_the_defaults(written) -> None:
    """States under other ids, and the default's transitions between them."""
    rows = [row | {"id": row["id"] + 1000} for row in state_rows()]
    mine = installation.load_installation(written({"state": rows}))
    assert {each.slug for each in mine[Transition].values()} == {each.slug for each in DEFAULT[Transition].values()}
    assert {each.source_state for each in mine[Transition].values()} <= {row["id"] for row in rows}


VALUES = sorted({(each.enum_class, each.enum_value) for each in DEFAULT[State].values()})


@pytest.mark.slow
@pytest.mark.parametrize("lacking", VALUES, ids=[" ".join(pair) for pair in VALUES])
def test_a_demonstration_stands_without_any_one_state(lacking: tuple[str, str], written) -> None:
    """Where a state lacks, the nearest earlier one of the path takes its place: the log leads to the state."""
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


def test_a_state_that_lacks_is_replaced_by_the_one_before_it(written) -> None:
    """Without Shipped, what would be shipped or later is still packed."""
    states = state_rows(("PackageStatus", "600"))
    states = [row for row in states if (row["enum_class"], row["enum_value"]) not in LATER]
    oms = Emulator("demo", installation=written({"state": states, "transition": transition_rows(states)}))
    usual, here = (Counter(each.state for each in one.world.records.all(Package)) for one in (Emulator("demo"), oms))
    assert here[40] == sum(usual[id_] for id_ in (40, 42, 45, 46, 47))


LATER = {("PackageStatus", value) for value in ("650", "700", "800")}


def test_one_place_to_pack_is_enough(written) -> None:
    """With a single stock location all comes from there, transfers included."""
    place = next(each for each in DEFAULT[StockLocation].values() if each.is_fulfillment_center)
    rows = [{"id": place.id, "address": place.address, "name": place.name, "is_active": True} | NOTE]
    oms = Emulator("demo", installation=written({"stock_location": rows}))
    assert {each.stock_location for each in oms.world.records.all(Package)} == {place.id}
    assert oms.session().get("/api/v1/oms/transfer_orders/").status_code == 200


def test_nowhere_to_pack_is_one_line(written) -> None:
    """An installation of a country that the pools do not know can be empty only."""
    name = written({"country": [{"id": each, "name": "Utopia", "code": "xx"} | NOTE for each in DEFAULT[Country]]})
    with pytest.raises(ValueError, match="nowhere to pack"):
        Emulator("demo", installation=name)
    assert not list(Emulator("empty", installation=name).world.records.ids(Package))


def test_the_second_installation_serves_its_own_demonstration() -> None:
    """Its ids, its content types, its commands; every one of them runs."""
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
            "input_parameters": {"package_items": items, "assignment_groups": groups},
        }
        answer = session.post(f"/api/v1/oms/packages/{package}/command/", json=body)
        assert answer.status_code in {200, 204}, (command["label"], answer.text)
        assert oms.world.records.get_existing(Package, package).state == command["destination_state"]


def test_every_logged_move_of_the_second_installation_is_one_of_its_transitions() -> None:
    """The demonstration goes only where the graph leads."""
    root = Emulator("demo", installation="second").world.records
    moves = {(each.source_state, each.destination_state) for each in root.all(Transition)}
    assert {(each.old_state, each.new_state) for each in root.all(TransitionLog)} <= moves


def test_a_scenario_names_its_installation(tmp_path: Path, written) -> None:
    """By name, or by a file beside its own."""
    written({"denial_reason": [{"id": 9, "title": "Mine"} | NOTE]})
    file = tmp_path / "scenario.json"
    file.write_bytes(orjson.dumps({"name": "x", "installation": "mine.json"}))
    oms = Emulator(str(file))
    assert [each.title for each in oms.world.records.all(DenialReason)] == ["Mine"]
    file.write_bytes(orjson.dumps({"name": "x", "installation": "second"}))
    assert 142 in Emulator(str(file)).world.records.ids(State)
