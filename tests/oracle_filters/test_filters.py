"""Thousands of random queries: the same records in the same order, or the same errors, as django-filter gives."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.core.records import DeliveryRange
from emulator.rules.filters import FILTER_SETS
from emulator.server import Emulator
from tests.oracle.wire import Ask
from tests.oracle.wire import ask as over_wsgi
from tests.oracle_filters import service
from tests.oracle_filters.queries import random_query
from tests.oracle_filters.tables import SORT, TABLES

PATHS = {
    "package": "/api/v1/oms/packages/short/",
    "package_simple": "/api/v1/oms/packages/list-simple/",
    "transfer": "/api/v1/oms/transfer_orders/list-simple/",
    "delivery_range": "/api/v1/oms/packages/delivery-ranges/",
}
BATCHES, EACH = 10, 45
JSON = "application/json"
SHARE = {"package": 4, "transfer": 3, "package_simple": 1, "delivery_range": 1}


class Pair:
    """An emulator and the oracle over the same records."""

    def __init__(self) -> None:
        self.emulator = Emulator("demo", packages=130, seed=5)
        for pk in (6530, 6544, 6561):  # some of them moved on, so that the world has changes of its own
            self.moved(pk)
        root = self.emulator.world.root
        service.make_tables()
        service.fill(root)
        self.ranges = {(one.lower, one.upper): one.id for one in root.all(DeliveryRange)}

    def moved(self, pk: int) -> None:
        path = f"/api/v1/oms/packages/{pk}/"
        commands = json.loads(self._body(path))["commands"]
        body = json.dumps({"transition": commands[0]["id"], "input_parameters": {}}).encode() if commands else b"{}"
        over_wsgi(
            self.emulator.app, Ask("move", f"{path}command/", "POST", content_type="application/json", body=body)
        )

    def _body(self, path: str) -> bytes:
        return over_wsgi(self.emulator.app, Ask("get", path)).body

    def ours(self, name: str, query: str) -> tuple[int, Any]:
        answer = over_wsgi(self.emulator.app, Ask("list", f"{PATHS[name]}?{query}"))
        body = json.loads(answer.body)
        if answer.status != 200:
            return answer.status, list(body.items())
        return 200, (body["count"], [self.identity(name, result) for result in body["results"]])

    def theirs(self, name: str, query: str) -> tuple[int, Any]:
        status, data = service.ask(name, query)
        if status != 200:
            return status, [(key, [*map(str, messages)]) for key, messages in data.items()]
        found = [bounds(pk) for pk in data["results"]] if name == "delivery_range" else [*data["results"]]
        return 200, (data["count"], found)

    def identity(self, name: str, result: Any) -> Any:
        return (result["lower"], result["upper"]) if name == "delivery_range" else result["id"]


def bounds(pk: int) -> tuple[str, str]:
    one = service.MODELS[DeliveryRange].objects.get(pk=pk)
    return tuple(f"{time:%Y-%m-%dT%H:%M:%S%z}" for time in (one.lower, one.upper))


@pytest.fixture(scope="session")
def shared() -> Pair:
    return Pair()


@pytest.fixture
def pair(shared: Pair) -> Iterator[Pair]:
    return shared


@pytest.mark.parametrize("name", TABLES)
def test_the_oracle_has_every_filter(name: str) -> None:
    """A filter without its Django twin is not compared, so there is none."""
    assert [one.name for one in FILTER_SETS[name].filters] == list(TABLES[name])
    assert list(FILTER_SETS[name].sortable) == list(SORT.get(name, {}))


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("name", TABLES)
def test_random_queries(pair: Pair, name: str, batch: int) -> None:
    """The same ids in the same order and the same count, or the same errors in the same order."""
    dice = random.Random(f"{name} {batch}")
    for _ in range(EACH * SHARE[name]):
        query = random_query(name, dice)
        assert pair.ours(name, query) == pair.theirs(name, query), query
