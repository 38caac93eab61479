"""The bundled scenarios load, can be listed, exported and replayed; generated ones are what their tools generate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from emulator.core.records import TransferOrder
from emulator.domain.scenario_files import FOLDER, bundled_scenarios, find_scenario, scenario_from_document
from tests.support.answers import check_document
from tests.support.reads import read_everything, wsgi_sender
from tools import webhook_failures
from tools.busy_day import FILE, lived, make

pytestmark = pytest.mark.slow

SCENARIO_FILES = sorted(FOLDER.glob("*.json"))
LISTS = ("packages/", "packages/short/", "packages/list-simple/?page=last", "transfer_orders/", "packages/?page=last")
MAX_BYTES = 60_000
REGENERATE = "run `python -m tools.busy_day`"


def lists(oms: WorldHandle) -> list[Any]:
    """Return first and last pages, which are enough to distinguish worlds of any size."""
    answers = [oms.session().get(f"/api/v1/oms/{path}") for path in LISTS]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


@pytest.fixture(scope="module")
def busy_day() -> Emulator:
    return Emulator("busy-day")


@pytest.mark.parametrize("file", SCENARIO_FILES, ids=lambda file: file.stem)
def test_scenario_loads_lists_and_replays(file: Path) -> None:
    """Its file is valid according to the scenario schema."""
    check_document("scenario", json.loads(file.read_bytes()))
    oms = Emulator(file.stem)
    document = oms.export()
    replayed = Emulator("empty")
    replayed.worlds.create("default", scenario_from_document(document))
    assert replayed.export() == document
    assert lists(replayed) == lists(oms)
    assert replayed.export() == oms.export(), "hits of faults and throttle windows are equal too"


@pytest.mark.parametrize("name", bundled_scenarios())
def test_scenario_can_be_put_over_http(name: str) -> None:
    """The answer contains its name. The `request` of a documented scenario can be sent."""
    oms = Emulator("empty")
    answer = wsgi_sender(oms)("PUT", "/__admin/scenario", json.dumps({"name": name}).encode())
    assert (answer.status, answer.json["name"]) == (200, name)
    check_document("scenario-state", answer.json)
    assert answer.json["steps"] == len(bundled_scenarios()[name].steps)
    if "request" in answer.json:
        assert oms.session().get(answer.json["request"]).status_code == 200


def test_busy_day_file_equals_the_output_of_its_tool(tmp_path: Path) -> None:
    make(tmp_path / "busy-day.json")
    assert (tmp_path / "busy-day.json").read_text() == FILE.read_text(), REGENERATE


def test_webhook_failures_file_equals_the_output_of_its_tool(tmp_path: Path) -> None:
    file = tmp_path / "webhook-failures.json"
    webhook_failures.make(file)
    assert file.read_text() == webhook_failures.FILE.read_text(), "run `python -m tools.webhook_failures`"


def test_webhook_failures_contains_every_outcome_for_each_policy() -> None:
    """Delivered after retries, failed for now, and not attempted yet."""
    oms = Emulator("webhook-failures")
    events = oms.session().get("/whisperer/hook_events/?limit=100").json()["results"]
    ours = [event for event in events if "//127.0.0.1:91" in event["webhook"]["target_url"]]
    assert {event["webhook"]["retry_countdown_config"]["choice"] for event in ours} == set(webhook_failures.POLICIES)
    assert {(event["delivered"], event["retry_count"] > 0) for event in ours} == {
        (True, True),
        (False, True),
        (False, False),
    }


def test_replayed_busy_day_equals_the_generated_world(busy_day: Emulator) -> None:
    assert read_everything(busy_day) == read_everything(lived())


def test_busy_day_contains_every_state(busy_day: Emulator) -> None:
    graph = wsgi_sender(busy_day)("GET", "/__admin/graph").json
    states = [*graph["packages"]["states"], *graph["transfers"]["states"]]
    assert [state["name"] for state in states if not state["count"]] == []
    assert len(list(busy_day.world.records.ids(TransferOrder))) > len(states) / 4


def test_busy_day_contains_refusals_replanning_and_failed_deliveries(busy_day: Emulator) -> None:
    steps = busy_day.export()["steps"]
    text = json.dumps(steps)
    for part in (
        "refuse_package",
        "out_of_stock_item",
        '"event": "failed"',
        '"event": "attempted"',
        "deliver_transfer",
    ):
        assert part in text, part
    packages = busy_day.session().get("/api/v1/oms/packages/?limit=100").json()["results"]
    assert any("parent_package" in package["extra_information"] for package in packages)


def test_busy_day_contains_failed_webhook_deliveries(busy_day: Emulator) -> None:
    """One receiver recovered and got all events after several attempts. The other one did not recover."""
    events = busy_day.session().get("/whisperer/hook_events/?limit=100").json()["results"]
    attempts: dict[tuple[str, bool], list[int]] = {}
    for event in events:
        if event["webhook"]["target_url"].startswith("http://127.0.0.1:92"):
            attempts.setdefault((event["webhook"]["target_url"], event["delivered"]), []).append(event["retry_count"])
    assert sorted(attempts) == [("http://127.0.0.1:9201/oms", True), ("http://127.0.0.1:9202/oms", False)]
    assert all(max(counts) > 2 for counts in attempts.values())


def test_generated_scenario_files_are_short_enough_to_read() -> None:
    assert {name: size for name in ("busy-day", "webhook-failures") if (size := size_of(name)) > MAX_BYTES} == {}


def size_of(name: str) -> int:
    return (FOLDER / f"{name}.json").stat().st_size


def test_peak_has_as_many_packages_as_the_documented_lists() -> None:
    assert Emulator("peak").session().get("/api/v1/oms/packages/").json()["count"] == 36_404
    assert find_scenario("peak").steps == ()
