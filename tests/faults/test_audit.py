"""Each audit rule reports the client behaviour that it describes, and no similar behaviour."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import requests

from emulator import Emulator
from emulator.core.records import Package
from emulator.domain.audit import RULES
from tests.support.answers import check_body

LIST = "/api/v1/oms/packages/"
COMPLETE = "package__complete_packaging__waiting__packed-all-items"
BLOCK, UNBLOCK = "package__block_the_package__waiting__blocked", "package__unblock_the_package__blocked__waiting"


class Client:
    """A client that calls the emulator, and helpers to control its pace."""

    def __init__(self, oms: Emulator) -> None:
        self.oms, self.session = oms, oms.session()
        self.waiting = [package.id for package in oms.world.records.all(Package) if package.state == 35]

    def get(self, path: str = LIST, **rest: Any) -> requests.Response:
        return self.session.get(path, **rest)

    def command(self, pk: int, slug: str = COMPLETE) -> requests.Response:
        return self.session.post(f"{LIST}{pk}/command/", json={"slug": slug, "input_parameters": {}})

    def wait(self, seconds: float) -> None:
        self.oms.clock.advance(seconds=seconds)

    def rows(self, limit: int) -> list[int]:
        return [row["id"] for row in self.get(f"{LIST}?limit={limit}").json()["results"]]


def retries_too_early(client: Client) -> None:
    client.oms.faults.add("list_packages", status=503, retry_after=10, times=1)
    client.get()
    client.wait(9)
    client.get()


def retries_after_the_delay(client: Client) -> None:
    client.oms.faults.add("list_packages", status=429, retry_after=10, times=1)
    client.get()
    client.wait(10)
    client.get()


def calls_another_operation(client: Client) -> None:
    client.oms.faults.add("list_packages", status=503, retry_after=10, times=1)
    client.get()
    client.get(f"{LIST}short/")


def repeats_a_command(client: Client) -> None:
    client.command(client.waiting[0])
    client.command(client.waiting[0])


def commands_two_packages(client: Client) -> None:
    client.command(client.waiting[0])
    client.command(client.waiting[1])


def repeats_a_command_after_another_one(client: Client) -> None:
    for slug in (BLOCK, UNBLOCK, BLOCK):
        assert client.command(client.waiting[0], slug).status_code == 204


def retries_after_a_lost_response(client: Client) -> None:
    client.oms.faults.add("command_package", "lost_response", times=1)
    with pytest.raises(requests.ConnectionError):
        client.command(client.waiting[0])
    client.command(client.waiting[0])


def retries_after_an_error(client: Client) -> None:
    client.oms.faults.add("command_package", status=500, times=1)
    client.command(client.waiting[0])
    client.command(client.waiting[0])


def polls_quickly(client: Client) -> None:
    for _ in range(5):
        client.get(f"{LIST}{client.waiting[0]}/")


def polls_slowly(client: Client) -> None:
    for _ in range(5):
        client.get(f"{LIST}{client.waiting[0]}/")
        client.wait(1)


def backs_off_while_sleep_is_replaced(client: Client) -> None:
    with patch("time.sleep"):
        for seconds in (1, 2, 4, 8):
            client.get(f"{LIST}{client.waiting[0]}/")
            time.sleep(seconds)
        client.get(f"{LIST}{client.waiting[0]}/")


def obeys_retry_after_while_sleep_is_replaced(client: Client) -> None:
    client.oms.faults.add("list_packages", status=503, retry_after=10, times=1)
    with patch("time.sleep"):
        client.get()
        time.sleep(10)
        client.get()


def backs_off_while_sleep_advances_the_clock(client: Client) -> None:
    with patch("time.sleep", client.wait):
        for seconds in (1, 2, 4, 8):
            client.get(f"{LIST}{client.waiting[0]}/")
            time.sleep(seconds)
        client.get(f"{LIST}{client.waiting[0]}/")


def polls_quickly_while_sleep_advances_the_clock(client: Client) -> None:
    with patch("time.sleep", client.wait):
        for _ in range(3):
            client.get(f"{LIST}{client.waiting[0]}/")
            time.sleep(0.1)


def reads_twice(client: Client) -> None:
    client.get(f"{LIST}{client.waiting[0]}/")
    client.get(f"{LIST}{client.waiting[0]}/")


def reads_after_each_write(client: Client) -> None:
    pk = client.waiting[0]
    for number in range(4):
        client.session.post(f"{LIST}{pk}/set_remote_id/", json={"remote_id": f"R{number}"})
        client.get(f"{LIST}{pk}/")


def reads_five_pages(client: Client) -> None:
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


def fetches_packages_that_were_not_listed(client: Client) -> None:
    listed = client.rows(4)
    for pk in [package.id for package in client.oms.world.records.all(Package) if package.id not in listed][:6]:
        client.get(f"{LIST}{pk}/")


CASES: dict[Callable[[Client], None], tuple[str, ...]] = {
    retries_too_early: ("impatience",),
    retries_after_the_delay: (),
    calls_another_operation: (),
    repeats_a_command: ("repetition",),
    commands_two_packages: (),
    repeats_a_command_after_another_one: (),
    retries_after_a_lost_response: (),
    retries_after_an_error: (),
    polls_quickly: ("polling",),
    polls_slowly: (),
    backs_off_while_sleep_is_replaced: (),
    obeys_retry_after_while_sleep_is_replaced: (),
    backs_off_while_sleep_advances_the_clock: (),
    polls_quickly_while_sleep_advances_the_clock: ("polling",),
    reads_twice: (),
    reads_after_each_write: (),
    reads_five_pages: (),
    fetches_each_row: ("row_by_row",),
    fetches_two_rows: (),
    fetches_fewer_than_half: (),
    fetches_packages_that_were_not_listed: (),
}


@pytest.mark.medium
@pytest.mark.parametrize(("behave", "expected"), CASES.items(), ids=[behave.__name__ for behave in CASES])
def test_audit_reports_the_expected_findings(
    behave: Callable[[Client], None], expected: tuple[str, ...], oms: Emulator
) -> None:
    """Over HTTP and in Python. A finding fails `assert_well_behaved`."""
    client = Client(oms)
    behave(client)
    findings = oms.audit()
    assert tuple(finding["kind"] for finding in findings) == expected
    answer = client.session.get("/__admin/audit")
    check_body("audit", answer.content)
    assert answer.json() == {"count": len(expected), "results": findings}
    if not expected:
        oms.assert_well_behaved()
        return
    with pytest.raises(AssertionError, match=f"{expected[0]}: "):
        oms.assert_well_behaved()
    ids = {exchange.id for exchange in oms.world.journal.newest_first()}
    assert set(findings[0]["requests"]) <= ids
    assert len(findings[0]["requests"]) >= 2


def test_every_rule_has_a_case() -> None:
    assert {kind for kinds in CASES.values() for kind in kinds} == RULES.keys()


@pytest.mark.medium
def test_requests_to_the_reference_are_audited(oms: Emulator) -> None:
    session = oms.session()
    session.headers["Authorization"] = f"Bearer {oms.jwt()}"
    for row in session.get("/packages/?limit=4").json()["results"]:
        session.get(f"/packages/{row['id']}/")
    assert [finding["kind"] for finding in oms.audit()] == ["row_by_row"]


def test_finding_names_the_requests(oms: Emulator) -> None:
    client = Client(oms)
    retries_too_early(client)
    (finding,) = oms.audit()
    assert finding["says"] == (
        "GET /api/v1/oms/packages/ was repeated 9.000 seconds after a 503 with Retry-After: 10"
    )
    assert finding["requests"] == ["00000001", "00000002"]
    assert finding["operation"] == "list_packages"


@pytest.mark.medium
def test_deleted_requests_are_not_audited(oms: Emulator) -> None:
    client = Client(oms)
    polls_quickly(client)
    client.session.delete("/__admin/requests")
    assert oms.audit() == []
