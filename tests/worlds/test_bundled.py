"""The bundled scenarios: each loads, lists, is exported and replays; the busy day is as it was lived."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import TransferOrder
from emulator.inworld import InWorld
from emulator.rules.scenarios import FOLDER, bundled, from_document, scenario
from tests.support.answers import check_document
from tests.support.reads import everything, in_process
from tools import webhook_failures
from tools.busy_day import FILE, lived, make

pytestmark = pytest.mark.slow

OWN = sorted(FOLDER.glob("*.json"))
LISTS = ("packages/", "packages/short/", "packages/list-simple/?page=last", "transfer_orders/", "packages/?page=last")
MOST_BYTES = 60_000
DRIFTED = "run `python -m tools.busy_day`"


def lists(oms: InWorld) -> list[Any]:
    """Give first and last pages: enough to tell worlds apart, and of any size."""
    answers = [oms.session().get(f"/api/v1/oms/{path}") for path in LISTS]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


@pytest.fixture(scope="module")
def busy() -> Emulator:
    return Emulator("busy-day")


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_each_loads_lists_and_replays(file: Path) -> None:
    """And its file fits the schema of scenarios."""
    check_document("scenario", json.loads(file.read_bytes()))
    oms = Emulator(file.stem)
    document = oms.export()
    again = Emulator("empty")
    again.worlds.put("default", from_document(document))
    assert again.export() == document
    assert lists(again) == lists(oms)
    assert again.export() == oms.export(), "also what was counted: faults that were met, calls that are limited"


@pytest.mark.parametrize("name", bundled())
def test_each_can_be_put_over_http(name: str) -> None:
    """The answer names it; a documented one's `request` gives its sample."""
    oms = Emulator("empty")
    answer = in_process(oms)("PUT", "/__admin/scenario", json.dumps({"name": name}).encode())
    assert (answer.status, answer.json["name"]) == (200, name)
    check_document("scenario-state", answer.json)
    assert answer.json["steps"] == len(bundled()[name].steps)
    if "request" in answer.json:
        assert oms.session().get(answer.json["request"]).status_code == 200


def test_the_busy_day_is_what_its_tool_makes(tmp_path: Path) -> None:
    """Byte for byte: the file drifts from no rule."""
    make(tmp_path / "busy-day.json")
    assert (tmp_path / "busy-day.json").read_text() == FILE.read_text(), DRIFTED


def test_the_webhook_failures_are_what_their_tool_makes(tmp_path: Path) -> None:
    file = tmp_path / "webhook-failures.json"
    webhook_failures.make(file)
    assert file.read_text() == webhook_failures.FILE.read_text(), "run `python -m tools.webhook_failures`"


def test_the_webhook_failures_have_every_outcome() -> None:
    """Delivered at last, given up for now, and still waiting, under each of the four policies."""
    oms = Emulator("webhook-failures")
    events = oms.session().get("/whisperer/hook_events/?limit=100").json()["results"]
    ours = [event for event in events if "//127.0.0.1:91" in event["webhook"]["target_url"]]
    assert {event["webhook"]["retry_countdown_config"]["choice"] for event in ours} == set(webhook_failures.POLICIES)
    assert {(event["delivered"], event["retry_count"] > 0) for event in ours} == {
        (True, True),
        (False, True),
        (False, False),
    }


def test_the_busy_day_replays_to_the_day_as_it_was_lived(busy: Emulator) -> None:
    assert everything(busy) == everything(lived())


def test_the_busy_day_has_every_state(busy: Emulator) -> None:
    """Of packages and of transfer orders."""
    graph = in_process(busy)("GET", "/__admin/graph").json
    states = [*graph["packages"]["states"], *graph["transfers"]["states"]]
    assert [state["name"] for state in states if not state["count"]] == []
    assert len(list(busy.world.root.ids(TransferOrder))) > len(states) / 4


def test_the_busy_day_has_what_goes_wrong(busy: Emulator) -> None:
    """Refusals, a package planned anew, deliveries that failed."""
    steps = busy.export()["steps"]
    text = json.dumps(steps)
    for part in (
        "refuse_package",
        "out_of_stock_item",
        '"event": "failed"',
        '"event": "attempted"',
        "deliver_transfer",
    ):
        assert part in text, part
    found = busy.session().get("/api/v1/oms/packages/?limit=100").json()["results"]
    assert any("parent_package" in package["extra_information"] for package in found)


def test_the_busy_day_has_failed_deliveries_of_events(busy: Emulator) -> None:
    """Of a receiver that came back, which has all by now though not at once, and of one that did not."""
    events = busy.session().get("/whisperer/hook_events/?limit=100").json()["results"]
    attempts: dict[tuple[str, bool], list[int]] = {}
    for event in events:
        if event["webhook"]["target_url"].startswith("http://127.0.0.1:92"):
            attempts.setdefault((event["webhook"]["target_url"], event["delivered"]), []).append(event["retry_count"])
    assert sorted(attempts) == [("http://127.0.0.1:9201/oms", True), ("http://127.0.0.1:9202/oms", False)]
    assert all(max(counts) > 2 for counts in attempts.values())


def test_the_files_of_days_that_were_lived_are_read_by_people() -> None:
    """They stay as long as a person may scroll through."""
    assert {name: size for name in ("busy-day", "webhook-failures") if (size := size_of(name)) > MOST_BYTES} == {}


def size_of(name: str) -> int:
    return (FOLDER / f"{name}.json").stat().st_size


def test_peak_has_as_many_packages_as_the_documented_lists() -> None:
    assert Emulator("peak").session().get("/api/v1/oms/packages/").json()["count"] == 36_404
    assert scenario("peak").steps == ()
