"""The server behind a proxy that adds a prefix and ends TLS, and the addresses that it listens on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from emulator import Emulator
from emulator.web.server import bind_sockets

LIST = "/api/v1/oms/packages/"
FORWARDED = {
    "Authorization": "Token full-access",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.test",
    "X-Forwarded-Prefix": "/oms",
}
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module", params=[True, False], ids=["trusted", "by default"])
def base(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Return the address of a server, and the base of the URLs that a client behind the proxy must get."""
    with Emulator("demo", behind_proxy=request.param, allow_hosts=["shop.test"]) as oms:
        yield oms.url, "https://shop.test/oms" if request.param else oms.url


def test_links_and_pictures_have_the_address_of_the_proxy(base: tuple[str, str]) -> None:
    url, shown = base
    document = requests.get(f"{url}{LIST}?page=2", headers=FORWARDED, timeout=10).json()
    assert (document["next"], document["previous"]) == (f"{shown}{LIST}?page=3", f"{shown}{LIST}")
    assert f'"{shown}/cdn/' in requests.get(f"{url}{LIST}", headers=FORWARDED, timeout=10).text


@pytest.mark.parametrize(
    ("path", "status", "target"),
    [
        (LIST[:-1], 301, LIST),
        ("/", 302, "/__admin/ui/"),
        ("/__admin/", 302, "/__admin/ui/"),
        ("/__admin/ui", 308, "/__admin/ui/"),
        ("/w/default/", 302, "/w/default/__admin/ui/"),
    ],
)
def test_redirects_stay_behind_the_proxy(base: tuple[str, str], path: str, status: int, target: str) -> None:
    url, shown = base
    prefix = shown.removeprefix("https://shop.test") if shown != url else ""
    answer = requests.get(url + path, headers=FORWARDED | HTML, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (status, prefix + target)


@pytest.mark.medium
def test_the_openapi_document_names_the_prefix(base: tuple[str, str]) -> None:
    url, shown = base
    document = requests.get(f"{url}/__admin/openapi.json", headers=FORWARDED, timeout=10).json()
    assert document["servers"][0]["url"] == ("/" if shown == url else "/oms")


def is_listening(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError:
        return False
    return True


@pytest.mark.medium
def test_localhost_is_both_loopback_addresses() -> None:
    """A client may resolve `localhost` to either address."""
    with Emulator("empty", host="localhost") as oms:
        port = int(oms.url.rpartition(":")[2])
        assert oms.url == f"http://localhost:{port}"
        addresses = ["127.0.0.1"] + ["[::1]"] * has_ipv6()
        statuses = [
            requests.get(f"http://{each}:{port}/__admin/health", timeout=10).status_code for each in addresses
        ]
    assert statuses == [200] * len(addresses)
    assert not any(is_listening(host, port) for host in ("127.0.0.1", "::1"))


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_port_that_is_taken_on_one_address_is_refused() -> None:
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        with pytest.raises(OSError, match="Address already in use"):
            bind_sockets("localhost", taken.getsockname()[1])


def test_a_machine_without_ipv6_listens_on_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from emulator.web import server  # noqa: PLC0415 - the module whose addresses are replaced

    monkeypatch.setattr(server, "LOOPBACK_ADDRESSES", ("127.0.0.1", "192.0.2.1"))
    (only,) = bind_sockets("localhost", 0)
    assert only.getsockname()[0] == "127.0.0.1"
    only.close()
