"""Random queries return the same records in the same order, or the same errors, as django-filter does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.api.filters import FILTER_SETS
from emulator.client.emulator import Emulator
from emulator.core.records import DeliveryRange
from tests.oracle.wire import FULL_ACCESS, RawRequest
from tests.oracle.wire import send_wsgi as send
from tests.oracle_filters import service
from tests.oracle_filters.queries import random_query
from tests.oracle_filters.tables import SORT, TABLES

PATHS = {
    "package": "/api/v1/oms/packages/short/",
    "package_simple": "/api/v1/oms/packages/list-simple/",
    "transfer": "/api/v1/oms/transfer_orders/list-simple/",
    "delivery_range": "/api/v1/oms/packages/delivery-ranges/",
    "package_item": "/api/v1/oms/packages/package-items/",
    "transition_log": "/api/v1/oms/state-transition-logs/",
}
BATCHES, QUERIES_PER_BATCH = 10, 25
WEIGHTS = {
    "package": 4,
    "transfer": 3,
    "package_simple": 1,
    "delivery_range": 1,
    "package_item": 1,
    "transition_log": 2,
}


class Pair:
    """An emulator and the oracle with the same records."""

    def __init__(self) -> None:
        self.emulator = Emulator("demo", packages=130, seed=5)
        self.bearer = f"Bearer {self.emulator.jwt(expires_in=86_400)}"
        for pk in (6530, 6544, 6561):  # the world must contain changes on top of its base
            self.move_package(pk)
        root = self.emulator.world.records
        service.create_tables()
        service.load_records(root)

    def move_package(self, pk: int) -> None:
        path = f"/api/v1/oms/packages/{pk}/"
        commands = json.loads(self.get_body(path))["commands"]
        body = json.dumps({"transition": commands[0]["id"], "input_parameters": {}}).encode() if commands else b"{}"
        send(
            self.emulator.app,
            RawRequest("move", f"{path}command/", "POST", content_type="application/json", body=body),
        )

    def get_body(self, path: str) -> bytes:
        return send(self.emulator.app, RawRequest("get", path)).body

    def emulator_result(self, name: str, query: str) -> tuple[int, Any]:
        authorization = self.bearer if name == "transition_log" else FULL_ACCESS
        answer = send(self.emulator.app, RawRequest("list", f"{PATHS[name]}?{query}", authorization=authorization))
        body = json.loads(answer.body)
        if answer.status != 200:
            return answer.status, list(body.items())
        return 200, (body["count"], [self.identify(name, result) for result in body["results"]])

    def oracle_result(self, name: str, query: str) -> tuple[int, Any]:
        status, data = service.list_ids(name, query)
        if status != 200:
            return status, [(key, [*map(str, messages)]) for key, messages in data.items()]
        ids = [range_bounds(pk) for pk in data["results"]] if name == "delivery_range" else [*data["results"]]
        return 200, (data["count"], ids)

    def identify(self, name: str, result: Any) -> Any:
        return (result["lower"], result["upper"]) if name == "delivery_range" else result["id"]


def range_bounds(pk: int) -> tuple[str, str]:
    range_ = service.MODELS[DeliveryRange].objects.get(pk=pk)
    return f"{range_.lower:%Y-%m-%dT%H:%M:%S%z}", f"{range_.upper:%Y-%m-%dT%H:%M:%S%z}"


DIFFERENCES = {
    "created_date__lte=9999-12-31T23:59:59-23:59": "SQLite's adapter cannot convert it to UTC: year 10000",
    "created_date__gte=0001-01-01T00:00:00%2B23:59": "SQLite's adapter cannot convert it to UTC: year 0",
    f"pk__in=1,{2**70}": "exceeds SQLite's integers; Django checks that for single values only",
}
"""Queries of packages that crash the oracle because of its database, and why. The emulator answers them."""


@pytest.fixture(scope="session")
def shared_pair() -> Pair:
    return Pair()


@pytest.fixture
def pair(shared_pair: Pair) -> Iterator[Pair]:
    with service.case_sensitive_like():
        yield shared_pair


NOT_COMPARED = {
    "denial_reason": "SQLite's `icontains` ignores case for ASCII letters only; tested separately",
    "package_denial_reason": "has no filters",
    **dict.fromkeys(
        ("hook", "hook_event", "event_queue"), "compared with the filter sets of dj-whisperer in `tests/oracle_hooks`"
    ),
}
"""Filter sets that are not compared, and why."""


def test_every_filter_set_is_compared_or_excluded_with_a_reason() -> None:
    assert set(TABLES) | set(NOT_COMPARED) == set(FILTER_SETS)


@pytest.mark.parametrize("name", TABLES)
def test_oracle_has_every_filter_and_sort_field(name: str) -> None:
    assert [row.name for row in FILTER_SETS[name].filters] == list(TABLES[name])
    assert list(FILTER_SETS[name].sortable) == list(SORT.get(name, {}))


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("name", TABLES)
def test_random_queries_give_equal_results(pair: Pair, name: str, batch: int) -> None:
    """Ids, order and count are equal, or the errors and their order are."""
    rng = random.Random(f"{name} {batch}")
    for _ in range(QUERIES_PER_BATCH * WEIGHTS[name]):
        query = random_query(name, rng)
        assert pair.emulator_result(name, query) == pair.oracle_result(name, query), query


@pytest.mark.parametrize("query", DIFFERENCES)
def test_emulator_answers_queries_that_crash_the_oracle(pair: Pair, query: str) -> None:
    with pytest.raises(OverflowError):
        pair.oracle_result("package", query)
    assert pair.emulator_result("package", query)[0] == 200


EDGE_CASES = (
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


@pytest.mark.parametrize("query", EDGE_CASES, ids=lambda query: query[:40])
def test_edge_case_is_parsed_as_django_parses_it(pair: Pair, query: str) -> None:
    assert pair.emulator_result("package", query) == pair.oracle_result("package", query)
