"""One thread for all worlds with a running clock: it runs their scheduled tasks at the due times."""

from __future__ import annotations

import logging
import threading

from emulator.state.clock import Scheduled
from emulator.state.world import World

LOG = logging.getLogger("emulator.worlds.scheduler")

MAX_WAIT = 3_600.0
"""Longest wait in seconds, because the wait of a condition is limited."""
STOP_SECONDS = 5.0


class Scheduler:
    """Runs scheduled tasks in the background. The thread starts with the first task."""

    def __init__(self) -> None:
        self._tasks: dict[int, tuple[World, Scheduled]] = {}
        self._changed = threading.Condition()
        self._is_woken = False
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def wake(self, world: World, task: Scheduled) -> None:
        """Look at a task's next due time, unless its clock is frozen."""
        if world.clock.mode == "frozen" or world.is_closed:
            return
        with self._changed:
            if self._is_stopping:
                return
            self._tasks[id(task)] = world, task
            self._is_woken = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_thread, name="scheduler", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop the thread. The next `wake` starts it again."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._is_stopping = True
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_SECONDS)
        with self._changed:
            self._is_stopping = False
            self._tasks.clear()

    def _run_thread(self) -> None:
        while self._is_current():
            wait = min((self._run_task(*each) for each in tuple(self._tasks.values())), default=MAX_WAIT)
            with self._changed:
                if not self._is_woken and self._is_current():
                    self._changed.wait(min(wait, MAX_WAIT))
                self._is_woken = False

    def _is_current(self) -> bool:
        return self._thread is threading.current_thread()

    def _run_task(self, world: World, task: Scheduled) -> float:
        """Run a task if it is due. Return the seconds until it is due again."""
        try:
            due = task.next_due()
            if due is not None and due <= world.clock.now():
                task.run_due(world.clock.now())
                due = task.next_due()
            wait = None if due is None else world.clock.seconds_until(due)
        except Exception:
            LOG.exception("the scheduled task of world %s failed, and is stopped", world.name)
            wait = None
        if wait is None:
            with self._changed:
                if not self._is_woken:
                    self._tasks.pop(id(task), None)
            return MAX_WAIT
        return wait
