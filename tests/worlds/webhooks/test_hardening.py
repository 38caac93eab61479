"""Deliveries while their world is undone, reset, deleted or closed, and events that cannot be sent."""

from __future__ import annotations

import gc
import json
import threading
import tracemalloc
import weakref
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import Webhook, WebhookEvent
from emulator.worlds.webhooks import WebhookDispatcher
from tests.support.receivers import Behaviour, ReceivedRequest, respond_with, run_receiver
from tests.support.worlds import with_dispatcher
from tests.worlds.webhooks.queueing import queue_events, uuids_of

pytestmark = pytest.mark.slow

EVENT = "package.created"


class Gate:
    """A receiver's behaviour that waits until the gate is open."""

    def __init__(self, then: Behaviour | None = None) -> None:
        self.open, self.then = threading.Event(), then or respond_with()

    def __call__(self, handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
        self.open.wait(30)
        self.then(handler, got)


@pytest.fixture
def oms(caplog: pytest.LogCaptureFixture) -> Iterator[Emulator]:
    """Return an emulator that sends in the background. Fail if it logs anything."""
    oms = Emulator("empty", clock="ticking", delivery="background")
    yield oms
    oms.stop()
    assert not [each.getMessage() for each in caplog.records if each.name.startswith("emulator")]


def events(oms: Emulator) -> list[Any]:
    return list(oms.world.records.all(WebhookEvent))


def finish_deliveries(gate: Gate, world: Any) -> None:
    """Open the gate, and wait until no event of the world is in flight."""
    gate.open.set()
    dispatcher = world.outbox.sender.dispatcher
    with dispatcher.lock:
        assert dispatcher.work_done.wait_for(lambda: not world.outbox.queue.in_flight, 20)


@pytest.mark.parametrize("how", ["undo", "reset", "restore"])
def test_result_of_a_removed_event_is_discarded(oms: Emulator, how: str) -> None:
    """The event is removed while it is in flight. Its result is not recorded as a step."""
    gate = Gate()
    with run_receiver(gate) as receiver:
        world = oms.world
        before = world.snapshot()
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        receiver.wait_for(1)
        {"undo": oms.undo, "reset": oms.reset, "restore": lambda: world.restore(before)}[how]()
        steps = len(world.steps)
        finish_deliveries(gate, world)
        assert [each for each in events(oms) if each.delivered] == []
        assert len(world.steps) == steps


def test_deleted_world_records_no_result(oms: Emulator) -> None:
    gate = Gate()
    with run_receiver(gate) as receiver:
        other = oms.in_world("other")
        other.hooks.add(receiver.url, EVENT)
        other.package()
        receiver.wait_for(1)
        world = other.world
        oms.worlds.delete("other")
        finish_deliveries(gate, world)
    assert not any(each.delivered for each in world.records.all(WebhookEvent))


def test_repeated_call_has_its_own_result(oms: Emulator) -> None:
    """The same call after an undo creates an event with the same id. It does not get the result of the first one."""
    gate, answers = Gate(), iter([503, 200])
    gate.then = lambda handler, got: respond_with(next(answers))(handler, got)  # noqa: PLW0108 - each call takes the next status
    with run_receiver(gate) as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        receiver.wait_for(1)
        oms.undo()
        oms.package()
        gate.open.set()
        receiver.wait_for(2)
        oms.hooks.flush()
        (event,) = [each for each in events(oms) if each.response_content == "b'ok'"]
    assert (event.delivered, event.retry_count) == (True, 1)


def test_event_that_is_due_again_after_a_restore_is_sent(oms: Emulator) -> None:
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        with oms.world.lock:  # so that no result is recorded before the snapshot
            oms.package()
            snapshot = oms.world.snapshot()
        receiver.wait_for(1)
        oms.hooks.flush()
        oms.world.restore(snapshot)
        receiver.wait_for(2)
        assert oms.hooks.flush().delivered == 1


def test_event_that_is_created_while_the_clock_is_advanced_is_sent(oms: Emulator) -> None:
    """No event is lost that is created while another thread sends synchronously."""
    gate = Gate()
    with run_receiver(gate) as receiver:
        oms.hooks.add(receiver.url, EVENT)
        oms.package()
        receiver.wait_for(1)
        thread = threading.Thread(target=lambda: oms.clock.advance(hours=1))
        thread.start()
        oms.package()
        gate.open.set()
        thread.join(20)
        oms.package()
        assert sorted(Counter(uuids_of(receiver.wait_for(3))).values()) == [1, 1, 1]


def test_concurrent_writes_flushes_and_advances_send_each_event_once(oms: Emulator) -> None:
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        jobs = [
            lambda: [oms.package() for _ in range(40)],
            lambda: [oms.clock.advance(seconds=1) for _ in range(10)],
            lambda: [oms.hooks.flush() for _ in range(10)],
            lambda: [oms.package() for _ in range(40)],
        ]
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        oms.hooks.flush()
        assert Counter(Counter(uuids_of(receiver.requests)).values()) == {1: 80}


def test_stop_does_not_wait_for_a_hanging_delivery(oms: Emulator) -> None:
    """The event stays in the queue. A later write starts the threads again."""
    gate = Gate()
    with run_receiver(gate) as slow, run_receiver() as quick:
        oms.hooks.add(slow.url, EVENT)
        oms.package()
        slow.wait_for(1)
        oms._dispatcher.stop(oms.worlds.all(), seconds=0.2)
        assert [each.delivered for each in events(oms)].count(False) == len(events(oms))
        other = oms.in_world("other")
        other.hooks.add(quick.url, EVENT)
        other.package()
        quick.wait_for(1)
        finish_deliveries(gate, oms.world)


def test_hanging_world_leaves_threads_for_other_worlds(oms: Emulator) -> None:
    gate = Gate()
    with run_receiver(gate) as slow, run_receiver() as quick:
        oms.hooks.add(slow.url, EVENT)
        for _ in range(50):
            oms.package()
        slow.wait_for(2)
        other = oms.in_world("other")
        other.hooks.add(quick.url, EVENT)
        for _ in range(20):
            other.package()
        quick.wait_for(20)
        assert len(slow.requests) == 2
        gate.open.set()
        slow.wait_for(50)


def test_receiver_can_flush_and_advance_the_clock() -> None:
    """These calls return at once instead of waiting for the delivery that made them."""
    oms = Emulator("empty")
    flushed: list[Any] = []

    def receive(_: Any) -> None:
        flushed.append(oms.hooks.flush())
        oms.clock.advance(seconds=1)

    oms.hooks.add(receive, EVENT)
    oms.package()
    oms.package()
    oms.hooks.flush()
    assert len(flushed) == 2


@pytest.mark.parametrize("mode", ["flush", "background"])
def test_event_without_a_hook_does_not_stop_the_others(mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Its result cannot be recorded, so it is logged once."""
    oms = Emulator("empty", clock="ticking", delivery=mode)
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        with oms.world.transaction() as tx:
            tx.add(WebhookEvent(tx.new_id(WebhookEvent), 999_999, 1, 4, uuid="x", due=tx.now, created_date=tx.now))
        oms.package()
        oms.hooks.flush()
        oms.stop()
        assert len(receiver.requests) == 1
    assert len([each for each in caplog.records if "is left until a restart" in each.getMessage()]) == 1


def test_event_without_a_subject_is_a_failed_attempt() -> None:
    oms = Emulator("empty")
    with run_receiver() as receiver:
        oms.hooks.add(receiver.url, EVENT)
        with oms.world.transaction() as tx:
            hook = next(each for each in tx.all(Webhook) if each.target_url == receiver.url)
            made = tx.add(WebhookEvent(tx.new_id(WebhookEvent), hook.id, 999_999, 4, uuid="0" * 32, due=tx.now))
        oms.hooks.flush()
        event = oms.world.records.get_existing(WebhookEvent, made.id)
    assert (event.response_http_status, event.delivered, event.retry_count) == (500, False, 1)


def test_reset_world_is_garbage_collected() -> None:
    """A timer for a later event does not keep the world alive."""
    oms = Emulator("empty", clock="ticking")
    oms.hooks.add(lambda _: 503, EVENT, retry={"choice": "fixed", "kwargs": {"seconds": 86_400}})
    oms.package()
    oms.hooks.flush()
    before = weakref.ref(oms.world)
    oms.reset()
    oms.stop()
    gc.collect()
    assert before() is None


def test_memory_is_limited_while_a_receiver_hangs() -> None:
    """With thousands of events, the number of threads stays the same. Only the result of each attempt is stored."""
    oms = Emulator("empty")
    oms.package()
    release = threading.Event()
    with run_receiver(lambda *_: release.wait(60)) as receiver:
        queue_events(oms, receiver.url, 2_000)
        dispatcher = WebhookDispatcher("background", timeout=0.01)
        with_dispatcher(oms, dispatcher)
        tracemalloc.start()
        dispatcher.wake(oms.world)
        receiver.wait_for(200)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(dispatcher._threads) <= dispatcher.pool
        oms.world.close()
        release.set()
        dispatcher.stop([oms.world])
    assert grown < 16 * 1024 * 1024


def test_thousand_events_arrive_once_each() -> None:
    """`make bench ARGS=hooks` does the same with ten thousand."""
    oms = Emulator("empty", clock="ticking")
    oms.package()
    with run_receiver() as receiver:
        queue_events(oms, receiver.url, 1_000)
        receiver.wait_for(1_000, timeout=120)
        flushed = oms.hooks.flush()
        oms.stop()
    assert Counter(Counter(uuids_of(receiver.requests)).values()) == {1: 1_000}
    assert flushed.delivered == 1_000
    assert sum(each.delivered for each in events(oms) if each.retry_count == 1) >= 1_000


def test_queued_events_are_sent_after_a_restart(tmp_path: Path) -> None:
    """A state file stores queue and results. Delivered events are not sent again."""
    file = tmp_path / "state.oms"
    gate = Gate()
    with run_receiver(gate) as receiver:
        first = Emulator("empty", clock="ticking", state=file)
        first.hooks.add(lambda _: None, EVENT)
        for _ in range(5):
            first.package()
        first.hooks.flush()
        first.hooks.add(receiver.url, EVENT)
        for _ in range(5):
            first.package()
        receiver.wait_for(2)
        first._dispatcher.stop = partial(first._dispatcher.stop, seconds=0.1)  # type: ignore[method-assign]
        first.close()
        in_flight = len(receiver.requests)
        gate.open.set()
        again = Emulator("empty", clock="ticking", state=file)
        receiver.wait_for(5 + in_flight)
        again.hooks.flush()
        hooks = {each.id for each in again.world.records.all(Webhook) if each.target_url == receiver.url}
        own = [each for each in events(again) if each.webhook in hooks and each.delivered]
        assert len({json.loads(got.body)["payload"]["id"] for got in receiver.requests}) == 5
        assert len(own) == 5
        again.close()
    assert len(receiver.requests) == 5 + in_flight, (
        "only events in flight at the stop are sent twice, because their results are unknown"
    )


def test_retries_continue_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.oms"
    answers = iter([503, 200])
    with run_receiver(lambda handler, got: respond_with(next(answers))(handler, got)) as receiver:  # noqa: PLW0108 - each call takes the next status
        first = Emulator("empty", state=file)
        first.hooks.add(receiver.url, EVENT, retry={"choice": "fixed", "kwargs": {"seconds": 60}})
        first.package()
        first.hooks.flush()
        first.close()
        again = Emulator("empty", state=file)
        again.clock.advance(minutes=2)
        event = next(each for each in events(again) if each.retry_count == 2)
        again.close()
    assert event.delivered
    assert len(json.loads(event.request_datetimes)) == 2
    assert event.modified_date - event.created_date >= timedelta(seconds=60)
