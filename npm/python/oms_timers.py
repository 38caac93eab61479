"""Timers for a host that runs all Python code in one thread."""

from __future__ import annotations

from collections.abc import Callable

from emulator.state.clock import machine_seconds


class Timers:
    """Functions that are called later, each at most once."""

    def __init__(self) -> None:
        self._times: dict[Callable[[], None], float] = {}

    def add(self, seconds: float, function: Callable[[], None]) -> None:
        self._times[function] = machine_seconds() + seconds

    def run(self) -> float | None:
        """Call the functions whose time has come. Return the seconds to the next one."""
        if not self._times:
            return None
        now = machine_seconds()
        for function in [function for function, at in self._times.items() if at <= now]:
            if self._times.pop(function, None) is not None:
                function()
        return min(self._times.values()) - machine_seconds() if self._times else None
