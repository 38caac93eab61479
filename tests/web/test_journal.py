"""The journal: filters, limits, and masked secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.state.journal import Exchange, Journal, RequestInfo

LIST = "/api/v1/oms/packages/"
JOURNAL = "/__admin/requests"


def list_requests(client: requests.Session, **parameters: Any) -> list[dict[str, Any]]:
    return list(client.get(JOURNAL, params=parameters).json()["results"])


@pytest.fixture
def used(client: requests.Session) -> requests.Session:
    client.get(LIST, params={"limit": 1})
    client.get(f"{LIST}0/")
    client.head(LIST)
    client.post(f"{LIST}1/command/", json={"slug": "x"})
    return client


@pytest.mark.medium
def test_exchange_has_the_documented_keys(used: requests.Session) -> None:
    newest = list_requests(used)[0]
    assert list(newest) == [
        *("id", "at", "operation", "method", "path", "query", "status", "token", "hint", "fault"),
        *("provenance", "test", "request", "response"),
    ]
    assert (newest["request"]["body"], newest["response"]["headers"]["Content-Type"]) == (
        {"slug": "x"},
        "application/json",
    )


FILTERS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "all, newest first": ({}, [4, 3, 2, 1]),
    "operation": ({"operation": "list_packages"}, [3, 1]),
    "method in any case": ({"method": "head"}, [3]),
    "status": ({"status": 404}, [4, 2]),
    "a part of the path": ({"path": "/command/"}, [4]),
    "limit": ({"limit": 2}, [4, 3]),
    "several": ({"operation": "list_packages", "method": "GET", "status": 200}, [1]),
    "none": ({"operation": "get_transfer"}, []),
}


@pytest.mark.medium
@pytest.mark.parametrize(("parameters", "found"), FILTERS.values(), ids=FILTERS)
def test_filters_select_exchanges(used: requests.Session, parameters: dict[str, Any], found: list[int]) -> None:
    answer = used.get(JOURNAL, params=parameters).json()
    assert [int(one["id"]) for one in answer["results"]] == found
    assert answer["count"] == (4 if "limit" in parameters else len(found))


@pytest.mark.medium
@pytest.mark.parametrize("parameters", [{"statsu": "1"}, {"status": "x"}, {"limit": "-1"}])
def test_invalid_filter_is_refused(client: requests.Session, parameters: dict[str, str]) -> None:
    answer = client.get(JOURNAL, params=parameters)
    assert answer.status_code == 400
    assert next(iter(parameters)) in answer.json()["error"]


@pytest.mark.medium
def test_exchange_is_found_by_its_request_id(used: requests.Session) -> None:
    id_ = used.get(LIST).headers["X-Emulator-Request-Id"]
    assert used.get(f"{JOURNAL}/{id_}").json()["path"] == LIST
    assert used.get(f"{JOURNAL}/99999999").status_code == 404
    assert used.delete(JOURNAL).status_code == 204
    assert list_requests(used) == []


@pytest.mark.medium
def test_control_requests_are_not_in_the_journal(client: requests.Session) -> None:
    client.get("/__admin/health")
    assert list_requests(client) == []


def exchange(number: int, size: int) -> Exchange:
    return Exchange(
        str(number), datetime(2026, 1, 1, tzinfo=UTC), "GET", "/", "", 200, RequestInfo(), {}, {}, b"x" * size
    )


def test_journal_keeps_a_limited_number_of_exchanges() -> None:
    journal = Journal(limit=3)
    for number in range(10):
        journal.add(exchange(number, 1))
    assert [one.id for one in journal.newest_first()] == ["9", "8", "7"]
    assert journal.evicted_count == 7


def test_journal_keeps_a_limited_number_of_bytes_but_the_latest_exchange() -> None:
    journal = Journal(byte_limit=100)
    for number in range(5):
        journal.add(exchange(number, 40))
    assert [one.id for one in journal.newest_first()] == ["4", "3"]
    journal.add(exchange(5, 1_000))
    assert [one.id for one in journal.newest_first()] == ["5"]
    journal.add(exchange(6, 10))
    assert [one.id for one in journal.newest_first()] == ["6"]


def test_size_of_the_journal_is_an_option() -> None:
    oms = Emulator("empty", journal_size=2)
    for _ in range(3):
        oms.session().get(LIST)
    assert len(oms.requests) == 2


SECRET = "swordfish"
MULTIPART = f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{SECRET}\r\n--b--\r\n'
LEAKS: dict[str, dict[str, Any]] = {
    "Authorization": {"headers": {"Authorization": f"Token {SECRET}"}},
    "Authorization without a scheme": {"headers": {"Authorization": SECRET}},
    "Bearer": {"headers": {"Authorization": f"Bearer {SECRET}"}},
    "Cookie": {"headers": {"Cookie": f"sessionid={SECRET}"}},
    "another header": {"headers": {"X-Api-Key": SECRET, "X-Auth-Token": SECRET, "Proxy-Authorization": SECRET}},
    "query": {"params": {"token": SECRET}},
    "JSON": {"json": {"username": "a", "password": SECRET}},
    "JSON, deep": {"json": {"a": [{"auth": {"user": "u", "pass": SECRET}}]}},
    "JSON, other case": {"json": {"Password": SECRET}},
    "JSON that is none": {"data": f'{{"password": "{SECRET}"', "headers": {"Content-Type": "application/json"}},
    "JSON that ends in it": {"data": f'{{"password": "{SECRET}', "headers": {"Content-Type": "application/json"}},
    "form": {"data": {"username": "a", "password": SECRET}},
    "form, first": {"data": f"password={SECRET}&x=1"},
    "multipart": {"data": MULTIPART, "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
    "hook": {
        "url": "/whisperer/hooks/",
        "json": {"target_url": "http://x", "secret_key": SECRET, "additional_headers": {"X": SECRET}},
    },
}


@pytest.mark.medium
@pytest.mark.parametrize("sent", LEAKS.values(), ids=LEAKS)
def test_secrets_are_masked(client: requests.Session, oms: Emulator, sent: dict[str, Any]) -> None:
    """The journal stores the secret, but neither the control API nor the Python API returns it."""
    arguments = {"url": "/api/v1/auth/login/"} | sent
    client.post(**arguments)
    assert SECRET in repr(oms.world.journal.get("00000001"))
    assert SECRET not in json.dumps(list_requests(client))
    assert SECRET not in repr(oms.requests[0]) + repr(oms.requests[0].request)


@pytest.mark.medium
def test_built_in_token_is_not_masked(used: requests.Session) -> None:
    assert list_requests(used)[0]["request"]["headers"]["Authorization"] == "Token full-access"


@pytest.mark.medium
def test_token_of_a_login_is_masked(client: requests.Session) -> None:
    client.post("/api/v1/auth/login/", json={"username": "admin", "password": "admin"})
    assert list_requests(client)[0]["response"]["body"] == {"key": "***"}
