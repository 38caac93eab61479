"""`/__admin/metrics`, parsed by the Prometheus client."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from emulator import Emulator

LIST = "/api/v1/oms/packages/"
Labels = frozenset[tuple[str, str]]


def read_metrics(oms: Emulator) -> dict[tuple[str, Labels], float]:
    """Return the value of each sample by name and labels."""
    answer = oms.session().get("/__admin/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation for family in families)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def metric_value(found: dict[tuple[str, Labels], float], name: str, **labels: Any) -> float:
    return found.get((f"oms_emulator_{name}", frozenset((key, str(value)) for key, value in labels.items())), 0.0)


def test_requests_refused_commands_and_faults_are_counted() -> None:
    oms = Emulator("demo", packages=20)
    session = oms.session()
    package = oms.package(state="Waiting")
    for _ in range(3):
        session.get(LIST)
    session.get(f"{LIST}1/")
    session.get("/nowhere/")
    command = f"{LIST}{package['id']}/command/"
    session.post(command, json={"transition": 1105})
    edge = next(each for each in package["commands"] if "block_the" in str(each["slug"]))
    session.post(command, json={"transition": edge["id"], "input_parameters": {}})
    oms.faults.add("list_packages", status=503)
    session.get(LIST)
    found = read_metrics(oms)
    assert metric_value(found, "requests_total", operation="list_packages", status=200) == 3
    assert metric_value(found, "requests_total", operation="list_packages", status=503) == 1
    assert metric_value(found, "requests_total", operation="get_package", status=404) == 1
    assert metric_value(found, "requests_total", operation="none", status=404) == 1
    assert metric_value(found, "requests_total", operation="command_package", status=204) == 1
    assert metric_value(found, "refused_commands_total", operation="command_package") == 1
    assert metric_value(found, "faults_total", kind="status") == 1
    assert metric_value(found, "writes_total") == 2


def test_worlds_steps_and_clocks_are_reported() -> None:
    oms = Emulator("demo", packages=4)
    oms.in_world("qa", "empty")
    oms.package(state="Waiting")
    found = read_metrics(oms)
    assert metric_value(found, "worlds") == 2
    assert metric_value(found, "world_steps", world="default") == 1
    assert metric_value(found, "world_steps", world="qa") == 0
    assert metric_value(found, "world_clock_seconds", world="default") == oms.clock.now().timestamp()
    assert metric_value(found, "uptime_seconds") >= 0


def test_deliveries_are_counted_by_outcome_across_a_reset() -> None:
    oms = Emulator("demo", packages=4)
    oms.package(state="Waiting")
    oms.hooks.flush()
    sent = len(oms.hooks.deliveries)
    assert sent
    oms.reset()
    assert metric_value(read_metrics(oms), "deliveries_total", outcome="unanswered") == sent


def test_render_cache_reports_hits_misses_and_bytes() -> None:
    oms = Emulator("demo", packages=30, seed=4321)
    session = oms.session()
    session.get(LIST)
    before = read_metrics(oms)
    session.get(LIST, params={"limit": 7})
    after = read_metrics(oms)
    assert metric_value(after, "render_cache_hits") - metric_value(before, "render_cache_hits") == 7
    assert metric_value(before, "render_cache_misses") == metric_value(after, "render_cache_misses") >= 10
    assert metric_value(after, "render_cache_bytes") > 10_000


@pytest.mark.slow
def test_client_library_is_imported_by_the_first_request() -> None:
    code = "import emulator.web.admin, sys; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
