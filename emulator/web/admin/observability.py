"""Control API: journal, changes, audit, coverage and Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flask import Response

from emulator.api.control.changes import changes_document
from emulator.api.control.journal import detailed_document, exchange_document, find_exchanges, summary_document
from emulator.api.serializers.rendering import render_cache
from emulator.core.errors import InvalidDocument, UnknownRecord
from emulator.coverage.counts import counts_of
from emulator.coverage.report import as_document, build_report
from emulator.domain.audit import audit, finding_document
from emulator.web.admin.shared import (
    api,
    current_world,
    json_response,
    list_response,
    no_content,
    parse_bool,
    parse_int,
    query_parameters,
    world_registry,
)
from emulator.web.app import register_graph
from emulator.web.provenance import bases_of
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from prometheus_client.core import Metric

JOURNAL_PARAMETERS = ("operation", "method", "status", "path", "limit", "brief")
DEFAULT_LIMIT = 100
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Samples = Mapping[tuple[str, ...], float]
"""Values of the labels -> the value of the metric."""
MetricRow = tuple[str, tuple[str, ...], Samples]
"""The text of a metric, the names of its labels and its samples."""


@api.get("/requests")
def list_requests() -> Response:
    query = query_parameters(*JOURNAL_PARAMETERS)
    status = parse_int("status", query["status"]) if "status" in query else None
    limit = parse_int("limit", query["limit"]) if "limit" in query else DEFAULT_LIMIT
    document = summary_document if parse_bool("brief", query.get("brief", "false")) else exchange_document
    world = current_world()
    operation, method, path = (query.get(name) for name in ("operation", "method", "path"))
    matches = list(find_exchanges(world.journal, operation, method, status, path))
    return list_response([document(each, bases_of(world, each)) for each in matches[:limit]], len(matches))


@api.get("/requests/<request_id>")
def get_request(request_id: str) -> Response:
    world = current_world()
    exchange = world.journal.get(request_id)
    if exchange is None:
        limit = world.journal.limit
        raise UnknownRecord(f"the journal has no request {request_id!r}; it holds the latest {limit} requests")
    return json_response(detailed_document(exchange, bases_of(world, exchange)))


@api.delete("/requests")
def clear_requests() -> Response:
    current_world().journal.clear()
    return no_content()


@api.get("/changes")
def list_changes() -> Response:
    world, query = current_world(), query_parameters("since")
    if "since" not in query:
        raise InvalidDocument("since is required: the id of a request (X-Emulator-Request-Id), such as 00000001")
    return json_response(changes_document(world, query["since"]))


@api.get("/audit")
def audit_requests() -> Response:
    exchanges = reversed(list(current_world().journal.newest_first()))
    return list_response([finding_document(finding) for finding in audit(exchanges)])


@api.get("/coverage")
def coverage() -> Response:
    world = current_world()
    register_graph(world)
    return json_response(as_document(build_report(counts_of(world.coverage))))


@api.get("/metrics")
def metrics() -> Response:
    from prometheus_client import CollectorRegistry, generate_latest

    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(MetricsCollector(world_registry()))
    return Response(generate_latest(collectors), content_type=METRICS_TYPE)


class MetricsCollector:
    """Collects the metrics of all worlds for the Prometheus client."""

    def __init__(self, worlds: WorldRegistry) -> None:
        self.worlds = worlds

    def collect(self) -> Iterator[Metric]:
        """Yield the current value of each metric."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for family, rows in ((CounterMetricFamily, self.counters()), (GaugeMetricFamily, self.gauges())):
            for name, (text, labels, samples) in rows.items():
                metric = family(f"oms_emulator_{name}", text, labels=labels)
                for values, value in samples.items():
                    metric.add_metric(values, value)
                yield metric

    def counters(self) -> dict[str, MetricRow]:
        counts = self.worlds.metrics
        requests = counts.requests()
        refused = {name: count for (name, status), count in requests.items() if status == 400 and "command_" in name}
        return {
            "requests": (
                "Responses of the emulated API",
                ("operation", "status"),
                {(name, str(status)): count for (name, status), count in requests.items()},
            ),
            "refused_commands": (
                "Commands with a 400 response: a transition or parameter that the state does not allow",
                ("operation",),
                by_name(refused),
            ),
            "faults": ("Responses changed by a fault", ("kind",), by_name(counts.faults())),
            "deliveries": ("Webhook delivery attempts", ("outcome",), by_name(counts.deliveries())),
            "writes": ("Writes in all worlds", (), {(): counts.writes}),
        }

    def gauges(self) -> dict[str, MetricRow]:
        worlds = self.worlds.all()
        caches = {id(store): store for store in (render_cache(world).store for world in worlds)}.values()
        hits, misses, size = (sum(getattr(each, name) for each in caches) for name in ("hits", "misses", "size"))
        since = "of rendered documents since the open scenarios were loaded"
        steps = {world.name: len(world.steps) for world in worlds}
        times = {world.name: world.clock.now().timestamp() for world in worlds}
        return {
            "worlds": ("Open worlds", (), {(): len(worlds)}),
            "world_steps": ("Recorded steps", ("world",), by_name(steps)),
            "world_clock_seconds": ("World time in seconds since 1970", ("world",), by_name(times)),
            "uptime_seconds": ("Seconds since the emulator started", (), {(): self.worlds.metrics.uptime}),
            "render_cache_hits": (f"Cache hits {since}", (), {(): hits}),
            "render_cache_misses": (f"Cache misses {since}", (), {(): misses}),
            "render_cache_bytes": ("Size of the cached documents in bytes", (), {(): size}),
        }


def by_name(counts: Mapping[str, float]) -> Samples:
    return {(name,): count for name, count in counts.items()}
