"""Bars of webhook deliveries: deliveries per second, and the number of threads.

The receiver is a separate process that answers every POST at once, so both sides measure the cost of sending.
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

from benchmarks import servers
from benchmarks.commands import AUTH, command_requests, run_job
from benchmarks.load import Job, Request
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from benchmarks.servers import Server, fetch, running

EVENTS = 10_000
THREADS = 8
READERS = 2
ENOUGH = 0.8
"""Minimum share of the expected deliveries. Below it, the load was too low."""
CREATED = 201
HOOKS, CHANGED = "/whisperer/hooks/", "package.status.transitioned"
PATIENCE = 300.0
TYPE = "package.refused"
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def receiver() -> Iterator[Server]:
    """Start a process that answers every POST with 200."""
    with running([sys.executable, "-m", "benchmarks.receiver"]) as server:
        yield server


def take_counts(server: Server) -> tuple[int, int]:
    """Return the numbers of requests and of different bodies since the last call."""
    count, different = json.loads(fetch(server, "/").body)
    return count, different


# Deliveries per second ------------------------------------------------------------------------------------


def rate(plan: Plan) -> Iterator[Round]:
    """Compare the emulator with a plain `requests.Session` loop: the same bodies, the same number of threads."""
    count = EVENTS if plan.groups > 1 else EVENTS // 10
    with receiver() as target:
        yield from interleave(
            min(plan.groups, 3), partial(our_rate, target, count), partial(plain_rate, target, count)
        )


def our_rate(target: Server, count: int) -> float:
    """Return the deliveries per second of queued events. No event may be lost or sent twice."""
    return run_side("ours", target, count)


def plain_rate(target: Server, count: int) -> float:
    return run_side("plain", target, count)


def run_side(who: str, target: Server, count: int) -> float:
    """Run one side in a separate process and return its figure."""
    take_counts(target)
    command = [sys.executable, "-m", "benchmarks.hooks", who, str(target.port), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False)
    if done.returncode:
        raise MeasurementFailedError(f"{who}: {(done.stderr.strip() or 'ended').splitlines()[-1]}")
    came, different = take_counts(target)
    if came != count or different != count:
        raise MeasurementFailedError(f"{who}: {count} events, {came} requests, {different} different")
    return float(done.stdout)


def queued_world(port: int, count: int):
    """Return an emulator with this number of due events, each from a separate change. None is sent yet."""
    from emulator import Emulator  # noqa: PLC0415 - likewise
    from emulator.core.records import Package, Webhook  # noqa: PLC0415 - likewise

    oms = Emulator("demo", clock="ticking", delivery="flush")
    world = oms.world
    with world.transaction() as tx:
        for hook in list(tx.all(Webhook)):
            tx.change(hook, is_active=False)
        policy = b'{"choice":"fixed","kwargs":{"seconds":60}}'
        url = f"http://127.0.0.1:{port}/"
        tx.add(Webhook(tx.new_id(Webhook), target_url=url, event_type=TYPE, retry_countdown_config=policy))
    ids = world.records.ids(Package)
    for number in range(count):
        with world.transaction() as tx:
            package = tx.get_existing(Package, ids[number % len(ids)])
            tx.queue_event(TYPE, tx.change(package, tracking_number=str(number)))
    return oms


def send_ours(port: int, count: int) -> float:
    from emulator.api.serializers.events import record_events  # noqa: PLC0415 - as above
    from emulator.state.world import World, WorldServices  # noqa: PLC0415 - as above
    from emulator.worlds.webhooks import WebhookDispatcher  # noqa: PLC0415 - as above

    oms = queued_world(port, count)
    dispatcher = WebhookDispatcher("background")
    before, services = oms.world, WorldServices(record_events, sender=dispatcher.sender)
    world = World(before.name, before.settings, before.snapshot(), services)
    began = perf_counter()
    dispatcher.wake(world)
    deadline = monotonic() + PATIENCE
    while world.outbox.log.count < count and monotonic() < deadline:
        sleep(0.005)
    flushed = world.outbox.flush()
    took = perf_counter() - began
    dispatcher.stop([world])
    if flushed.delivered != count:
        raise SystemExit(f"{flushed.delivered} of {count} delivered")
    return count / took


def send_plain(port: int, count: int) -> float:
    """Send the bodies of the same events, rendered beforehand."""
    from emulator.api.serializers.events import request_body  # noqa: PLC0415 - as above
    from emulator.api.serializers.rendering import render_cache  # noqa: PLC0415 - as above
    from emulator.core.records import Webhook, WebhookEvent  # noqa: PLC0415 - as above
    from emulator.domain.webhook_retries import webhook_headers  # noqa: PLC0415 - as above

    oms = queued_world(port, count)
    root = oms.world.records
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _, id_ in root.due_items(WebhookEvent):
        event = root.get_existing(WebhookEvent, id_)
        body = request_body(event, root, render_cache(oms.world))
        waiting.put((webhook_headers(root.get_existing(Webhook, event.webhook), body), body))

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


# Latency of the API during deliveries ---------------------------------------------------------------------

DELIVERIES = 50
"""Deliveries per second."""
WATCHED = 2.0
"""Minimum seconds of a slice. A percentile needs many responses."""


def latency(plan: Plan) -> Iterator[Round]:
    """Compare the 99th percentile of reads with deliveries and without a hook.

    Both sides have the same load: a fixed number of changes per second, and reads at full speed.
    """
    with receiver() as target:
        for _ in range(plan.groups):
            with running(servers.ours()) as busy, running(servers.ours()) as idle:
                for server in (busy, idle):
                    unsubscribe(server)
                subscribe(busy, f"http://127.0.0.1:{target.port}/")
                yield from interleave(
                    plan.rounds,
                    partial(read_p99, busy, plan, target, DELIVERIES),
                    partial(read_p99, idle, plan, target, 0),
                )


def unsubscribe(server: Server) -> None:
    for hook in json.loads(fetch(server, f"{HOOKS}?limit=100", headers=AUTH).body)["results"]:
        fetch(server, f"{HOOKS}{hook['id']}/", "DELETE", AUTH)


def subscribe(server: Server, url: str) -> None:
    retries = {"choice": "fixed", "kwargs": {"seconds": 60}}
    body = {"target_url": url, "event_type": CHANGED, "retry_countdown_config": retries}
    answer = fetch(server, HOOKS, "POST", AUTH | {"Content-Type": "application/json"}, json.dumps(body))
    if answer.status != CREATED:
        raise MeasurementFailedError(f"no hook: {answer.status} {answer.body!r}")


def read_p99(server: Server, plan: Plan, target: Server, expected: int) -> float:
    """Return the 99th percentile of the reads in milliseconds."""
    changes = command_requests(server)
    reads = [Request(request.path.removesuffix("command/"), headers=AUTH) for request in changes]
    take_counts(target)
    with Pace(server, changes, DELIVERIES) as pace:
        seconds = max(WATCHED, plan.seconds)
        found = run_job(Job(server.port, reads, seconds=seconds, warm_up=plan.warm_up, connections=READERS))
    came, _ = take_counts(target)
    if not expected * seconds * ENOUGH <= came <= pace.done * (expected > 0):
        raise MeasurementFailedError(f"{pace.done} changes in {seconds:g} s, {came} deliveries")
    return found.p99_ms


class Pace:
    """Sends requests at a fixed rate until the context ends, and catches up after a slow response."""

    def __init__(self, server: Server, requests: list[Request], a_second: float) -> None:
        self.server, self.requests, self.a_second = server, requests, a_second
        self.done = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> "Pace":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def run(self) -> None:
        """Send complete turns. Afterwards every package is in its old state."""
        began = monotonic()
        while not self.ended.is_set() or self.done % len(self.requests):
            request = self.requests[self.done % len(self.requests)]
            fetch(self.server, request.path, request.method, request.headers, request.body)
            self.done += 1
            self.ended.wait(max(0.0, began + self.done / self.a_second - monotonic()))


# Threads --------------------------------------------------------------------------------------------------


def threads(plan: Plan) -> Iterator[Round]:
    """Compare the threads of a process that delivers for 1,000 worlds and for one."""
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
    """Return the maximum number of threads while the events of each world are delivered."""
    from emulator import Emulator  # noqa: PLC0415 - as above

    oms = Emulator("empty", clock="ticking", max_worlds=2 * worlds)
    most = 0
    events = max(1, 1_000 // worlds)
    for number in range(worlds):
        handle = oms.in_world(f"w{number}")
        handle.hooks.add(f"http://127.0.0.1:{port}/", "package.created")
        for _ in range(events):
            handle.package()
        most = max(most, threading.active_count())
    for world in oms.worlds.all():
        world.outbox.flush()
        most = max(most, threading.active_count())
    return most


SENDERS = {"ours": send_ours, "plain": send_plain, "threads": count_threads}

if __name__ == "__main__":
    os.environ.pop("HTTP_PROXY", None)
    print(SENDERS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3])))
