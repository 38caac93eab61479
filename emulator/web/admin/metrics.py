"""Metrics for Prometheus: what an emulator counted, in the text format of its standard client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from emulator.shapes.render_cache import render_cache
from emulator.web.admin.here import Here
from emulator.worlds import Worlds

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


TEXT = "text/plain; version=0.0.4; charset=utf-8"


def add_metrics(pages: Blueprint, here: Here) -> None:
    @pages.get("/metrics")
    def metrics() -> Response:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - takes longer than a start

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Counted(here.worlds))
        return Response(generate_latest(registry), content_type=TEXT)


class Counted:
    """A collector, as the client calls what it asks for numbers."""

    def __init__(self, worlds: Worlds) -> None:
        self.worlds = worlds

    def collect(self) -> Iterator[Metric]:
        """Give all metrics as they are now."""
        counts, worlds = self.worlds.metrics, self.worlds.all()
        requests = counts.requests()
        yield counter(
            "requests",
            "Answers of the emulated API",
            ("operation", "status"),
            (((name, str(status)), number) for (name, status), number in requests.items()),
        )
        yield counter(
            "refused_commands",
            "Commands that were refused: a transition or parameter that the state does not allow",
            ("operation",),
            (
                ((name,), number)
                for (name, status), number in requests.items()
                if status == 400 and "command_" in name
            ),
        )
        yield counter("faults", "Answers that a fault disturbed", ("kind",), singly(counts.faults()))
        yield counter("deliveries", "Attempts to tell a hook", ("outcome",), singly(counts.deliveries()))
        yield counter("writes", "Writes in all worlds", (), [((), counts.writes)])
        yield gauge("worlds", "Worlds that are open", (), [((), len(worlds))])
        yield gauge("world_steps", "Recorded steps", ("world",), [((each.name,), len(each.steps)) for each in worlds])
        yield gauge(
            "world_clock_seconds",
            "The world's time, in seconds since 1970",
            ("world",),
            [((each.name,), each.clock.now().timestamp()) for each in worlds],
        )
        yield gauge("uptime_seconds", "Seconds since the emulator began", (), [((), counts.uptime)])
        kept = {id(cache): cache for cache in map(render_cache, worlds)}.values()
        for name, (column, text) in CACHE.items():
            total = sum(getattr(each, column) for each in kept)
            yield gauge(f"render_cache_{name}", text, (), [((), total)])


CACHE = {
    "hits": ("hits", "Documents that were found ready, since the open scenarios were loaded"),
    "misses": ("misses", "Documents that had to be made, since the open scenarios were loaded"),
    "bytes": ("size", "Bytes of the documents that are kept ready"),
}
Rows = Iterable[tuple[tuple[str, ...], float]]


def singly(counted: Counter[str]) -> Rows:
    return [((name,), number) for name, number in counted.items()]


def counter(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> CounterMetricFamily:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - see `add_metrics`

    found = CounterMetricFamily(f"oms_emulator_{name}", text, labels=labels)
    for values, number in rows:
        found.add_metric(values, number)
    return found


def gauge(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - see `add_metrics`

    found = GaugeMetricFamily(f"oms_emulator_{name}", text, labels=labels)
    for values, number in rows:
        found.add_metric(values, number)
    return found
