"""Another actor changes a record between a client's read and its write. The write meets the real refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.errors import Conflict, InvalidDocument
from emulator.core.records import Package, TransferOrder
from emulator.domain.arranging.packages import CARRIER_TRANSITIONS
from tests.domain.commands.arranging import (
    KINDS,
    PACKAGES,
    TRANSFERS,
    TRANSITIONS,
    Kind,
    parameters,
    ready_for,
    send,
)

PACK = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
UNKNOWN = {"transition": 999_999, "input_parameters": {}}
"""A command that changes nothing."""
CARRIER_EVENTS = {code: event for event, code in CARRIER_TRANSITIONS.items()}
Overtake = Callable[[Emulator, Kind, Any, dict[str, Any]], None]
COMMANDS = [(kind, transition) for kind in KINDS for transition in kind.commands]
OPERATIONS = {"packages": ("get_package", "command_package"), "transfer_orders": ("get_transfer", "command_transfer")}


def detail_url(kind: Kind, pk: int) -> str:
    return f"/api/v1/oms/{kind.path}/{pk}/"


def read_and_command(oms: Emulator, kind: Kind, pk: int, body: dict[str, Any]) -> requests.Response:
    """Do what a correct client does: read the record, then send the command that its state allows."""
    session = oms.session()
    assert session.get(detail_url(kind, pk)).status_code == 200
    return session.post(detail_url(kind, pk) + "command/", json=body)


def assert_refused(answer: requests.Response, source: int) -> None:
    assert (answer.status_code, list(answer.json()["error"])) == (400, ["transition"])
    assert "starts from state" in answer.json()["error"]["transition"][0]
    assert f"is in state {source} " not in answer.headers["X-Emulator-Hint"]


def overtake_by_control_api(oms: Emulator, kind: Kind, record: Any, transition: dict[str, Any]) -> None:
    read, write = OPERATIONS[kind.path]
    fault = {"kind": "overtaken", "operation": write, "when": {"read": read}, "times": 1}
    body = fault | {"options": {"transition": transition["id"]}}
    assert oms.session().post("/__admin/faults", json=body).status_code == 201


def overtake_by_python(oms: Emulator, kind: Kind, record: Any, transition: dict[str, Any]) -> None:
    read, write = OPERATIONS[kind.path]
    oms.between(read=read, write=write, do=lambda: make_transition(oms, kind, record, transition))


def make_transition(oms: Emulator, kind: Kind, record: Any, transition: dict[str, Any]) -> None:
    """Make a transition with the Python API, as its actor."""
    actor = transition.get("actor", "command")
    if actor == "carrier":
        oms.carrier(record.id, CARRIER_EVENTS[transition["command_code"]])
    elif actor == "operator":
        oms.cancel_package(record.id if kind is PACKAGES else record.package)
    elif actor == "planner":
        deliver_transfers(oms, record.id)
    else:
        body = {"transition": transition["id"], "input_parameters": parameters(oms, record)}
        assert send(oms, kind, record.id, body).status_code < 300


def deliver_transfers(oms: Emulator, package: int) -> None:
    """Dispatch and deliver the open transfer orders of a package."""
    for transfer in oms.world.records.find(TransferOrder, "package", package):
        for source, transition in ((73, 1049), (78, 1050), (74, 1051)):
            if oms.world.records.get_existing(TransferOrder, transfer.id).state == source:
                body = {"transition": transition, "input_parameters": {}}
                assert send(oms, TRANSFERS, transfer.id, body).status_code == 204


WAYS = [overtake_by_python, overtake_by_control_api]
each_way = pytest.mark.parametrize("overtake", WAYS, ids=["python", "control API"])


def first_move(state: int) -> dict[str, Any]:
    """Return the first transition that leads out of a state: one of the carrier or the operator, or a command."""
    moves = [each for each in TRANSITIONS if each["source_state"] == state != each["destination_state"]]
    return min(moves, key=lambda each: each.get("actor", "command") == "command")


@pytest.mark.slow
@each_way
@pytest.mark.parametrize(("kind", "transition"), COMMANDS, ids=[transition["slug"] for _, transition in COMMANDS])
def test_every_transition_can_be_overtaken(kind: Kind, transition: dict[str, Any], overtake: Overtake) -> None:
    """Without the fault the command succeeds. With it, the command is refused, since the record has moved."""
    oms = Emulator("demo")
    record = ready_for(oms, kind, transition)
    body = {"transition": transition["id"], "input_parameters": parameters(oms, record)}
    oms.snapshot("before")
    assert read_and_command(oms, kind, record.id, body).status_code < 300
    oms.restore("before")
    overtake(oms, kind, record, first_move(transition["source_state"]))
    answer = read_and_command(oms, kind, record.id, body)
    assert_refused(answer, transition["source_state"])
    assert answer.headers["X-Emulator-Fault"] == "overtaken"
    oms.faults.assert_used()


@pytest.mark.slow
@each_way
@pytest.mark.parametrize(
    "transition", TRANSITIONS, ids=[f"{each['id']} {each['command_code']}" for each in TRANSITIONS]
)
def test_every_transition_can_come_first(transition: dict[str, Any], overtake: Overtake) -> None:
    """Another client, the carrier, the operator or the planner makes it between the read and the write."""
    oms = Emulator("demo")
    kind = next(kind for kind in KINDS if transition["source_state"] in kind.states)
    record = ready_for(oms, kind, transition)
    overtake(oms, kind, record, transition)
    answer = read_and_command(oms, kind, record.id, UNKNOWN)
    assert "other actor was refused" not in answer.headers["X-Emulator-Hint"]
    moved = oms.world.records.get_existing(kind.record, record.id)
    assert moved.state == transition["destination_state"]
    assert moved != record
    oms.faults.assert_used()


@pytest.mark.parametrize("state", ["Waiting", "Waiting for Transfer"])
def test_the_planner_needs_an_open_transfer(oms: Emulator, state: str) -> None:
    """Without one, the record does not move, and the hint says why."""
    package = int(oms.package(state=state)["id"])
    with oms.world.transaction() as tx:
        for transfer in tx.find(TransferOrder, "package", package):
            tx.change(transfer, state=75)
    oms.faults.add("command_package", "overtaken", transition=1108)
    answer = oms.session().post(detail_url(PACKAGES, package) + "command/", json=UNKNOWN)
    assert "the other actor was refused" in answer.headers["X-Emulator-Hint"]
    assert oms.session().get(detail_url(PACKAGES, package)).json()["state"]["name"] == state


def test_the_operator_comes_before_the_planner(oms: Emulator) -> None:
    """The default in the state in which the planner could move a package is its cancellation."""
    package = int(oms.package(state="Waiting for Transfer")["id"])
    oms.faults.add("command_package", "overtaken")
    oms.session().post(detail_url(PACKAGES, package) + "command/", json=UNKNOWN)
    assert oms.world.records.get_existing(Package, package).state == 48


def pack(session: requests.Session, pk: int) -> requests.Response:
    return session.post(f"/api/v1/oms/packages/{pk}/command/", json=PACK)


@pytest.fixture
def waiting(oms: Emulator) -> int:
    return int(oms.package(state="Waiting")["id"])


def test_a_function_overtakes_the_write_once(oms: Emulator, waiting: int) -> None:
    session = oms.session()
    with oms.between(
        read="get_package", write="command_package", do=lambda: oms.cancel_package(waiting)
    ) as overtaking:
        session.get(f"/api/v1/oms/packages/{waiting}/")
        answer = pack(session, waiting)
        assert overtaking.count == 1
    assert_refused(answer, 35)
    assert "Packaging Canceled" in answer.json()["error"]["transition"][0]
    assert oms.faults.list() == []


@pytest.mark.medium
def test_a_function_overtakes_over_http(waiting: int, oms: Emulator) -> None:
    """The function may call the same server, from the thread that answers the client."""
    with oms, requests.Session() as session:
        session.headers.update(oms.auth)
        url = f"{oms.url}/api/v1/oms/packages/{waiting}/"

        def pack_first() -> None:
            assert requests.post(url + "command/", json=PACK, headers=oms.auth, timeout=10).status_code == 204

        with oms.between(read="get_package", write="command_package", do=pack_first):
            session.get(url, timeout=10)
            answer = session.post(url + "command/", json=PACK, timeout=10)
    assert_refused(answer, 35)


@pytest.mark.medium
def test_a_write_without_a_read_is_not_overtaken(oms: Emulator, waiting: int) -> None:
    """Neither is the write of another record, or of another client."""
    other = int(oms.package(state="Waiting")["id"])
    session, third = oms.session(), int(oms.package(state="Waiting")["id"])
    oms.between(read="get_package", write="command_package", do=lambda: oms.cancel_package(third), token="read-only")
    overtaking = oms.between(read="get_package", write="command_package", do=lambda: oms.cancel_package(waiting))
    assert pack(session, other).status_code == 204
    session.get(f"/api/v1/oms/packages/{waiting}/")
    assert pack(session, third).status_code == 204
    assert overtaking.count == 0
    assert pack(session, waiting).status_code == 400
    assert overtaking.count == 1


def test_a_list_counts_as_a_read_of_its_records(oms: Emulator, waiting: int) -> None:
    session = oms.session()
    with oms.between(read="list_packages", write="command_package", do=lambda: oms.cancel_package(waiting)):
        session.get("/api/v1/oms/packages/?limit=1")
        assert pack(session, waiting).status_code == 400


def test_each_write_needs_a_separate_read(oms: Emulator) -> None:
    first, second = (int(oms.package(state="Waiting")["id"]) for _ in range(2))
    session = oms.session()
    oms.faults.add("command_package", "overtaken", read="get_package")
    session.get(f"/api/v1/oms/packages/{first}/")
    assert [pack(session, pk).status_code for pk in (first, second)] == [400, 204]


def test_an_overtaking_that_does_not_happen_fails(oms: Emulator, waiting: int) -> None:
    with (
        pytest.raises(AssertionError, match="no write was overtaken: fault 1 overtaken on command_package"),
        oms.between(read="get_package", write="command_package", do=lambda: None),
    ):
        pack(oms.session(), waiting)
    oms.between(read="get_package", write="command_package", do=lambda: None)
    with pytest.raises(AssertionError, match="triggered by no call"):
        oms.faults.assert_used()


@pytest.mark.medium
def test_an_error_of_the_function_reaches_the_test(oms: Emulator, waiting: int) -> None:
    """Over HTTP the client gets a 500, and the end of the block raises the error."""
    with oms:
        overtaking = oms.between(
            read="get_package", write="command_package", do=lambda: oms.carrier(waiting, "delivered")
        )
        url = f"{oms.url}/api/v1/oms/packages/{waiting}/"
        requests.get(url, headers=oms.auth, timeout=10)
        assert requests.post(url + "command/", json=PACK, headers=oms.auth, timeout=10).status_code == 500
    with pytest.raises(Conflict, match="'delivered' requires a state"), overtaking:
        pass


@pytest.mark.medium
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "overtaken", "when": {"read": "get_packages"}}, "unknown operation 'get_packages'"),
        ({"kind": "overtaken", "options": {"transition": 5}}, "unknown transition 5"),
        ({"kind": "overtaken", "options": {"by": "x"}}, "unknown option 'by'"),
    ],
)
def test_a_wrong_document_is_refused(oms: Emulator, document: dict[str, Any], message: str) -> None:
    answer = oms.session().post("/__admin/faults", json=document)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    with pytest.raises(InvalidDocument):
        oms.between(read="get_packages", write="command_package", do=lambda: None)


@pytest.mark.medium
def test_other_faults_can_wait_for_a_read(oms: Emulator, waiting: int) -> None:
    """`when.read` is a condition like the others: here the response of the write after a read is lost."""
    session = oms.session()
    body = {"kind": "status", "options": {"status": 503}, "operation": "command_package"}
    armed = session.post("/__admin/faults", json=body | {"when": {"read": "get_package"}}).json()
    assert armed["when"] == {"read": "get_package"}
    session.get(f"/api/v1/oms/packages/{waiting}/")
    assert [pack(session, waiting).status_code for _ in range(2)] == [503, 204]


def test_the_other_actor_can_be_refused(oms: Emulator, waiting: int) -> None:
    oms.faults.add("command_package", "overtaken", transition=1105)
    answer = pack(oms.session(), waiting)
    assert answer.status_code == 204
    assert "transition 1105 does not lead out of state" in answer.headers["X-Emulator-Hint"]


@pytest.mark.medium
def test_an_overtaken_world_can_be_exported(oms: Emulator, waiting: int, tmp_path: Path) -> None:
    """The write of the other actor is a step. A fault with a Python function is left out."""
    session = oms.session()
    oms.between(read="get_package", write="command_package", do=lambda: None)
    oms.faults.add("command_package", "overtaken", times=1)
    assert pack(session, waiting).status_code == 400
    oms.save(tmp_path / "world.json")
    again = Emulator(tmp_path / "world.json")
    assert [fault["hits"] for fault in again.faults.list()] == [1]
    assert again.world.records.get_existing(Package, waiting) == oms.world.records.get_existing(Package, waiting)
    assert again.export() == oms.export()


@pytest.mark.medium
def test_the_request_of_the_other_actor_is_known(oms: Emulator, waiting: int) -> None:
    """The exact changes name it, and not the request that was refused."""
    oms.faults.add("command_package", "overtaken")
    refused = pack(oms.session(), waiting)
    rows = oms.session().get("/__admin/changes?since=00000001").json()["results"]
    package = next(row for row in rows if row["record"] == "package")
    assert (package["id"], package["fields"]["state"]["after"]) == (waiting, "Packaging Canceled")
    assert package["requests"] > [refused.headers["X-Emulator-Request-Id"]]
