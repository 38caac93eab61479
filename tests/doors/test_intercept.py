"""`oms.intercept`: plain `requests` calls to a host land in the emulator, and every other host is let be."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests.adapters import HTTPAdapter

from emulator import Emulator

HOST = "https://acme-oms.akinon.net"
LIST = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}


class Unreachable(HTTPAdapter):
    """Stands for the network: whoever gets here was not intercepted."""

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        raise requests.ConnectionError(f"went out to {request.url}")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that are made in a test have no network, and none is asked for a proxy."""
    usual = requests.Session.__init__

    def made(self: requests.Session) -> None:
        usual(self)
        for scheme in ("http://", "https://"):
            self.mount(scheme, Unreachable())

    monkeypatch.setattr(requests.Session, "__init__", made)


def count(url: str = HOST) -> int:
    return int(requests.get(url + LIST, headers=AUTH, timeout=1).json()["count"])


def test_module_functions_land_in_the_emulator_and_links_lead_back_there(oms: Emulator) -> None:
    with oms.intercept(HOST):
        answer = requests.get(HOST + LIST, headers=AUTH, timeout=1)
        assert answer.json()["next"] == f"{HOST}{LIST}?page=2"
        assert requests.get(answer.json()["next"], headers=AUTH, timeout=1).json()["previous"] == HOST + LIST
        assert requests.get(f"{HOST}{LIST[:-1]}", headers=AUTH, timeout=1).url == HOST + LIST, "redirects too"
    oms.requests.assert_called("list_packages", times=3)


def test_every_session_is_taken_whenever_it_was_made_and_whatever_it_mounts(oms: Emulator) -> None:
    class Own(requests.Session):
        pass

    before = requests.Session()
    before.mount(HOST, Unreachable())
    with oms.intercept(HOST):
        for session in (before, requests.Session(), Own()):
            session.mount(f"{HOST}/api/", Unreachable())
            assert session.get(HOST + LIST, headers=AUTH).status_code == 200


def test_all_is_as_before_afterwards(oms: Emulator) -> None:
    usual = requests.Session.get_adapter
    with oms.intercept(HOST):
        assert requests.Session.get_adapter is not usual
    assert requests.Session.get_adapter is usual
    with pytest.raises(ZeroDivisionError), oms.intercept(HOST):
        raise ZeroDivisionError
    assert requests.Session.get_adapter is usual
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
def test_every_other_host_is_let_be(oms: Emulator, other: str) -> None:
    with oms.intercept(HOST), pytest.raises(requests.ConnectionError, match="went out"):
        count(other)


SAME = (
    "HTTPS://ACME-OMS.AKINON.NET",
    f"{HOST}:443",
    "http://acme-oms.akinon.net",
    "https://user:pw@acme-oms.akinon.net",
)


@pytest.mark.parametrize("same", SAME)
def test_the_host_is_one_in_any_spelling_and_by_http_too(oms: Emulator, same: str) -> None:
    """A client that forgets the s must not get out to the real service."""
    with oms.intercept(HOST):
        assert requests.get(same + LIST, headers=AUTH, timeout=1).headers["X-Emulator-Request-Id"]


def test_a_port_is_part_of_the_host(oms: Emulator) -> None:
    with oms.intercept("http://localhost:8000"):
        assert count("http://localhost:8000") == 200
        with pytest.raises(requests.ConnectionError):
            count("http://localhost")


def test_several_hosts_and_nested_ones(oms: Emulator) -> None:
    other = Emulator("demo", packages=3)
    with oms.intercept(HOST, "https://second.test"):
        assert (count(), count("https://second.test")) == (200, 200)
        with other.intercept(HOST):
            assert (count(), count("https://second.test")) == (3, 200)
        assert count() == 200


def test_a_world_that_has_a_name_has_no_prefix_there(oms: Emulator) -> None:
    other = oms.in_world("other", "demo")
    other.package()
    with other.intercept(HOST) as there:
        answer = requests.get(HOST + LIST, headers=AUTH, timeout=1)
        assert (answer.json()["count"], answer.json()["next"]) == (201, f"{HOST}{LIST}?page=2")
        assert there is other
    assert len(oms.requests) == 0


def test_it_decorates_a_function_too(oms: Emulator) -> None:
    @oms.intercept(HOST)
    def ask() -> int:
        return count()

    assert (ask(), ask()) == (200, 200)


def test_threads_begin_and_end_in_any_order(oms: Emulator) -> None:
    """Each thread intercepts a host of its own, and they end in the order in which they began."""
    usual = requests.Session.get_adapter
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
    assert requests.Session.get_adapter is usual


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("acme-oms.akinon.net", "not http:// or https:// and a host"),
        ("https://", "not http:// or https:// and a host"),
        (f"{HOST}/api/", f"a whole host, like {HOST}"),
        (f"{HOST}:99999", "its port is no number up to 65535"),
    ],
)
def test_what_is_no_host_is_a_value_error(oms: Emulator, url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said), oms.intercept(url):
        pass
    with pytest.raises(ValueError, match="intercept what"), oms.intercept():
        pass


def test_bodies_of_every_kind_arrive(oms: Emulator) -> None:
    with oms.intercept(HOST):
        url = f"{HOST}{LIST}{oms.package()['id']}/set_remote_id/"
        kind = AUTH | {"Content-Type": "application/json"}
        for number, body in enumerate(
            (b'{"remote_id": "0"}', '{"remote_id": "1"}', iter([b'{"remote_id"', b': "2"}']))
        ):
            assert requests.post(url, data=body, headers=kind, timeout=1).status_code == 204
            oms.requests.assert_called("set_package_remote_id", json={"remote_id": str(number)})
