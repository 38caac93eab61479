"""`oms.intercept` sends calls of httpx for given hosts to the emulator, and errors are those of httpx."""

from __future__ import annotations

import sys
from collections.abc import Callable

import anyio
import httpx
import pytest
import requests

from emulator import Emulator

HOST = "https://acme-oms.akinon.net"
LIST = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}
Get = Callable[..., httpx.Response]


def get(url: str, **options: object) -> httpx.Response:
    with httpx.Client(headers=AUTH, timeout=1, follow_redirects=True) as client:
        return client.get(url, **options)


def get_async(url: str, **options: object) -> httpx.Response:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(headers=AUTH, timeout=1, follow_redirects=True) as client:
            return await client.get(url, **options)

    return anyio.run(call)


each_client = pytest.mark.parametrize("get", [get, get_async], ids=["sync", "async"])


@each_client
def test_calls_links_and_redirects_are_intercepted(oms: Emulator, get: Get) -> None:
    with oms.intercept(HOST):
        answer = get(HOST + LIST)
        assert (answer.status_code, answer.http_version) == (200, "HTTP/1.1")
        assert answer.json()["next"] == f"{HOST}{LIST}?page=2"
        assert get(answer.json()["next"]).json()["previous"] == HOST + LIST
        assert str(get(HOST + LIST[:-1]).url) == HOST + LIST
    oms.requests.assert_called("list_packages", times=3)


@each_client
def test_the_bytes_are_those_of_the_session(oms: Emulator, get: Get) -> None:
    with oms.intercept("http://oms.test"):
        answer = get("http://oms.test" + LIST, params={"limit": 3})
    assert answer.content == oms.session().get(f"{LIST}?limit=3").content


def test_a_body_arrives(oms: Emulator) -> None:
    package = oms.package(state="Waiting")
    body = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
    with oms.intercept(HOST), httpx.Client(headers=AUTH) as client:
        assert client.post(f"{HOST}{LIST}{package['id']}/command/", json=body).status_code == 204


FAULTS = {
    "a delay": ({"kind": "delay", "delay": 30}, httpx.ReadTimeout),
    "a reset": ({"kind": "reset"}, httpx.ReadError),
    "a lost response": ({"kind": "lost_response"}, httpx.RemoteProtocolError),
    "a truncated body": ({"kind": "truncated"}, httpx.RemoteProtocolError),
}


@each_client
@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_the_error_of_httpx(oms: Emulator, get: Get, fault: dict, error: type[Exception]) -> None:
    options = {key: value for key, value in fault.items() if key != "kind"}
    oms.faults.add("list_packages", *([] if options else [fault["kind"]]), **options)
    with oms.intercept(HOST), pytest.raises(error) as caught:
        get(HOST + LIST)
    assert type(caught.value) is error


def test_the_newest_block_has_precedence_and_worlds_differ(oms: Emulator) -> None:
    other = oms.in_world("other", "empty")
    with oms.intercept(HOST):
        with other.intercept(HOST):
            assert get(HOST + LIST).json()["count"] == 0
        assert get(HOST + LIST).json()["count"] == 200


def test_other_hosts_and_transports_are_not_intercepted(oms: Emulator) -> None:
    mock = httpx.MockTransport(lambda _: httpx.Response(418))
    with oms.intercept(HOST):
        with httpx.Client(transport=mock) as client:
            assert client.get(HOST + LIST).status_code == 418
        with pytest.raises(httpx.ConnectError):
            get("http://127.0.0.1:1/")


def test_httpx_is_restored(oms: Emulator) -> None:
    before = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request
    with oms.intercept(HOST):
        assert httpx.HTTPTransport.handle_request is not before[0]
    assert (httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request) == before


def test_httpx_is_not_needed(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx, calls of requests are intercepted."""
    monkeypatch.setattr("emulator.client.world_handle.find_spec", lambda name: None if name == "httpx" else sys)
    with oms.intercept(HOST):
        assert requests.get(HOST + LIST, headers=AUTH, timeout=1).status_code == 200
