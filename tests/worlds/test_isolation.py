"""Worlds that are used concurrently on one server end in the same state as when they are used one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from emulator.core.records import KINDS, Webhook
from emulator.domain.scenario_files import find_scenario, with_limits
from emulator.state.record_codec import encode_record
from emulator.state.scenario import Scenario
from emulator.state.store import REMOVED, Snapshot
from tests.support.reads import HOST, SendRequest, http_sender
from tests.support.traffic import HOOK_AND_FAULT_ACTIONS, OTHER_ACTIONS, WRITE_ACTIONS, Traffic

pytestmark = pytest.mark.slow

WORLDS, ASKS, PACKAGES, SEEDS = 50, 18, 3, 3
SCENARIO = with_limits(find_scenario("demo").with_size(PACKAGES, 1), {"read-only": {"read": "3/min"}})
TIMEOUT = 120
TRAFFIC = [*WRITE_ACTIONS, *OTHER_ACTIONS, *HOOK_AND_FAULT_ACTIONS * 3]
OUTCOMES = (b'"status":200', b'"status":503')
LISTS = (
    "/__admin/requests?limit=1000",
    "/api/v1/oms/packages/?limit=100",
    "/api/v1/oms/transfer_orders/?limit=100",
    "/whisperer/hooks/?limit=100",
    "/whisperer/hook_events/?limit=100",
    "/__admin/export",
    "/__admin/faults",
    "/__admin/hooks/deliveries",
    "/__admin/snapshots",
    "/__admin/clock",
)


class Result(NamedTuple):
    """Everything that a client saw of its world, and the final state of the world."""

    answers: list[Any]
    reads: Mapping[str, bytes]
    records: Mapping[tuple[str, int], bytes]
    throttled: tuple[int, str | None]


def scenario_of(number: int) -> Scenario:
    return SCENARIO.with_size(None, 1 + number % SEEDS)


def use_world(oms: Emulator, number: int, barrier: Barrier | None = None) -> Result:
    """Use a world of a running server. The number determines scenario and traffic."""
    name = f"w{number}"
    oms.worlds.create(name, scenario_of(number))
    world = oms.in_world(name)
    if barrier is not None:
        barrier.wait(TIMEOUT)
    with http_sender(oms.server_url) as ask:
        traffic = Traffic(world, ask, number)
        for hook in list(world.world.records.ids(Webhook)):  # no receiver listens at their addresses
            traffic.send("DELETE", f"/whisperer/hooks/{hook}/")
        answers = traffic.run(ASKS, TRAFFIC)
        reads = dict(read_lists(world, ask))
        last = ask("GET", f"{world.prefix}/api/v1/oms/packages/", None, {"Authorization": "Token throttled"})
    return Result(answers, reads, changes(world.world.records), (last.status, last.headers.get("Retry-After")))


def changes(root: Snapshot) -> dict[tuple[str, int], bytes]:
    """Return all records that differ from those of the scenario."""
    return {
        (name, id_): b"" if record is REMOVED else encode_record(record)
        for name, kind in KINDS.items()
        for id_, record in root.maps.get(kind, {}).items()
    }


def read_lists(world: WorldHandle, ask: SendRequest) -> Iterator[tuple[str, bytes]]:
    """Yield the lists of a world."""
    headers = {"Authorization": "Token full-access"}
    for path in LISTS:
        yield path, ask("GET", world.prefix + path, None, headers).body


def test_fifty_concurrent_worlds_equal_the_same_worlds_one_by_one() -> None:
    """Answers, records, events, deliveries, faults, limits, journal and export are equal."""
    with Emulator("empty", allow_hosts=[HOST]) as oms, ThreadPoolExecutor(WORLDS) as pool:
        barrier = Barrier(WORLDS)
        port = int(oms.server_url.rpartition(":")[2])  # payloads contain it
        concurrent = list(pool.map(lambda number: use_world(oms, number, barrier), range(WORLDS)))
    with Emulator("empty", port=port, allow_hosts=[HOST]) as oms:
        for number, result in enumerate(concurrent):
            assert use_world(oms, number) == result, f"world {number}"
            oms.worlds.delete(f"w{number}")
    assert len({tuple(result.reads.items()) for result in concurrent}) == WORLDS, "every world had different traffic"
    assert_traffic_is_varied(concurrent)


def assert_traffic_is_varied(worlds: list[Result]) -> None:
    """Check that there are deliveries with both outcomes, calls with a fault, and throttled calls."""
    statuses = Counter(status for world in worlds for status, _, _ in world.answers)
    outcomes = Counter(
        part for world in worlds for part in OUTCOMES if part in world.reads["/__admin/hooks/deliveries"]
    )
    counts = [statuses[503], statuses[429], *(outcomes[part] for part in OUTCOMES)]
    assert min(counts) > 2, counts
