"""`oms.intercept` sends `requests` calls for given hosts to the emulator, and leaves other hosts alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import requests_mock
import responses
from requests.adapters import HTTPAdapter

from emulator import Emulator

HOST = "https://acme-oms.akinon.net"
LIST = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}


class Unreachable(HTTPAdapter):
    """Replacement for the network that raises an error for each request that is not intercepted."""

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        raise requests.ConnectionError(f"went out to {request.url}")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the network of all sessions that a test creates."""
    original = requests.Session.__init__

    def init_without_network(self: requests.Session) -> None:
        original(self)
        for scheme in ("http://", "https://"):
            self.mount(scheme, Unreachable())

    monkeypatch.setattr(requests.Session, "__init__", init_without_network)


def count(url: str = HOST) -> int:
    return int(requests.get(url + LIST, headers=AUTH, timeout=1).json()["count"])


def test_module_functions_and_links_are_intercepted(oms: Emulator) -> None:
    with oms.intercept(HOST):
        answer = requests.get(HOST + LIST, headers=AUTH, timeout=1)
        assert answer.json()["next"] == f"{HOST}{LIST}?page=2"
        assert requests.get(answer.json()["next"], headers=AUTH, timeout=1).json()["previous"] == HOST + LIST
        assert requests.get(f"{HOST}{LIST[:-1]}", headers=AUTH, timeout=1).url == HOST + LIST, (
            "redirects are intercepted"
        )
    oms.requests.assert_called("list_packages", times=3)


def test_every_session_is_intercepted_with_any_age_and_adapters(oms: Emulator) -> None:
    class CustomSession(requests.Session):
        pass

    before = requests.Session()
    before.mount(HOST, Unreachable())
    with oms.intercept(HOST):
        for session in (before, requests.Session(), CustomSession()):
            session.mount(f"{HOST}/api/", Unreachable())
            assert session.get(HOST + LIST, headers=AUTH).status_code == 200


def test_inside_a_mock_the_interception_has_precedence(oms: Emulator) -> None:
    """The mock answers other hosts, and all hosts after the interception."""
    session = requests.Session()
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, json={"count": -1})
        for _ in range(2):
            with oms.intercept(HOST):
                assert (count(), count("https://other.test")) == (200, -1)
                assert session.get(HOST + LIST, headers=AUTH).json()["count"] == 200
                redirected = session.get(f"{HOST}{LIST[:-1]}", headers=AUTH)
                assert redirected.json()["count"] == 200
            assert (count(), session.get(HOST + LIST).json()["count"]) == (-1, -1)
        assert {request.hostname for request in mock.request_history} == {"other.test", "acme-oms.akinon.net"}
    with oms.intercept(HOST):
        assert session.get(HOST + LIST, headers=AUTH).json()["count"] == 200, "a session that was mocked before"
    with pytest.raises(requests.ConnectionError, match="went out"):
        session.get(HOST + LIST)


def test_a_mock_inside_an_interception_has_precedence(oms: Emulator) -> None:
    """With `real_http`, requests that the mock does not know are intercepted."""
    session, other = requests.Session(), Emulator("demo", packages=3)
    with oms.intercept(HOST):
        with requests_mock.Mocker() as mock:
            mock.get(HOST + LIST, json={"count": -1})
            assert (count(), session.get(HOST + LIST).json()["count"]) == (-1, -1)
            with other.intercept(HOST):
                assert count() == 3
            assert count() == -1
        with requests_mock.Mocker(session=session, real_http=True) as mock:
            mock.get(f"{HOST}/other/", text="mocked")
            assert session.get(f"{HOST}/other/").text == "mocked"
            assert session.get(HOST + LIST, headers=AUTH).json()["count"] == 200
            assert count() == 200
        assert (count(), session.get(HOST + LIST, headers=AUTH).json()["count"]) == (200, 200)
    with pytest.raises(requests.ConnectionError, match="went out"):
        session.get(HOST + LIST)


def test_inside_responses_the_interception_has_precedence(oms: Emulator) -> None:
    session = requests.Session()
    session.mount(HOST, HTTPAdapter(max_retries=2))
    with responses.RequestsMock() as mock:
        mock.get(HOST + LIST, json={"count": -1})
        assert session.get(HOST + LIST).json()["count"] == -1
        with oms.intercept(HOST):
            assert session.get(HOST + LIST, headers=AUTH).json()["count"] == 200


