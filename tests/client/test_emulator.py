"""`Emulator`: in process, on a port, several at once; and over every way that clients know."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from werkzeug.test import Client

import emulator
from emulator import Emulator
from emulator.core.records import Package
from emulator.domain.scenario_files import bundled_scenarios

LIST = "/api/v1/oms/packages/"


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """Return an emulator on a port, for tests that change nothing."""
    with Emulator("demo") as oms:
        yield oms


@pytest.fixture
def wire(running: Emulator) -> Iterator[http.client.HTTPConnection]:
    """Return an HTTP connection to the running emulator."""
    url = urlsplit(running.url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=10)
    yield connection
    connection.close()


def exchange(
    wire: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> Any:
    wire.request(method, path, body, {"Authorization": "Token full-access"} | headers)
    answer = wire.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_the_package_shows_four_names() -> None:
    assert emulator.__all__ == ["JWT_SECRET", "Emulator", "__version__", "create_app", "stable"]


def test_a_running_emulator_answers_requests(running: Emulator) -> None:
    answer = requests.get(f"{running.url}{LIST}", headers=running.auth, timeout=10)
    assert (answer.status_code, answer.json()["count"]) == (200, 200)
    assert answer.json()["next"] == f"{running.url}{LIST}?page=2"


def test_a_session_speaks_to_the_running_emulator_too(running: Emulator) -> None:
    assert running.session().get(LIST).json()["next"].startswith(running.url)


@pytest.mark.medium
def test_a_connection_is_kept_alive_over_all_kinds_of_answers(
    wire: http.client.HTTPConnection, running: Emulator
) -> None:
    pk = running.world.records.ids(Package)[0]
    asks = [
        ("GET", LIST, None, 200),
        ("HEAD", LIST, None, 200),
        ("POST", f"{LIST}{pk}/command/", b'{"transition": 1}', 400),
        ("GET", f"{LIST}0/", None, 404),
        ("PUT", LIST, b"x", 405),
        ("OPTIONS", LIST, None, 200),
        ("GET", "/api/v1/oms/packages", None, 301),
        ("GET", "/nowhere/", None, 404),
        ("GET", "/__admin/health", None, 200),
    ]
    wire.connect()
    first = wire.sock
    for method, path, body, status in asks:
        found, headers, content = exchange(wire, method, path, body, **{"Content-Type": "application/json"})
        assert (found, method, path) == (status, method, path)
        assert (content == b"") == (method == "HEAD" or status == 301)
        assert int(headers["Content-Length"]) == len(content) or method == "HEAD"
    assert wire.sock is first


@pytest.mark.medium
def test_204_has_no_body_and_keeps_the_connection() -> None:
    with Emulator("demo") as oms:
        url = urlsplit(oms.url)
        wire = http.client.HTTPConnection(str(url.hostname), url.port, timeout=10)
        pk = oms.world.records.ids(Package)[0]
        body, kind = b'{"remote_id": "R"}', {"Content-Type": "application/json"}
        status, headers, content = exchange(wire, "POST", f"{LIST}{pk}/set_remote_id/", body, **kind)
        assert (status, content, headers.get("Content-Type")) == (204, b"", None)
        assert exchange(wire, "POST", "/__admin/reset")[0] == 204
        assert exchange(wire, "GET", f"{LIST}{pk}/")[0] == 200
        wire.close()


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_big_request_is_read_or_refused_and_the_emulator_continues(
    wire: http.client.HTTPConnection, running: Emulator, size: int
) -> None:
    pk = running.world.records.ids(Package)[0]
    body = b'{"remote_id": "' + b"x" * size + b'"}'
    kind = {"Content-Type": "application/json"}
    assert exchange(wire, "POST", f"{LIST}{pk}/set_remote_id/", body, **kind)[0] == 400
    assert exchange(wire, "GET", LIST)[0] == 200


def test_a_chunked_request_is_read(running: Emulator) -> None:
    pk = running.world.records.ids(Package)[0]
    chunks = iter([b'{"transition"', b": 1, ", b'"input_parameters": {}}'])
    answer = requests.post(
        f"{running.url}{LIST}{pk}/command/",
        data=chunks,
        headers=running.auth | {"Content-Type": "application/json"},
        timeout=10,
    )
    assert answer.json()["error"] == {"transition": ['Invalid pk "1" - object does not exist.']}


@pytest.mark.medium
def test_many_clients_at_once_get_their_own_answers(running: Emulator) -> None:
    pks = list(running.world.records.ids(Package))[:60]

    def ask(pk: int) -> int:
        return int(requests.get(f"{running.url}{LIST}{pk}/", headers=running.auth, timeout=30).json()["id"])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, pks)) == pks


def test_a_package_is_invoiced_once_however_many_ask_at_the_same_time() -> None:
    oms = Emulator("demo")
    url = f"{LIST}{oms.world.records.ids(Package)[0]}/invoice/"
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: oms.session().post(url).status_code, range(8)))
    assert statuses == [201] + [400] * 7


def test_several_emulators_live_side_by_side() -> None:
    with Emulator("demo") as one, Emulator("demo") as other, Emulator("empty") as third:
        assert len({one.url, other.url, third.url}) == 3
        pk = one.world.records.ids(Package)[0]
        url = f"{LIST}{pk}/set_remote_id/"
        assert requests.post(one.url + url, json={"remote_id": "R"}, headers=one.auth, timeout=10).status_code == 204
        found = [
            requests.get(f"{oms.url}{LIST}{pk}/", headers=oms.auth, timeout=10).json().get("remote_id", "-")
            for oms in (one, other, third)
        ]
        assert found == ["R", None, "-"]


def test_stop_frees_the_port_and_ends_the_threads() -> None:
    oms = Emulator("empty")
    before = set(threading.enumerate())
    url = urlsplit(oms.start())
    assert oms.url != "http://oms.test"
    requests.get(f"{oms.url}{LIST}", headers=oms.auth, timeout=10)
    oms.stop()
    with pytest.raises(ConnectionError):
        socket.create_connection((str(url.hostname), url.port or 0), timeout=5)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((str(url.hostname), url.port or 0))
    assert oms.url == "http://oms.test"
    oms.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)
    assert set(threading.enumerate()) <= before
    assert oms.session().get(LIST).status_code == 200


def test_an_emulator_can_be_started_again() -> None:
    oms = Emulator("empty")
    for _ in range(2):
        with oms:
            assert requests.get(f"{oms.url}{LIST}", headers=oms.auth, timeout=10).status_code == 200


def test_an_error_inside_with_stops_the_emulator_and_is_raised() -> None:
    with pytest.raises(ZeroDivisionError), Emulator("empty") as oms:
        raise ZeroDivisionError
    assert oms.url == "http://oms.test"


def test_a_taken_port_is_an_os_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Emulator("empty", port=taken.getsockname()[1]).start()


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")])
def test_the_url_is_one_that_can_be_called(host: str, shown: str) -> None:
    with Emulator("empty", host=host) as oms:
        assert urlsplit(oms.url).hostname == shown
        assert requests.get(f"{oms.url}{LIST}", headers=oms.auth, timeout=10).status_code == 200


def given(value: Any) -> Any:
    """Return a value whose type is wrong."""
    return value


WRONG = {
    "scenario": (lambda: Emulator("dmeo"), "Did you mean demo"),
    "clock": (lambda: Emulator(clock="slow"), "unknown clock 'slow'; known: real, frozen, ticking"),
    "delivery": (lambda: Emulator(delivery=given("flsh")), "unknown delivery 'flsh'; .* Did you mean flush"),
    "port": (lambda: Emulator(port=65536), r"port must be from 0 to 65535 \(got 65536\)"),
    "worlds": (lambda: Emulator(max_worlds=0), r"max_worlds must be from 1 to \d+ \(got 0\)"),
    "journal": (lambda: Emulator(journal_size=-1), r"journal_size must be from 0 to \d+ \(got -1\)"),
    "one host": (lambda: Emulator(allow_webhook_hosts="x.test"), r"'x.test' must be in a list: \['x.test'\]"),
    "one origin": (lambda: Emulator(cors_origins="http://x"), r"'http://x' must be in a list"),
    "receiver": (lambda: Emulator("empty").hooks.add(given(3)), r"must be a URL or a function \(got 3\)"),
    "packages": (lambda: Emulator(packages=-1), r"packages must be at least 0 \(got -1\)"),
    "too many packages": (lambda: Emulator(packages=99_999_999_999), "packages must be at most 10000000"),
    "installation": (lambda: Emulator(installation="nope"), "^unknown installation 'nope'; known: default"),
    "file": (lambda: Emulator("/nowhere.json"), "cannot read scenario file /nowhere.json: No such file"),
}


@pytest.mark.parametrize(("make", "said"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_value_errors_that_name_what_is_known(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.medium
def test_arguments_reach_the_world() -> None:
    oms = Emulator("demo", packages=12, seed=99, clock="ticking")
    assert (oms.session().get(LIST).json()["count"], oms.world.settings.source.seed, oms.clock.mode) == (
        12,
        99,
        "ticking",
    )


@pytest.mark.medium
def test_emulator_of_a_sample_has_the_path_of_the_sample() -> None:
    assert Emulator("demo").request is None
    for name in bundled_scenarios():
        if name.startswith("documented/"):
            oms = Emulator(name)
            assert oms.session().get(str(oms.request)).status_code == 200


def test_the_sessions_clock_is_the_worlds(oms: Emulator) -> None:
    before = oms.clock.now()
    oms.clock.advance(seconds=5)
    assert (oms.clock.now() - before).total_seconds() == 5
    oms.reset()
    assert oms.clock.now() == before


# --- clients that we did not write -----------------------------------------------------------------------------


@pytest.mark.medium
def test_httpx_speaks_to_the_application(oms: Emulator) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app=oms.app), base_url="http://oms.test") as client:
        answer = client.get(LIST, headers=oms.auth)
        assert (answer.status_code, answer.json()["count"]) == (200, 200)
        pk = answer.json()["results"][0]["id"]
        stored = client.post(f"{LIST}{pk}/set_remote_id/", json={"remote_id": "R"}, headers=oms.auth)
        assert (stored.status_code, stored.content) == (204, b"")
        assert client.get(f"{LIST}{pk}/", headers=oms.auth).json()["remote_id"] == "R"
        assert client.get("/__admin/health").json()["status"] == "ok"


@pytest.mark.medium
def test_werkzeugs_client_speaks_to_the_application(oms: Emulator) -> None:
    client = Client(oms.app)
    answer = client.get(LIST, headers=oms.auth)
    assert (answer.status_code, answer.get_json()["next"]) == (200, f"http://localhost{LIST}?page=2")
    pk = answer.get_json()["results"][0]["id"]
    form = client.post(f"{LIST}{pk}/set_remote_id/", data={"remote_id": "R"}, headers=oms.auth)
    assert form.status_code == 204
    assert client.head(f"{LIST}{pk}/", headers=oms.auth).data == b""


@pytest.mark.medium
def test_flasks_client_speaks_to_the_application(oms: Emulator) -> None:
    assert oms.app.test_client().get(LIST, headers=oms.auth).get_json()["count"] == 200


# --- the session ---------------------------------------------------------------------------------------------------


def test_a_session_takes_paths_and_urls(client: Any) -> None:
    assert client.get(LIST).content == client.get(f"http://oms.test{LIST}").content


def test_a_session_follows_redirects_and_pages(client: Any) -> None:
    answer = client.get("/api/v1/oms/packages")
    assert [step.status_code for step in answer.history] == [301]
    following = client.get(answer.json()["next"]).json()
    assert following["previous"] == f"http://oms.test{LIST}"


def test_a_session_sends_every_kind_of_body(oms: Emulator) -> None:
    client = oms.session()
    url = f"{LIST}{oms.world.records.ids(Package)[0]}/"
    for number, body in enumerate(
        (
            {"json": {"remote_id": "R0"}},
            {"data": {"remote_id": "R1"}},
            {"data": '{"remote_id": "R2"}', "headers": {"Content-Type": "application/json"}},
            {"data": b'{"remote_id": "R3"}', "headers": {"Content-Type": "application/json"}},
            {"files": {"f": b"x"}, "data": {"remote_id": "R4"}},
        )
    ):
        assert client.post(f"{url}set_remote_id/", **body).status_code == 204
        assert client.get(url).json()["remote_id"] == f"R{number}"


def test_a_session_has_all_that_a_response_has(client: Any) -> None:
    answer = client.get(LIST, params={"limit": 1, "x": "ş &"})
    assert (answer.ok, answer.reason, answer.encoding) == (True, "OK", "utf-8")
    assert answer.request.headers["Authorization"] == "Token full-access"
    assert answer.json()["next"] == f"{LIST}?limit=1&page=2&x=%C5%9F+%26".replace("/api", "http://oms.test/api", 1)
    assert answer.elapsed.total_seconds() >= 0
    with pytest.raises(requests.HTTPError):
        client.get(f"{LIST}0/").raise_for_status()
