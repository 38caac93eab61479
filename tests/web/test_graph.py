"""The graph contains each state with its number of records, and each transition with its actor."""

from collections import Counter

import pytest

from emulator import Emulator
from emulator.core.records import Package, State, TransferOrder, Transition
from emulator.domain import installation

PACKING = "package__complete_packaging__waiting__packed-all-items"


def read_graph(oms: Emulator, part: str = "packages") -> dict:
    answer = oms.session().get("/__admin/graph")
    assert answer.status_code == 200
    return answer.json()[part]


def record_counts(oms: Emulator, part: str) -> dict[int, int]:
    return {state["id"]: state["count"] for state in read_graph(oms, part)["states"]}


@pytest.mark.parametrize(("part", "kind"), [("packages", Package), ("transfers", TransferOrder)])
def test_counts_equal_the_records_in_each_state(part: str, kind: type) -> None:
    """Every record is counted once, in its state."""
    oms = Emulator("demo")
    expected = Counter(record.state for record in oms.world.records.all(kind))
    assert {id_: count for id_, count in record_counts(oms, part).items() if count} == expected


def test_command_changes_the_counts() -> None:
    """A packed package moves from Waiting to Packed."""
    oms = Emulator("demo")
    before = record_counts(oms, "packages")
    package = next(each for each in oms.world.records.all(Package) if each.state == 35)
    body = {"slug": PACKING, "input_parameters": {}}
    assert oms.session().post(f"/api/v1/oms/packages/{package.id}/command/", json=body).status_code == 204
    after = record_counts(oms, "packages")
    assert {id_: after[id_] - before[id_] for id_ in after if after[id_] != before[id_]} == {35: -1, 40: 1}


def test_rows_have_the_documented_keys() -> None:
    """Assumed states and transitions also have a reason."""
    packages = read_graph(Emulator("empty"))
    assert packages["states"][0] == {
        "id": 35,
        "name": "Waiting",
        "enum_value": "100",
        "count": 0,
        "provenance": "observed",
    }
    assert packages["transitions"][0] == {
        "id": 166,
        "slug": "package__refuse_package__waiting__requires-replan",
        "label": "Refuse Package",
        "command": "REFUSE_PACKAGE",
        "source": 35,
        "destination": 52,
        "actor": "command",
        "provenance": "observed",
    }
    assert {row["provenance"] == "assumed" for row in packages["transitions"] if "reason" in row} == {True}


def test_transitions_name_their_actor() -> None:
    """Transitions of the carrier, the planner and the operator differ from commands."""
    actors = {row["actor"] for row in read_graph(Emulator("empty"))["transitions"]}
    assert actors == {"command", "carrier", "planner", "operator"}


def test_every_state_and_transition_is_in_a_graph() -> None:
    """States of items are not in a graph."""
    records = installation.load_installation("default")
    oms = Emulator("empty")
    found = [row["id"] for part in ("packages", "transfers") for row in read_graph(oms, part)["transitions"]]
    assert sorted(found) == sorted(records[Transition])
    states = [row["id"] for part in ("packages", "transfers") for row in read_graph(oms, part)["states"]]
    kinds = {(4, "PackageStatus"), (6, "TransferStatus")}
    expected = [each.id for each in records[State].values() if (each.content_type, each.enum_class) in kinds]
    assert sorted(states) == sorted(expected)


def test_states_of_recorded_answers_are_observed() -> None:
    """A state of a sample is observed. A state without a name is assumed, with a reason."""
    oms = Emulator("documented/package-simple-list")
    marks = {row["id"]: row for row in read_graph(oms)["states"]}
    assert marks[142]["provenance"] == "assumed"
    assert "id alone" in marks[142]["reason"]
    assert read_graph(Emulator("documented/package-detail"))["states"][0]["provenance"] == "observed"


def test_names_have_the_language_of_the_world() -> None:
    oms = Emulator("documented/package-detail")
    assert {row["name"] for row in read_graph(oms)["states"]} >= {"Hazırlanıyor"}
