"""Recorded answers become records, and the records give the answers back: value for value, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator import Emulator
from emulator.core.files import scenario_text
from emulator.core.records import ABSENT, Package, State, Transition
from emulator.loading import open_world
from emulator.rules.scenarios import DOCUMENTED, Scenario, ScenarioError, bundled
from emulator.rules.scenarios import FOLDER as SCENARIOS
from emulator.shapes.answers import Answer, UnknownAnswer, source_of
from emulator.shapes.differences import same
from emulator.shapes.documents import rendered
from emulator.shapes.links import addressed
from emulator.shapes.recorded import Known, code_of
from tests.support import samples
from tools import list_corrections
from tools.documented_scenarios import gets, imported

pytestmark = pytest.mark.slow

FOLDER = Path(emulator.__file__).parent / "fixtures" / "documented"
CORRECTIONS: list[dict[str, Any]] = json.loads((FOLDER / "corrections.json").read_bytes())
NAMES = [name for name in bundled() if name.startswith(DOCUMENTED)]
SCENARIOS_OWN = {"count", "next", "previous"}
"""Keys of a page that are the scenario's own."""


def sample_of(name: str) -> str:
    return name.removeprefix(DOCUMENTED)


def page_of(sample: str) -> Any:
    return samples.body(f"{sample}.response-200")


def served(value: Any, url: str, base_url: str) -> Any:
    """Give a page's value with the hosts filled in: the caller's, and inside stored payloads the world's own."""
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
    """Put a value at a pointer; give what stood there."""
    *way, last = [int(step) if step.isdigit() else step for step in pointer.split("/")[1:]]
    for step in way:
        document = document[step]
    before, document[last] = document[last], value
    return before


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Walk over a document in its order; objects and arrays stand for their keys and length."""
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
def test_every_sample_comes_back(name: str) -> None:
    """Key order included; what differs is in the list of corrections, and only that."""
    page = page_of(sample_of(name))
    for place in CORRECTIONS:
        if place["sample"] == sample_of(name):
            assert put(page, place["pointer"], place["served"]) == place["page"]
    oms = Emulator(name)
    answer = oms.session().get(oms.request).json()
    expected = served(page, oms.url, oms.world.settings.base_url)
    if "results" in page:
        assert list(answer) == ["count", "next", "previous", "results"]
        assert (answer["count"], answer["next"], answer["previous"]) == (len(page["results"]), None, None)
        answer, expected = answer["results"], expected["results"]
    assert list(leaves(answer)) == list(leaves(expected))


@pytest.mark.parametrize("name", NAMES, ids=map(sample_of, NAMES))
def test_every_documented_scenario_is_what_the_import_makes_of_its_sample(name: str) -> None:
    """Byte for byte: `python -m tools.documented_scenarios` would change nothing."""
    made = scenario_text(imported(sample_of(name)).document)
    assert (SCENARIOS / f"{name}.json").read_bytes() == made


def test_every_sample_of_a_get_has_a_scenario() -> None:
    assert set(map(sample_of, NAMES)) == set(gets("documented"))
    assert len(NAMES) >= 20


@pytest.mark.parametrize("folder", ["documented", "documented_reference"])
def test_the_list_of_corrections_is_exact(folder: str) -> None:
    """Every place in the file is one, and every place is in the file."""
    found = list_corrections.corrections(folder)
    assert (FOLDER.parent / folder / "corrections.json").read_text("utf-8") == list_corrections.printed(found)


REFERENCE_NAMES = [name for name in gets("documented_reference") if name not in list_corrections.MADE]
PLACEHOLDERS: tuple[Any, ...] = ({}, [{}])
"""What the reference's page prints for what it does not show."""


def unshown(value: Any, served_value: Any) -> Any:
    """Give what is served with the page's own value wherever the page shows nothing, or the same time."""
    if value in PLACEHOLDERS:
        return value
    if isinstance(value, dict):
        return {key: unshown(value.get(key), inner) for key, inner in served_value.items()}
    if isinstance(value, list):
        return [unshown(one, inner) for one, inner in zip(value, served_value, strict=True)]
    return value if same(value, served_value) else served_value


