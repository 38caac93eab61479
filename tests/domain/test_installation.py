"""The bundled installation matches the samples. An invalid one is refused with file, location and known values."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator.core.records import CargoCompany, Channel, DenialReason, State, StockLocation, Transition, User
from emulator.core.schemas import find_problems
from emulator.domain import installation
from tools.documented_scenarios import with_lost_contents

DEFAULT = installation.load_installation("default")
DOCUMENTED = installation.FOLDER.parent / "documented"
STATES = DEFAULT[State]

DOCUMENTED_STATES = {
    state: value
    for states in (
        {35: "100", 37: "200", 40: "500", 47: "800", 51: "920"},
        {55: "100", 56: "150", 66: "600", 70: "900"},
        {19: "100", 23: "400", 28: "450"},
        {73: "waiting", 74: "in_transit", 75: "cancelled", 76: "transferred", 78: "ready_to_shipment"},
        {80: "waiting", 82: "cancelled"},
    )
    for state, value in states.items()
}


@pytest.mark.parametrize("id_", DOCUMENTED_STATES)
def test_documented_states_have_their_ids_and_values(id_: int) -> None:
    assert STATES[id_].enum_value == DOCUMENTED_STATES[id_]


def test_states_of_one_kind_have_different_values() -> None:
    counts = Counter((state.content_type, state.enum_value) for state in STATES.values())
    assert max(counts.values()) == 1


def test_content_type_has_one_enum_class() -> None:
    classes = {(state.content_type, state.enum_class) for state in STATES.values()}
    assert dict(classes) == {
        3: "OrderStatus",
        4: "PackageStatus",
        5: "PackageItemStatus",
        6: "TransferStatus",
        7: "TransferStatus",
        8: "ShipmentStatus",
    }


def found(sample: str, key: str) -> list[dict[str, Any]]:
    """Return all objects of a documented sample that have this key."""
    objects: list[dict[str, Any]] = []
    waiting = [orjson.loads((DOCUMENTED / f"{sample}.json").read_bytes())["body"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            objects += [value] if key in value else []
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return objects


@pytest.mark.parametrize("sample", ["package-list.response-200", "transfer-order-list.response-200"])
def test_transitions_match_the_samples(sample: str) -> None:
    """Every entry of `commands` has its documented values. Only `command_code` is assumed."""
    assert found(sample, "source_state")
    for entry in with_lost_contents(found(sample, "source_state")):
        transition = DEFAULT[Transition][entry["id"]]
        for key, value in entry.items():
            stored = getattr(transition, key)
            assert (orjson.loads(stored) if isinstance(stored, bytes) else stored) == value


def test_transitions_have_the_order_of_the_samples() -> None:
    """The documented transitions come first, in the samples' order. The assumed transitions follow."""
    documented = [166, 199, 138, 430, 232, 3, 331, 694, 298, 100]
    assert list(DEFAULT[Transition])[: len(documented)] == documented
    origins = installation.complete_installation("default").origins
    assert {id_ for id_ in DEFAULT[Transition] if origins[Transition, id_].provenance != "assumed"} == {*documented}


@pytest.mark.parametrize("sample", ["package-list.response-200", "transfer-order-webhook-event-list.response-200"])
def test_observed_states_match_the_samples(sample: str) -> None:
    """`name` depends on the language, so it is the English translation here."""
    origins = installation.complete_installation("default").origins
    for entry in found(sample, "enum_class"):
        state = STATES[entry["id"]]
        assert origins[State, state.id].provenance == "observed"
        assert orjson.loads(state.translations or b"null") == entry["translations"]
        assert state.created_date.isoformat()[:26] == entry["created_date"][:26]
        assert state.modified_date.isoformat()[:26] == entry["modified_date"][:26]


def test_records_that_the_samples_name_exist() -> None:
    assert DEFAULT[Channel][1].name == "PZ Shop"
    assert DEFAULT[CargoCompany][728].name == "Speeta"
    assert 1 in DEFAULT[CargoCompany]
    assert DEFAULT[User][661].username == "test.application"
    assert DEFAULT[StockLocation][4].name == "Pz Store 4"


