"""`paths` of the control API: one row per endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from emulator.api.openapi.components import reference
from emulator.api.openapi.responses import JSON, PLACEHOLDER, path_parameters

Json = dict[str, Any]

TAG = "control"
DESCRIPTION = (
    "The control API of the emulator, which is not part of the OMS API."
    " It needs no credentials and is available on this machine only."
)
HTML, TEXT = "text/html", "text/plain"


class Row(NamedTuple):
    """One endpoint: operation id, method, path, summary, and the schemas of its bodies."""

    operation: str
    method: str
    path: str
    """Path below `/__admin/`, with `<name>` for parameters."""
    summary: str
    replies: Mapping[int, str | None]
    """Status -> schema of the body; None for no body, or for a body without a schema."""
    body: str | None = None
    errors: tuple[int, ...] = ()
    """Statuses of error responses, besides 403."""
    media: str = JSON

    @property
    def full_path(self) -> str:
        return f"/__admin/{self.path}"


NEW = KNOWN = (400, 404, 409)
"""404 also stands for a world that does not exist."""

# fmt: off
CONTROL: tuple[Row, ...] = (
    Row("control_health", "GET", "health", "Return the health and the state of the world",
        {200: "health"}, errors=(404,)),
    Row("control_reset", "POST", "reset", "Reset the world to its scenario", {204: None}, errors=(404,)),
    Row("control_scenario", "GET", "scenario", "Return the scenario of the world",
        {200: "scenario-state"}, errors=(404,)),
    Row("control_put_scenario", "PUT", "scenario", "Restart the world from another scenario",
        {200: "scenario-state"}, "scenario-wanted", (400, 404)),
    Row("control_scenarios", "GET", "scenarios", "List the bundled scenarios",
        {200: "scenarios"}),
    Row("control_export", "GET", "export", "Export the world as a scenario that restores it",
        {200: "scenario"}, errors=(404, 409)),
    Row("control_worlds", "GET", "worlds", "List the worlds of this server", {200: "worlds"}),
    Row("control_put_world", "PUT", "worlds/<name>", "Create or replace a world",
        {200: "world-state", 201: "world-state"}, "world", (400, 404, 409)),
    Row("control_delete_world", "DELETE", "worlds/<name>", "Delete a world", {204: None}, errors=(400, 404)),
    Row("control_snapshots", "GET", "snapshots", "List the snapshots of the world",
        {200: "snapshots"}, errors=(404,)),
    Row("control_take_snapshot", "PUT", "snapshots/<name>", "Take a snapshot of the world",
        {201: "snapshot"}, errors=(400, 404, 409)),
    Row("control_restore_snapshot", "POST", "snapshots/<name>/restore", "Restore a snapshot",
        {200: "snapshot"}, errors=(400, 404)),
    Row("control_undo", "POST", "undo", "Undo the last write", {200: "undone"}, errors=(400, 404, 409)),
    Row("control_clock", "GET", "clock", "Return the state of the clock", {200: "clock-state"}, errors=(404,)),
    Row("control_put_clock", "PUT", "clock", "Set the mode, time and speed of the clock",
        {200: "clock-state"}, "clock", KNOWN),
    Row("control_advance_clock", "POST", "clock/advance", "Advance the clock and execute all events that become due",
        {200: "clock-state"}, "clock-advance", KNOWN),
    Row("control_live", "GET", "live", "Return the state of the live traffic",
        {200: "live-state"}, errors=(404,)),
    Row("control_put_live", "PUT", "live", "Set, pause or resume the live traffic",
        {200: "live-state"}, "live", (400, 404)),
    Row("control_requests", "GET", "requests", "List the latest exchanges, newest first",
        {200: "exchanges"}, errors=(400, 404)),
    Row("control_request", "GET", "requests/<request_id>", "Return one exchange", {200: "exchange"}, errors=(404,)),
    Row("control_forget_requests", "DELETE", "requests", "Clear the journal", {204: None}, errors=(404,)),
    Row("control_audit", "GET", "audit", "List client behaviour that works here but harms the real service",
        {200: "audit"}, errors=(404,)),
    Row("control_faults", "GET", "faults", "List the armed faults and how often each was triggered",
        {200: None}, errors=(404,)),
    Row("control_arm_fault", "POST", "faults", "Arm a fault", {201: "fault"}, "fault-wanted", (400, 404)),
    Row("control_disarm_faults", "DELETE", "faults", "Disarm all faults", {204: None}, errors=(404,)),
    Row("control_disarm_fault", "DELETE", "faults/<id>", "Disarm a fault", {204: None}, errors=(404,)),
    Row("control_make_order", "POST", "orders", "Place an order, which the planner splits into packages",
        {201: "arranged-order"}, "arrange-order", NEW),
    Row("control_cancel_order", "POST", "orders/<id>/cancel", "Cancel an order with all its packages",
        {200: "arranged-order"}, errors=KNOWN),
    Row("control_make_package", "POST", "packages", "Create a package",
        {201: "package"}, "arrange-package", NEW),
    Row("control_report_carrier", "POST", "packages/<pk>/carrier", "Report a carrier event for a package",
        {200: "package"}, "carrier-event", KNOWN),
    Row("control_cancel_package", "POST", "packages/<pk>/cancel", "Cancel a package",
        {200: "package"}, errors=KNOWN),
    Row("control_put_stock", "PUT", "stock/<location_id>/<sku>", "Set the available quantity at a location",
        {200: "stock"}, "stock-quantity", KNOWN),
    Row("control_make_stock_location", "POST", "stock_locations", "Create a stock location",
        {201: "stock-location"}, "arrange-stock-location", NEW),
    Row("control_change_stock_location", "PATCH", "stock_locations/<id>", "Change a stock location",
        {200: "stock-location"}, "change-stock-location", KNOWN),
    Row("control_make_token", "POST", "tokens", "Create a credential for either surface",
        {201: "token-made"}, "token-wanted", (400, 404)),
    Row("control_deliveries", "GET", "hooks/deliveries", "List the webhook deliveries and their outcomes",
        {200: "deliveries"}, errors=(404,)),
    Row("control_flush_hooks", "POST", "hooks/flush", "Send due webhook events and wait for running deliveries",
        {200: "flushed"}, errors=(400, 404)),
    Row("control_disturbances", "GET", "hooks/disturbances", "List the delivery faults",
        {200: "disturbances"}, errors=(404,)),
    Row("control_disturb", "POST", "hooks/disturbances", "Add a fault for coming webhook deliveries",
        {201: "disturbance"}, "disturbance", (400, 404)),
    Row("control_undisturb", "DELETE", "hooks/disturbances", "Remove delivery faults", {204: None}, errors=(404,)),
    Row("control_graph", "GET", "graph", "Return the states with their record counts, and the transitions",
        {200: None}, errors=(404,)),
    Row("control_coverage", "GET", "coverage", "Return the coverage of the emulated behaviour in all worlds",
        {200: "coverage"}, errors=(404,)),
    Row("control_fidelity", "GET", "fidelity", "Return the provenance of each behaviour",
        {200: None}, errors=(404,)),
    Row("control_metrics", "GET", "metrics", "Return the metrics of all worlds for Prometheus",
        {200: None}, media=TEXT),
    Row("control_openapi", "GET", "openapi.json", "Return this document", {200: None}),
    Row("control_docs", "GET", "docs", "Show this document as interactive documentation", {200: None}, media=HTML),
    Row("control_ui", "GET", "ui/", "Show the inspector of this world", {200: None}, media=HTML),
)
# fmt: on


def control_paths() -> dict[str, Json]:
    """Return the path items of the control API."""
    paths: dict[str, Json] = {}
    for row in CONTROL:
        path = PLACEHOLDER.sub(r"{\2}", row.full_path)
        paths.setdefault(path, {})[row.method.lower()] = operation_of(row, path)
    return paths


def operation_of(row: Row, path: str) -> Json:
    parameters = path_parameters(path)
    operation: Json = {
        "operationId": row.operation,
        "tags": [TAG],
        "summary": row.summary,
        "description": f"{row.summary}.",
        "security": [],
    }
    if parameters:
        operation["parameters"] = parameters
    if row.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": reference(row.body)}}}
    return operation | {"responses": responses_of(row)}


def responses_of(row: Row) -> dict[str, Json]:
    """Return the responses of an endpoint, including error responses."""
    schemas = dict(row.replies) | dict.fromkeys((403, *row.errors), "control-error")
    return {str(status): response_of(status, schema, row.media) for status, schema in sorted(schemas.items())}


def response_of(status: int, schema: str | None, media: str) -> Json:
    response: Json = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        return response | {"content": {JSON: {"schema": reference(schema)}}}
    if status == 204:
        return response
    return response | {"content": {media: {"schema": {"type": "object" if media == JSON else "string"}}}}
