"""Scenarios are found by name or by file. Each error is one line that contains the correct values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core import schemas
from emulator.domain.scenario_files import FOLDER, bundled_scenarios, find_scenario
from emulator.state.scenario import Scenario, ScenarioError
from emulator.worlds.loading.scenarios import load_base, open_world
from tests.support import samples


@pytest.mark.parametrize("name", bundled_scenarios())
def test_every_bundled_scenario_loads_and_has_a_description(name: str) -> None:
    found = find_scenario(name)
    world = open_world(found)
    assert found.name == world.settings.source.name == name
    assert found.description
    assert world.clock.now() == (found.now or found.start)


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("*.json")), ids=lambda file: file.stem)
def test_every_bundled_file_is_valid(file: Path) -> None:
    document = json.loads(file.read_bytes())
    assert schemas.find_problem("scenario", document) is None
    assert document["name"] == file.relative_to(FOLDER).with_suffix("").as_posix()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "dmeo",
            (
                "unknown scenario 'dmeo'. Did you mean demo? Known: busy-day, demo, empty, flaky, live-demo, peak, "
                "rate-limited, webhook-failures, documented/<sample>"
            ),
        ),
        ("nowhere", "unknown scenario 'nowhere'. Known: busy-day, demo, empty"),
        ("documented/package-lst", "Did you mean documented/package-list?"),
        ("", "unknown scenario ''"),
        ("../demo", "unknown scenario '../demo'"),
        ("Demo", "Did you mean demo?"),
    ],
)
def test_unknown_scenario_lists_the_known_names(name: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        find_scenario(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


MINE: dict[str, Any] = {"name": "mine"}


def file_of(folder: Path, content: Any) -> str:
    path = folder / "mine.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


INVALID_FILES: dict[str, tuple[Any, str | None]] = {
    "not JSON": (b"{", "mine.json is not JSON: Expecting property name"),
    "not UTF-8": (b'{"name": "\xff"}', "mine.json is not JSON: 'utf-8' codec"),
    "empty": (b"", "is not JSON"),
    "a list": ([], "mine.json: the document: must be"),
    "null": (None, "mine.json: the document: must be"),
    "no name": ({}, "/name: "),
    "unknown key": (MINE | {"colour": "red"}, "/colour: "),
    "negative size": (MINE | {"packages": -1}, "/packages: "),
    "a size that is not a number": (MINE | {"packages": "9"}, "/packages: "),
    "invalid clock": (MINE | {"clock": "noon"}, "/clock: "),
    "unknown language": (MINE | {"language": "xx"}, "/language: "),
    "an answer without a path": (MINE | {"answers": [{"body": {}}]}, "/answers/0/path: "),
    "unknown installation": (MINE | {"installation": "nowhere"}, "unknown installation 'nowhere'; known: default"),
    "invalid date": (MINE | {"clock": "2023-02-31T00:00:00Z"}, "clock"),
    "nested too deep": (b"[" * 100_000 + b"]" * 100_000, "is not JSON"),
    "a huge seed": (MINE | {"seed": 10**40, "packages": 5}, None),
}


@pytest.mark.parametrize(("content", "said"), INVALID_FILES.values(), ids=INVALID_FILES)
def test_invalid_file_is_refused_in_one_line(content: Any, said: str | None, tmp_path: Path) -> None:
    """The error contains the file, the location in it and the correct values. Unusual valid files are accepted."""
    if said is None:
        Emulator(file_of(tmp_path, content))
        return
    with pytest.raises(ScenarioError) as caught:
        Emulator(file_of(tmp_path, content))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["missing.json", ".", "folder.json"])
def test_unreadable_file_is_named(where: str, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ScenarioError, match=r"^(cannot read scenario file|unknown scenario) "):
        find_scenario(str(tmp_path / where))


def test_scenario_file_makes_a_world(tmp_path: Path) -> None:
    document = MINE | {"packages": 7, "seed": 3, "clock": "2024-05-06T07:08:09Z", "language": "tr-tr"}
    oms = Emulator(file_of(tmp_path, document))
    assert oms.world.settings.source.name == "mine"
    assert oms.clock.now() == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    page = oms.session().get("/api/v1/oms/packages/").json()
    assert page["count"] == 7
    names = {entry["state"]["name"] for entry in page["results"]}
    assert names <= {entry["state"]["translations"]["tr-tr"]["name"] for entry in page["results"]}


def test_recorded_responses_make_a_world(tmp_path: Path) -> None:
    package = samples.body("package-list.response-200")["results"][0]
    path = f"/api/v1/oms/packages/{package['id']}/"
    oms = Emulator(file_of(tmp_path, MINE | {"answers": [{"path": path, "body": package}]}))
    assert oms.session().get(path).json()["number"] == package["number"]


def test_size_and_seed_override_the_file() -> None:
    small = find_scenario("demo").with_size(3, 5)
    assert (small.packages, small.seed) == (3, 5)
    assert find_scenario("demo").with_size(None, None) == find_scenario("demo")


@pytest.mark.parametrize(
    ("name", "packages", "said"),
    [
        ("demo", -1, r"packages must be at least 0 \(got -1\)"),
        ("demo", 10_000_001, r"packages must be at most 10000000 \(got 10000001\)"),
        ("documented/package-list", 5, "its number of packages cannot be set"),
    ],
)
def test_invalid_size_is_refused(name: str, packages: int, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        find_scenario(name).with_size(packages, None)


def test_worlds_of_one_scenario_share_their_dataset() -> None:
    assert load_base(find_scenario("demo")) is load_base(Scenario(**vars(find_scenario("demo"))))
    assert Emulator("demo").world.base is Emulator("demo").world.base
    assert Emulator("demo").world.base is not Emulator("demo", seed=8).world.base
