"""Who sends, and when: nothing lost, nothing twice, in order where somebody waits, and never in anybody's way."""

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
from emulator.webhooks import WebhookDispatcher
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
    """Many events, several worlds, one receiver: each event arrives, and none twice."""
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
    assert max(numbers.values()) == 3, "worlds that do the same tell the same"


def test_in_flush_mode_nothing_is_sent_before() -> None:
    oms = Emulator("empty", delivery="flush")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        assert receiver.requests == []
        assert oms.hooks.flush().delivered == 1
        assert len(receiver.requests) == 1
        assert oms.hooks.flush() == (0, 0)


def test_in_the_background_it_comes_by_itself() -> None:
    with Emulator("empty", clock="ticking") as oms, run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        receiver.wait_for(1)
        assert oms.hooks.flush().delivered == 1


def test_events_arrive_in_their_order_when_flushed() -> None:
    oms = Emulator("empty")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        made = [oms.package()["id"] for _ in range(10)]
        oms.hooks.flush()
    assert [json.loads(got.body)["payload"]["id"] for got in receiver.requests] == made


def test_five_days_of_retries_happen_in_order_when_the_clock_moves() -> None:
    """The waits of the documented event: the attempts of the task, then the scanner's, on the world's clock."""
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
    assert all(at.minute == at.second == 0 for at in times[11:]), "the scanner comes at round times"
    assert [at >= first + timedelta(seconds=2**tries) for tries, at in zip(range(11, 19), times[11:], strict=True)]
    assert times == sorted(times)
    assert next_due_event(oms.world.records) is None or next_due_event(oms.world.records)[0] > oms.clock.now()  # type: ignore[index]


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


def test_a_ticking_clock_brings_the_retry_by_itself() -> None:
    oms = Emulator("empty", clock="ticking")
    came = threading.Event()
    answers = iter([503, 200])

    def receive(delivery: Delivery) -> int:
        if delivery.attempt == 2:
            came.set()
        return next(answers)

    oms.hooks.add(receive, EVENT, retry={"choice": "fixed", "kwargs": {"seconds": 1}})
    oms.package()
    assert came.wait(20)
    oms.stop()


def test_a_hanging_receiver_is_in_nobodys_way() -> None:
    """While every delivery hangs, calls are answered at once, and other worlds' hooks are told."""
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
        slow.wait_for(2)  # a world begins with two at a time
        other.package()
        quick.wait_for(1)
        response = requests.get(f"{oms.url}/api/v1/oms/packages/", headers=oms.auth, timeout=5)
        assert response.json()["count"] == 3
        release.set()
        assert oms.hooks.flush().attempted >= 3


def test_a_thousand_worlds_need_no_more_threads_than_one() -> None:
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


def test_a_stop_sends_what_is_due() -> None:
    oms = Emulator("empty", clock="ticking")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        for _ in range(30):
            oms.package()
        oms.stop()
        assert len(receiver.requests) == 30


def test_a_world_that_was_reset_sends_no_more() -> None:
    oms = Emulator("empty")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        before = oms.world
        oms.reset()
        assert before.is_closed
        assert before.outbox.flush() == (0, 0)
        assert receiver.requests == []


def test_outcomes_do_not_move_a_frozen_clock() -> None:
    """So what a test's own calls write has the same times, whenever the deliveries came in between."""
    oms = Emulator("empty")
    oms.hooks.add(lambda _: None, EVENT)
    oms.package()
    now = oms.clock.now()
    oms.hooks.flush()
    assert oms.clock.now() == now
    assert oms.world.records.get_existing(WebhookEvent, oms.hooks.deliveries[-1].event).delivered


def test_a_replay_calls_nobody_and_gives_the_same_outcomes() -> None:
    oms = Emulator("empty")
    calls: list[int] = []
    with run_receiver(respond_with(503)) as receiver:
        oms.hooks.add(receiver.url, EVENT, retry=EXPONENTIAL)
        oms.package()
        oms.clock.advance(minutes=1)
        calls.append(len(receiver.requests))
        document = oms.export()
        again = Emulator("empty")
        response = requests_put_scenario(again, document)
        assert response == 200
        assert len(receiver.requests) == calls[0]
    paths = ("/whisperer/hook_events/?limit=100", "/whisperer/hooks/", "/api/v1/oms/packages/")
    for path in paths:
        assert oms.session().get(path).content == again.session().get(path).content


def requests_put_scenario(oms: Emulator, document: Any) -> int:
    return int(oms.session().put("/__admin/scenario", json={"document": document}).status_code)


def test_a_retry_that_is_asked_for_is_sent_and_recorded() -> None:
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
    requests_put_scenario(again, oms.export())
    assert again.world.records.get_existing(WebhookEvent, event).delivered


def test_what_may_not_be_sent_is_refused_once_by_whoever_comes_first() -> None:
    """Many write at once; no event is refused twice, and none is left."""
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


def test_a_refusal_is_part_of_the_write_that_it_comes_from() -> None:
    """Nobody sees the event without it; it is a step of its own, and is undone and repeated with that write."""
    oms = Emulator("empty", clock="real", delivery="background")
    seen = []
    world = oms.world
    world.schedule.add(AfterWriteTask(lambda: seen.append([event.retry_count for event in events_of(world.records)])))
    oms.hooks.add("http://elsewhere.example/", EVENT)
    url = f"{oms.server_url}/__admin/packages"
    assert [oms.session().post(url, json={}).status_code for _ in range(2)] == [201, 201]
    assert seen == [[], [1, 1], [1, 1, 1, 1]], "the scenario's own hook is elsewhere too"
    steps = oms.export()["steps"][-6:]
    assert [step["operation"] for step in steps] == ["control_make_package", "record_outcome", "record_outcome"] * 2
    assert [len({step["at"] for step in each}) for each in (steps[:3], steps[3:])] == [1, 1]
    again = Emulator("empty")
    assert requests_put_scenario(again, oms.export()) == 200
    path = "/whisperer/hook_events/?limit=100"
    assert oms.session().get(path).content == again.session().get(path).content
    oms.undo()
    assert [event.retry_count for event in events_of(oms.world.records)] == [1, 1]
    assert oms.export()["steps"][-3:] == steps[:3]


def events_of(root: Snapshot) -> list[WebhookEvent]:
    return sorted(root.all(WebhookEvent))


def test_what_is_asked_of_a_delivery_comes_before_its_refusal() -> None:
    """An event that is to wait waits, and is refused in its time."""
    oms = Emulator("empty", clock="real", delivery="background")
    oms.hooks.add("http://elsewhere.example/", EVENT)
    oms.hooks.disturb("delay", times=2, seconds=3600)
    oms.package()
    oms.hooks.flush()
    waits = next_due_event(oms.world.records)
    assert waits is not None
    assert waits[0] - oms.clock.now() > timedelta(minutes=59)
    assert not oms.hooks.deliveries


def test_a_closed_world_refuses_nothing_more() -> None:
    """Its events stay as they are, and whoever wakes it does not wait for them."""
    oms = Emulator("empty", clock="real", delivery="flush")
    oms.hooks.add("http://elsewhere.example/", EVENT)
    oms.package()
    waits = next_due_event(oms.world.records)
    oms.world.close()
    WebhookDispatcher("background").wake(oms.world)
    assert waits is not None
    assert next_due_event(oms.world.records) == waits
