"""`paths` of the control API: one row per endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from emulator.api.openapi.components import schema_reference
from emulator.api.openapi.responses import JSON, PLACEHOLDER, path_parameters

Json = dict[str, Any]

CONTROL_TAG = "control"
CONTROL_DESCRIPTION = (
    "The control API of the emulator, which is not part of the OMS API."
    " It needs no credentials and is available on this machine only."
)
HTML, TEXT = "text/html", "text/plain"


class ControlEndpoint(NamedTuple):
    """One endpoint: operation id, method, path, summary, and the schemas of its bodies."""

    operation: str
    method: str
    path: str
    """Path below `/__admin/`, with `<name>` for parameters."""
    summary: str
    responses: Mapping[int, str | None]
    """Status -> schema of the body; None for no body, or for a body without a schema."""
    request_schema: str | None = None
    errors: tuple[int, ...] = ()
    """Statuses of error responses, besides 403."""
    media_type: str = JSON

    @property
    def full_path(self) -> str:
        return f"/__admin/{self.path}"


CREATE_ERRORS = CHANGE_ERRORS = (400, 404, 409)
"""404 also stands for a world that does not exist."""

# fmt: off
CONTROL_ENDPOINTS: tuple[ControlEndpoint, ...] = (
    ControlEndpoint("control_health", "GET", "health", "Return the health and the state of the world",
        {200: "health"}, errors=(404,)),
    ControlEndpoint("control_reset", "POST", "reset", "Reset the world to its scenario", {204: None}, errors=(404,)),
    ControlEndpoint("control_scenario", "GET", "scenario", "Return the scenario of the world",
        {200: "scenario-state"}, errors=(404,)),
    ControlEndpoint("control_put_scenario", "PUT", "scenario", "Restart the world from another scenario",
        {200: "scenario-state"}, "scenario-wanted", (400, 404)),
    ControlEndpoint("control_scenarios", "GET", "scenarios", "List the bundled scenarios",
        {200: "scenarios"}),
    ControlEndpoint("control_export", "GET", "export", "Export the world as a scenario that restores it",
        {200: "scenario"}, errors=(404, 409)),
    ControlEndpoint("control_worlds", "GET", "worlds", "List the worlds of this server", {200: "worlds"}),
    ControlEndpoint("control_put_world", "PUT", "worlds/<name>", "Create or replace a world",
        {200: "world-state", 201: "world-state"}, "world", (400, 404, 409)),
    ControlEndpoint("control_delete_world", "DELETE", "worlds/<name>", "Delete a world", {204: None}, errors=(400, 404)),
    ControlEndpoint("control_snapshots", "GET", "snapshots", "List the snapshots of the world",
        {200: "snapshots"}, errors=(404,)),
    ControlEndpoint("control_take_snapshot", "PUT", "snapshots/<name>", "Take a snapshot of the world",
        {201: "snapshot"}, errors=(400, 404, 409)),
    ControlEndpoint("control_restore_snapshot", "POST", "snapshots/<name>/restore", "Restore a snapshot",
        {200: "snapshot"}, errors=(400, 404)),
    ControlEndpoint("control_undo", "POST", "undo", "Undo the last write", {200: "undone"}, errors=(400, 404, 409)),
    ControlEndpoint("control_clock", "GET", "clock", "Return the state of the clock", {200: "clock-state"}, errors=(404,)),
    ControlEndpoint("control_put_clock", "PUT", "clock", "Set the mode, time and speed of the clock",
        {200: "clock-state"}, "clock", CHANGE_ERRORS),
    ControlEndpoint("control_advance_clock", "POST", "clock/advance", "Advance the clock and execute all events that become due",
        {200: "clock-state"}, "clock-advance", CHANGE_ERRORS),
    ControlEndpoint("control_live", "GET", "live", "Return the state of the live traffic",
        {200: "live-state"}, errors=(404,)),
    ControlEndpoint("control_put_live", "PUT", "live", "Set, pause or resume the live traffic",
        {200: "live-state"}, "live", (400, 404)),
    ControlEndpoint("control_requests", "GET", "requests", "List the latest exchanges, newest first",
        {200: "exchanges"}, errors=(400, 404)),
    ControlEndpoint("control_request", "GET", "requests/<request_id>", "Return one exchange", {200: "exchange"}, errors=(404,)),
    ControlEndpoint("control_forget_requests", "DELETE", "requests", "Clear the journal", {204: None}, errors=(404,)),
    ControlEndpoint("control_audit", "GET", "audit", "List client behaviour that works here but harms the real service",
        {200: "audit"}, errors=(404,)),
    ControlEndpoint("control_faults", "GET", "faults", "List the armed faults and how often each was triggered",
        {200: None}, errors=(404,)),
    ControlEndpoint("control_arm_fault", "POST", "faults", "Arm a fault", {201: "fault"}, "fault-wanted", (400, 404)),
    ControlEndpoint("control_disarm_faults", "DELETE", "faults", "Disarm all faults", {204: None}, errors=(404,)),
    ControlEndpoint("control_disarm_fault", "DELETE", "faults/<id>", "Disarm a fault", {204: None}, errors=(404,)),
    ControlEndpoint("control_make_order", "POST", "orders", "Place an order, which the planner splits into packages",
        {201: "arranged-order"}, "arrange-order", CREATE_ERRORS),
    ControlEndpoint("control_cancel_order", "POST", "orders/<id>/cancel", "Cancel an order with all its packages",
        {200: "arranged-order"}, errors=CHANGE_ERRORS),
    ControlEndpoint("control_make_package", "POST", "packages", "Create a package",
        {201: "package"}, "arrange-package", CREATE_ERRORS),
    ControlEndpoint("control_report_carrier", "POST", "packages/<pk>/carrier", "Report a carrier event for a package",
        {200: "package"}, "carrier-event", CHANGE_ERRORS),
    ControlEndpoint("control_cancel_package", "POST", "packages/<pk>/cancel", "Cancel a package",
        {200: "package"}, errors=CHANGE_ERRORS),
    ControlEndpoint("control_put_stock", "PUT", "stock/<location_id>/<sku>", "Set the available quantity at a location",
        {200: "stock"}, "stock-quantity", CHANGE_ERRORS),
    ControlEndpoint("control_make_stock_location", "POST", "stock_locations", "Create a stock location",
        {201: "stock-location"}, "arrange-stock-location", CREATE_ERRORS),
    ControlEndpoint("control_change_stock_location", "PATCH", "stock_locations/<id>", "Change a stock location",
        {200: "stock-location"}, "change-stock-location", CHANGE_ERRORS),
    ControlEndpoint("control_make_token", "POST", "tokens", "Create a credential for either surface",
        {201: "token-made"}, "token-wanted", (400, 404)),
    ControlEndpoint("control_deliveries", "GET", "hooks/deliveries", "List the webhook deliveries and their outcomes",
        {200: "deliveries"}, errors=(404,)),
    ControlEndpoint("control_flush_hooks", "POST", "hooks/flush", "Send due webhook events and wait for running deliveries",
        {200: "flushed"}, errors=(400, 404)),
    ControlEndpoint("control_disturbances", "GET", "hooks/disturbances", "List the delivery faults",
        {200: "disturbances"}, errors=(404,)),
    ControlEndpoint("control_disturb", "POST", "hooks/disturbances", "Add a fault for coming webhook deliveries",
        {201: "disturbance"}, "disturbance", (400, 404)),
    ControlEndpoint("control_undisturb", "DELETE", "hooks/disturbances", "Remove delivery faults", {204: None}, errors=(404,)),
    ControlEndpoint("control_graph", "GET", "graph", "Return the states with their record counts, and the transitions",
        {200: None}, errors=(404,)),
    ControlEndpoint("control_coverage", "GET", "coverage", "Return the coverage of the emulated behaviour in all worlds",
        {200: "coverage"}, errors=(404,)),
    ControlEndpoint("control_fidelity", "GET", "fidelity", "Return the provenance of each behaviour",
        {200: None}, errors=(404,)),
    ControlEndpoint("control_metrics", "GET", "metrics", "Return the metrics of all worlds for Prometheus",
        {200: None}, media_type=TEXT),
    ControlEndpoint("control_openapi", "GET", "openapi.json", "Return this document", {200: None}),
    ControlEndpoint("control_docs", "GET", "docs", "Show this document as interactive documentation", {200: None}, media_type=HTML),
    ControlEndpoint("control_ui", "GET", "ui/", "Show the inspector of this world", {200: None}, media_type=HTML),
)
# fmt: on


def control_paths() -> dict[str, Json]:
    """Return the path items of the control API."""
    paths: dict[str, Json] = {}
    for row in CONTROL_ENDPOINTS:
        path = PLACEHOLDER.sub(r"{\2}", row.full_path)
        paths.setdefault(path, {})[row.method.lower()] = control_operation(row, path)
    return paths


def control_operation(row: ControlEndpoint, path: str) -> Json:
    parameters = path_parameters(path)
    operation: Json = {
        "operationId": row.operation,
        "tags": [CONTROL_TAG],
        "summary": row.summary,
        "description": f"{row.summary}.",
        "security": [],
    }
    if parameters:
        operation["parameters"] = parameters
    if row.request_schema is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema_reference(row.request_schema)}},
        }
    return operation | {"responses": control_responses(row)}


def control_responses(row: ControlEndpoint) -> dict[str, Json]:
    """Return the responses of an endpoint, including error responses."""
    schemas = dict(row.responses) | dict.fromkeys((403, *row.errors), "control-error")
    return {
        str(status): control_response(status, schema, row.media_type) for status, schema in sorted(schemas.items())
    }


def control_response(status: int, schema: str | None, media: str) -> Json:
    response: Json = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        return response | {"content": {JSON: {"schema": schema_reference(schema)}}}
    if status == 204:
        return response
    return response | {"content": {media: {"schema": {"type": "object" if media == JSON else "string"}}}}
