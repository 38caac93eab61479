"""Recorded answers become a scenario that gives them back; what is missing or contradicts itself is told."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.core.files import scenario_text
from emulator.loading import open_world
from emulator.routes import GUIDE_ROUTES, REFERENCE_ROUTES
from emulator.routes.table import Route
from emulator.rules.scenarios import from_document
from emulator.shapes.captures import Capture, captures_in
from emulator.shapes.scenario_import import Imported, import_scenario
from tests.support import samples
from tests.support.recording import recorded
from tools.documented_scenarios import WHOSE, gets, sample

DETAIL = "package-detail.response-200"


def made(*contents: Any, anonymize: bool = False) -> Imported:
    captures = [each for number, content in enumerate(contents) for each in captures_in(content, f"file {number}")]
    return import_scenario([each for each in captures if isinstance(each, Capture)], "mine", anonymize=anonymize)


def served(folder: Path, document: Any) -> Emulator:
    file = folder / "mine.json"
    file.write_bytes(scenario_text(document))
    return Emulator(str(file))


def body(name: str = DETAIL) -> Any:
    return copy.deepcopy(samples.body(name))


def without(keys: set[str], value: Any) -> Any:
    if isinstance(value, list):
        return [without(keys, inner) for inner in value]
    if isinstance(value, dict):
        return {key: without(keys, inner) for key, inner in value.items() if key not in keys}
    return value


LINKS = {"next", "previous"}
"""Keys of a page that are the request's."""
RETRY: set[str] = set()
"""Nothing but: when an event is tried again follows from its record, which both surfaces show."""
SURFACES: dict[str, tuple[tuple[Route, ...], set[str]]] = {
    "guide": (GUIDE_ROUTES, set()),
    "reference": (REFERENCE_ROUTES, RETRY),
    "both": ((*GUIDE_ROUTES, *REFERENCE_ROUTES), set()),
}


@pytest.mark.slow
@pytest.mark.parametrize(("routes", "unknown"), SURFACES.values(), ids=SURFACES)
def test_a_recorded_world_comes_back(routes: tuple[Route, ...], unknown: set[str], tmp_path: Path) -> None:
    """Every GET of a shop that was worked in, recorded and imported, is answered with the same values."""
    oms = Emulator("demo", packages=8)
    package = oms.package(state="Shipped", items=2)
    oms.carrier(package["id"], "delivered")
    oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])
    said = list(recorded(oms, routes))
    answers = [{"url": f"https://oms.shop.example{url}?limit=100", "body": found} for url, found in said]
    found = made(answers)
    assert {line.partition(":")[0].strip("/") for line in found.corrected} == unknown
    again = list(recorded(served(tmp_path, found.document), routes))
    assert without(LINKS | unknown, dict(again)) == without(LINKS | unknown, dict(said))


def test_samples_of_one_installation_are_imported_together(tmp_path: Path) -> None:
    """Logs and events of one package, by the forms that our samples have: each is answered as it was."""
    kinds = (
        "state-transition-log-list",
        "state-transition-log-detail",
        "webhook-event-list",
        "webhook-event-details",
    )
    names = [f"package-{kind}.response-200" for kind in kinds]
    oms = served(tmp_path, made(*(samples.document(name) for name in names)).document)
    whose = "/api/v1/oms/packages/162406"
    logs = oms.session().get(f"{whose}/transition_logs/").json()["results"]
    events = oms.session().get(f"{whose}/webhook_events/").json()["results"]
    assert [log["id"] for log in logs] == [log["id"] for log in body(names[0])["results"]]
    assert body(names[1]) in logs
    assert [event["id"] for event in events] == [event["id"] for event in body(names[2])["results"]]
    assert oms.session().get(f"{whose}/webhook_events/{events[0]['id']}/").json() == events[0]


def test_a_place_known_by_a_short_list_is_the_one_of_the_detail(tmp_path: Path) -> None:
    """The short list prints a place's address without its id; the detail says which it is, whichever comes first."""
    detail, short = body(), body("package-short-list.response-200")
    short["results"] = [short["results"][0] | {"stock_location": shortened(detail["stock_location"])}]
    for contents in ((detail, short), (short, detail)):
        found = made(*contents)
        assert [line for line in found.corrected if "stock_location" in line] == []
        oms = served(tmp_path, found.document)
        again = oms.session().get(f"/api/v1/oms/packages/{detail['id']}/").json()
        assert again["stock_location"]["address"]["id"] == detail["stock_location"]["address"]["id"]


