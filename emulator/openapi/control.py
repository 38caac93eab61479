"""`paths` of the control API: one row per call."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from emulator.openapi.components import reference
from emulator.openapi.parameters import IN_PATH, in_path

Json = dict[str, Any]

TAG = "control"
DESCRIPTION = "The control API: what is outside the OMS's own API. It needs no credentials, and answers this machine."
JSON, HTML = "application/json", "text/html"


class Row(NamedTuple):
    """One call: its id, method and path, what it does, and the schemas of what it takes and gives."""

    operation: str
    method: str
    path: str
    """Below `/__admin/`, with `<name>` for what varies."""
    summary: str
    replies: Mapping[int, str | None]
    """Status -> schema of the body; None where there is none, or one without a schema."""
    body: str | None = None
    refusals: tuple[int, ...] = ()
    """Statuses of the refusals that it can meet, besides 403."""
    media: str = JSON

    @property
    def full_path(self) -> str:
        return f"/__admin/{self.path}"


NEW = KNOWN = (400, 404, 409)
"""404 is also for a world that is not there, wherever one is named."""

# fmt: off
CONTROL: tuple[Row, ...] = (
    Row("control_health", "GET", "health", "Which world it is, and that it works",
        {200: "health"}, refusals=(404,)),
    Row("control_reset", "POST", "reset", "Go back to the scenario's start", {204: None}, refusals=(404,)),
    Row("control_scenario", "GET", "scenario", "What the world started from",
        {200: "scenario-state"}, refusals=(404,)),
    Row("control_put_scenario", "PUT", "scenario", "Start the world anew from another scenario",
        {200: "scenario-state"}, "scenario-wanted", (400, 404)),
    Row("control_scenarios", "GET", "scenarios", "The scenarios that come with the emulator",
        {200: "scenarios"}),
    Row("control_export", "GET", "export", "The world as a scenario: loading it gives the same world",
        {200: "scenario"}, refusals=(404, 409)),
    Row("control_worlds", "GET", "worlds", "The worlds of this server", {200: "worlds"}),
    Row("control_put_world", "PUT", "worlds/<name>", "Make a world, or put another one in its place",
        {200: "world-state", 201: "world-state"}, "world", (400, 404, 409)),
    Row("control_delete_world", "DELETE", "worlds/<name>", "Close a world", {204: None}, refusals=(400, 404)),
    Row("control_snapshots", "GET", "snapshots", "What the world kept of itself, by name",
        {200: "snapshots"}, refusals=(404,)),
    Row("control_take_snapshot", "PUT", "snapshots/<name>", "Keep what the world is now under a name",
        {201: "snapshot"}, refusals=(400, 404, 409)),
    Row("control_restore_snapshot", "POST", "snapshots/<name>/restore", "Be again what the world was then",
        {200: "snapshot"}, refusals=(400, 404)),
    Row("control_undo", "POST", "undo", "Take the last write back", {200: "undone"}, refusals=(400, 404, 409)),
    Row("control_clock", "GET", "clock", "The world's time", {200: "clock-state"}, refusals=(404,)),
    Row("control_put_clock", "PUT", "clock", "Let the clock go on in a mode, from a time",
        {200: "clock-state"}, "clock", KNOWN),
    Row("control_advance_clock", "POST", "clock/advance", "Move the clock on; what is due on the way happens",
        {200: "clock-state"}, "clock-advance", KNOWN),
    Row("control_requests", "GET", "requests", "The latest exchanges, newest first",
        {200: "exchanges"}, refusals=(400, 404)),
    Row("control_request", "GET", "requests/<request_id>", "One exchange", {200: "exchange"}, refusals=(404,)),
    Row("control_forget_requests", "DELETE", "requests", "Forget all exchanges", {204: None}, refusals=(404,)),
    Row("control_audit", "GET", "audit", "What a client did that works here and hurts the real service",
        {200: "audit"}, refusals=(404,)),
    Row("control_faults", "GET", "faults", "The faults that are armed, and how often each was met",
        {200: None}, refusals=(404,)),
    Row("control_arm_fault", "POST", "faults", "Arm a fault", {201: "fault"}, "fault-wanted", (400, 404)),
    Row("control_disarm_faults", "DELETE", "faults", "Disarm all faults", {204: None}, refusals=(404,)),
    Row("control_disarm_fault", "DELETE", "faults/<id>", "Disarm a fault", {204: None}, refusals=(404,)),
    Row("control_make_order", "POST", "orders", "Place an order; the planner decides what becomes of it",
        {201: "arranged-order"}, "arrange-order", NEW),
    Row("control_cancel_order", "POST", "orders/<id>/cancel", "Cancel an order with all its packages",
        {200: "arranged-order"}, refusals=KNOWN),
    Row("control_make_package", "POST", "packages", "Make a package as described",
        {201: "package"}, "arrange-package", NEW),
    Row("control_report_carrier", "POST", "packages/<pk>/carrier", "Let the carrier report on a package",
        {200: "package"}, "carrier-event", KNOWN),
    Row("control_cancel_package", "POST", "packages/<pk>/cancel", "Cancel a package",
        {200: "package"}, refusals=KNOWN),
    Row("control_put_stock", "PUT", "stock/<location_id>/<sku>", "Set how much of a product may be promised",
        {200: "stock"}, "stock-quantity", KNOWN),
    Row("control_make_stock_location", "POST", "stock_locations", "Make a stock location",
        {201: "stock-location"}, "arrange-stock-location", NEW),
    Row("control_change_stock_location", "PATCH", "stock_locations/<id>", "Change a stock location",
        {200: "stock-location"}, "change-stock-location", KNOWN),
    Row("control_make_token", "POST", "tokens", "Make a credential for either surface",
        {201: "token-made"}, "token-wanted", (400, 404)),
    Row("control_deliveries", "GET", "hooks/deliveries", "What was sent to hooks, and what came of it",
        {200: "deliveries"}, refusals=(404,)),
    Row("control_flush_hooks", "POST", "hooks/flush", "Send what is due, and wait for what is on its way",
        {200: "flushed"}, refusals=(400, 404)),
    Row("control_disturbances", "GET", "hooks/disturbances", "What is to be done to deliveries that come",
        {200: "disturbances"}, refusals=(404,)),
    Row("control_disturb", "POST", "hooks/disturbances", "Let deliveries that come be disturbed",
        {201: "disturbance"}, "disturbance", (400, 404)),
    Row("control_undisturb", "DELETE", "hooks/disturbances", "Let deliveries alone", {204: None}, refusals=(404,)),
    Row("control_graph", "GET", "graph", "The states, their records' numbers, and the transitions between them",
        {200: None}, refusals=(404,)),
    Row("control_fidelity", "GET", "fidelity", "How sure each behaviour is, and why",
        {200: None}, refusals=(404,)),
    Row("control_openapi", "GET", "openapi.json", "This document", {200: None}),
    Row("control_docs", "GET", "docs", "This document as pages that can be tried", {200: None}, media=HTML),
    Row("control_ui", "GET", "ui/", "The inspector: pages over this world", {200: None}, media=HTML),
)
# fmt: on


def control_paths() -> dict[str, Json]:
    """Give the paths of the control API with their operations."""
    paths: dict[str, Json] = {}
    for row in CONTROL:
        path = IN_PATH.sub(r"{\2}", row.full_path)
        paths.setdefault(path, {})[row.method.lower()] = operation_of(row, path)
    return paths


def operation_of(row: Row, path: str) -> Json:
    parameters = in_path(path)
    described: Json = {
        "operationId": row.operation,
        "tags": [TAG],
        "summary": row.summary,
        "description": f"{row.summary}.",
        "security": [],
    }
    if parameters:
        described["parameters"] = parameters
    if row.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": reference(row.body)}}}
    return described | {"responses": responses_of(row)}


def responses_of(row: Row) -> dict[str, Json]:
    """Give the answers of a call: its own, and the refusals that it can meet."""
    shapes = dict(row.replies) | dict.fromkeys((403, *row.refusals), "control-error")
    return {str(status): response(status, shape, row.media) for status, shape in sorted(shapes.items())}


def response(status: int, shape: str | None, media: str) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if shape is not None:
        return answer | {"content": {JSON: {"schema": reference(shape)}}}
    if status == 204:
        return answer
    return answer | {"content": {media: {"schema": {"type": "object" if media == JSON else "string"}}}}
