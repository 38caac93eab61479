"""Worlds of one server, used at once over HTTP, end as each would have ended alone."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

from emulator import Emulator
from emulator.rules.scenarios import Scenario, scenario
from tests.support.reads import everything, over_http
from tests.support.traffic import Traffic

WORLDS, ASKS, PACKAGES, SEEDS = 50, 30, 6, 3
SCENARIO = scenario("demo").sized(PACKAGES, 1)
TIMEOUT = 120


class Ended(NamedTuple):
    """All that a client saw of its world, and all that the world is at the end."""

    answers: list[Any]
    reads: Mapping[str, bytes]
    journal: bytes
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
        answers = Traffic(world, ask, number).run(ASKS)
        reads = everything(world, ask)
        journal = ask("GET", f"{world.prefix}/__admin/requests?limit=1000").body
        last = ask("GET", f"{world.prefix}/api/v1/oms/packages/", None, {"Authorization": "Token throttled"})
    return Ended(answers, reads, journal, (last.status, last.headers.get("Retry-After")))


def test_fifty_worlds_at_once_end_as_each_does_alone() -> None:
    """Answers, ids, logs, events, throttle, journal and export are equal byte for byte, at an equal host."""
    with Emulator("empty") as oms, ThreadPoolExecutor(WORLDS) as pool:
        together = Barrier(WORLDS)
        at_once = list(pool.map(lambda number: used(oms, number, together), range(WORLDS)))
    with Emulator("empty") as oms:
        for number, ended in enumerate(at_once):
            assert used(oms, number) == ended, f"world {number}"
            oms.worlds.delete(f"w{number}")
    assert len({tuple(ended.reads.items()) for ended in at_once}) == WORLDS, "the traffic of two worlds was the same"
