"""The threads of a server: one leads and takes the tasks, and the others run what takes long."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from emulator.state.persistence import THREAD_LOCAL

LOG = logging.getLogger("emulator")
LONG_TASK_SECONDS = 0.005
"""If a task runs longer, another thread takes the next tasks beside it."""


class Work(Protocol):
    """A task of the pool. waitress passes its channels."""

    def service(self) -> None: ...

    def cancel(self) -> None: ...


class Leadership:
    """Chooses the thread that takes the next task: the leader. The pattern is Leader/Followers.

    A short task runs in the thread that took it, so no thread wakes another one. If a task takes long or waits,
    another thread becomes the leader, and the task continues beside it.
    """

    def __init__(self, long_task_seconds: float = LONG_TASK_SECONDS) -> None:
        self.long_task_seconds = long_task_seconds
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._watching = threading.Lock()
        """Held by the follower that watches the leader. The other followers wait for it."""
        self._is_watcher_asleep = False
        """Whether the watcher waits for the start of a task."""
        self._leader = 0
        """Id of a thread."""
        self._is_leader_needed = True
        """Whether there is no leader, or its task waits."""
        self._is_leader_busy = False
        """Whether the leader runs a task."""
        self._started_count = self._running_count = 0
        """Number of tasks that leaders started, and number of tasks that all threads run."""
        self._has_ended = False
        self.stopped = False
        """Whether no task is started any more."""

    @property
    def is_leader(self) -> bool:
        """Whether the current thread takes the next task."""
        return self._leader == threading.get_ident() and not self._has_ended

    def begin_task(self) -> None:
        with self._lock:
            self._running_count += 1
            if self._leader == threading.get_ident():
                self._started_count += 1
                self._is_leader_busy = True
                if self._is_watcher_asleep:
                    self._is_watcher_asleep = False
                    self._changed.notify_all()

    def end_task(self) -> bool:
        """End the current task. Return whether the current thread takes the next task."""
        with self._lock:
            self._running_count -= 1
            if is_leader := self._leader == threading.get_ident():
                self._is_leader_busy = self._is_leader_needed = False
            if self.stopped:
                self._changed.notify_all()
            return is_leader and not self._has_ended

    def release(self) -> None:
        """Pass the lead on to another thread, because the current task waits. It continues beside the leader."""
        with self._changed:
            if self._leader == threading.get_ident():
                self._is_leader_needed = True
                self._changed.notify_all()

    def wait_to_lead(self) -> bool:
        """Wait until the leader is late, and become the leader. Return False if there are no leaders any more."""
        with self._watching, self._changed:
            seen_count = None
            while not self._has_ended and not self._is_leader_needed:
                is_unchanged = self._started_count == seen_count  # since the last look, a long task ago
                if is_unchanged and self._is_leader_busy:
                    break
                self._is_watcher_asleep = is_unchanged
                seen_count = self._started_count
                if self._changed.wait(None if self._is_watcher_asleep else self.long_task_seconds):
                    seen_count = None
            if not self._has_ended:
                self._leader = threading.get_ident()
                self._is_leader_busy = self._is_leader_needed = False
            return not self._has_ended

    def end(self, timeout: float) -> None:
        """Wait for the running tasks, then let all followers go."""
        with self._changed:
            self.stopped = True
            if not self._changed.wait_for(lambda: not self._running_count, timeout):
                LOG.warning("%d requests are still being answered", self._running_count)
            self._has_ended = True
            self._changed.notify_all()


class WorkerPool(Leadership):
    """Threads whose leader polls the connections and runs the tasks, in place of the task dispatcher of waitress."""

    def __init__(
        self,
        poll: Callable[[], None],
        wake: Callable[[], None],
        max_threads: int,
        long_task_seconds: float = LONG_TASK_SECONDS,
    ) -> None:
        """Use `poll` to wait for tasks in the leader, and `wake` to end this wait."""
        super().__init__(long_task_seconds)
        self.max_threads = max_threads
        self._poll, self._wake = poll, wake
        self._queue: deque[Work] = deque()
        self._thread_count = 0

    def start(self) -> None:
        with self._changed:
            self._start_thread()

    def add_task(self, task: Work) -> None:
        """Add a task. Another thread than the leader must also call `wake_leader`, as the channels of waitress do."""
        self._queue.append(task)

    @property
    def has_tasks(self) -> bool:
        """Whether tasks wait for the leader."""
        return bool(self._queue)

    def wake_leader(self) -> None:
        """End the wait of the leader. The leader itself needs no wake-up: it polls after its task."""
        if self._leader != threading.get_ident():
            self._wake()

    def shutdown(self, timeout: float = 5) -> bool:
        """End each thread after its task. Cancel the waiting tasks, and return whether there were any."""
        self.end(timeout)
        self.wake_leader()
        with self._changed:
            self._changed.wait_for(lambda: self._thread_count == self._running_count)
            pending = [self._queue.popleft() for _ in range(len(self._queue))]
        for task in pending:
            task.cancel()
        return bool(pending)

    def _start_thread(self) -> None:
        self._thread_count += 1
        name = f"emulator answers {self._thread_count}"
        threading.Thread(target=self._run_thread, name=name, daemon=True).start()

    def _run_thread(self) -> None:
        THREAD_LOCAL.release_worker_slot = self.release
        try:
            while self.wait_to_lead():
                self._lead()
        finally:
            with self._changed:
                self._thread_count -= 1
                self._changed.notify_all()

    def _lead(self) -> None:
        """Poll and run tasks until another thread is the leader."""
        with self._changed:
            if self._thread_count == self._running_count + 1 < self.max_threads:
                self._start_thread()  # all other threads run tasks, so none would watch this one
        while self.is_leader:
            if self._queue and not self.stopped:
                self._run_task()
            else:
                self._poll()

    def _run_task(self) -> None:
        """Run the next task as the leader. Afterwards, another thread may be the leader."""
        task = self._queue.popleft()
        self.begin_task()
        try:
            task.service()
        except BaseException:
            LOG.exception("a connection failed")
        self.end_task()
