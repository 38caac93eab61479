"""The worker pool: few tasks run at once, and long or waiting tasks do not block others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from emulator.state.persistence import release_worker_slot
from emulator.web.worker_threads import WorkerPool

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