@pytest.mark.parametrize("name", REFERENCE_NAMES)
def test_every_sample_of_the_reference_comes_back(name: str, tmp_path: Path) -> None:
    """Imported alone: key order included, but for its placeholders `{}` and what is in the list of corrections."""
    page = page_of(name)
    for place in json.loads((FOLDER.parent / "documented_reference" / "corrections.json").read_bytes()):
        if place["sample"] == name:
            assert put(page, place["pointer"], place["served"]) == place["page"]
    file = tmp_path / "mine.json"
    file.write_bytes(scenario_text(imported(name, "documented_reference").document))
    oms = Emulator(str(file))
    path = json.loads(file.read_bytes())["answers"][0]["path"]
    answer = oms.session().get(path, headers={"Authorization": f"Bearer {oms.jwt()}"}).json()
    answer, page = (each.get("results", each) for each in (answer, page))
    assert list(leaves(unshown(page, answer))) == list(leaves(page))


def test_corrections_are_contradictions_of_a_sample_with_itself() -> None:
    """Three samples, in about twenty places; a served value is one that the same page prints elsewhere."""
    assert (len({place["sample"] for place in CORRECTIONS}), len(CORRECTIONS)) == (3, 21)
    for place in CORRECTIONS:
        page = page_of(place["sample"])
        key = place["pointer"].rpartition("/")[2]
        printed = {value for pointer, value in leaves(page) if pointer.endswith(f"/{key}")}
        assert place["page"] != place["served"]
        assert ("str", place["served"]) in printed


PACKAGE = page_of("package-list")["results"][0]
PATH = "/api/v1/oms/packages/"


def learnt(*answers: tuple[str, Any]) -> Known:
    known = Known()
    known.learn(Answer(*answer) for answer in answers)
    known.name_commands()
    return known


BROKEN = {
    "a path of no operation": (("/api/v1/oms/orders/", PACKAGE), "/api/v1/oms/orders/: no GET of the guide"),
    "a path of a write": (("/api/v1/oms/packages/7/command/", {}), "no GET of the guide"),
    "an unknown key": (
        (f"{PATH}7/", PACKAGE | {"colour": "red"}),
        "/colour: is unknown, known are packageitem_set, order_number",
    ),
    "an unknown key deep inside": (
        (PATH, {"results": [PACKAGE | {"state": PACKAGE["state"] | {"colour": 1}}]}),
        "/results/0/state/colour: is unknown, known are id, created_date",
    ),
}


@pytest.mark.parametrize(("answer", "said"), BROKEN.values(), ids=BROKEN)
def test_an_answer_without_a_place_is_refused_in_one_line(answer: tuple[str, Any], said: str) -> None:
    """It says where, and what would be known there."""
    with pytest.raises(UnknownAnswer) as caught:
        learnt(answer)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    scenario = Scenario("mine", answers=((answer[0], json.dumps(answer[1]).encode()),))
    with pytest.raises(ScenarioError, match="scenario mine: recorded answer") as refused:
        open_world(scenario, "frozen")
    assert said in str(refused.value)


SHAPELESS = {
    "an array": [],
    "a text": "x",
    "null": None,
    "results that are no list": {"results": 1},
    "a result that is no object": {"results": [1]},
    "an id that is no number": PACKAGE | {"id": "seven"},
    "an id that is null": PACKAGE | {"id": None},
    "a part that is no object": PACKAGE | {"state": 5},
    "parts that are no list": PACKAGE | {"packageitem_set": {}},
    "a part of parts that is no object": PACKAGE | {"packageitem_set": [7]},
    "a time that is none": PACKAGE | {"created_date": "yesterday"},
    "a time that is a number": PACKAGE | {"created_date": 7},
    "a reference that is an object": PACKAGE | {"order_id": {}},
    "commands that are no list": PACKAGE | {"commands": 5},
}


@pytest.mark.parametrize("body", SHAPELESS.values(), ids=SHAPELESS)
def test_an_answer_that_is_no_document_is_refused_in_one_line(body: Any) -> None:
    scenario = Scenario("mine", answers=((f"{PATH}7/", json.dumps(body).encode()),))
    with pytest.raises(ScenarioError, match=r"^scenario mine: recorded answer [^\n]+$"):
        open_world(scenario, "frozen")