def shortened(place: Any) -> Any:
    address = place["address"]
    city = {"id": address["city"]["pk"], "name": address["city"]["name"]}
    return {key: place[key] for key in ("id", "name", "erp_code")} | {
        "address": {"line": address["line"], "city": city}
    }


def test_the_first_file_wins_and_the_other_is_a_correction() -> None:
    first, second = body(), body()
    second["tracking_number"] = "another"
    found = made(first, second)
    assert [each["body"]["tracking_number"] for each in found.document["answers"]] == [first["tracking_number"]]
    assert found.corrected == ['/tracking_number: once; first in file 1: recorded "another", served null']


def test_keys_that_are_missing_are_filled_and_those_that_nobody_knows_are_left_out() -> None:
    """An older or a newer OMS prints fewer keys or more: that stops nobody, and all of it is told."""
    document = body() | {"colour": "red"}
    del document["payment_type"], document["stock_location"]["tags"]
    found = made(document)
    assert found.left_out == ["Package.colour: unknown key, once"]
    assert "/payment_type: once; first in file 0: served null" in found.filled
    assert "/stock_location/tags: once; first in file 0: served []" in found.filled
    assert "colour" not in orjson.dumps(found.document).decode()


def test_a_value_of_a_wrong_type_is_put_right_and_told() -> None:
    found = made(body() | {"number": 7})
    assert found.corrected == ['/number: once; first in file 0: recorded 7, served ""']


def test_records_and_states_of_which_only_the_id_is_known_are_told() -> None:
    simple = body("package-simple-list.response-200")
    found = made(simple)
    states = {entry["state"] for entry in simple["results"]}
    assert found.by_id == [f"state {id_}: known by its id alone; named State {id_}" for id_ in sorted(states)]
    assert f"order: {len(simple['results'])} of {len(simple['results'])} known by the id alone" in found.missing[0]


def test_a_stored_payload_with_unknown_keys_loses_those_and_one_of_no_shape_is_made_anew(tmp_path: Path) -> None:
    """The event's hook was told in the words of another version; the emulator tells it in its own."""
    document = samples.document("package-webhook-event-details.response-200")
    newer, broken = copy.deepcopy(document), copy.deepcopy(document)
    newer["body"]["request_payload"]["payload"]["colour"] = "red"
    del broken["body"]["request_payload"]["payload"]["state"]
    assert made(newer).document == made(document).document
    made_anew = made(broken).document["answers"][0]["body"]["request_payload"]
    assert made_anew["payload"]["id"] == document["body"]["object_id"]
    assert made_anew["event"] == document["body"]["request_payload"]["event"]


def test_the_world_starts_when_the_last_answer_was_changed() -> None:
    assert made(body()).document["clock"] == "2023-02-14T10:38:27.865571Z"
    assert made(body("package-delivery-ranges.response-200")).document["clock"] == "2023-04-05T09:00:00Z"


def test_an_import_is_imported_again_as_it_is() -> None:
    """A scenario's answers are answers too."""
    first = made(body("package-list.response-200"))
    again = made(first.document)
    assert again.document == first.document
    assert again.corrected == []


JUNK: list[Any] = [None, {}, [], "", "x", 0, -1, 1.5, True, [None], [{}], {"id": "x"}, {"id": 1}, 2**63, "2020-01-01"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Give every place in a document: the object or array, and the key."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in list(entries) for place in ((value, key), *places(inner))]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_whatever_an_answer_holds_it_is_imported_or_refused_in_one_line(seed: int) -> None:
    """And what is imported can be loaded: samples with junk in their places, seeded."""
    dice, taken = random.Random(seed), 0
    for _ in range(40):
        folder = dice.choice(["documented", "documented_reference"])
        name = dice.choice(gets(folder))
        document = sample(folder, f"{name}.response-200")
        document["path"] = document["path"].replace("/pk/", f"/{WHOSE.get(name, 'pk')}/")
        for _ in range(dice.choice([1, 2, 5])):
            if found := places(document["body"]):
                holder, key = dice.choice(found)
                holder[key] = copy.deepcopy(dice.choice(JUNK))
        said, text = outcome(document, anonymize=dice.random() < 0.5)
        assert "\n" not in said
        if text:
            taken += 1
            open_world(from_document(json.loads(text), "mine"), "frozen")
    assert taken >= 5


def outcome(document: Any, *, anonymize: bool) -> tuple[str, bytes]:
    """Give what is said against an import, or its text."""
    try:
        return "", scenario_text(made(document, anonymize=anonymize).document)
    except ValueError as error:
        return str(error), b""
