"""The worker pool: few tasks run at once, and long or waiting tasks do not block others."""

from __future__ import annotations

import gc
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest
from waitress.task import WSGITask

from emulator import Emulator
from emulator.state.persistence import release_worker_slot
from emulator.web.server import WorkerPool

SECONDS = 20


class Task:
    """A task as waitress passes it to its dispatcher."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.work = work
        self.done, self.cancelled = threading.Event(), threading.Event()

    def service(self) -> None:
        try:
            self.work()
        finally:
            self.done.set()

    def cancel(self) -> None:
        self.cancelled.set()


class Pool(WorkerPool):
    """A pool whose leader waits for a semaphore in place of connections."""

    def __init__(self, max_threads: int = 8, long_task_seconds: float = 0.005) -> None:
        wakes = threading.Semaphore(0)
        self.polling_threads: set[int] = set()

        def poll() -> None:
            self.polling_threads.add(threading.get_ident())
            wakes.acquire(timeout=SECONDS)

        super().__init__(poll, wakes.release, max_threads, long_task_seconds)

    def add(self, *tasks: Task) -> None:
        for task in tasks:
            self.add_task(task)
            self.wake_leader()


@contextmanager
def running_pool(max_threads: int = 8, long_task_seconds: float = 0.005) -> Iterator[Pool]:
    workers = Pool(max_threads, long_task_seconds)
    workers.start()
    try:
        yield workers
    finally:
        workers.shutdown()


@pytest.mark.slow
def test_each_task_runs_once() -> None:
    """Several threads add tasks while others run."""
    counted: list[int] = []
    with running_pool() as workers:
        tasks = [[Task(partial(counted.append, number)) for number in range(500)] for _ in range(4)]
        adding = [threading.Thread(target=workers.add, args=own) for own in tasks]
        for thread in adding:
            thread.start()
        for thread in adding:
            thread.join()
        assert all(task.done.wait(SECONDS) for own in tasks for task in own)
    assert sorted(counted) == sorted([*range(500)] * 4)


def test_short_tasks_run_in_the_polling_thread() -> None:
    threads: set[int] = set()
    with running_pool(long_task_seconds=SECONDS) as workers:
        tasks = [Task(lambda: threads.add(threading.get_ident())) for _ in range(1_000)]
        workers.add(*tasks)
        assert all(task.done.wait(SECONDS) for task in tasks)
        assert threads == workers.polling_threads
    assert len(threads) == 1


@pytest.mark.medium
def test_long_tasks_do_not_block_others() -> None:
    """Another thread polls and runs the other tasks, in their order."""
    end = threading.Event()
    with running_pool(max_threads=6) as workers:
        slow = [Task(lambda: end.wait(SECONDS)) for _ in range(5)]
        quick = [Task() for _ in range(20)]
        workers.add(*slow, *quick)
        assert quick[-1].done.wait(SECONDS)
        assert all(task.done.is_set() for task in quick[:-1])
        assert not any(task.done.is_set() for task in slow)
        end.set()
        assert all(task.done.wait(SECONDS) for task in slow)


def test_tasks_wait_while_all_threads_run_tasks() -> None:
    end = threading.Event()
    with running_pool(max_threads=2) as workers:
        tasks = [Task(lambda: end.wait(SECONDS)) for _ in range(3)]
        last = Task()
        workers.add(*tasks, last)
        end.set()
        assert last.done.wait(SECONDS)
        assert all(task.done.is_set() for task in tasks)


@pytest.mark.medium
def test_waiting_task_releases_its_slot() -> None:
    """The other tasks start although none of them counts as long."""
    end = threading.Event()

    def rest() -> None:
        release_worker_slot()
        end.wait(SECONDS)

    with running_pool(long_task_seconds=2 * SECONDS) as workers:
        resting_tasks = [Task(rest) for _ in range(6)]
        last = Task(end.set)
        workers.add(*resting_tasks, last)
        assert last.done.wait(SECONDS)
        assert all(task.done.wait(SECONDS) for task in resting_tasks)


@pytest.mark.parametrize("error", [LookupError("no such channel"), SystemExit(1)], ids=["a bug", "an exit"])
def test_failing_task_does_not_end_its_thread(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise error

    with caplog.at_level(logging.ERROR, "emulator"), running_pool(max_threads=1) as workers:
        after = Task()
        workers.add(Task(fail), after)
        assert after.done.wait(SECONDS)
    assert [record.getMessage() for record in caplog.records] == ["a connection failed"]


def test_shutdown_waits_for_running_tasks_and_cancels_the_others() -> None:
    has_begun, end = threading.Event(), threading.Event()

    def work() -> None:
        has_begun.set()
        end.wait(SECONDS)

    workers = Pool(max_threads=1)
    workers.start()
    first, second = Task(work), Task()
    workers.add(first, second)
    assert has_begun.wait(SECONDS)
    assert workers.shutdown(timeout=0), "the first task still runs"
    assert (first.done.is_set(), second.done.is_set(), second.cancelled.is_set()) == (False, False, True)
    end.set()
    assert not workers.shutdown(timeout=SECONDS)
    assert (first.done.is_set(), first.cancelled.is_set()) == (True, False)


def test_leader_polls_until_the_last_task_ended() -> None:
    """A task may need the leader, which sends the rest of a large response."""
    wakes, polls = threading.Semaphore(0), threading.Semaphore(0)

    def poll() -> None:
        if workers.stopped:
            polls.release()
        wakes.acquire(timeout=0.01)

    def work() -> None:
        has_begun.set()
        release_worker_slot()
        while not workers.stopped:
            threading.Event().wait(0.001)
        assert polls.acquire(timeout=SECONDS)
        has_polled.set()

    has_begun, has_polled = threading.Event(), threading.Event()
    workers = WorkerPool(poll, wakes.release, max_threads=2, long_task_seconds=SECONDS)
    workers.add_task(Task(work))
    workers.start()
    assert has_begun.wait(SECONDS)
    assert not workers.shutdown(timeout=SECONDS)
    assert has_polled.is_set()


def test_shutdown_ends_idle_threads() -> None:
    workers = Pool(max_threads=4)
    workers.start()
    threads: set[threading.Thread] = set()
    tasks = [Task(lambda: threads.add(threading.current_thread())) for _ in range(10)]
    workers.add(*tasks)
    assert all(task.done.wait(SECONDS) for task in tasks)
    assert not workers.shutdown(timeout=SECONDS)
    for thread in threads:
        thread.join(SECONDS)
    assert threads
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.medium
def test_blocked_requests_do_not_block_others() -> None:
    """Eight requests wait in a view, and another one is answered."""
    begun, end = threading.Semaphore(0), threading.Event()

    def block() -> str:
        begun.release()
        return str(end.wait(SECONDS))

    with Emulator("empty") as oms, ThreadPoolExecutor(8) as clients:
        oms.app.add_url_rule("/blocked", view_func=block)
        blocked = [clients.submit(send_raw, oms.url, GET % b"/blocked") for _ in range(8)]
        assert all(begun.acquire(timeout=SECONDS) for _ in blocked)
        assert send_raw(oms.url, GET % b"/unknown") == b"HTTP/1.1 404 Not Found\r\n"
        assert not any(each.done() for each in blocked)
        end.set()
        assert {each.result(SECONDS) for each in blocked} == {b"HTTP/1.1 200 OK\r\n"}


@pytest.mark.medium
def test_requests_leave_no_work_for_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        with Emulator("empty") as oms:
            for _ in range(3):
                assert send_raw(oms.url, GET % b"/api/v1/oms/packages/") == b"HTTP/1.1 401 Unauthorized\r\n"
        assert [each for each in gc.get_objects() if issubclass(type(each), WSGITask)] == []
    finally:
        gc.enable()


@pytest.mark.medium
def test_incomplete_large_body_leaves_no_open_file(recwarn: pytest.WarningsRecorder) -> None:
    """The temporary file of the body is closed when the client disconnects or the server stops."""
    with Emulator("empty") as oms:
        address = urlsplit(oms.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as client:
            client.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_000_000
            )
    gc.collect()
    assert [str(warning.message) for warning in recwarn if issubclass(warning.category, ResourceWarning)] == []


@pytest.mark.medium
def test_unread_large_response_leaves_no_open_file(recwarn: pytest.WarningsRecorder) -> None:
    """The temporary file of a response is closed when the server stops before the client has read the response."""
    with Emulator("empty") as oms:
        address = urlsplit(oms.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as client:
            client.sendall(b"GET /__admin/docs/redoc.standalone.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
            oms.stop()
    gc.collect()
    assert [str(warning.message) for warning in recwarn if issubclass(warning.category, ResourceWarning)] == []


def send_raw(url: str, request: bytes) -> bytes:
    """Send bytes to a server, and return the first line of its response."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=SECONDS) as client:
        client.sendall(request)
        return client.makefile("rb").readline()


GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://[::1/api HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        CHUNKED + b"f" * 18 + b"\r\nabc",
        CHUNKED + b"1" * 2_000,
        CHUNKED + b"0\r\n" + b"a" * 70_000,
    ],
    ids=["URL", "length of 5,000 digits", "chunk size beyond memory", "endless chunk header", "endless trailer"],
)
def test_malformed_request_is_refused_without_a_log_line(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with Emulator("empty") as oms:
        assert send_raw(oms.url, request_) == b"HTTP/1.1 400 Bad Request\r\n"
        assert send_raw(oms.url, CHUNKED + b"3\r\nabc\r\n0\r\n\r\n") == b"HTTP/1.1 404 Not Found\r\n"
    assert caplog.records == []
