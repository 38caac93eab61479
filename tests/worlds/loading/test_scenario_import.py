"""Recorded responses become a scenario that serves them again; gaps and contradictions are reported."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.api.routes import GUIDE_ROUTES, REFERENCE_ROUTES, Route
from emulator.core.files import encode_scenario
from emulator.domain.scenario_files import scenario_from_document
from emulator.worlds.loading.recorded_responses import Capture, read_captures
from emulator.worlds.loading.scenario_import import ScenarioImport, import_scenario
from emulator.worlds.loading.scenarios import open_world
from tests.support import samples
from tests.support.recording import record_responses
from tools.documented_scenarios import WHOSE, gets, sample

pytestmark = pytest.mark.slow

DETAIL = "package-detail.response-200"


def made(*contents: Any, anonymize: bool = False) -> ScenarioImport:
    captures = [each for number, content in enumerate(contents) for each in read_captures(content, f"file {number}")]
    return import_scenario([each for each in captures if isinstance(each, Capture)], "mine", anonymize=anonymize)


def served(folder: Path, document: Any) -> Emulator:
    file = folder / "mine.json"
    file.write_bytes(encode_scenario(document))
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
"""Keys of a page that depend on the request."""
SURFACES: dict[str, tuple[Route, ...]] = {
    "guide": GUIDE_ROUTES,
    "reference": REFERENCE_ROUTES,
    "both": (*GUIDE_ROUTES, *REFERENCE_ROUTES),
}


@pytest.mark.parametrize("routes", SURFACES.values(), ids=SURFACES)
def test_recorded_world_is_served_again(routes: tuple[Route, ...], tmp_path: Path) -> None:
    """Every GET of a world after some writes, recorded and imported, returns the same values."""
    oms = Emulator("demo", packages=8)
    package = oms.package(state="Shipped", items=2)
    oms.carrier(package["id"], "delivered")
    oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])
    responses = list(record_responses(oms, routes))
    answers = [{"url": f"https://oms.shop.example{url}?limit=100", "body": found} for url, found in responses]
    found = made(answers)
    assert found.corrected == []
    again = list(record_responses(served(tmp_path, found.document), routes))
    assert without(LINKS, dict(again)) == without(LINKS, dict(responses))


def test_samples_of_one_installation_are_imported_together(tmp_path: Path) -> None:
    """Logs and events of one package from several samples are served as recorded."""
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


def test_location_in_a_short_list_is_that_of_the_detail(tmp_path: Path) -> None:
    """The short list has the address without its id; the detail identifies it, in any order of the files."""
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


def test_first_file_wins_and_the_other_is_a_correction() -> None:
    first, second = body(), body()
    second["tracking_number"] = "another"
    found = made(first, second)
    assert [each["body"]["tracking_number"] for each in found.document["answers"]] == [first["tracking_number"]]
    assert found.corrected == ['/tracking_number: once; first in file 1: recorded "another", served null']


def test_missing_keys_are_filled_and_unknown_keys_are_left_out() -> None:
    """Another version of the OMS may return fewer or more keys; both are reported."""
    document = body() | {"colour": "red"}
    del document["payment_type"], document["stock_location"]["tags"]
    found = made(document)
    assert found.left_out == ["Package.colour: unknown key, once"]
    assert "/payment_type: once; first in file 0: served null" in found.filled
    assert "/stock_location/tags: once; first in file 0: served []" in found.filled
    assert "colour" not in orjson.dumps(found.document).decode()


def test_value_of_a_wrong_type_is_corrected_and_reported() -> None:
    found = made(body() | {"number": 7})
    assert found.corrected == ['/number: once; first in file 0: recorded 7, served ""']


def test_records_and_states_known_by_their_id_alone_are_reported() -> None:
    simple = body("package-simple-list.response-200")
    found = made(simple)
    states = {entry["state"] for entry in simple["results"]}
    assert found.by_id == [f"state {id_}: known by its id alone; named State {id_}" for id_ in sorted(states)]
    assert f"order: {len(simple['results'])} of {len(simple['results'])} known by the id alone" in found.missing[0]


def test_unknown_keys_of_payloads_are_removed_and_invalid_payloads_are_rendered(tmp_path: Path) -> None:
    """A payload from another version is converted to the emulator's version."""
    document = samples.document("package-webhook-event-details.response-200")
    newer, broken = copy.deepcopy(document), copy.deepcopy(document)
    newer["body"]["request_payload"]["payload"]["colour"] = "red"
    del broken["body"]["request_payload"]["payload"]["state"]
    assert made(newer).document == made(document).document
    rendered = made(broken).document["answers"][0]["body"]["request_payload"]
    assert rendered["payload"]["id"] == document["body"]["object_id"]
    assert rendered["event"] == document["body"]["request_payload"]["event"]


def test_world_starts_at_the_last_change() -> None:
    assert made(body()).document["clock"] == "2023-02-14T10:38:27.865571Z"
    assert made(body("package-delivery-ranges.response-200")).document["clock"] == "2023-04-05T09:00:00Z"


def test_import_of_an_import_is_equal() -> None:
    """The responses in a scenario file can be imported."""
    first = made(body("package-list.response-200"))
    again = made(first.document)
    assert again.document == first.document
    assert again.corrected == []


JUNK: list[Any] = [None, {}, [], "", "x", 0, -1, 1.5, True, [None], [{}], {"id": "x"}, {"id": 1}, 2**63, "2020-01-01"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every position in a document: the object or array, and the key."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in list(entries) for place in ((value, key), *places(inner))]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_any_document_is_imported_or_rejected_in_one_line(seed: int) -> None:
    """Samples with random junk in random positions; every import that succeeds can be loaded."""
    rng, imported = random.Random(seed), 0
    for _ in range(40):
        folder = rng.choice(["documented", "documented_reference"])
        name = rng.choice(gets(folder))
        document = sample(folder, f"{name}.response-200")
        document["path"] = document["path"].replace("/pk/", f"/{WHOSE.get(name, 'pk')}/")
        for _ in range(rng.choice([1, 2, 5])):
            if found := places(document["body"]):
                holder, key = rng.choice(found)
                holder[key] = copy.deepcopy(rng.choice(JUNK))
        message, text = outcome(document, anonymize=rng.random() < 0.5)
        assert "\n" not in message
        if text:
            imported += 1
            open_world(scenario_from_document(json.loads(text), "mine"))
    assert imported >= 5


def outcome(document: Any, *, anonymize: bool) -> tuple[str, bytes]:
    """Return the error message of an import, or its text."""
    try:
        return "", encode_scenario(made(document, anonymize=anonymize).document)
    except ValueError as error:
        return str(error), b""
