"""`oms.intercept` sends calls of aiohttp for given hosts to the emulator, and errors are those of aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from emulator import Emulator

HOST = "https://acme-oms.akinon.net"
LIST = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}


def call(use: Callable[[aiohttp.ClientSession], Awaitable[Any]], **options: Any) -> Any:
    """Run a function with a session."""

    async def run() -> Any:
        async with aiohttp.ClientSession(headers=AUTH, **options) as session:
            return await use(session)

    return asyncio.run(run())


def get_json(url: str, **options: Any) -> Any:
    async def use(session: aiohttp.ClientSession) -> Any:
        async with session.get(url, **options) as answer:
            return await answer.json()

    return call(use)


def test_calls_links_and_redirects_are_intercepted(oms: Emulator) -> None:
    with oms.intercept(HOST):
        page = get_json(HOST + LIST)
        assert page["next"] == f"{HOST}{LIST}?page=2"
        assert get_json(page["next"])["previous"] == HOST + LIST
        assert get_json(HOST + LIST[:-1]) == page
    oms.requests.assert_called("list_packages", times=3)


def test_bodies_arrive_whole_and_in_chunks(oms: Emulator) -> None:
    packages = [oms.package(state="Waiting")["id"] for _ in range(3)]

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"remote_id": '
        yield b'"R-1"}'

    async def use(session: aiohttp.ClientSession) -> list[int]:
        statuses = []
        for package, options in zip(
            packages,
            (
                {"json": {"remote_id": "R-1"}},
                {"data": chunks(), "headers": {"Content-Type": "application/json"}},
                {"json": {"remote_id": "R-1"}, "expect100": True},
            ),
            strict=True,
        ):
            async with session.post(f"{HOST}{LIST}{package}/set_remote_id/", **options) as answer:
                statuses.append(answer.status)
        return statuses

    with oms.intercept(HOST):
        assert len(set(call(use))) == 1
    remote_ids = [oms.session().get(f"{LIST}{package}/").json()["remote_id"] for package in packages]
    assert remote_ids == ["R-1"] * 3


FAULTS = {
    "a delay": ({"delay": 30}, aiohttp.ServerTimeoutError),
    "a reset": ({"kind": "reset"}, aiohttp.ClientOSError),
    "a lost response": ({"kind": "lost_response"}, aiohttp.ServerDisconnectedError),
    "a truncated body": ({"kind": "truncated"}, aiohttp.ClientPayloadError),
}


@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_the_error_of_aiohttp(oms: Emulator, fault: dict, error: type[Exception]) -> None:
    oms.faults.add("list_packages", **fault)
    timeout = aiohttp.ClientTimeout(sock_read=0.05 if "delay" in fault else None)
    with oms.intercept(HOST), pytest.raises(error):
        get_json(HOST + LIST, timeout=timeout)


def test_get_without_a_response_is_repeated_by_aiohttp(oms: Emulator) -> None:
    oms.faults.add("list_packages", "lost_response", nth=1)
    with oms.intercept(HOST):
        assert get_json(HOST + LIST)["count"] == 200
    oms.requests.assert_called("list_packages", times=2)


def test_open_connection_to_a_host_is_not_used(oms: Emulator) -> None:
    """A session has a connection to a real server. A call inside the block is intercepted, a later one is not."""

    async def run() -> list[int]:
        async def refuse(_: web.Request) -> web.Response:
            return web.Response(status=418)

        application = web.Application()
        application.router.add_get(LIST, refuse)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, statuses = f"http://127.0.0.1:{runner.addresses[0][1]}", []

        async def get(session: aiohttp.ClientSession) -> None:
            async with session.get(host + LIST) as answer:
                await answer.read()
                statuses.append(answer.status)

        async with aiohttp.ClientSession(headers=AUTH) as session:
            await get(session)
            with oms.intercept(host):
                await get(session)
            await get(session)
        await runner.cleanup()
        return statuses

    assert asyncio.run(run()) == [418, 200, 418]


def test_newest_block_has_precedence_and_worlds_differ(oms: Emulator) -> None:
    other = oms.in_world("other", "empty")
    with oms.intercept(HOST):
        with other.intercept(HOST):
            assert get_json(HOST + LIST)["count"] == 0
        assert get_json(HOST + LIST)["count"] == 200


def test_aiohttp_is_restored(oms: Emulator) -> None:
    before = aiohttp.TCPConnector._create_connection, aiohttp.BaseConnector._get
    with oms.intercept(HOST):
        assert aiohttp.TCPConnector._create_connection is not before[0]
    assert (aiohttp.TCPConnector._create_connection, aiohttp.BaseConnector._get) == before
