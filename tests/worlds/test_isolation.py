"""Worlds of one server, used at once over HTTP, end as each would have ended alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from emulator import Emulator
from emulator.core.records import KINDS, Webhook
from emulator.core.rows import packed
from emulator.core.store import REMOVED, Root
from emulator.inworld import InWorld
from emulator.rules.scenarios import Scenario, scenario
from tests.support.reads import Ask, over_http
from tests.support.traffic import DISTURBING, OTHERS, WRITES, Traffic

pytestmark = pytest.mark.slow

WORLDS, ASKS, PACKAGES, SEEDS = 50, 18, 3, 3
SCENARIO = scenario("demo").sized(PACKAGES, 1).limited({"read-only": {"read": "3/min"}})
TIMEOUT = 120
TRAFFIC = [*WRITES, *OTHERS, *DISTURBING * 3]
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


class Ended(NamedTuple):
    """All that a client saw of its world, and all that the world is at the end."""

    answers: list[Any]
    reads: Mapping[str, bytes]
    records: Mapping[tuple[str, int], bytes]
    throttled: tuple[int, str | None]


def start_of(number: int) -> Scenario:
    return SCENARIO.sized(None, 1 + number % SEEDS)


def used(oms: Emulator, number: int, together: Barrier | None = None) -> Ended:
    """Use a world of a server on a port as its number says."""
    name = f"w{number}"
    oms.worlds.put(name, start_of(number))
    world = oms.in_world(name)
    if together is not None:
        together.wait(TIMEOUT)
    with over_http(oms.server_url) as ask:
        traffic = Traffic(world, ask, number)
        for hook in list(world.world.root.ids(Webhook)):  # nobody is at their addresses: they tell of nothing
            traffic.send("DELETE", f"/whisperer/hooks/{hook}/")
        answers = traffic.run(ASKS, TRAFFIC)
        reads = dict(lists(world, ask))
        last = ask("GET", f"{world.prefix}/api/v1/oms/packages/", None, {"Authorization": "Token throttled"})
    return Ended(answers, reads, changes(world.world.root), (last.status, last.headers.get("Retry-After")))


def changes(root: Root) -> dict[tuple[str, int], bytes]:
    """Give all records that are the world's own, none of which is the scenario's."""
    return {
        (name, id_): b"" if record is REMOVED else packed(record)
        for name, kind in KINDS.items()
        for id_, record in root.maps.get(kind, {}).items()
    }


def lists(world: InWorld, ask: Ask) -> Iterator[tuple[str, bytes]]:
    """Give what a world lists, faults or not."""
    headers = {"Authorization": "Token full-access"}
    for path in LISTS:
        yield path, ask("GET", world.prefix + path, None, headers).body


def test_fifty_worlds_at_once_end_as_each_does_alone() -> None:
    """Answers, records, events, deliveries, faults, limits, journal and export are equal, byte for byte."""
    with Emulator("empty") as oms, ThreadPoolExecutor(WORLDS) as pool:
        together = Barrier(WORLDS)
        at_once = list(pool.map(lambda number: used(oms, number, together), range(WORLDS)))
    with Emulator("empty") as oms:
        for number, ended in enumerate(at_once):
            assert used(oms, number) == ended, f"world {number}"
            oms.worlds.delete(f"w{number}")
    assert len({tuple(ended.reads.items()) for ended in at_once}) == WORLDS, "two worlds had the same traffic"
    assert_told_and_disturbed(at_once)


def assert_told_and_disturbed(worlds: list[Ended]) -> None:
    """Among the traffic were deliveries, refused ones too, calls that met faults, and calls that were throttled."""
    statuses = Counter(status for world in worlds for status, _, _ in world.answers)
    told = Counter(part for world in worlds for part in OUTCOMES if part in world.reads["/__admin/hooks/deliveries"])
    counts = [statuses[503], statuses[429], *(told[part] for part in OUTCOMES)]
    assert min(counts) > 2, counts
