"""Many clients send a command to one package at once."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import requests

from emulator import Emulator
from tests.domain.commands.arranging import PACKAGES, in_state

pytestmark = pytest.mark.slow

CALLERS = 200
PREPARE, WAITING, PREPARING = 199, 35, 37


def test_exactly_one_of_200_concurrent_commands_succeeds() -> None:
    """Over HTTP, one answer is 204 and the others are 400, with one log entry and one event per subscription."""
    with Emulator("demo") as oms:
        package = in_state(oms, PACKAGES, WAITING)
        url = f"{oms.url}/api/v1/oms/packages/{package.id}"
        events = requests.get(f"{url}/webhook_events/short/", headers=oms.auth, timeout=30).json()["count"]
        statuses: list[int] = []
        start = threading.Barrier(CALLERS, timeout=60)

        def call() -> None:
            start.wait()
            body = {"transition": PREPARE, "input_parameters": {}}
            statuses.append(requests.post(f"{url}/command/", json=body, headers=oms.auth, timeout=60).status_code)

        callers = [threading.Thread(target=call, daemon=True) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert Counter(statuses) == {204: 1, 400: CALLERS - 1}
        logs = requests.get(f"{url}/transition_logs/", headers=oms.auth, timeout=30).json()["results"]
        assert [(log["old_state"]["id"], log["new_state"]["id"]) for log in logs] == [(WAITING, PREPARING)]
        after = requests.get(f"{url}/webhook_events/short/", headers=oms.auth, timeout=30).json()
        assert after["count"] == events + 1
        assert after["results"][-1]["webhook"]["event_type"] == "package.status.transitioned"