def test_interception_ends_with_the_context(oms: Emulator) -> None:
    original = requests.Session.get_adapter
    with oms.intercept(HOST):
        assert requests.Session.get_adapter is not original
    assert requests.Session.get_adapter is original
    with pytest.raises(ZeroDivisionError), oms.intercept(HOST):
        raise ZeroDivisionError
    assert requests.Session.get_adapter is original
    with pytest.raises(requests.ConnectionError):
        count()


OTHERS = (
    "https://acme-oms.akinon.net.evil.test",
    "https://xacme-oms.akinon.net",
    "https://acme-oms.akinon.net:8443",
    "https://acme-oms.akinon.net@other.test",
    "https://other.test/https://acme-oms.akinon.net",
)


@pytest.mark.parametrize("other", OTHERS)
def test_other_host_is_not_intercepted(oms: Emulator, other: str) -> None:
    with oms.intercept(HOST), pytest.raises(requests.ConnectionError, match="went out"):
        count(other)


SPELLINGS = (
    "HTTPS://ACME-OMS.AKINON.NET",
    f"{HOST}:443",
    "http://acme-oms.akinon.net",
    "https://user:pw@acme-oms.akinon.net",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_any_spelling_of_the_host_is_intercepted(oms: Emulator, spelling: str) -> None:
    """Plain HTTP is included, so that no request reaches the real service by mistake."""
    with oms.intercept(HOST):
        assert requests.get(spelling + LIST, headers=AUTH, timeout=1).headers["X-Emulator-Request-Id"]


def test_port_is_part_of_the_host(oms: Emulator) -> None:
    with oms.intercept("http://localhost:8000"):
        assert count("http://localhost:8000") == 200
        with pytest.raises(requests.ConnectionError):
            count("http://localhost")


def test_several_hosts_and_nested_interceptions(oms: Emulator) -> None:
    other = Emulator("demo", packages=3)
    with oms.intercept(HOST, "https://second.test"):
        assert (count(), count("https://second.test")) == (200, 200)
        with other.intercept(HOST):
            assert (count(), count("https://second.test")) == (3, 200)
        assert count() == 200


def test_named_world_has_no_prefix_on_the_intercepted_host(oms: Emulator) -> None:
    other = oms.in_world("other", "demo")
    other.package()
    with other.intercept(HOST) as there:
        answer = requests.get(HOST + LIST, headers=AUTH, timeout=1)
        assert (answer.json()["count"], answer.json()["next"]) == (201, f"{HOST}{LIST}?page=2")
        assert there is other
    assert len(oms.requests) == 0


def test_intercept_can_decorate_a_function(oms: Emulator) -> None:
    @oms.intercept(HOST)
    def ask() -> int:
        return count()

    assert (ask(), ask()) == (200, 200)


def test_threads_can_intercept_concurrently(oms: Emulator) -> None:
    """Each thread intercepts another host, and they end in the order in which they began."""
    original = requests.Session.get_adapter
    emulators = [Emulator("demo", packages=number) for number in range(8)]
    all_began, previous_ended = threading.Barrier(8), [threading.Event() for _ in range(9)]
    previous_ended[0].set()

    def use(number: int) -> tuple[int, int]:
        url = f"https://host{number}.test"
        with emulators[number].intercept(url):
            all_began.wait(30)
            first = count(url)
            assert previous_ended[number].wait(30)
            second = count(url)
        previous_ended[number + 1].set()
        return first, second

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == [(number, number) for number in range(8)]
    assert requests.Session.get_adapter is original


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("acme-oms.akinon.net", "not http:// or https:// and a host"),
        ("https://", "not http:// or https:// and a host"),
        (f"{HOST}/api/", f"a whole host, like {HOST}"),
        (f"{HOST}:99999", "its port is not a number from 0 to 65535"),
    ],
)
def test_invalid_host_raises_a_value_error(oms: Emulator, url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message), oms.intercept(url):
        pass
    with pytest.raises(ValueError, match="intercept what"), oms.intercept():
        pass


def test_every_kind_of_body_is_received(oms: Emulator) -> None:
    with oms.intercept(HOST):
        url = f"{HOST}{LIST}{oms.package()['id']}/set_remote_id/"
        kind = AUTH | {"Content-Type": "application/json"}
        for number, body in enumerate(
            (b'{"remote_id": "0"}', '{"remote_id": "1"}', iter([b'{"remote_id"', b': "2"}']))
        ):
            assert requests.post(url, data=body, headers=kind, timeout=1).status_code == 204
            oms.requests.assert_called("set_package_remote_id", json={"remote_id": str(number)})