def test_every_package_state_has_a_different_item_state() -> None:
    packages = [state for state in STATES.values() if state.content_type == 4]
    items = [state for state in STATES.values() if state.content_type == 5]
    assert len(items) == len(packages)


GOOD = {"id": 1, "name": "Türkiye", "code": "tr", "provenance": "documented"}
BROKEN: dict[str, tuple[Any, str]] = {
    "an unknown kind": ({"planet": []}, "/planet: is unknown; known keys: $schema, description, state, transition"),
    "an empty kind": ({"state": []}, "/state: must be an array of at least 1 item (got [])"),
    "an unknown key": (
        {"country": [GOOD | {"colour": 1}]},
        "/country/0/colour: is unknown; known keys: id, name, code",
    ),
    "no id": ({"country": [{"name": "x", "provenance": "documented"}]}, "/country/0/id: is missing"),
    "no provenance": ({"country": [{"id": 1}]}, "/country/0/provenance: is missing; must be one of"),
    "no reason": ({"country": [GOOD | {"provenance": "assumed"}]}, "/country/0/reason: is missing"),
    "a reason too many": (
        {"country": [GOOD | {"reason": "x"}]},
        "/country/0: an entry must have a reason if and only if its provenance is assumed",
    ),
    "two of one id": ({"country": [GOOD, GOOD]}, "/country/1: the id 1 is used"),
    "a broken reference": (
        {"city": [{"id": 2, "country": 9, "provenance": "documented"}]},
        "/City 2/country: no Country with the id 9",
    ),
    "a bad date": (
        {"channel": [{"id": 1, "created_date": "soon", "provenance": "documented"}]},
        "/channel/0/created_date: must be a datetime in UTC",
    ),
    "no date": (
        {"channel": [{"id": 1, "created_date": "2023-02-30T00:00:00Z", "provenance": "documented"}]},
        "/channel/0: day is out of range",
    ),
    "an unknown actor": (
        {
            "transition": [
                {"id": 1, "source_state": 35, "destination_state": 37, "label": "x", "actor": "me"}
                | {"provenance": "documented"}
            ]
        },
        '/transition/0/actor: must be one of "command", "carrier", "planner", "operator" (got "me")',
    ),
}


@pytest.mark.parametrize(("document", "said"), BROKEN.values(), ids=BROKEN)
def test_invalid_file_is_refused_with_location_and_reason(document: Any, said: str, tmp_path: Path) -> None:
    """The error is one line with the file, the location in it, the problem and the correct values."""
    file = tmp_path / "mine.json"
    file.write_bytes(orjson.dumps(document))
    with pytest.raises(installation.InvalidInstallation) as caught:
        installation.load_installation(str(file))
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)


def test_invalid_json_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("{")
    with pytest.raises(installation.InvalidInstallation, match="not JSON"):
        installation.load_installation(str(file))


@pytest.mark.parametrize("name", ["nowhere", "", "nowhere.json"])
def test_unknown_name_lists_the_known_names(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"unknown installation '{name}'; known: default.*, or a path of an existing .json file"
    ):
        installation.load_installation(name)


def test_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "mine.json"
    file.write_text('{"description": "mine"}', "utf-8-sig")
    assert installation.parse_file(file) == {"description": "mine"}


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    """A changed file takes effect without a restart."""
    file = tmp_path / "mine.json"
    for title in ("first", "another"):
        file.write_bytes(orjson.dumps({"denial_reason": [{"id": 9, "title": title, "provenance": "documented"}]}))
        assert installation.load_installation(str(file))[DenialReason][9].title == title


@pytest.mark.parametrize("name", installation.bundled_names())
def test_bundled_installations_match_the_schema(name: str) -> None:
    """The emulator does not validate bundled installations at the start."""
    path = installation.installation_path(name)
    for file in path.glob("*.json") if path.is_dir() else [path]:
        assert list(find_problems("installation", orjson.loads(file.read_bytes()))) == []
