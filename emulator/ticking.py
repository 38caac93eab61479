"""One thread for all worlds whose clock runs: it lets happen what is due by itself."""

from __future__ import annotations

import logging
import threading

from emulator.core.world import Agenda, World

LOG = logging.getLogger("emulator.ticking")

PATIENCE = 3_600.0
"""Longest wait, in seconds: waiting for longer is no use to anybody."""
STOP_SECONDS = 5.0


class Timekeeper:
    """Runs agendas of worlds in the background, at their times; without a thread before anything is due."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[World, Agenda]] = {}
        self._changed = threading.Condition()
        self._is_woken = False
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def keep(self, world: World, agenda: Agenda) -> None:
        """Run this agenda of a world from now on, whenever its clock runs."""

        def wake(_: World) -> None:
            self._wake(world, agenda)

        world.after_write.append(wake)
        world.after_clock.append(wake)
        wake(world)

    def stop(self) -> None:
        """Let nothing more happen, until somebody writes to a world or changes a clock."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._is_stopping = True
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_SECONDS)
        with self._changed:
            self._is_stopping = False
            self._kept.clear()

    def _wake(self, world: World, agenda: Agenda) -> None:
        if world.pace.orders_per_hour is None or world.clock.mode == "frozen" or world.closed:
            return
        with self._changed:
            if self._is_stopping:
                return
            self._kept[id(world)] = world, agenda
            self._is_woken = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="timekeeper", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while self._is_mine():
            wait = min((self._run(*each) for each in tuple(self._kept.values())), default=PATIENCE)
            with self._changed:
                if not self._is_woken and self._is_mine():
                    self._changed.wait(min(wait, PATIENCE))
                self._is_woken = False

    def _is_mine(self) -> bool:
        return self._thread is threading.current_thread()

    def _run(self, world: World, agenda: Agenda) -> float:
        """Let happen what is due in a world; give how many seconds later it is its turn again."""
        try:
            due = agenda.next(world)
            if due is not None and due <= world.clock.now():
                agenda.run(world, world.clock.now())
                due = agenda.next(world)
            wait = None if due is None else world.clock.seconds_until(due)
        except Exception:
            LOG.exception("world %s does not go on by itself", world.name)
            wait = None
        if wait is None:
            with self._changed:
                if not self._is_woken:
                    self._kept.pop(id(world), None)
            return PATIENCE
        return wait
