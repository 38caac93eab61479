"""The mixed traffic of `scale-out`: commands of a package stay in order, on one connection."""

import json
from collections import defaultdict

import pytest

from benchmarks.commands import BLOCK, UNBLOCK
from benchmarks.scaling import mixed_requests

PACKAGES = list(range(100, 108))
WORLDS = [f"world-{number}" for number in range(32)]


@pytest.mark.parametrize("connections", [1, 8, 16])
def test_each_package_gets_its_commands_in_order_from_one_connection(connections: int) -> None:
    requests = mixed_requests(PACKAGES, WORLDS, connections)
    commands: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for connection in range(connections):
        for request in requests[connection::connections]:  # the share of this connection: see `Job`
            if request.method == "POST":
                commands[request.path].append((connection, json.loads(request.body)["transition"]))
    assert {tuple(transition for _, transition in each) for each in commands.values()} == {(BLOCK, UNBLOCK)}
    assert all(len({connection for connection, _ in each}) == 1 for each in commands.values())


@pytest.mark.parametrize("connections", [8, 16])
def test_traffic_reaches_every_world(connections: int) -> None:
    requests = mixed_requests(PACKAGES, WORLDS, connections)
    assert {request.path.split("/")[2] for request in requests} == set(WORLDS)
    assert sum(request.method == "POST" for request in requests) * 4 == len(requests)
