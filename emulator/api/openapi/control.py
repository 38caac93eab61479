"""`paths` of the control API: one row per endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from emulator.api.openapi.components import schema_reference
from emulator.api.openapi.operations import JSON, PLACEHOLDER, path_parameters, query_parameter, request_media
from emulator.core.json_text import JsonObject

CONTROL_TAG = "control"
CONTROL_DESCRIPTION = (
    "The control API of the emulator, which is not part of the OMS API."
    " It needs no credentials on this machine, and the admin token from other machines."
)
TAG: JsonObject = {"name": CONTROL_TAG, "description": CONTROL_DESCRIPTION}
HTML, TEXT, EVENT_STREAM = "text/html", "text/plain", "text/event-stream"
EVENT_FIELDS: JsonObject = {
    "id": {"type": "string", "description": "Send it as `Last-Event-ID` to continue after this event."},
    "data": {"type": "string", "description": "A JSON document: what changed, and the latest activity."},
    "retry": {"type": "integer", "description": "Milliseconds until a client connects again."},
}
BODY_SCHEMAS: Mapping[str, JsonObject] = {
    JSON: {"type": "object"},
    EVENT_STREAM: {"type": "object", "description": "One event of the stream.", "properties": EVENT_FIELDS},
}
"""Media type -> schema of a body for which no schema is named. Other media types are strings."""


class Endpoint(NamedTuple):
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
    """Statuses of error responses, besides those of `COMMON_ERRORS`."""
    media_type: str = JSON
    query: tuple[str, ...] = ()
    """Names of query parameters, in `QUERY_PARAMETERS`."""
    requires_body: bool = True

    @property
    def full_path(self) -> str:
        return f"/__admin/{self.path}"


QUERY_PARAMETERS: Mapping[str, JsonObject] = {
    "operation": query_parameter("operation", {"type": "string"}, "Only requests of this operation."),
    "method": query_parameter("method", {"type": "string"}, "Only requests with this method."),
    "status": query_parameter("status", {"type": "integer"}, "Only responses with this status."),
    "path": query_parameter("path", {"type": "string"}, "Only requests whose path contains this text."),
    "limit": query_parameter("limit", {"type": "integer", "minimum": 0}, "Maximum number of results."),
    "brief": query_parameter("brief", {"type": "boolean"}, "Omit headers and bodies."),
    "since": query_parameter("since", {"type": "string"}, "Only changes after this request, such as 00000001.")
    | {"required": True},
    "with_secrets": query_parameter("with_secrets", {"type": "boolean"}, "Keep credentials of hooks."),
}
COMMON_ERRORS = (400, 401, 403)
"""Any call may get them: for a body that it does not accept, and from the guard of the control API."""
WRITE_ERRORS = (400, 404, 409)
"""404 also stands for a world that does not exist."""

# fmt: off
CONTROL_ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("control_health", "GET", "health", "Return the health and the state of the world", {200: "health"},
             errors=(404,)),
    Endpoint("control_reset", "POST", "reset", "Reset the world to its scenario", {204: None}, errors=(404,)),
    Endpoint("control_scenario", "GET", "scenario", "Return the scenario of the world", {200: "scenario-state"},
             errors=(404,)),
    Endpoint("control_put_scenario", "PUT", "scenario", "Restart the world from another scenario",
             {200: "scenario-state"}, "scenario-wanted", (400, 404)),
    Endpoint("control_scenarios", "GET", "scenarios", "List the bundled scenarios", {200: "scenarios"}),
    Endpoint("control_export", "GET", "export", "Export the world as a scenario that restores it", {200: "scenario"},
             errors=(404, 409), query=("with_secrets",)),
    Endpoint("control_worlds", "GET", "worlds", "List the worlds of this server", {200: "worlds"}),
    Endpoint("control_put_world", "PUT", "worlds/<name>", "Create or replace a world",
             {200: "world-state", 201: "world-state"}, "world", (400, 404, 409), requires_body=False),
    Endpoint("control_delete_world", "DELETE", "worlds/<name>", "Delete a world", {204: None}, errors=(400, 404)),
    Endpoint("control_snapshots", "GET", "snapshots", "List the snapshots of the world", {200: "snapshots"},
             errors=(404,)),
    Endpoint("control_take_snapshot", "PUT", "snapshots/<name>", "Take a snapshot of the world", {201: "snapshot"},
             errors=(400, 404, 409)),
    Endpoint("control_restore_snapshot", "POST", "snapshots/<name>/restore", "Restore a snapshot", {200: "snapshot"},
             errors=(400, 404)),
    Endpoint("control_undo", "POST", "undo", "Undo the last write", {200: "undone"}, errors=(400, 404, 409)),
    Endpoint("control_clock", "GET", "clock", "Return the state of the clock", {200: "clock-state"}, errors=(404,)),
    Endpoint("control_put_clock", "PUT", "clock", "Set the mode, time and speed of the clock", {200: "clock-state"},
             "clock", WRITE_ERRORS),
    Endpoint("control_advance_clock", "POST", "clock/advance",
             "Advance the clock and execute all events that become due", {200: "clock-state"}, "clock-advance",
             WRITE_ERRORS),
    Endpoint("control_live", "GET", "live", "Return the state of the live traffic", {200: "live-state"},
             errors=(404,)),
    Endpoint("control_put_live", "PUT", "live", "Set, pause or resume the live traffic", {200: "live-state"}, "live",
             (400, 404)),
    Endpoint("control_requests", "GET", "requests", "List the latest exchanges, newest first", {200: "exchanges"},
             errors=(400, 404), query=("operation", "method", "status", "path", "limit", "brief")),
    Endpoint("control_request", "GET", "requests/<request_id>", "Return one exchange", {200: "exchange"},
             errors=(404,)),
    Endpoint("control_forget_requests", "DELETE", "requests", "Clear the journal", {204: None}, errors=(404,)),
    Endpoint("control_changes", "GET", "changes", "List the records that changed after a request, field by field",
             {200: "changes"}, errors=(400, 404, 409), query=("since",)),
    Endpoint("control_audit", "GET", "audit", "List client behaviour that works here but harms the real service",
             {200: "audit"}, errors=(404,)),
    Endpoint("control_faults", "GET", "faults", "List the armed faults and how often each was triggered", {200: None},
             errors=(404,)),
    Endpoint("control_arm_fault", "POST", "faults", "Arm a fault", {201: "fault"}, "fault-wanted", (400, 404)),
    Endpoint("control_disarm_faults", "DELETE", "faults", "Disarm all faults", {204: None}, errors=(404,)),
    Endpoint("control_disarm_fault", "DELETE", "faults/<id>", "Disarm a fault", {204: None}, errors=(404,)),
    Endpoint("control_make_order", "POST", "orders", "Place an order, which the planner splits into packages",
             {201: "arranged-order"}, "arrange-order", WRITE_ERRORS),
    Endpoint("control_cancel_order", "POST", "orders/<id>/cancel", "Cancel an order with all its packages",
             {200: "arranged-order"}, errors=WRITE_ERRORS),
    Endpoint("control_make_package", "POST", "packages", "Create a package", {201: "package"}, "arrange-package",
             WRITE_ERRORS),
    Endpoint("control_report_carrier", "POST", "packages/<pk>/carrier", "Report a carrier event for a package",
             {200: "package"}, "carrier-event", WRITE_ERRORS),
    Endpoint("control_cancel_package", "POST", "packages/<pk>/cancel", "Cancel a package", {200: "package"},
             errors=WRITE_ERRORS),
    Endpoint("control_put_stock", "PUT", "stock/<location_id>/<sku>", "Set the available quantity at a location",
             {200: "stock"}, "stock-quantity", WRITE_ERRORS),
    Endpoint("control_make_stock_location", "POST", "stock_locations", "Create a stock location",
             {201: "stock-location"}, "arrange-stock-location", WRITE_ERRORS),
    Endpoint("control_change_stock_location", "PATCH", "stock_locations/<id>", "Change a stock location",
             {200: "stock-location"}, "change-stock-location", WRITE_ERRORS),
    Endpoint("control_make_token", "POST", "tokens", "Create a credential for either surface", {201: "token-made"},
             "token-wanted", (400, 404)),
    Endpoint("control_deliveries", "GET", "hooks/deliveries", "List the webhook deliveries and their outcomes",
             {200: "deliveries"}, errors=(404,), query=("limit",)),
    Endpoint("control_flush_hooks", "POST", "hooks/flush", "Send due webhook events and wait for running deliveries",
             {200: "flushed"}, errors=(400, 404)),
    Endpoint("control_redeliver", "POST", "hooks/redeliver",
             "Start the world again, repeat its steps, and send each recorded delivery again", {200: "deliveries"},
             "redelivery-wanted", (400, 404, 409), requires_body=False),
    Endpoint("control_disturbances", "GET", "hooks/disturbances", "List the delivery faults", {200: "disturbances"},
             errors=(404,)),
    Endpoint("control_disturb", "POST", "hooks/disturbances", "Add a fault for coming webhook deliveries",
             {201: "disturbance"}, "disturbance", (400, 404)),
    Endpoint("control_undisturb", "DELETE", "hooks/disturbances", "Remove delivery faults", {204: None},
             errors=(404,)),
    Endpoint("control_activity", "GET", "activity", "List the latest changes and refused requests, newest first",
             {200: None}, errors=(400, 404)),
    Endpoint("control_events", "GET", "events", "Stream the changes of the world as server-sent events", {200: None},
             media_type=EVENT_STREAM),
    Endpoint("control_catalog", "GET", "catalog", "List the carriers, products, locations and cities", {200: None},
             errors=(404,)),
    Endpoint("control_shipments", "GET", "shipments", "Find the packages and transfer orders of a tracking number",
             {200: None}, errors=(400, 404)),
    Endpoint("control_timeline", "GET", "timeline", "Return requests, refusals, latency and transitions over time",
             {200: None}, errors=(404,)),
    Endpoint("control_stories", "GET", "stories", "List the stories", {200: None}),
    Endpoint("control_story", "GET", "stories/<name>", "Return a story with its chapters", {200: None},
             errors=(404,)),
    Endpoint("control_open_chapter", "POST", "stories/<name>/<chapter>", "Show a chapter of a story in a world",
             {200: None}, errors=(400, 404, 409)),
    Endpoint("control_story_link", "GET", "stories/<name>/<chapter>/open", "Open a new world at a chapter",
             {303: None}, errors=(404, 409)),
    Endpoint("control_graph", "GET", "graph", "Return the states with their record counts, and the transitions",
             {200: None}, errors=(404,)),
    Endpoint("control_coverage", "GET", "coverage", "Return the coverage of the emulated behaviour in all worlds",
             {200: "coverage"}, errors=(404,)),
    Endpoint("control_fidelity", "GET", "fidelity", "Return the provenance of each behaviour", {200: None},
             errors=(404,)),
    Endpoint("control_metrics", "GET", "metrics", "Return the metrics of all worlds for Prometheus", {200: None},
             media_type=TEXT),
    Endpoint("control_openapi", "GET", "openapi.json",
             "Return this document: `version=3.0` returns OpenAPI 3.0, `part=oms` omits the control API", {200: None},
             errors=(400,)),
    Endpoint("control_asyncapi", "GET", "asyncapi.json", "Return the AsyncAPI document of the webhooks", {200: None}),
    Endpoint("control_arazzo", "GET", "arazzo.json", "Return the Arazzo document: workflows of several operations",
             {200: None}),
    Endpoint("control_docs", "GET", "docs", "Show this document as interactive documentation", {200: None},
             media_type=HTML),
    Endpoint("control_ui", "GET", "ui/", "Show the inspector of this world", {200: None}, media_type=HTML),
)
# fmt: on


def control_paths() -> JsonObject:
    """Return the path items of the control API."""
    paths: JsonObject = {}
    for row in CONTROL_ENDPOINTS:
        path = PLACEHOLDER.sub(r"{\2}", row.full_path)
        paths.setdefault(path, {})[row.method.lower()] = control_operation(row, path)
    return paths


def control_operation(row: Endpoint, path: str) -> JsonObject:
    parameters = path_parameters(path) + [QUERY_PARAMETERS[name] for name in row.query]
    operation: JsonObject = {
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
            "required": row.requires_body,
            "content": {JSON: request_media(row.request_schema, row.request_schema)},
        }
    return operation | {"responses": control_responses(row)}


def control_responses(row: Endpoint) -> JsonObject:
    """Return the responses of an endpoint, including error responses."""
    schemas = dict(row.responses) | dict.fromkeys((*COMMON_ERRORS, *row.errors), "control-error")
    return {
        str(status): control_response(status, schema, row.media_type) for status, schema in sorted(schemas.items())
    }


def control_response(status: int, schema: str | None, media: str) -> JsonObject:
    response: JsonObject = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        return response | {"content": {JSON: {"schema": schema_reference(schema)}}}
    if status == 204:
        return response
    return response | {"content": {media: {"schema": BODY_SCHEMAS.get(media, {"type": "string"})}}}
