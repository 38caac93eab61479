"""A recording becomes the world before the first write, and the writes as steps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pytest

from emulator import Emulator
from emulator.web import ROUTER
from emulator.worlds.loading.recording import (
    MAX_WAITING,
    ExchangeWorker,
    NothingRecorded,
    RecordedExchange,
    RecordedWorld,
    Recording,
    build_world,
)

PACKAGES, TRANSFERS, REASONS = (
    "/api/v1/oms/packages/",
    "/api/v1/oms/transfer_orders/",
    "/api/v1/oms/packages/package_denial_reason/",
)
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Client:
    """Sends requests to an emulator, and records them as the proxy does."""

    def __init__(self, oms: Emulator) -> None:
        self.recording = Recording()
        self._session = oms.session()

    def send(self, method: str, path: str, body: Any = None, **changes: Any) -> Any:
        response = self._session.request(method, path, json=body)
        match = ROUTER.match(path.partition("?")[0])
        exchange = RecordedExchange(
            method, path.partition("?")[0], path.partition("?")[2], dict(response.request.headers),
            response.request.body or b"", response.status_code, dict(response.headers), response.content, AT,
            match and match.resource.routes.get(method), match.path if match else {},
        )  # fmt: skip
        self.recording.add(exchange._replace(**changes))
        return response.json() if response.content and "json" in response.headers["Content-Type"] else None

    def world(self, **options: Any) -> RecordedWorld:
        return build_world(self.recording, "recorded", **options)


@pytest.fixture
def client() -> Client:
    return Client(Emulator("demo", packages=8))


def first_package(client: Client) -> int:
    return client.send("GET", f"{PACKAGES}?limit=2")["results"][0]["id"]


def operations(world: RecordedWorld) -> list[str]:
    return [step["operation"] for step in world.scenario.get("steps", ())]


@pytest.mark.medium
def test_answers_after_a_write_are_left_out(client: Client) -> None:
    """The list, the detail and the logs of the record show the state before the write."""
    pk = first_package(client)
    client.send("POST", f"{PACKAGES}{pk}/set_remote_id/", {"remote_id": "R-1"})
    for path in ("", "?limit=2", f"{pk}/", f"{pk}/transition_logs/"):
        client.send("GET", PACKAGES + path)
    world = client.world()
    assert operations(world) == ["set_package_remote_id"]
    assert "R-1" not in json.dumps(world.scenario["answers"])
    assert world.scenario["steps"][0]["at"] == "2026-01-01T00:00:00Z"


@pytest.mark.medium
def test_a_record_that_was_only_read_after_a_write_is_kept(client: Client) -> None:
    """Its write cannot be repeated, and is reported."""
    pk = first_package(Client(Emulator("demo", packages=8)))
    client.send("GET", TRANSFERS)
    client.send("POST", f"{PACKAGES}{pk}/set_remote_id/", {"remote_id": "R-1"})
    client.send("GET", f"{PACKAGES}{pk}/")
    world = client.world()
    assert [answer["path"] for answer in world.scenario["answers"]] == [TRANSFERS, f"{PACKAGES}{pk}/"]
    assert "R-1" in json.dumps(world.scenario["answers"])


def test_a_created_denial_reason_is_created_once(client: Client) -> None:
    client.send("GET", REASONS)
    client.send("POST", REASONS, {"title": "Lost", "priority": 3})
    client.send("GET", REASONS)
    world = client.world()
    assert operations(world) == ["create_denial_reason"]
    assert "Lost" not in json.dumps(world.scenario["answers"])


@pytest.mark.medium
def test_what_a_scenario_cannot_contain_is_reported(client: Client) -> None:
    """The lines name operations and statuses, and no value."""
    pk = first_package(client)
    client.send("POST", f"{PACKAGES}{pk}/command/", {"transition": 999_999, "input_parameters": {}})
    client.send("POST", "/api/v1/auth/login/", {"username": "admin", "password": "admin"})
    client.send("GET", f"{PACKAGES}{pk}/", content=b"<html>secret</html>")
    client.send("GET", "/secret-path/", status=200, content=b"{}")
    client.send("POST", "/secret-path/", status=201, content=b"{}")
    world = client.world()
    assert "command_package answered 400: 1" in world.missing
    assert "get_package has a body that cannot be read: 1" in world.missing
    assert "POST of an unknown path is not a write that can be repeated: 1" in world.missing
    assert "secret" not in json.dumps(world.missing)
    assert operations(world) == []


@pytest.mark.medium
def test_a_write_that_the_scenario_cannot_repeat_is_reported(client: Client) -> None:
    """The real service accepted it, so the emulator differs, or knows too little."""
    pk = first_package(client)
    command = {"transition": 999_999, "input_parameters": {}}
    client.send("POST", f"{PACKAGES}{pk}/command/", command, status=204, content=b"")
    world = client.world()
    assert operations(world) == []
    assert [line for line in world.missing if line.startswith("write 1, command_package, cannot be repeated")]


def test_equal_answers_are_kept_once(client: Client) -> None:
    for _ in range(3):
        first_package(client)
    assert len(client.recording.exchanges) == 1


def test_no_request_waits_for_the_worker(client: Client) -> None:
    """Exchanges are added while the worker is busy. It processes all of them, in their order, before it ends."""
    for page in range(1, 5):
        client.send("GET", f"{PACKAGES}?limit=2&page={page}")
    is_free, processed = Event(), list[RecordedExchange]()
    worker = ExchangeWorker("test", lambda exchange: is_free.wait(60) and processed.append(exchange))
    worker.start()
    for exchange in client.recording.exchanges:
        worker.add(exchange)
    assert processed == []
    is_free.set()
    worker.stop()
    assert processed == client.recording.exchanges


@pytest.mark.medium
def test_an_exchange_waits_if_too_many_are_not_processed(client: Client) -> None:
    first_package(client)
    (exchange,) = client.recording.exchanges
    began, is_free, added, processed = Event(), Event(), Event(), list[RecordedExchange]()

    def process(exchange: RecordedExchange) -> None:
        began.set()
        is_free.wait(60)
        processed.append(exchange)

    def add_another() -> None:
        worker.add(exchange)
        added.set()

    worker = ExchangeWorker("test", process)
    worker.start()
    worker.add(exchange)
    assert began.wait(60)
    for _ in range(MAX_WAITING):
        worker.add(exchange)
    Thread(target=add_another).start()
    assert not added.wait(0.1)
    is_free.set()
    assert added.wait(60)
    worker.stop()
    assert len(processed) == MAX_WAITING + 2


@pytest.mark.medium
def test_a_full_recording_keeps_what_it_has() -> None:
    client = Client(Emulator("demo", packages=8))
    client.recording = Recording(max_bytes=30_000)
    for path in (f"{PACKAGES}?limit=1", PACKAGES, TRANSFERS):
        client.send("GET", path)
    world = client.world()
    assert client.recording.dropped > 0
    assert f"an exchange beyond the limit of memory: {client.recording.dropped}" in world.missing


@pytest.mark.medium
def test_values_are_kept_without_redaction(client: Client) -> None:
    pk = first_package(client)
    shown = client.send("GET", f"{PACKAGES}{pk}/")["shipping_address"]
    texts = [json.dumps(client.world(anonymize=each).scenario["answers"]) for each in (False, True)]
    assert [json.dumps(shown["line"]) in text for text in texts] == [True, False]


def test_a_recording_without_documents_makes_no_world() -> None:
    client = Client(Emulator("empty"))
    client.send("GET", "/nowhere/")
    with pytest.raises(NothingRecorded):
        client.world()
