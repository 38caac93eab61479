"""Recorded responses become records, and the records give the same responses: all values, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator import Emulator
from emulator.api.serializers import render_document
from emulator.api.serializers.rendering import fill_links, render_cache
from emulator.core.files import encode_scenario
from emulator.core.records import OMITTED, Package, State, Transition
from emulator.domain.scenario_files import DOCUMENTED, bundled_scenarios
from emulator.domain.scenario_files import FOLDER as SCENARIOS
from emulator.state.scenario import Scenario, ScenarioError
from emulator.worlds.loading.collector import RecordCollector, command_code
from emulator.worlds.loading.recorded_responses import InvalidResponse, RecordedResponse, endpoint_of
from emulator.worlds.loading.scenario_import import is_same_value
from emulator.worlds.loading.scenarios import open_world
from tests.support import samples
from tools import list_corrections
from tools.documented_scenarios import gets, imported, with_lost_contents

pytestmark = pytest.mark.slow

FOLDER = Path(emulator.__file__).parent / "fixtures" / "documented"
CORRECTIONS: list[dict[str, Any]] = json.loads((FOLDER / "corrections.json").read_bytes())
NAMES = [f"{DOCUMENTED}{name}" for name in gets("documented")]
PAGE_KEYS = {"count", "next", "previous"}
"""Keys of a page that depend on the scenario."""


def sample_of(name: str) -> str:
    return name.removeprefix(DOCUMENTED)


def page_of(sample: str) -> Any:
    return with_lost_contents(samples.body(f"{sample}.response-200"))


def served(value: Any, url: str, base_url: str) -> Any:
    """Return a value of the documentation with its hosts: the caller's, in stored payloads the world's base URL."""
    if isinstance(value, dict):
        return {
            key: served(inner, base_url if key == "request_payload" else url, base_url)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [served(inner, url, base_url) for inner in value]
    if isinstance(value, str):
        return value.replace("{cdn_url}", f"{url}/cdn").replace("{domain_url}", url)
    return value


def put(document: Any, pointer: str, value: Any) -> Any:
    """Set the value at a pointer; return the previous value."""
    *way, last = [int(step) if step.isdigit() else step for step in pointer.split("/")[1:]]
    for step in way:
        document = document[step]
    before, document[last] = document[last], value
    return before


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield pointers and values in the order of the document; of objects the keys, of arrays the length."""
    if isinstance(value, dict):
        yield pointer, list(value)
        for key, inner in value.items():
            yield from leaves(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        yield pointer, len(value)
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{pointer}/{number}")
    else:
        yield pointer, (type(value).__name__, value)


@pytest.mark.parametrize("name", NAMES, ids=map(sample_of, NAMES))
def test_every_sample_is_served_again(name: str) -> None:
    """Values and key order are equal, except for the listed corrections."""
    page = page_of(sample_of(name))
    for place in CORRECTIONS:
        if place["sample"] == sample_of(name):
            assert put(page, place["pointer"], place["served"]) == place["page"]
    oms = Emulator(name)
    answer = oms.session().get(oms.request).json()
    expected = served(page, oms.url, oms.world.settings.source.base_url)
    if "results" in page:
        assert list(answer) == ["count", "next", "previous", "results"]
        assert (answer["count"], answer["next"], answer["previous"]) == (len(page["results"]), None, None)
        answer, expected = answer["results"], expected["results"]
    assert list(leaves(answer)) == list(leaves(expected))


@pytest.mark.parametrize("name", NAMES, ids=map(sample_of, NAMES))
def test_every_documented_scenario_is_reproducible(name: str) -> None:
    """Byte for byte: `python -m tools.documented_scenarios` would change nothing."""
    made = encode_scenario(imported(sample_of(name)).document)
    assert (SCENARIOS / f"{name}.json").read_bytes() == made


def test_every_sample_of_a_get_has_a_scenario() -> None:
    assert {*NAMES} <= {*bundled_scenarios()}
    assert len(NAMES) >= 20


@pytest.mark.parametrize("folder", ["documented", "documented_reference"])
def test_list_of_corrections_is_exact(folder: str) -> None:
    """The file contains all corrections and no others."""
    found = list_corrections.corrections(folder)
    assert (FOLDER.parent / folder / "corrections.json").read_text("utf-8") == list_corrections.printed(found)


REFERENCE_NAMES = [name for name in gets("documented_reference") if name not in list_corrections.MADE]
PLACEHOLDERS: tuple[Any, ...] = ({}, [{}])
"""Values that the reference page prints for documents that it does not show."""


def without_placeholders(value: Any, served_value: Any) -> Any:
    """Return the served value with the page's value wherever that is a placeholder or the same time."""
    if value in PLACEHOLDERS:
        return value
    if isinstance(value, dict):
        return {key: without_placeholders(value.get(key), inner) for key, inner in served_value.items()}
    if isinstance(value, list):
        return [without_placeholders(one, inner) for one, inner in zip(value, served_value, strict=True)]
    return value if is_same_value(value, served_value) else served_value


@pytest.mark.parametrize("name", REFERENCE_NAMES)
def test_every_sample_of_the_reference_is_served_again(name: str, tmp_path: Path) -> None:
    """Values and key order are equal, except for placeholders and the listed corrections."""
    page = page_of(name)
    for place in json.loads((FOLDER.parent / "documented_reference" / "corrections.json").read_bytes()):
        if place["sample"] == name:
            assert put(page, place["pointer"], place["served"]) == place["page"]
    file = tmp_path / "mine.json"
    file.write_bytes(encode_scenario(imported(name, "documented_reference").document))
    oms = Emulator(str(file))
    path = json.loads(file.read_bytes())["answers"][0]["path"]
    answer = oms.session().get(path, headers={"Authorization": f"Bearer {oms.jwt()}"}).json()
    answer, page = (each.get("results", each) for each in (answer, page))
    assert list(leaves(without_placeholders(page, answer))) == list(leaves(page))


def test_corrections_are_contradictions_within_one_sample() -> None:
    """There are 21 in three samples; the same page prints the served value elsewhere."""
    assert (len({place["sample"] for place in CORRECTIONS}), len(CORRECTIONS)) == (3, 21)
    for place in CORRECTIONS:
        page = page_of(place["sample"])
        key = place["pointer"].rpartition("/")[2]
        printed = {value for pointer, value in leaves(page) if pointer.endswith(f"/{key}")}
        assert place["page"] != place["served"]
        assert ("str", place["served"]) in printed


PACKAGE = page_of("package-list")["results"][0]
PATH = "/api/v1/oms/packages/"


def collected(*responses: tuple[str, Any]) -> RecordCollector:
    collector = RecordCollector()
    collector.add_responses(RecordedResponse(*response) for response in responses)
    collector.set_command_codes()
    return collector


BROKEN = {
    "an unknown path": (("/api/v1/oms/orders/", PACKAGE), "/api/v1/oms/orders/: is not a GET operation of the guide"),
    "the path of a POST": (("/api/v1/oms/packages/7/command/", {}), "is not a GET operation of the guide"),
    "an unknown key": (
        (f"{PATH}7/", PACKAGE | {"colour": "red"}),
        "/colour: is unknown; known keys: packageitem_set, order_number",
    ),
    "an unknown nested key": (
        (PATH, {"results": [PACKAGE | {"state": PACKAGE["state"] | {"colour": 1}}]}),
        "/results/0/state/colour: is unknown; known keys: id, created_date",
    ),
}


@pytest.mark.parametrize(("answer", "message"), BROKEN.values(), ids=BROKEN)
def test_unknown_path_or_key_is_rejected_in_one_line(answer: tuple[str, Any], message: str) -> None:
    """The message contains the position and the known keys."""
    with pytest.raises(InvalidResponse) as caught:
        collected(answer)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    scenario = Scenario("mine", answers=((answer[0], json.dumps(answer[1]).encode()),))
    with pytest.raises(ScenarioError, match="scenario mine: recorded answer") as refused:
        open_world(scenario)
    assert message in str(refused.value)


MALFORMED = {
    "an array": [],
    "a text": "x",
    "null": None,
    "results that are not a list": {"results": 1},
    "a result that is not an object": {"results": [1]},
    "an id that is not a number": PACKAGE | {"id": "seven"},
    "an id that is null": PACKAGE | {"id": None},
    "a nested document that is not an object": PACKAGE | {"state": 5},
    "nested documents that are not a list": PACKAGE | {"packageitem_set": {}},
    "a listed document that is not an object": PACKAGE | {"packageitem_set": [7]},
    "an invalid time": PACKAGE | {"created_date": "yesterday"},
    "a time that is a number": PACKAGE | {"created_date": 7},
    "a reference that is an object": PACKAGE | {"order_id": {}},
    "commands that are not a list": PACKAGE | {"commands": 5},
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_document_is_rejected_in_one_line(body: Any) -> None:
    scenario = Scenario("mine", answers=((f"{PATH}7/", json.dumps(body).encode()),))
    with pytest.raises(ScenarioError, match=r"^scenario mine: recorded answer [^\n]+$"):
        open_world(scenario)


def test_first_value_of_a_column_is_kept() -> None:
    """A later value is a correction with its position, the recorded and the served value."""
    collector = collected(
        ("/api/v1/oms/packages/7/", PACKAGE), ("/api/v1/oms/packages/7/", PACKAGE | {"number": "X"})
    )
    assert collector.records[Package][PACKAGE["id"]]["number"] == PACKAGE["number"]
    assert [tuple(correction) for correction in collector.corrections] == [("/number", "X", PACKAGE["number"])]


def test_commands_become_transitions_in_order() -> None:
    collector = collected((f"{PATH}7/", PACKAGE | {"commands": page_of("package-list")["results"][1]["commands"]}))
    found = collector.records[Transition]
    assert list(found) == [entry["id"] for entry in page_of("package-list")["results"][1]["commands"]]
    assert [columns["position"] for columns in found.values()] == list(range(len(found)))


@pytest.mark.parametrize(
    ("slug", "command", "code"),
    [
        ("package__complete_packaging__waiting__packed-all-items", None, "COMPLETE_PACKAGING"),
        ("package__complete_packaging__hazırlanıyor__paketlendi", None, "COMPLETE_PACKAGING"),
        ("transferorder__ready_to_ship_transfer_order__a__b", OMITTED, "READY_TO_SHIP_TRANSFER_ORDER"),
        ("package__refuse_package__a__b", "REFUSE_PACKAGE", "REFUSE_PACKAGE"),
        ("renew_transfer", OMITTED, "RENEW_TRANSFER"),
        (OMITTED, OMITTED, "PKG_STATE_TRANSITION"),
        (None, None, "PKG_STATE_TRANSITION"),
    ],
)
def test_command_code_is_from_command_or_slug(slug: Any, command: Any, code: str) -> None:
    assert command_code(slug, command) == code


def test_language_is_that_of_the_names_of_states() -> None:
    turkish = PACKAGE["state"] | {"name": PACKAGE["state"]["translations"]["tr-tr"]["name"]}
    assert collected((f"{PATH}7/", PACKAGE)).language == "en-us"
    assert collected((f"{PATH}7/", PACKAGE | {"state": turkish, "packageitem_set": []})).language == "tr-tr"


def with_translations(translations: Any) -> Scenario:
    body = PACKAGE | {"state": PACKAGE["state"] | {"translations": translations}, "packageitem_set": []}
    return Scenario("mine", answers=((f"{PATH}{PACKAGE['id']}/", json.dumps(body).encode()),))


@pytest.mark.parametrize("translations", [[], 5, "x", {"tr-tr": None}, {"tr-tr": {"name": 7}}, {"x": {}}], ids=str)
def test_invalid_translations_are_rejected_in_one_line(translations: Any) -> None:
    """The message contains the position and what is valid."""
    with pytest.raises(ScenarioError, match=r"^scenario mine: [^\n]*/state/translations[^\n]* must be [^\n]+$"):
        open_world(with_translations(translations))


@pytest.mark.parametrize("translations", [None, {}, {"de-de": {"name": "Wartend"}}], ids=str)
def test_missing_translation_gives_the_untranslated_name(translations: Any) -> None:
    """The translations themselves are served unchanged."""
    world = open_world(with_translations(translations))
    text = render_document("package", PACKAGE["id"], world.records, "tr-tr", render_cache(world))
    state = json.loads(fill_links(text or b"", "http://oms.test", ""))["state"]
    assert (state["translations"], state["name"]) == (translations, PACKAGE["state"]["name"])


def test_query_does_not_change_the_endpoint() -> None:
    assert endpoint_of(f"{PATH}7/transition_logs/?page=2") == (endpoint_of(f"{PATH}7/transition_logs/")[0], 7)


def test_state_in_several_responses_is_one_record() -> None:
    collector = collected((f"{PATH}7/", PACKAGE), (PATH, page_of("package-list")))
    assert collector.records[State][PACKAGE["state"]["id"]]["enum_value"] == PACKAGE["state"]["enum_value"]