def test_the_first_value_of_a_column_stays() -> None:
    """A later one is a correction: where, what the page said, what is served."""
    known = learnt(("/api/v1/oms/packages/7/", PACKAGE), ("/api/v1/oms/packages/7/", PACKAGE | {"number": "X"}))
    assert known.records[Package][PACKAGE["id"]]["number"] == PACKAGE["number"]
    assert [tuple(correction) for correction in known.corrections] == [("/number", "X", PACKAGE["number"])]


def test_commands_become_transitions_in_their_order() -> None:
    known = learnt((f"{PATH}7/", PACKAGE | {"commands": page_of("package-list")["results"][1]["commands"]}))
    found = known.records[Transition]
    assert list(found) == [entry["id"] for entry in page_of("package-list")["results"][1]["commands"]]
    assert [columns["position"] for columns in found.values()] == list(range(len(found)))


@pytest.mark.parametrize(
    ("slug", "command", "code"),
    [
        ("package__complete_packaging__waiting__packed-all-items", None, "COMPLETE_PACKAGING"),
        ("package__complete_packaging__hazırlanıyor__paketlendi", None, "COMPLETE_PACKAGING"),
        ("transferorder__ready_to_ship_transfer_order__a__b", ABSENT, "READY_TO_SHIP_TRANSFER_ORDER"),
        ("package__refuse_package__a__b", "REFUSE_PACKAGE", "REFUSE_PACKAGE"),
        ("renew_transfer", ABSENT, "RENEW_TRANSFER"),
        (ABSENT, ABSENT, "PKG_STATE_TRANSITION"),
        (None, None, "PKG_STATE_TRANSITION"),
    ],
)
def test_the_command_code_is_the_pages_or_the_slugs(slug: Any, command: Any, code: str) -> None:
    assert code_of(slug, command) == code


def test_the_language_is_the_one_that_states_are_named_in() -> None:
    turkish = PACKAGE["state"] | {"name": PACKAGE["state"]["translations"]["tr-tr"]["name"]}
    assert learnt((f"{PATH}7/", PACKAGE)).language == "en-us"
    assert learnt((f"{PATH}7/", PACKAGE | {"state": turkish, "packageitem_set": []})).language == "tr-tr"


def with_translations(translations: Any) -> Scenario:
    body = PACKAGE | {"state": PACKAGE["state"] | {"translations": translations}, "packageitem_set": []}
    return Scenario("mine", answers=((f"{PATH}{PACKAGE['id']}/", json.dumps(body).encode()),))


@pytest.mark.parametrize("translations", [[], 5, "x", {"tr-tr": None}, {"tr-tr": {"name": 7}}, {"x": {}}], ids=str)
def test_translations_that_no_page_prints_are_refused_in_one_line(translations: Any) -> None:
    """It says where, and what would be right."""
    with pytest.raises(ScenarioError, match=r"^scenario mine: [^\n]*/state/translations[^\n]* must be [^\n]+$"):
        open_world(with_translations(translations), "frozen")


@pytest.mark.parametrize("translations", [None, {}, {"de-de": {"name": "Wartend"}}], ids=str)
def test_translations_without_a_language_name_nothing_in_it(translations: Any) -> None:
    """They are given back as they are, and the state keeps its own name."""
    world = open_world(with_translations(translations), "frozen")
    text = rendered("package", PACKAGE["id"], world.root, "tr-tr", world.kept)
    state = json.loads(addressed(text or b"", "http://oms.test", ""))["state"]
    assert (state["translations"], state["name"]) == (translations, PACKAGE["state"]["name"])


def test_a_query_does_not_change_what_a_path_holds() -> None:
    assert source_of(f"{PATH}7/transition_logs/?page=2") == (source_of(f"{PATH}7/transition_logs/")[0], 7)


def test_a_state_is_known_from_several_answers_once() -> None:
    known = learnt((f"{PATH}7/", PACKAGE), (PATH, page_of("package-list")))
    assert known.records[State][PACKAGE["state"]["id"]]["enum_value"] == PACKAGE["state"]["enum_value"]
