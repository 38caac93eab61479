"""The cost of filtered pages: every filter and some common combinations, unchanged and right after a write."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from benchmarks import servers
from benchmarks.rounds import MeasurementFailedError, Plan, Round
from benchmarks.servers import Server, running
from emulator.api.filters import FILTER_SETS, Filter
from emulator.core.records import Package
from emulator.domain.scenario_files import find_scenario
from emulator.domain.seeding import make_demo_dataset
from emulator.state.store import Snapshot, follow_path, from_microseconds

PACKAGES = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}
UNFILTERED = f"{PACKAGES}?limit=20"
MANY = 36_404
TIMES = 5
COMBINED = (
    ("state__enum_value", "stock_location"),
    ("state", "shipment__cargo_company", "created_date__gte"),
    ("order__channel", "created_date__gte", "created_date__lte", "state__enum_value__not"),
    ("stock_location__erp_code__in", "is_click_and_collect"),
    ("order__customer__last_name", "shipping_address__country", "order__date_placed__lte"),
)
BLOCK, UNBLOCK = 1021, 1025
FIRST_LIMIT = 3.0
"""Limit in seconds for the first filtered page, which reads all planned packages once."""


def filtered_paths() -> list[str]:
    """Return the first and last page of every filter and combination, with values of a package in the middle."""
    demo = find_scenario("demo").with_size(MANY, None)
    base = make_demo_dataset(MANY, demo.seed, demo.start)
    root = Snapshot(base, {})
    records = [root.get_existing(Package, base.ids(Package)[at]) for at in range(MANY // 2, MANY // 2 + 50)]
    values = {one.name: value_of(root, records, one) for one in FILTER_SETS["package"].filters}
    queries: list[tuple[tuple[str, str], ...]] = [((name, value),) for name, value in values.items()]
    queries += [tuple((name, values[name]) for name in names) for names in COMBINED]
    return [f"{UNFILTERED}&{urlencode(query)}{page}" for query in queries for page in ("", "&page=last")]


def value_of(root: Snapshot, records: list[Package], one: Filter) -> str:
    for record in records:
        for path in one.paths:
            for value in follow_path(root, Package, record, path.column.split(".")):
                if value is not None:
                    found = value if path.kind is None else referenced_value(root, path, value)
                    return text(one.value_type, found)
    return "x"


def referenced_value(root: Snapshot, path: Any, id_: int) -> object:
    kind, tail = path.kind, path.tail
    return next(follow_path(root, kind, root.get_existing(kind, id_), tail.split(".")))


def text(value_type: str, value: object) -> str:
    if value_type in {"date", "datetime"}:
        moment = from_microseconds(value)
        return moment.isoformat() if value_type == "datetime" else moment.date().isoformat()
    return str(value)


class Caller:
    """One keep-alive connection that measures response times."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)

    def get(self, path: str) -> float:
        """Return the milliseconds of one response."""
        began = perf_counter()
        self._connection.request("GET", path, headers=AUTH)
        response = self._connection.getresponse()
        body = response.read()
        took = 1000 * (perf_counter() - began)
        if response.status != 200:
            raise MeasurementFailedError(f"{path}: status {response.status}: {body[:200]!r}")
        return took

    def post(self, path: str, transition: int) -> None:
        body = json.dumps({"transition": transition, "input_parameters": {}})
        self._connection.request("POST", path, body, AUTH | {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        response.read()
        if response.status != 204:
            raise MeasurementFailedError(f"{path}: status {response.status}")

    def document(self, path: str) -> dict:
        self._connection.request("GET", path, headers=AUTH)
        return json.loads(self._connection.getresponse().read())

    def close(self) -> None:
        self._connection.close()


@contextmanager
def connected_caller() -> Iterator[tuple[Caller, Server]]:
    with running(servers.ours("--packages", str(MANY))) as server:
        caller = Caller(server)
        try:
            yield caller, server
        finally:
            caller.close()


def shortest_time(caller: Caller, path: str) -> float:
    """Return the shortest of several times of the same request, which other load affects least."""
    return min(caller.get(path) for _ in range(TIMES))


def compare_filtered_pages(plan: Plan, *, writing: bool) -> Iterator[Round]:
    """Compare the slowest filtered page with the unfiltered first page. Each time is the shortest of several."""
    asked = filtered_paths()
    for _ in range(plan.groups):
        with connected_caller() as (caller, _server):
            toggle = Toggle(caller) if writing else lambda: None
            for path in (UNFILTERED, *asked):
                caller.get(path)
            for _ in range(plan.rounds):
                best = dict.fromkeys((UNFILTERED, *asked), inf)
                for _ in range(TIMES):
                    unfiltered = shortest_time(caller, UNFILTERED)
                    best[UNFILTERED] = min(best[UNFILTERED], unfiltered)
                    for path in asked:
                        toggle()
                        best[path] = min(best[path], caller.get(path))
                yield Round(max(best[path] for path in asked), best[UNFILTERED])


class Toggle:
    """A write that blocks or unblocks a waiting package."""

    def __init__(self, caller: Caller) -> None:
        waiting = caller.document(f"{PACKAGES}short/?state__enum_value=100&limit=1")["results"][0]["id"]
        self._caller, self._path, self._blocked = caller, f"{PACKAGES}{waiting}/command/", False

    def __call__(self) -> None:
        self._caller.post(self._path, UNBLOCK if self._blocked else BLOCK)
        self._blocked = not self._blocked


def filtered_pages(plan: Plan) -> Iterator[Round]:
    return compare_filtered_pages(plan, writing=False)


def after_write(plan: Plan) -> Iterator[Round]:
    return compare_filtered_pages(plan, writing=True)


def first_filtered_page(plan: Plan) -> Iterator[Round]:
    """Measure the seconds of the first filtered page of a new server, beside the limit."""
    for _ in range(plan.groups):
        with connected_caller() as (caller, _server):
            yield Round(caller.get(f"{UNFILTERED}&order__channel=1") / 1000, FIRST_LIMIT)
