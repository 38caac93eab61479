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
BATCHES, EACH = 10, 25
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
    return f"{one.lower:%Y-%m-%dT%H:%M:%S%z}", f"{one.upper:%Y-%m-%dT%H:%M:%S%z}"


DIFFERENCES = {
    "created_date__lte=9999-12-31T23:59:59-23:59": "SQLite's adapter cannot turn it to UTC: year 10000",
    "created_date__gte=0001-01-01T00:00:00%2B23:59": "SQLite's adapter cannot turn it to UTC: year 0",
    f"pk__in=1,{2**70}": "more than SQLite's integers hold; Django checks that for single values only",
}
"""Queries of packages that crash the oracle, and why that is its database's fault; we find what there is."""


@pytest.fixture(scope="session")
def shared() -> Pair:
    return Pair()


@pytest.fixture
def pair(shared: Pair) -> Iterator[Pair]:
    with service.case_told_apart():
        yield shared


LEFT_OUT = {
    "denial_reason": "its `icontains` is SQLite's own, of ASCII letters only; a test of its own has the answers",
    **dict.fromkeys(("hook", "hook_event"), "the sender's own filter sets are their oracle, in `tests/oracle_hooks`"),
}
"""Lists that are not compared, and why."""


def test_the_oracle_has_every_list() -> None:
    """A list is compared, or there is a reason."""
    assert set(TABLES) | set(LEFT_OUT) == set(FILTER_SETS)


@pytest.mark.parametrize("name", TABLES)
def test_the_oracle_has_the_filters_of_a_list(name: str) -> None:
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


@pytest.mark.parametrize("query", DIFFERENCES)
def test_a_difference_is_still_one(pair: Pair, query: str) -> None:
    """The oracle crashes where the list says so, and we do not."""
    with pytest.raises(OverflowError):
        pair.theirs("package", query)
    assert pair.ours("package", query)[0] == 200


ODDITIES = (
    *(
        "id__gt=sNaN",
        f"order={2**70}",
        "id__gt=1e50",
        "id__gt=1e51",
        "id__lt=-1e40",
        "id__gt=%EF%BC%91",
        "id__gt=1_0",
    ),
    *("id__gt=1&id__gt=x", "id__gt=x&id__gt=1", "created_date__gte=20230301", "created_date__gte=2023-W11-3"),
    *("created_date__gte=2023-03-01T10:00:00+0000", "created_date__gte=2023-03-01%2010:00%20%2B03"),
    *("order__date_placed=1/2/23", "order__number=%25", "order__number=22_6", "order__delivery_type=Same_day"),
    f"pk__in={','.join(map(str, range(6501, 16501)))}",
)


@pytest.mark.parametrize("query", ODDITIES, ids=lambda query: query[:40])
def test_an_odd_value_is_read_as_django_reads_it(pair: Pair, query: str) -> None:
    """The same answer."""
    assert pair.ours("package", query) == pair.theirs("package", query)
