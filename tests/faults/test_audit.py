"""The audit of a client: each rule meets what it is for, and lets alone what only looks like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.records import Package
from emulator.rules.auditing import RULES
from tests.support.answers import check_answer

LIST = "/api/v1/oms/packages/"
COMPLETE = "package__complete_packaging__waiting__packed-all-items"
BLOCK, UNBLOCK = "package__block_the_package__waiting__blocked", "package__unblock_the_package__blocked__waiting"


class Client:
    """What a client of a test does, and the tools to make it patient."""

    def __init__(self, oms: Emulator) -> None:
        self.oms, self.session = oms, oms.session()
        self.waiting = [one.id for one in oms.world.root.all(Package) if one.state == 35]

    def get(self, path: str = LIST, **rest: Any) -> requests.Response:
        return self.session.get(path, **rest)

    def command(self, pk: int, slug: str = COMPLETE) -> requests.Response:
        return self.session.post(f"{LIST}{pk}/command/", json={"slug": slug, "input_parameters": {}})

    def wait(self, seconds: float) -> None:
        self.oms.clock.advance(seconds=seconds)

    def rows(self, limit: int) -> list[int]:
        return [row["id"] for row in self.get(f"{LIST}?limit={limit}").json()["results"]]


def hasty(client: Client) -> None:
    client.oms.faults.add("list_packages", status=503, retry_after=10, times=1)
    client.get()
    client.wait(9)
    client.get()


def patient(client: Client) -> None:
    client.oms.faults.add("list_packages", status=429, retry_after=10, times=1)
    client.get()
    client.wait(10)
    client.get()


def busy_elsewhere(client: Client) -> None:
    client.oms.faults.add("list_packages", status=503, retry_after=10, times=1)
    client.get()
    client.get(f"{LIST}short/")


def commands_twice(client: Client) -> None:
    client.command(client.waiting[0])
    client.command(client.waiting[0])


def commands_two(client: Client) -> None:
    client.command(client.waiting[0])
    client.command(client.waiting[1])


def commands_again_after_another(client: Client) -> None:
    for slug in (BLOCK, UNBLOCK, BLOCK):
        assert client.command(client.waiting[0], slug).status_code == 204


def tries_again_after_a_lost_answer(client: Client) -> None:
    client.oms.faults.add("command_package", "lost_response", times=1)
    with pytest.raises(requests.ConnectionError):
        client.command(client.waiting[0])
    client.command(client.waiting[0])


def tries_again_after_a_refusal(client: Client) -> None:
    client.oms.faults.add("command_package", status=500, times=1)
    client.command(client.waiting[0])
    client.command(client.waiting[0])


def polls(client: Client) -> None:
    for _ in range(5):
        client.get(f"{LIST}{client.waiting[0]}/")


def polls_slowly(client: Client) -> None:
    for _ in range(5):
        client.get(f"{LIST}{client.waiting[0]}/")
        client.wait(1)


def looks_twice(client: Client) -> None:
    client.get(f"{LIST}{client.waiting[0]}/")
    client.get(f"{LIST}{client.waiting[0]}/")


def looks_after_each_write(client: Client) -> None:
    pk = client.waiting[0]
    for number in range(4):
        client.session.post(f"{LIST}{pk}/set_remote_id/", json={"remote_id": f"R{number}"})
        client.get(f"{LIST}{pk}/")


def turns_pages(client: Client) -> None:
    for number in range(1, 6):
        client.get(f"{LIST}?page={number}")


def fetches_each_row(client: Client) -> None:
    for pk in client.rows(6):
        client.get(f"{LIST}{pk}/")


def fetches_two_rows(client: Client) -> None:
    for pk in client.rows(10)[:2]:
        client.get(f"{LIST}{pk}/")


def fetches_fewer_than_half(client: Client) -> None:
    for pk in client.rows(10)[:4]:
        client.get(f"{LIST}{pk}/")


def fetches_what_was_not_listed(client: Client) -> None:
    listed = client.rows(4)
    for pk in [one.id for one in client.oms.world.root.all(Package) if one.id not in listed][:6]:
        client.get(f"{LIST}{pk}/")


CASES: dict[Callable[[Client], None], tuple[str, ...]] = {
    hasty: ("impatience",),
    patient: (),
    busy_elsewhere: (),
    commands_twice: ("repetition",),
    commands_two: (),
    commands_again_after_another: (),
    tries_again_after_a_lost_answer: (),
    tries_again_after_a_refusal: (),
    polls: ("polling",),
    polls_slowly: (),
    looks_twice: (),
    looks_after_each_write: (),
    turns_pages: (),
    fetches_each_row: ("row_by_row",),
    fetches_two_rows: (),
    fetches_fewer_than_half: (),
    fetches_what_was_not_listed: (),
}


@pytest.mark.parametrize(("does", "expected"), CASES.items(), ids=[does.__name__ for does in CASES])
def test_a_client_is_audited(does: Callable[[Client], None], expected: tuple[str, ...], oms: Emulator) -> None:
    """Over HTTP and from Python the same; and what is found fails a test that asks for it."""
    client = Client(oms)
    does(client)
    found = oms.audit()
    assert tuple(one["kind"] for one in found) == expected
    answer = client.session.get("/__admin/audit")
    check_answer("audit", answer.content)
    assert answer.json() == {"count": len(expected), "results": found}
    if not expected:
        oms.assert_well_behaved()
        return
    with pytest.raises(AssertionError, match=f"{expected[0]}: "):
        oms.assert_well_behaved()
    ids = {exchange.id for exchange in oms.world.journal.newest_first()}
    assert set(found[0]["requests"]) <= ids
    assert len(found[0]["requests"]) >= 2


def test_every_rule_fires_somewhere_and_is_quiet_somewhere() -> None:
    assert {kind for kinds in CASES.values() for kind in kinds} == RULES.keys()


def test_the_reference_is_audited_too(oms: Emulator) -> None:
    session = oms.session()
    session.headers["Authorization"] = f"Bearer {oms.jwt()}"
    for row in session.get("/packages/?limit=4").json()["results"]:
        session.get(f"/packages/{row['id']}/")
    assert [one["kind"] for one in oms.audit()] == ["row_by_row"]


def test_what_it_says_names_the_calls(oms: Emulator) -> None:
    client = Client(oms)
    hasty(client)
    (found,) = oms.audit()
    assert found["says"] == "asked again 9.000 seconds after a 503 with Retry-After: 10"
    assert found["requests"] == ["00000001", "00000002"]
    assert found["operation"] == "list_packages"


def test_what_was_forgotten_is_not_audited(oms: Emulator) -> None:
    client = Client(oms)
    polls(client)
    client.session.delete("/__admin/requests")
    assert oms.audit() == []
