"""The dispatcher of a runtime without threads sends events from timers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator import Emulator
from emulator.state.runtime import install_runtime

HOOK = {
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
}


class ManualRuntime:
    """A runtime whose timers a test fires."""

    def __init__(self) -> None:
        self.timers: dict[Callable[[], None], float] = {}

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        self.timers[function] = seconds

    def fire(self) -> None:
        due = [function for function, seconds in self.timers.items() if seconds <= 0]
        for function in due:
            del self.timers[function]
            function()


@pytest.fixture
def runtime() -> Iterator[Any]:
    runtime: Any = ManualRuntime()
    install_runtime(runtime)
    yield runtime
    install_runtime(None)


@pytest.mark.medium
def test_timer_sends_an_event_without_threads(runtime: Any) -> None:
    oms = Emulator("demo", packages=5, clock="ticking")
    client = oms.session()
    assert client.post(f"{oms.url}/whisperer/hooks/", json=HOOK).status_code == 201
    client.post(f"{oms.url}/__admin/packages", json={"state": "Waiting"})
    assert runtime.timers
    runtime.fire()
    assert client.get(f"{oms.url}/__admin/hooks/deliveries").json()["results"]
