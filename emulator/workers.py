"""The threads that make a server's answers: a few at once, and others beside those that take long."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

from emulator.core.clock import machine_seconds
from emulator.core.turns import OF_THREAD

LOG = logging.getLogger("emulator")
AT_ONCE = 2
"""How many threads work at once, while none takes long. Python runs one of them at a time; each further one makes all
slower: they take the interpreter from each other, and what each has in the processor's caches."""
LONG = 0.005
"""Seconds from which on a thread's work takes long: it does not count, and another one may work beside it."""


class Workers:
    """Stands for waitress's dispatcher of tasks. The thread that rested last works first: it is still warm."""

    def __init__(self, most: int, long: float = LONG) -> None:
        self.most, self.long = most, long
        self._queue: deque[Any] = deque()
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._idle: list[threading.Lock] = []
        """What idle threads wait for."""
        self._began: dict[int, float] = {}
        """Thread that works -> since when."""
        self._threads = self._called = 0
        self.stopped = False
        """No task is begun any more."""

    def set_thread_count(self, count: int) -> None:
        """Do nothing: waitress says so once more what it was told."""

    def add_task(self, task: Any) -> None:
        """Take a task; a thread does it when its turn comes."""
        with self._lock:
            self._queue.append(task)
            self._call()

    def is_waited_for(self) -> bool:
        """Tell whether tasks wait for a turn, so that `relieve` is to be called every few milliseconds."""
        return bool(self._queue)

    def relieve(self) -> None:
        """Let other threads work beside those that take long."""
        with self._lock:
            self._call()

    def rest(self) -> None:
        with self._lock:
            self._began.pop(threading.get_ident(), None)
            self._call()

    def resume(self) -> None:
        with self._lock:
            self._began[threading.get_ident()] = machine_seconds()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """End the threads, each after its task; what nobody began is dropped."""
        with self._lock:
            self.stopped = True
            while self._idle:
                self._idle.pop().release()
            if not self._ended.wait_for(lambda: not self._threads, timeout):
                LOG.warning("%d requests are still being answered", self._threads)
            left = [self._queue.popleft() for _ in range(len(self._queue))] if cancel_pending else []
        for task in left:
            task.cancel()
        return bool(left)

    def _call(self) -> None:
        """Let one more thread work, if tasks wait and fewer work than may."""
        if len(self._queue) <= self._called or self._called + self._count() >= AT_ONCE:
            return
        if self._idle:
            self._called += 1
            self._idle.pop().release()
        elif self._threads < self.most:
            self._called += 1
            self._threads += 1
            threading.Thread(target=self._run, name=f"emulator answers {self._threads}", daemon=True).start()

    def _count(self) -> int:
        """Give how many threads work, and did not begin long ago."""
        since = machine_seconds() - self.long
        return sum(began > since for began in self._began.values())

    def _run(self) -> None:
        OF_THREAD.turns = self
        turn = threading.Lock()
        turn.acquire()
        is_called = True
        while (task := self._next(turn, is_called=is_called)) is not None or not self.stopped:
            is_called = task is None
            if task is None:
                turn.acquire()
                continue
            try:
                task.service()
            except BaseException:
                LOG.exception("a connection failed")
        with self._lock:
            self._threads -= 1
            self._ended.notify_all()

    def _next(self, turn: threading.Lock, *, is_called: bool) -> Any | None:
        """Give the next task; None where there is none for this thread, which then waits to be called."""
        with self._lock:
            self._called -= is_called
            self._began.pop(threading.get_ident(), None)
            if self.stopped:
                return None
            if self._queue and (is_called or self._called + self._count() < AT_ONCE):
                self._began[threading.get_ident()] = machine_seconds()
                return self._queue.popleft()
            self._idle.append(turn)
            return None
