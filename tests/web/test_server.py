"""The worker pool: few tasks run at once, and long or waiting tasks do not block others."""

from __future__ import annotations

import gc
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest

from emulator import Emulator
from emulator.state.persistence import release_worker_slot
from emulator.web.server import MAX_RUNNING, WorkerPool

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


@contextmanager
def running_pool(max_threads: int = 8, long_task_seconds: float = 0.005) -> Iterator[WorkerPool]:
    workers = WorkerPool(max_threads, long_task_seconds)
    try:
        yield workers
    finally:
        workers.shutdown()


def wait_for_task(workers: WorkerPool, task: Task) -> bool:
    """Start waiting tasks as the server's loop does, until a task is done."""
    return any(task.done.wait(0.005) or workers.start_waiting_tasks() for _ in range(SECONDS * 200))


def add_tasks(workers: WorkerPool, tasks: list[Task]) -> None:
    for task in tasks:
        workers.add_task(task)


@pytest.mark.slow
def test_each_task_runs_once() -> None:
    """Several threads add tasks while others run."""
    counted: list[int] = []
    with running_pool() as workers:
        tasks = [[Task(partial(counted.append, number)) for number in range(500)] for _ in range(4)]
        bringing = [threading.Thread(target=add_tasks, args=(workers, own)) for own in tasks]
        for thread in bringing:
            thread.start()
        for thread in bringing:
            thread.join()
        assert all(wait_for_task(workers, task) for own in tasks for task in own)
        assert not workers.has_waiting_tasks()
    assert sorted(counted) == sorted([*range(500)] * 4)


def test_short_tasks_run_in_few_threads() -> None:
    """The number of threads does not grow with the number of tasks."""
    threads: set[int] = set()
    with running_pool(long_task_seconds=SECONDS) as workers:
        tasks = [Task(lambda: threads.add(threading.get_ident())) for _ in range(1_000)]
        for task in tasks:
            workers.add_task(task)
        assert all(task.done.wait(SECONDS) for task in tasks)
    assert len(threads) <= MAX_RUNNING


@pytest.mark.medium
def test_long_tasks_do_not_block_others() -> None:
    """Other tasks start even if more long tasks run than may run at once."""
    end = threading.Event()
    with running_pool(max_threads=6) as workers:
        slow = [Task(lambda: end.wait(SECONDS)) for _ in range(5)]
        for task in slow:
            workers.add_task(task)
        quick = [Task() for _ in range(20)]
        for task in quick:
            workers.add_task(task)
        assert wait_for_task(workers, quick[-1])
        assert all(task.done.is_set() for task in quick[:-1]), "in their order"
        assert not any(task.done.is_set() for task in slow)
        end.set()
        assert all(task.done.wait(SECONDS) for task in slow)


def test_waiting_task_releases_its_slot() -> None:
    """The other tasks start without a call of `start_waiting_tasks`."""
    end = threading.Event()

    def rest() -> None:
        with release_worker_slot():
            end.wait(SECONDS)

    with running_pool(long_task_seconds=SECONDS) as workers:
        resting_tasks = [Task(rest) for _ in range(6)]
        for task in resting_tasks:
            workers.add_task(task)
        last = Task(end.set)
        workers.add_task(last)
        assert last.done.wait(SECONDS)
        assert all(task.done.wait(SECONDS) for task in resting_tasks)


@pytest.mark.parametrize("error", [LookupError("no such channel"), SystemExit(1)], ids=["a bug", "an exit"])
def test_failing_task_does_not_end_its_thread(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise error

    with caplog.at_level(logging.ERROR, "emulator"), running_pool(max_threads=1) as workers:
        failing, after = Task(fail), Task()
        workers.add_task(failing)
        workers.add_task(after)
        assert wait_for_task(workers, after)
    assert [record.getMessage() for record in caplog.records] == ["a connection failed"]


def test_shutdown_waits_for_running_tasks_and_cancels_the_others() -> None:
    begun = threading.Event()

    def work() -> None:
        begun.set()
        while not workers.stopped:
            threading.Event().wait(0.001)

    workers = WorkerPool(max_threads=1)
    first, second = Task(work), Task()
    workers.add_task(first)
    workers.add_task(second)
    assert begun.wait(SECONDS)
    assert workers.shutdown(timeout=SECONDS)
    assert (first.done.is_set(), first.cancelled.is_set()) == (True, False)
    assert (second.done.is_set(), second.cancelled.is_set()) == (False, True)


def test_shutdown_ends_idle_threads() -> None:
    workers = WorkerPool(max_threads=4)
    threads: set[threading.Thread] = set()
    tasks = [Task(lambda: threads.add(threading.current_thread())) for _ in range(10)]
    for task in tasks:
        workers.add_task(task)
    assert all(task.done.wait(SECONDS) for task in tasks)
    assert not workers.shutdown(timeout=SECONDS)
    for thread in threads:
        thread.join(SECONDS)
    assert threads
    assert not any(thread.is_alive() for thread in threads)


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
