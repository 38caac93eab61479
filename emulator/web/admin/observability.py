"""Control API: journal, audit, coverage and Prometheus metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from emulator.api.control.journal import exchange_document, find_exchanges, summary_document
from emulator.api.serializers.rendering import render_cache
from emulator.core.errors import UnknownRecord
from emulator.coverage import build_report, counts_of
from emulator.coverage.report import as_document
from emulator.domain.audit import audit, finding_document
from emulator.web.admin.shared import (
    CurrentWorld,
    json_response,
    no_content,
    parse_bool,
    parse_int,
    query_parameters,
)
from emulator.web.record_coverage import register_graph
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

JOURNAL_PARAMETERS = ("operation", "method", "status", "path", "limit", "brief")
DEFAULT_LIMIT = 100
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def add_observability(api: Blueprint, current: CurrentWorld) -> None:
    add_journal(api, current)
    add_audit(api, current)
    add_coverage(api, current)
    add_metrics(api, current)


def add_journal(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/requests")
    def list_requests() -> Response:
        query = query_parameters(*JOURNAL_PARAMETERS)
        status = parse_int("status", query["status"]) if "status" in query else None
        limit = parse_int("limit", query["limit"]) if "limit" in query else DEFAULT_LIMIT
        document = summary_document if parse_bool("brief", query.get("brief", "false")) else exchange_document
        journal = current.world().journal
        matches = list(
            find_exchanges(journal, query.get("operation"), query.get("method"), status, query.get("path"))
        )
        return json_response({"count": len(matches), "results": [document(each) for each in matches[:limit]]})

    @api.get("/requests/<request_id>")
    def get_request(request_id: str) -> Response:
        journal = current.world().journal
        exchange = journal.get(request_id)
        if exchange is None:
            raise UnknownRecord(
                f"the journal has no request {request_id!r}; it holds the latest {journal.limit} requests"
            )
        return json_response(exchange_document(exchange))

    @api.delete("/requests")
    def clear_requests() -> Response:
        current.world().journal.clear()
        return no_content()


def add_audit(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/audit")
    def audit_requests() -> Response:
        exchanges = reversed(list(current.world().journal.newest_first()))
        findings = [finding_document(finding) for finding in audit(exchanges)]
        return json_response({"count": len(findings), "results": findings})


def add_coverage(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/coverage")
    def coverage() -> Response:
        world = current.world()
        register_graph(world)
        return json_response(as_document(build_report(counts_of(world.coverage))))


def add_metrics(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/metrics")
    def metrics() -> Response:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - slow to import

        registry = CollectorRegistry(auto_describe=False)
        registry.register(MetricsCollector(current.worlds))
        return Response(generate_latest(registry), content_type=METRICS_TYPE)


class MetricsCollector:
    """Collects the metrics of all worlds for the Prometheus client."""

    def __init__(self, worlds: WorldRegistry) -> None:
        self.worlds = worlds

    def collect(self) -> Iterator[Metric]:
        """Yield the current value of each metric."""
        counts, worlds = self.worlds.metrics, self.worlds.all()
        requests = counts.requests()
        yield counter(
            "requests",
            "Responses of the emulated API",
            ("operation", "status"),
            (((name, str(status)), number) for (name, status), number in requests.items()),
        )
        yield counter(
            "refused_commands",
            "Commands with a 400 response: a transition or parameter that the state does not allow",
            ("operation",),
            (
                ((name,), number)
                for (name, status), number in requests.items()
                if status == 400 and "command_" in name
            ),
        )
        yield counter("faults", "Responses changed by a fault", ("kind",), by_name(counts.faults()))
        yield counter("deliveries", "Webhook delivery attempts", ("outcome",), by_name(counts.deliveries()))
        yield counter("writes", "Writes in all worlds", (), [((), counts.writes)])
        yield gauge("worlds", "Open worlds", (), [((), len(worlds))])
        yield gauge("world_steps", "Recorded steps", ("world",), [((each.name,), len(each.steps)) for each in worlds])
        yield gauge(
            "world_clock_seconds",
            "World time in seconds since 1970",
            ("world",),
            [((each.name,), each.clock.now().timestamp()) for each in worlds],
        )
        yield gauge("uptime_seconds", "Seconds since the emulator started", (), [((), counts.uptime)])
        caches = {id(cache): cache for cache in map(render_cache, worlds)}.values()
        for name, (column, text) in CACHE_METRICS.items():
            total = sum(getattr(each, column) for each in caches)
            yield gauge(f"render_cache_{name}", text, (), [((), total)])


CACHE_METRICS = {
    "hits": ("hits", "Cache hits of rendered documents since the open scenarios were loaded"),
    "misses": ("misses", "Cache misses of rendered documents since the open scenarios were loaded"),
    "bytes": ("size", "Size of the cached documents in bytes"),
}
Samples = Iterable[tuple[tuple[str, ...], float]]


def by_name(counts: Counter[str]) -> Samples:
    return [((name,), number) for name, number in counts.items()]


def counter(name: str, text: str, labels: tuple[str, ...], rows: Samples) -> CounterMetricFamily:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - slow to import

    family = CounterMetricFamily(f"oms_emulator_{name}", text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def gauge(name: str, text: str, labels: tuple[str, ...], rows: Samples) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - slow to import

    family = GaugeMetricFamily(f"oms_emulator_{name}", text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family
