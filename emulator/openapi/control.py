"""The paths of the control API, from a table with one row for each operation."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from emulator.openapi.components import reference
from emulator.openapi.parameters import PLACEHOLDER, path_parameters
from emulator.openapi.responses import JSON

Json = dict[str, Any]

TAG = "control"
DESCRIPTION = "The control API of the emulator. It needs no credentials and answers requests of this machine only."
HTML, TEXT = "text/html", "text/plain"


class Row(NamedTuple):
    """One operation of the control API."""

    operation: str
    method: str
    path: str
    """Below `/__admin/`, with `<name>` for a parameter."""
    summary: str
    replies: Mapping[int, str | None]
    """Status -> schema of the body. None means no body, or a body without a schema."""
    body: str | None = None
    errors: tuple[int, ...] = ()
    """Statuses of error responses besides 403."""
    media: str = JSON

    @property
    def full_path(self) -> str:
        return f"/__admin/{self.path}"


CHANGE = (400, 404, 409)
"""The errors of a change. 404 is also the response if the named world does not exist."""

# fmt: off
CONTROL: tuple[Row, ...] = (
    Row("control_health", "GET", "health", "Check that the emulator works, and show the world",
        {200: "health"}, errors=(404,)),
    Row("control_reset", "POST", "reset", "Reset the world to the start of its scenario", {204: None}, errors=(404,)),
    Row("control_scenario", "GET", "scenario", "Show the scenario of the world",
        {200: "scenario-state"}, errors=(404,)),
    Row("control_put_scenario", "PUT", "scenario", "Restart the world from another scenario",
        {200: "scenario-state"}, "scenario-wanted", (400, 404)),
    Row("control_scenarios", "GET", "scenarios", "List the bundled scenarios",
        {200: "scenarios"}),
    Row("control_export", "GET", "export", "Export the world as a scenario that loads the same world",
        {200: "scenario"}, errors=(404, 409)),
    Row("control_worlds", "GET", "worlds", "List the worlds of this server", {200: "worlds"}),
    Row("control_put_world", "PUT", "worlds/<name>", "Create or replace a world",
        {200: "world-state", 201: "world-state"}, "world", (400, 404, 409)),
    Row("control_delete_world", "DELETE", "worlds/<name>", "Close a world", {204: None}, errors=(400, 404)),
    Row("control_snapshots", "GET", "snapshots", "List the snapshots of the world",
        {200: "snapshots"}, errors=(404,)),
    Row("control_take_snapshot", "PUT", "snapshots/<name>", "Take a snapshot of the world",
        {201: "snapshot"}, errors=(400, 404, 409)),
    Row("control_restore_snapshot", "POST", "snapshots/<name>/restore", "Restore a snapshot",
        {200: "snapshot"}, errors=(400, 404)),
    Row("control_undo", "POST", "undo", "Undo the last write", {200: "undone"}, errors=(400, 404, 409)),
    Row("control_clock", "GET", "clock", "Show the world's clock", {200: "clock-state"}, errors=(404,)),
    Row("control_put_clock", "PUT", "clock", "Set the mode or the time of the clock",
        {200: "clock-state"}, "clock", CHANGE),
    Row("control_advance_clock", "POST", "clock/advance", "Advance the clock and run what becomes due",
        {200: "clock-state"}, "clock-advance", CHANGE),
    Row("control_live", "GET", "live", "Show the rate of generated orders, and whether it is paused",
        {200: "live-state"}, errors=(404,)),
    Row("control_put_live", "PUT", "live", "Set the rate of generated orders, pause or resume",
        {200: "live-state"}, "live", (400, 404)),
    Row("control_requests", "GET", "requests", "List the latest requests with their responses, newest first",
        {200: "exchanges"}, errors=(400, 404)),
    Row("control_request", "GET", "requests/<request_id>", "Show one request with its response",
        {200: "exchange"}, errors=(404,)),
    Row("control_forget_requests", "DELETE", "requests", "Delete all recorded requests", {204: None}, errors=(404,)),
    Row("control_audit", "GET", "audit", "List client behaviour that works here but harms the real service",
        {200: "audit"}, errors=(404,)),
    Row("control_faults", "GET", "faults", "List the armed faults with their numbers of hits",
        {200: None}, errors=(404,)),
    Row("control_arm_fault", "POST", "faults", "Arm a fault", {201: "fault"}, "fault-wanted", (400, 404)),
    Row("control_disarm_faults", "DELETE", "faults", "Disarm all faults", {204: None}, errors=(404,)),
    Row("control_disarm_fault", "DELETE", "faults/<id>", "Disarm a fault", {204: None}, errors=(404,)),
    Row("control_make_order", "POST", "orders", "Place an order, which the planner turns into packages",
        {201: "arranged-order"}, "arrange-order", CHANGE),
    Row("control_cancel_order", "POST", "orders/<id>/cancel", "Cancel an order with all its packages",
        {200: "arranged-order"}, errors=CHANGE),
    Row("control_make_package", "POST", "packages", "Create a package",
        {201: "package"}, "arrange-package", CHANGE),
    Row("control_report_carrier", "POST", "packages/<pk>/carrier", "Send a carrier event for a package",
        {200: "package"}, "carrier-event", CHANGE),
    Row("control_cancel_package", "POST", "packages/<pk>/cancel", "Cancel a package",
        {200: "package"}, errors=CHANGE),
    Row("control_put_stock", "PUT", "stock/<location_id>/<sku>", "Set the available quantity of a product",
        {200: "stock"}, "stock-quantity", CHANGE),
    Row("control_make_stock_location", "POST", "stock_locations", "Create a stock location",
        {201: "stock-location"}, "arrange-stock-location", CHANGE),
    Row("control_change_stock_location", "PATCH", "stock_locations/<id>", "Change a stock location",
        {200: "stock-location"}, "change-stock-location", CHANGE),
    Row("control_make_token", "POST", "tokens", "Create a credential for either surface",
        {201: "token-made"}, "token-wanted", (400, 404)),
    Row("control_deliveries", "GET", "hooks/deliveries", "List the deliveries to hooks with their results",
        {200: "deliveries"}, errors=(404,)),
    Row("control_flush_hooks", "POST", "hooks/flush", "Send due events and wait for those in flight",
        {200: "flushed"}, errors=(400, 404)),
    Row("control_disturbances", "GET", "hooks/disturbances", "List the faults for the next deliveries",
        {200: "disturbances"}, errors=(404,)),
    Row("control_disturb", "POST", "hooks/disturbances", "Inject a fault into the next deliveries",
        {201: "disturbance"}, "disturbance", (400, 404)),
    Row("control_undisturb", "DELETE", "hooks/disturbances", "Remove the faults for deliveries",
        {204: None}, errors=(404,)),
    Row("control_graph", "GET", "graph", "Show the states with their numbers of records, and the transitions",
        {200: None}, errors=(404,)),
    Row("control_coverage", "GET", "coverage", "Show the coverage of the emulated behaviour, in all worlds",
        {200: "coverage"}, errors=(404,)),
    Row("control_fidelity", "GET", "fidelity", "Show the provenance of each behaviour",
        {200: None}, errors=(404,)),
    Row("control_metrics", "GET", "metrics", "Show the metrics of all worlds for Prometheus",
        {200: None}, media=TEXT),
    Row("control_openapi", "GET", "openapi.json", "Show this document", {200: None}),
    Row("control_docs", "GET", "docs", "Show this document in Swagger UI", {200: None}, media=HTML),
    Row("control_ui", "GET", "ui/", "Open the inspector", {200: None}, media=HTML),
)
# fmt: on


def control_paths() -> dict[str, Json]:
    """Return the paths of the control API with their operations."""
    paths: dict[str, Json] = {}
    for row in CONTROL:
        path = PLACEHOLDER.sub(r"{\2}", row.full_path)
        paths.setdefault(path, {})[row.method.lower()] = operation(row, path)
    return paths


def operation(row: Row, path: str) -> Json:
    parameters = path_parameters(path)
    result: Json = {
        "operationId": row.operation,
        "tags": [TAG],
        "summary": row.summary,
        "description": f"{row.summary}.",
        "security": [],
    }
    if parameters:
        result["parameters"] = parameters
    if row.body is not None:
        result["requestBody"] = {"required": True, "content": {JSON: {"schema": reference(row.body)}}}
    return result | {"responses": responses_of(row)}


def responses_of(row: Row) -> dict[str, Json]:
    """Return the responses of an operation, including its errors."""
    schemas = dict(row.replies) | dict.fromkeys((403, *row.errors), "control-error")
    return {str(status): response(status, schema, row.media) for status, schema in sorted(schemas.items())}


def response(status: int, schema: str | None, media: str) -> Json:
    result: Json = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        return result | {"content": {JSON: {"schema": reference(schema)}}}
    if status == 204:
        return result
    return result | {"content": {media: {"schema": {"type": "object" if media == JSON else "string"}}}}
