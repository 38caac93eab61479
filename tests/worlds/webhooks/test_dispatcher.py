"""The webhook dispatcher: each event is sent once and in time, and slow receivers block no other work."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.records import WebhookEvent
from emulator.domain.webhook_retries import next_due_event
from emulator.state.outbox import Delivery
from emulator.state.store import Snapshot
from emulator.worlds.webhooks import WebhookDispatcher
from tests.support.receivers import ReceivedRequest, respond_with, run_receiver
from tests.support.worlds import AfterWriteTask

pytestmark = pytest.mark.slow

EVENT = "package.created"
EXPONENTIAL = {"choice": "exponential", "kwargs": {"base": 2}}


def to(deliveries: list[Delivery], url: str) -> list[Delivery]:
    return [each for each in deliveries if each.url == url]


def uuids(got: list[ReceivedRequest]) -> list[str]:
    return [json.loads(each.body)["event"]["uuid"] for each in got]


@pytest.mark.parametrize("mode", ["flush", "background"])
def test_every_event_is_sent_once(mode: Any) -> None:
    """Several worlds send many events to one receiver."""
    oms = Emulator("empty", delivery=mode)
    worlds = [oms, oms.in_world("a"), oms.in_world("b")]
    with run_receiver() as receiver:
        for world in worlds:
            world.hooks.add(receiver.url, EVENT)
        threads = [threading.Thread(target=lambda w=world: [w.package() for _ in range(40)]) for world in worlds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        flushed = [world.hooks.flush() for world in worlds]
    sent = [to(world.hooks.deliveries, receiver.url) for world in worlds]
    assert [len(each) for each in sent] == [40, 40, 40]
    assert all(each.delivered for world in sent for each in world)
    assert all(each.attempted >= 40 for each in flushed)
    numbers = Counter(
        (json.loads(got.body)["payload"]["id"], uuid)
        for got, uuid in zip(receiver.requests, uuids(receiver.requests), strict=True)
    )
    assert len(receiver.requests) == 120
    assert max(numbers.values()) == 3, "equal worlds send equal events"


def test_flush_mode_sends_only_on_a_flush() -> None:
    oms = Emulator("empty", delivery="flush")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        assert receiver.requests == []
        assert oms.hooks.flush().delivered == 1
        assert len(receiver.requests) == 1
        assert oms.hooks.flush() == (0, 0)


def test_background_mode_sends_without_a_flush() -> None:
    with Emulator("empty", clock="ticking") as oms, run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        receiver.wait_for(1)
        assert oms.hooks.flush().delivered == 1


def test_flush_sends_events_in_order() -> None:
    oms = Emulator("empty")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        ids = [oms.package()["id"] for _ in range(10)]
        oms.hooks.flush()
    assert [json.loads(got.body)["payload"]["id"] for got in receiver.requests] == ids


def test_advancing_the_clock_makes_all_retries_in_order() -> None:
    """The waits are those of the documented event: first the retries of the task, then those of the scanner."""
    oms = Emulator("empty")
    start = oms.clock.now()
    times: list[datetime] = []
    oms.hooks.add(lambda delivery: times.append(delivery.at) or 503, EVENT, retry=EXPONENTIAL)
    oms.package()
    oms.hooks.flush()
    first = times[0]
    oms.clock.advance(days=5)
    assert oms.clock.now() >= start + timedelta(days=5)
    waits = [round((later - before).total_seconds()) for before, later in pairwise(times[:11])]
    assert waits == [2**tries for tries in range(10)]
    assert len(times) == 19
    assert all(at.minute == at.second == 0 for at in times[11:]), "the scanner runs at full hours"
    assert [at >= first + timedelta(seconds=2**tries) for tries, at in zip(range(11, 19), times[11:], strict=True)]
    assert times == sorted(times)
    due = next_due_event(oms.world.records)
    assert due is None or due[0] > oms.clock.now()


def test_retries_of_several_events_interleave_by_time() -> None:
    oms = Emulator("empty")
    sent: list[tuple[datetime, int]] = []
    for seconds in (7, 11):
        oms.hooks.add(
            lambda delivery: sent.append((delivery.at, delivery.event)) or 500,
            EVENT,
            retry={"choice": "fixed", "kwargs": {"seconds": seconds}},
        )
    oms.package()
    oms.clock.advance(minutes=1)
    assert sent == sorted(sent)
    assert len({event for _, event in sent}) == 2


def test_ticking_clock_makes_the_retry() -> None:
    oms = Emulator("empty", clock="ticking")
    is_retried = threading.Event()
    answers = iter([503, 200])

    def receive(delivery: Delivery) -> int:
        if delivery.attempt == 2:
            is_retried.set()
        return next(answers)

    oms.hooks.add(receive, EVENT, retry={"choice": "fixed", "kwargs": {"seconds": 1}})
    oms.package()
    assert is_retried.wait(20)
    oms.stop()


def test_hanging_receiver_blocks_no_other_work() -> None:
    """While all deliveries of a world hang, calls are answered and the hooks of other worlds are called."""
    release = threading.Event()

    def hang(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
        release.wait(30)
        respond_with()(handler, got)

    with Emulator("empty", clock="ticking") as oms, run_receiver(hang) as slow, run_receiver() as quick:
        other = oms.in_world("other")
        other.hooks.add(quick.url, EVENT)
        oms.hooks.add(slow.url, EVENT)
        for _ in range(3):
            oms.package()
        slow.wait_for(2)  # the initial concurrency of a world
        other.package()
        quick.wait_for(1)
        response = requests.get(f"{oms.url}/api/v1/oms/packages/", headers=oms.auth, timeout=5)
        assert response.json()["count"] == 3
        release.set()
        assert oms.hooks.flush().attempted >= 3


def test_thousand_worlds_share_the_threads_of_the_pool() -> None:
    oms = Emulator("empty", clock="ticking", max_worlds=2000)
    with run_receiver() as receiver:
        for number in range(1000):
            world = oms.in_world(f"w{number}")
            world.hooks.add(receiver.url, EVENT)
            if number % 50 == 0:
                world.package()
        receiver.wait_for(20)
        assert 0 < len(oms._dispatcher._threads) <= 8
        oms.stop()


def test_stop_sends_due_events() -> None:
    oms = Emulator("empty", clock="ticking")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        for _ in range(30):
            oms.package()
        oms.stop()
        assert len(receiver.requests) == 30


def test_reset_world_sends_no_more_events() -> None:
    oms = Emulator("empty")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        before = oms.world
        oms.reset()
        assert before.is_closed
        assert before.outbox.flush() == (0, 0)
        assert receiver.requests == []


def test_results_do_not_advance_a_frozen_clock() -> None:
    """The times of later writes do not depend on the deliveries."""
    oms = Emulator("empty")
    oms.hooks.add(lambda _: None, EVENT)
    oms.package()
    now = oms.clock.now()
    oms.hooks.flush()
    assert oms.clock.now() == now
    assert oms.world.records.get_existing(WebhookEvent, oms.hooks.deliveries[-1].event).delivered


def test_replay_sends_nothing_and_has_the_same_results() -> None:
    oms = Emulator("empty")
    calls: list[int] = []
    with run_receiver(respond_with(503)) as receiver:
        oms.hooks.add(receiver.url, EVENT, retry=EXPONENTIAL)
        oms.package()
        oms.clock.advance(minutes=1)
        calls.append(len(receiver.requests))
        document = oms.export()
        again = Emulator("empty")
        assert put_scenario(again, document) == 200
        assert len(receiver.requests) == calls[0]
    paths = ("/whisperer/hook_events/?limit=100", "/whisperer/hooks/", "/api/v1/oms/packages/")
    for path in paths:
        assert oms.session().get(path).content == again.session().get(path).content


def put_scenario(oms: Emulator, document: Any) -> int:
    return int(oms.session().put("/__admin/scenario", json={"document": document}).status_code)


def test_requested_retry_is_sent_and_recorded() -> None:
    oms = Emulator("empty")
    answers = iter([(500, "no"), (200, "yes")])
    oms.hooks.add(lambda _: next(answers), EVENT)
    oms.package()
    event = next(each.event for each in oms.hooks.deliveries if "receiver-1" in each.url)
    response = oms.session().post(f"/whisperer/hook_events/{event}/retry/", json={"force": True})
    assert response.status_code == 200, response.text
    assert response.json()["delivered"] is True
    assert oms.world.records.get_existing(WebhookEvent, event).retry_count == 2
    again = Emulator("empty")
    put_scenario(again, oms.export())
    assert again.world.records.get_existing(WebhookEvent, event).delivered


def test_concurrent_writes_refuse_each_forbidden_delivery_once() -> None:
    """No event is refused twice, and none stays in the queue."""
    oms = Emulator("empty", clock="real", delivery="background")
    url = "http://elsewhere.example/"
    oms.hooks.add(url, EVENT)
    threads = [threading.Thread(target=lambda: [oms.package() for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    oms.hooks.flush()
    refused = Counter(each.event for each in to(oms.hooks.deliveries, url))
    assert (len(refused), set(refused.values())) == (200, {1})
    assert next_due_event(oms.world.records) is None


def test_refused_delivery_is_finalized_in_the_write_of_its_event() -> None:
    """No reader sees the event without its result. The result is a separate step, which is undone with the write."""
    oms = Emulator("empty", clock="real", delivery="background")
    seen = []
    world = oms.world
    world.schedule.add(AfterWriteTask(lambda: seen.append([event.retry_count for event in events_of(world.records)])))
    oms.hooks.add("http://elsewhere.example/", EVENT)
    url = f"{oms.server_url}/__admin/packages"
    assert [oms.session().post(url, json={}).status_code for _ in range(2)] == [201, 201]
    assert seen == [[], [1, 1], [1, 1, 1, 1]], "the scenario's hook is on another host too"
    steps = oms.export()["steps"][-6:]
    assert [step["operation"] for step in steps] == ["control_make_package", "record_outcome", "record_outcome"] * 2
    assert [len({step["at"] for step in each}) for each in (steps[:3], steps[3:])] == [1, 1]
    again = Emulator("empty")
    assert put_scenario(again, oms.export()) == 200
    path = "/whisperer/hook_events/?limit=100"
    assert oms.session().get(path).content == again.session().get(path).content
    oms.undo()
    assert [event.retry_count for event in events_of(oms.world.records)] == [1, 1]
    assert oms.export()["steps"][-3:] == steps[:3]


def events_of(records: Snapshot) -> list[WebhookEvent]:
    return sorted(records.all(WebhookEvent))


def test_closed_world_keeps_its_queue() -> None:
    """A wake of the world changes no event."""
    oms = Emulator("empty", clock="real", delivery="flush")
    oms.hooks.add("http://elsewhere.example/", EVENT)
    oms.package()
    waits = next_due_event(oms.world.records)
    oms.world.close()
    WebhookDispatcher("background").wake(oms.world)
    assert waits is not None
    assert next_due_event(oms.world.records) == waits
