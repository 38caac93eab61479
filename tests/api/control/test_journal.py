"""The journal: requests and responses, newest first, limited in size, with masked secrets."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from emulator.state.journal import Exchange, Journal, RequestInfo
from tests.support.answers import check_body
from tests.support.reads import wsgi_sender
from tests.support.worlds import START

LIST = "/api/v1/oms/packages/"
LOGIN = "/api/v1/auth/login/"
FULL = {"Authorization": "Token full-access"}
SECRET = "hunter2"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=2)


def journal(oms: Emulator, query: str = "") -> Any:
    answer = wsgi_sender(oms)("GET", f"/__admin/requests{query}")
    assert answer.status == 200
    check_body("exchanges", answer.body)
    return answer.json


@pytest.mark.medium
def test_exchange_contains_request_and_response(oms: Emulator) -> None:
    ask = wsgi_sender(oms)
    pk = ask("GET", f"{LIST}?limit=1", None, FULL).json["results"][0]["id"]
    body = b'{"slug":"no","input_parameters":{}}'
    sent = {"Content-Type": "application/json", **FULL}
    rejected = ask("POST", f"{LIST}{pk}/command/?colour=red", body, sent)
    exchange = journal(oms)["results"][0]
    exchange["request"]["text"] = body.decode()
    detailed = ask("GET", f"/__admin/requests/{rejected.headers['X-Emulator-Request-Id']}").json
    assert detailed == exchange | {"rests_on": detailed["rests_on"]}
    assert {
        key: exchange[key] for key in ("id", "operation", "method", "path", "query", "status", "token", "fault")
    } == {
        "id": "00000002",
        "operation": "command_package",
        "method": "POST",
        "path": f"{LIST}{pk}/command/",
        "query": "colour=red",
        "status": 400,
        "token": "full-access",
        "fault": None,
    }
    assert exchange["hint"] == rejected.headers["X-Emulator-Hint"]
    assert exchange["request"]["body"] == {"slug": "no", "input_parameters": {}}
    assert exchange["response"]["body"] == rejected.json
    assert exchange["request"]["headers"]["Authorization"] == "Token full-access", "a built-in token is not a secret"
    assert exchange["response"]["headers"]["Allow"] == rejected.headers["Allow"]


@pytest.mark.medium
def test_brief_list_omits_only_request_and_response(oms: Emulator) -> None:
    """A value that is not a boolean is rejected."""
    ask = wsgi_sender(oms)
    ask("GET", LIST, None, FULL)
    (full,) = journal(oms, "?brief=false")["results"]
    assert journal(oms, "?brief=true&operation=list_packages")["results"] == [
        {key: value for key, value in full.items() if key not in {"request", "response"}}
    ]
    refused = ask("GET", "/__admin/requests?brief=1")
    assert (refused.status, refused.json["error"]) == (400, "brief must be true or false (got '1')")


@pytest.mark.medium
def test_filters_select_exchanges_newest_first(oms: Emulator) -> None:
    ask = wsgi_sender(oms)
    for path in (LIST, f"{LIST}1/", LIST, "/nowhere/"):
        ask("GET", path, None, FULL)
    ask("HEAD", LIST, None, FULL)
    assert [row["id"] for row in journal(oms)["results"]] == [f"{number:08d}" for number in (5, 4, 3, 2, 1)]
    assert journal(oms, "?operation=list_packages")["count"] == 3
    assert journal(oms, "?operation=list_packages&method=head")["count"] == 1
    assert journal(oms, "?status=404")["count"] == 2
    assert journal(oms, "?path=/packages/1/")["count"] == 1
    limited = journal(oms, "?limit=2")
    assert (limited["count"], len(limited["results"])) == (5, 2)
    assert journal(oms, "?limit=0")["results"] == []
    assert ask("DELETE", "/__admin/requests").status == 204
    assert journal(oms)["count"] == 0
    assert ask("GET", LIST, None, FULL).headers["X-Emulator-Request-Id"] == "00000006", "numbering continues"


SECRETS: list[tuple[str, bytes]] = [
    ("application/json", b'{"username": "u", "password": "hunter2"}'),
    ("application/json", b'{"username": "\\ud800", "password": "hunter2"}'),
    ("application/json", b'{"n": 123456789012345678901234567890, "password": "hunter2"}'),
    ("application/json", b'[{"a": {"password": ["hunter2"]}}]'),
    ("application/json", b'{"username": "u", "password" : "hunter2"'),
    ("application/json", b'{"password": "hunter2'),
    ("application/json", b'{"password": "\\"hunter2", oops'),
    ("application/x-www-form-urlencoded", b"username=u&password=hunter2"),
]


@pytest.mark.medium
@pytest.mark.parametrize(("kind", "body"), SECRETS)
def test_secrets_of_bodies_are_masked(kind: str, body: bytes, oms: Emulator) -> None:
    """Malformed bodies are masked, too."""
    wsgi_sender(oms)("POST", LOGIN, body, {"Content-Type": kind})
    text = wsgi_sender(oms)("GET", "/__admin/requests").body.decode()
    assert SECRET not in text
    assert "***" in text


@pytest.mark.medium
@pytest.mark.parametrize("header", ["Token hunter2", "Bearer hunter2", "Basic hunter2", SECRET])
def test_secrets_of_headers_are_masked(header: str, oms: Emulator) -> None:
    headers = {"Authorization": header, "Proxy-Authorization": SECRET, "X-Api-Key": SECRET}
    wsgi_sender(oms)("GET", LIST, None, headers)
    exchange = journal(oms)["results"][0]
    assert SECRET not in str(exchange)
    assert exchange["token"] is None
    assert exchange["request"]["headers"]["X-Api-Key"] == "***"


@pytest.mark.medium
def test_token_of_a_login_is_masked(oms: Emulator) -> None:
    body = b'{"username": "admin", "password": "admin"}'
    assert wsgi_sender(oms)("POST", LOGIN, body, {"Content-Type": "application/json"}).json == {"key": "full-access"}
    exchange = journal(oms)["results"][0]
    assert exchange["request"]["body"] == {"username": "admin", "password": "***"}
    assert exchange["response"]["body"] == {"key": "***"}


@pytest.mark.medium
def test_binary_body_is_shown_as_text(oms: Emulator) -> None:
    for body in (b"\xff\x00", b"\x01", "ü".encode("utf-16")):
        wsgi_sender(oms)("POST", LOGIN, body, {"Content-Type": "application/json"})
        assert isinstance(journal(oms)["results"][0]["request"]["body"], str)


@pytest.mark.medium
def test_failed_request_has_its_body(oms: Emulator) -> None:
    """The body is recorded even if the record was not found and the body was not parsed."""
    wsgi_sender(oms)("POST", f"{LIST}1/command/", b"{}", {"Content-Type": "application/json", **FULL})
    exchange = journal(oms)["results"][0]
    assert (exchange["status"], exchange["request"]["body"]) == (404, {})


def make_exchange(number: int, size: int) -> Exchange:
    return Exchange(str(number), START, "GET", "/", "", 200, RequestInfo(), {}, {}, b"x" * size)


def test_journal_is_limited_in_number_and_bytes() -> None:
    """The oldest exchange is evicted first. The latest is never evicted."""
    journal = Journal(limit=3, byte_limit=100)
    for number in range(5):
        journal.add(make_exchange(number, 10))
    assert [exchange.id for exchange in journal.newest_first()] == ["4", "3", "2"]
    journal.add(make_exchange(5, 85))
    assert [exchange.id for exchange in journal.newest_first()] == ["5", "4"]
    journal.add(make_exchange(6, 1_000))
    assert [exchange.id for exchange in journal.newest_first()] == ["6"]
    assert (journal.get("6") is not None, journal.get("5")) == (True, None)
    journal.clear()
    journal.add(make_exchange(7, 90))
    assert len(journal) == 1


@pytest.mark.medium
def test_each_world_has_its_own_journal_and_ids(oms: Emulator) -> None:
    oms.in_world("other")
    ask = wsgi_sender(oms)
    ask("GET", LIST, None, FULL)
    assert ask("GET", f"/w/other{LIST}", None, FULL).headers["X-Emulator-Request-Id"] == "00000001"
    assert ask("GET", "/w/other/__admin/requests").json["count"] == 1
    assert ask("GET", "/w/other/__admin/requests").json["results"][0]["path"] == LIST
    oms.reset()
    assert journal(oms)["count"] == 0
