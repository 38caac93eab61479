"""Bars of deliveries to hooks: how many a second, and how many threads they take.

The receiver is a process of its own that answers every POST at once, so that both sides pay for sending alone.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

import requests

from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleaved
from benchmarks.servers import Server, fetch, running

EVENTS = 10_000
THREADS = 8
PATIENCE = 300.0
TYPE = "package.refused"
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def receiver() -> Iterator[Server]:
    """A process that answers every POST with 200."""
    with running([sys.executable, "-m", "benchmarks.receiver"]) as server:
        yield server


def received(server: Server) -> tuple[int, int]:
    """How many requests the receiver took, and how many different bodies, since it was asked last."""
    count, different = json.loads(fetch(server, "/").body)
    return count, different


# Deliveries per second ------------------------------------------------------------------------------------


def rate(plan: Plan) -> Iterator[Round]:
    """The same bodies, sent by the emulator and by a plain `requests.Session` loop with as many threads."""
    count = EVENTS if plan.groups > 1 else EVENTS // 10
    with receiver() as target:
        yield from interleaved(
            min(plan.groups, 3), partial(our_rate, target, count), partial(plain_rate, target, count)
        )


def our_rate(target: Server, count: int) -> float:
    """Deliveries per second of events that all wait when the sending begins; none may be lost or doubled."""
    return sending("ours", target, count)


def plain_rate(target: Server, count: int) -> float:
    return sending("plain", target, count)


def sending(who: str, target: Server, count: int) -> float:
    """What a process of its own came to: neither side shares its interpreter with the other."""
    received(target)
    command = [sys.executable, "-m", "benchmarks.hooks", who, str(target.port), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False)
    if done.returncode:
        raise MeasurementFailedError(f"{who}: {(done.stderr.strip() or 'ended').splitlines()[-1]}")
    came, different = received(target)
    if came != count or different != count:
        raise MeasurementFailedError(f"{who}: {count} events, {came} requests, {different} different")
    return float(done.stdout)


def queued_world(port: int, count: int):
    """An emulator with so many events due, each of a change of its own, that has not begun to send."""
    from emulator import Emulator  # noqa: PLC0415 - likewise
    from emulator.core.records import Package, Webhook  # noqa: PLC0415 - likewise

    oms = Emulator("demo", clock="ticking")
    world = oms.world
    world.agenda.clear()
    world.after_write.clear()
    with world.transaction() as tx:
        for hook in list(tx.all(Webhook)):
            tx.change(hook, is_active=False)
        policy = b'{"choice":"fixed","kwargs":{"seconds":60}}'
        url = f"http://127.0.0.1:{port}/"
        tx.add(Webhook(tx.new_id(Webhook), target_url=url, event_type=TYPE, retry_countdown_config=policy))
    ids = world.root.ids(Package)
    for number in range(count):
        with world.transaction() as tx:
            package = tx.one(Package, ids[number % len(ids)])
            tx.queue(TYPE, tx.change(package, tracking_number=str(number)))
    return oms


def send_ours(port: int, count: int) -> float:
    from emulator.delivery import WorldsCourier  # noqa: PLC0415 - as above

    oms = queued_world(port, count)
    courier = WorldsCourier("background")
    began = perf_counter()
    courier.outfit(oms.world)
    deadline = monotonic() + PATIENCE
    while oms.world.mailbox.log.count < count and monotonic() < deadline:
        sleep(0.005)
    flushed = courier.flush(oms.world)
    took = perf_counter() - began
    courier.stop([oms.world])
    if flushed.delivered != count:
        raise SystemExit(f"{flushed.delivered} of {count} delivered")
    return count / took


def send_plain(port: int, count: int) -> float:
    """Bodies of the same events, made beforehand."""
    from emulator.core.records import Webhook, WebhookEvent  # noqa: PLC0415 - as above
    from emulator.rules.requesting import headers  # noqa: PLC0415 - as above
    from emulator.shapes.events import request_body  # noqa: PLC0415 - as above

    oms = queued_world(port, count)
    root = oms.world.root
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _, id_ in root.queued(WebhookEvent):
        event = root.one(WebhookEvent, id_)
        body = request_body(event, root, oms.world.kept)
        waiting.put((headers(root.one(Webhook, event.webhook), body), body))

    def work() -> None:
        session = requests.Session()
        while True:
            try:
                made, body = waiting.get_nowait()
            except queue.Empty:
                return
            session.post(f"http://127.0.0.1:{port}/", data=body, headers=made, timeout=10).raise_for_status()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (perf_counter() - began)


# Threads --------------------------------------------------------------------------------------------------


def threads(plan: Plan) -> Iterator[Round]:
    """Threads of a process that delivers for 1,000 worlds, beside one that delivers for one."""
    with receiver() as target:
        for _ in range(1 + (plan.groups > 1)):
            yield Round(threads_for(target, 1_000), threads_for(target, 1))


def threads_for(target: Server, worlds: int) -> float:
    command = [sys.executable, "-m", "benchmarks.hooks", "threads", str(target.port), str(worlds)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False)
    if done.returncode:
        raise MeasurementFailedError((done.stderr.strip() or "ended").splitlines()[-1])
    return float(done.stdout)


def count_threads(port: int, worlds: int) -> float:
    """The most threads there were while each world's events were delivered."""
    from emulator import Emulator  # noqa: PLC0415 - as above

    oms = Emulator("empty", clock="ticking", max_worlds=2 * worlds)
    most = 0
    events = max(1, 1_000 // worlds)
    for number in range(worlds):
        world = oms.in_world(f"w{number}")
        world.hooks.add(f"http://127.0.0.1:{port}/", "package.created")
        for _ in range(events):
            world.package()
        most = max(most, threading.active_count())
    for world in oms.worlds.all():
        oms._courier.flush(world)  # noqa: SLF001 - of each world
        most = max(most, threading.active_count())
    return most


SENDERS = {"ours": send_ours, "plain": send_plain, "threads": count_threads}

if __name__ == "__main__":
    os.environ.pop("HTTP_PROXY", None)
    print(SENDERS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3])))
