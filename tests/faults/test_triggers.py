"""Which calls a fault applies to: by operation, method, token, state, count, time, rate and world."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.records import Package, TransferOrder
from emulator.domain.fault_rules import FAULT_KINDS
from emulator.web.dispatch import BAD_REQUEST

LIST = "/api/v1/oms/packages/"


def statuses(client: requests.Session, path: str, times: int, **rest: Any) -> list[int]:
    return [client.get(path, **rest).status_code for _ in range(times)]


TRIGGERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [503] * 5),
    ({"times": 2}, [503, 503, 200, 200, 200]),
    ({"nth": 2}, [200, 503, 200, 200, 200]),
    ({"nth": 2, "times": 3}, [200, 503, 503, 503, 200]),
    ({"after": 3}, [200, 200, 200, 503, 503]),
    ({"after": 1, "times": 1}, [200, 503, 200, 200, 200]),
    ({"token": "read-only"}, [200] * 5),
    ({"token": "full-access"}, [503] * 5),
    ({"method": "POST"}, [200] * 5),
    ({"method": "GET"}, [503] * 5),
    ({"after": "2000-01-01T00:00:00Z"}, [503] * 5),
    ({"after": "2100-01-01T00:00:00Z"}, [200] * 5),
    ({"rate": 1}, [503] * 5),
]


@pytest.mark.parametrize(("when", "expected"), TRIGGERS, ids=[str(when) for when, _ in TRIGGERS])
def test_trigger_selects_the_expected_calls(when: dict[str, Any], expected: list[int], oms: Emulator) -> None:
    oms.faults.add("list_packages", status=503, **when)
    assert statuses(oms.session(), LIST, 5) == expected
    assert oms.faults.list()[0]["hits"] == expected.count(503)


@pytest.mark.medium
def test_fault_applies_to_its_operation_or_to_all(oms: Emulator) -> None:
    client = oms.session()
    oms.faults.add("list_packages", status=503)
    assert statuses(client, f"{LIST}short/", 1) + statuses(client, "/packages/", 1) == [200, 401]
    oms.faults.add(status=502)
    assert [*statuses(client, f"{LIST}short/", 1), *statuses(client, "/nowhere/", 1)] == [502, 502]
    assert client.get("/__admin/health").status_code == 200, "faults never apply to the control API"


@pytest.mark.medium
def test_state_trigger_selects_records_in_that_state(oms: Emulator) -> None:
    """A state can be a name, a value or an id. The state before the call counts."""
    client = oms.session()
    packed = next(package.id for package in oms.world.records.all(Package) if package.state == 40)
    waiting = next(package.id for package in oms.world.records.all(Package) if package.state == 35)
    for state in ("Packed", "packed all items", 500, "40"):
        oms.faults.clear()
        oms.faults.add(status=503, state=state)
        assert (client.get(f"{LIST}{packed}/").status_code, client.get(f"{LIST}{waiting}/").status_code) == (503, 200)
        assert client.get(LIST).status_code == client.get(f"{LIST}0/").status_code - 204 == 200
    oms.faults.clear()
    oms.faults.add(status=503, state="waiting", operation="get_transfer")
    is_failed = {
        transfer.id: client.get(f"/api/v1/oms/transfer_orders/{transfer.id}/").status_code == 503
        for transfer in transfers(oms)
    }
    assert set(is_failed.values()) == {True, False}
    assert is_failed == {transfer.id: transfer.state == 73 for transfer in transfers(oms)}


def transfers(oms: Emulator) -> list[TransferOrder]:
    return list(oms.world.records.all(TransferOrder))


def test_fault_starts_at_a_time_of_the_world(oms: Emulator) -> None:
    start = oms.clock.now()
    oms.faults.add(status=503, after=start.replace(year=start.year + 1).astimezone(timezone(timedelta(hours=3))))
    client = oms.session()
    assert statuses(client, LIST, 1) == [200]
    oms.clock.advance(days=370)
    assert statuses(client, LIST, 1) == [503]


def statuses_of(oms: Emulator, paths: list[str]) -> list[int]:
    return [oms.session().get(path).status_code for path in paths]


@pytest.mark.medium
def test_rate_is_deterministic_for_a_seed() -> None:
    """Another seed gives other results, and the frequency is close to the rate."""
    pages = [f"{LIST}short/?limit=1&page={number}" for number in range(1, 101)]
    results = []
    for seed in (7, 7, 8):
        oms = Emulator("demo", seed=seed)
        oms.faults.add(status=503, rate=0.3)
        results.append(statuses_of(oms, pages))
    assert results[0] == results[1] != results[2]
    assert all(15 <= result.count(503) <= 45 for result in results)


@pytest.mark.medium
def test_rate_does_not_depend_on_the_order_of_requests() -> None:
    pages = [f"{LIST}short/?limit=1&page={number}" for number in range(1, 61)]
    results = []
    for workers in (1, 8):
        oms = Emulator("demo")
        oms.faults.add(status=503, rate=0.5)
        with ThreadPoolExecutor(workers) as pool:
            results.append(list(pool.map(lambda path, oms=oms: oms.session().get(path).status_code, pages)))
    assert results[0] == results[1]


@pytest.mark.medium
def test_hits_from_many_threads_are_counted_exactly(oms: Emulator) -> None:
    oms.faults.add("list_packages", status=503, times=30)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: oms.session().get(f"{LIST}?limit=1").status_code, range(100)))
    assert (results.count(503), oms.faults.list()[0]["hits"]) == (30, 30)


# --- worlds, snapshots and exports -------------------------------------------------------------------------------


def test_faults_belong_to_a_world_and_its_snapshots(oms: Emulator) -> None:
    """A restore resets the counts, a branch continues from them, and neither affects the other."""
    client = oms.session()
    oms.faults.add("list_packages", status=503, nth=3)
    statuses(client, LIST, 1)
    oms.snapshot("one call")
    branch = oms.branch("other")
    assert statuses(client, LIST, 3) == [200, 503, 200]
    assert statuses(branch.session(), LIST, 3) == [200, 503, 200]
    oms.restore("one call")
    assert oms.faults.list()[0]["hits"] == 0
    assert statuses(client, LIST, 3) == [200, 503, 200]
    branch.faults.clear()
    assert [len(each.faults.list()) for each in (oms, branch)] == [1, 0]
    oms.reset()
    assert oms.faults.list() == []
    assert oms.in_world("fresh", "demo").faults.list() == []


@pytest.mark.medium
def test_exported_world_continues_with_its_faults(tmp_path: Path) -> None:
    """The file contains counts, the random state of rates, and limits."""
    oms = Emulator("demo", limits={"full-access": {"read": "8/hour"}})
    oms.faults.add("list_packages", status=503, nth=3, times=2)
    oms.faults.add("list_packages_short", status=502, rate=0.5)
    paths = [LIST, f"{LIST}short/", LIST, f"{LIST}short/", f"{LIST}short/"]
    statuses_of(oms, paths)
    oms.save(tmp_path / "world.json")
    other = Emulator(tmp_path / "world.json")
    assert other.faults.list() == oms.faults.list()
    assert other.export()["faults"] == oms.export()["faults"]
    assert statuses_of(other, paths * 3) == statuses_of(oms, paths * 3)
    assert {503, 502, 429, 200} <= set(statuses_of(Emulator(tmp_path / "world.json"), paths * 5))


def test_reset_restores_the_faults_of_the_scenario(tmp_path: Path) -> None:
    file = tmp_path / "flaky.json"
    fault = {"kind": "status", "options": {"status": 503}, "operation": "list_packages", "times": 1}
    file.write_text(json.dumps({"name": "flaky", "packages": 3, "faults": [fault]}), "utf-8")
    oms = Emulator(file)
    assert statuses(oms.session(), LIST, 2) == [503, 200]
    oms.reset()
    assert statuses(oms.session(), LIST, 2) == [503, 200]


# --- invalid faults ------------------------------------------------------------------------------------------------

INVALID_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "slow"}, "unknown fault 'slow'"),
    ({}, "kind"),
    ({"kind": "status"}, "fault status: option 'status' is required"),
    ({"kind": "status", "options": {"status": 200}}, "option 'status' must be from 400 to 599 (got 200)"),
    ({"kind": "status", "options": {"status": 499}}, "option 'status' must be an HTTP status (got 499)"),
    ({"kind": "status", "options": {"status": 503.5}}, "option 'status' must be an integer (got 503.5)"),
    ({"kind": "status", "options": {"status": 503, "detail": 3}}, "option 'detail' must be a string (got 3)"),
    (
        {"kind": "status", "options": {"status": 500, "body": "xml"}},
        "option 'body' is unknown: 'xml'",
    ),
    ({"kind": "status", "options": {"status": 503, "body": "html"}}, "no HTML page has the status 503"),
    ({"kind": "delay", "options": {"seconds": -1}}, "option 'seconds' must be from 0 to 600 (got -1)"),
    ({"kind": "delay", "options": {"seconds": 601}}, "must be from 0 to 600"),
    ({"kind": "delay", "options": {"minutes": 1}}, "fault delay: unknown option 'minutes'"),
    ({"kind": "drip", "options": {"pieces": 1}}, "option 'pieces' must be from 2 to 1000 (got 1)"),
    ({"kind": "reset", "operation": "list_parcels"}, "unknown operation 'list_parcels'"),
    ({"kind": "reset", "colour": 1}, "unknown key 'colour'"),
    ({"kind": "reset", "method": "FETCH"}, "/method"),
    ({"kind": "reset", "times": 0}, "/times"),
    ({"kind": "reset", "when": {"nth": 0}}, "/when/nth"),
    ({"kind": "reset", "when": {"rate": 1.5}}, "/when/rate"),
    ({"kind": "reset", "when": {"after": -1}}, "/when/after"),
    ({"kind": "reset", "when": {"after": []}}, "/when/after"),
    ({"kind": "reset", "when": {"after": True}}, "/when/after"),
    ({"kind": "reset", "when": {"often": 1}}, "often"),
    ({"kind": "reset", "when": {"state": "Sleeping"}}, "unknown state 'Sleeping'"),
    ({"kind": "reset", "when": {"after": "2023-02-30T00:00:00Z"}}, "2023-02-30T00:00:00Z' is not a date and time"),
]


@pytest.mark.medium
@pytest.mark.parametrize(("document", "message"), INVALID_FAULTS, ids=[message for _, message in INVALID_FAULTS])
def test_invalid_fault_is_refused_with_a_one_line_error(
    document: dict[str, Any], message: str, oms: Emulator
) -> None:
    answer = oms.session().post("/__admin/faults", json=document)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert oms.faults.list() == []


@pytest.mark.medium
@pytest.mark.parametrize(
    ("document", "known"),
    [
        ({"kind": "slow"}, "lost_response"),
        ({"kind": "delay", "options": {"minutes": 1}}, "seconds"),
        ({"kind": "reset", "operation": "x"}, "command_package"),
        ({"kind": "reset", "when": {"state": "x"}}, "Waiting"),
    ],
)
def test_error_for_an_unknown_name_lists_the_known_names(document: dict[str, Any], known: str, oms: Emulator) -> None:
    assert known in oms.session().post("/__admin/faults", json=document).json()["known"]


WRONG_KEYWORDS = {
    "a misspelled status": ({"stauts": 503}, "unknown keyword 'stauts' of a fault; known: .* Did you mean status?"),
    "a misspelled delay": ({"dleay": 2}, "'dleay' .* Did you mean delay?"),
    "a misspelled option": ({"status": 503, "retry_afetr": 3}, "'retry_afetr' .* Did you mean retry_after?"),
    "a misspelled trigger": ({"status": 503, "tmes": 3}, "'tmes' .* Did you mean times?"),
    "a misspelled option of a kind": ({"kind": "drip", "peices": 3}, "'peices' .* Did you mean pieces?"),
    "an option of another kind": (
        {"delay": 2, "size": 3},
        "'size' of a fault; known: status, delay, seconds",
    ),
    "a misspelled kind": ({"kind": "drp"}, "unknown fault 'drp'; known: .* Did you mean drip?"),
    "a misspelled operation": ({"operation": "list_package", "status": 503}, "Did you mean list_packages?"),
    "an option without a kind": ({"seconds": 3}, "needs a kind, or status=, or delay="),
}


@pytest.mark.parametrize(("keywords", "message"), WRONG_KEYWORDS.values(), ids=WRONG_KEYWORDS)
def test_a_wrong_keyword_names_the_nearest_one(oms: Emulator, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        oms.faults.add(**keywords)
    assert oms.faults.list() == []


def test_a_wrong_id_names_the_ids_or_their_range(oms: Emulator) -> None:
    for _ in range(31):
        oms.faults.add(status=503)
    with pytest.raises(ValueError, match=r"no fault 99 is armed; its 31 ids are from 1 to 31$"):
        oms.faults.remove(99)
    oms.faults.clear()
    second = [oms.faults.add(status=503)["id"] for _ in range(2)]
    with pytest.raises(ValueError, match=rf"no fault 99 is armed; known: {second[0]}, {second[1]}$"):
        oms.faults.remove(99)


def test_python_raises_the_same_messages(oms: Emulator) -> None:
    with pytest.raises(ValueError, match=r"unknown operation 'list_parcels'; known: .*command_package"):
        oms.faults.add("list_parcels", status=503)
    with pytest.raises(ValueError, match="needs a kind, or status=, or delay=; known: status, delay"):
        oms.faults.add("list_packages", nth=2)
    with pytest.raises(ValueError, match="no fault 9 is armed"):
        oms.faults.remove(9)


def test_error_for_a_fault_in_a_scenario_contains_its_pointer(tmp_path: Path) -> None:
    file = tmp_path / "flaky.json"
    file.write_text(json.dumps({"name": "flaky", "faults": [{"kind": "slow"}]}), "utf-8")
    with pytest.raises(ValueError, match=r"flaky.json: /faults/0: unknown fault 'slow'; known: status"):
        Emulator(file)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"faults": [{"kind": "slow"}]}, "/faults/0: unknown fault 'slow'"),
        ({"faults": [{"kind": "delay", "options": {}}]}, "/faults/0: fault delay: option 'seconds' is required"),
        ({"limits": {"bob": {"read": "1/s"}}}, "limits: unknown token 'bob'"),
        ({"steps": [{"operation": "nothing"}]}, "/steps/0/operation: 'nothing' changes nothing"),
    ],
)
def test_invalid_scenario_over_http_is_refused_with_a_one_line_error(
    part: dict[str, Any], message: str, oms: Emulator
) -> None:
    world = oms.world
    answer = oms.session().put("/__admin/scenario", json={"document": {"name": "mine", **part}})
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert oms.world is world


# --- the control API, Python and the header -----------------------------------------------------------------------


@pytest.mark.medium
def test_faults_are_added_listed_and_removed_over_http(oms: Emulator) -> None:
    client = oms.session()
    document = {"kind": "status", "options": {"status": 503}, "operation": "list_packages", "when": {"nth": 1}}
    created = client.post("/__admin/faults", json=document)
    assert (created.status_code, created.json()["hits"], created.json()["times"]) == (201, 0, 1)
    assert statuses(client, LIST, 2) == [503, 200]
    other = client.post("/__admin/faults", json={"kind": "reset", "times": 3}).json()
    listed = client.get("/__admin/faults").json()
    assert listed == {"count": 2, "results": [created.json() | {"hits": 1}, other]}
    assert client.delete(f"/__admin/faults/{other['id']}").status_code == 204
    missing = client.delete(f"/__admin/faults/{other['id']}")
    assert (missing.status_code, missing.json()) == (404, {"error": "no fault 2 is armed", "known": [1]})
    assert client.delete("/__admin/faults").status_code == 204
    assert client.get("/__admin/faults").json()["count"] == 0
    assert client.post("/__admin/faults", json={"kind": "reset"}).json()["id"] == 3, "ids are not reused"


def test_assert_used_fails_for_unused_faults(oms: Emulator) -> None:
    oms.faults.add("list_packages", status=503)
    oms.faults.add("command_package", status=503, nth=2)
    oms.session().get(LIST)
    with pytest.raises(AssertionError) as caught:
        oms.faults.assert_used()
    assert str(caught.value) == (
        "armed, but triggered by no call: fault 2 status on command_package with status=503, nth=2 (0 calls)"
    )
    oms.faults.remove(2)
    oms.faults.assert_used()


HEADERS = {
    "503": (503, "status"),
    "429;retry_after=3": (429, "status"),
    "status; status=418": (418, "status"),
    "malformed": (200, "malformed"),
    "delay;seconds=0": (200, "delay"),
}


@pytest.mark.parametrize(("header", "expected"), HEADERS.items(), ids=HEADERS)
def test_header_requests_a_fault_for_one_call(header: str, expected: tuple[int, str]) -> None:
    client = Emulator("demo", allow_fault_header=True).session()
    answer = client.get(LIST, headers={"X-Emulator-Fault": header})
    assert (answer.status_code, answer.headers["X-Emulator-Fault"]) == expected
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("header", ["slow", "200", "delay", "delay;minutes=1", "", "status;status=x", "9" * 5000])
def test_invalid_header_gives_a_400_with_a_hint(header: str) -> None:
    answer = Emulator("demo", allow_fault_header=True).session().get(LIST, headers={"X-Emulator-Fault": header})
    assert (answer.status_code, answer.content) == (400, BAD_REQUEST)
    assert answer.headers["X-Emulator-Hint"].startswith("X-Emulator-Fault: ")


def test_header_is_ignored_with_a_hint_unless_allowed(oms: Emulator) -> None:
    answer = oms.session().get(LIST, headers={"X-Emulator-Fault": "503"})
    assert (answer.status_code, "X-Emulator-Fault" in answer.headers) == (200, False)
    assert "--allow-fault-header" in answer.headers["X-Emulator-Hint"]


def test_every_option_has_a_description() -> None:
    for kind in FAULT_KINDS.values():
        assert all(option.doc.endswith(".") for option in kind.options.values())
