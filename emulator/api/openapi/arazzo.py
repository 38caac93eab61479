"""The Arazzo document: workflows of several operations, for tools that execute or show them."""

from __future__ import annotations

from emulator.api.openapi.operations import JSON
from emulator.core.json_text import JsonObject
from emulator.core.version import __version__

SOURCE = "oms"
SUCCESS: JsonObject = {"condition": "$statusCode == 200"}
NO_CONTENT: JsonObject = {"condition": "$statusCode == 204"}
INPUTS: JsonObject = {
    "type": "object",
    "properties": {
        "token": {"type": "string", "description": "A key, such as `full-access`.", "default": "full-access"}
    },
}


def arazzo_document(openapi_url: str = "openapi.json") -> JsonObject:
    """Return the Arazzo 1.0 document. `openapi_url` is the address of the OpenAPI document."""
    return {
        "arazzo": "1.0.1",
        "info": {
            "title": "Akinon OMS workflows",
            "version": __version__,
            "summary": "What a store does with packages and transfer orders.",
            "description": "The slugs of the commands are those of the default installation of the emulator.",
        },
        "sourceDescriptions": [{"name": SOURCE, "url": openapi_url, "type": "openapi"}],
        "workflows": [pack_and_ship(), refuse_and_replan(), transfer()],
    }


def pack_and_ship() -> JsonObject:
    return workflow(
        "packAndShip",
        "Pack a waiting package, store its invoice number, and ship it",
        first_row("findPackage", "list_packages", "100"),
        command("pack", "command_package", "package__complete_packaging__waiting__packed-all-items"),
        step("setInvoiceNumber", "set_package_invoice_number", NO_CONTENT, body={"invoice_number": "INV-1"}),
        command("ship", "command_package", "package__ship_package__packed-all-items__shipped"),
        state_check("checkShipped", "get_package", "600"),
    )


def refuse_and_replan() -> JsonObject:
    refuse = command("refuse", "command_package", "package__refuse_package__waiting__requires-replan", SUCCESS)
    refuse["requestBody"]["payload"]["input_parameters"] = {"denial_reason": 1}
    refuse["outputs"] = {"newId": "$response.body#/package__id"}
    return workflow(
        "refuseAndReplan",
        "Refuse a waiting package, for which the planner creates one at another location",
        first_row("findPackage", "list_packages", "100"),
        refuse,
        state_check("checkRefused", "get_package", "910"),
        state_check("checkReplanned", "get_package", "100", "$steps.refuse.outputs.newId"),
    )


def transfer() -> JsonObject:
    return workflow(
        "transfer",
        "Send a waiting transfer order to its destination",
        first_row("findTransfer", "list_transfers", "waiting"),
        transfer_command("prepare", "ready_to_ship_transfer_order__waiting__ready-for-shipping"),
        transfer_command("dispatch", "dispatch_transfer_order__ready-for-shipping__in-transit"),
        transfer_command("deliver", "deliver_transfer_order__in-transit__transferred"),
        state_check("checkTransferred", "get_transfer", "transferred", "$steps.findTransfer.outputs.id"),
    )


def workflow(name: str, summary: str, *steps: JsonObject) -> JsonObject:
    return {"workflowId": name, "summary": summary, "inputs": INPUTS, "steps": list(steps)}


def step(
    name: str,
    operation: str,
    criterion: JsonObject,
    record: str | None = "$steps.findPackage.outputs.id",
    body: JsonObject | None = None,
) -> JsonObject:
    """Return a step. `record` is the expression for the id in the path."""
    path = [{"name": "pk", "in": "path", "value": record}] if record else []
    return {
        "stepId": name,
        "operationId": operation,
        "parameters": [{"name": "Authorization", "in": "header", "value": "Token {$inputs.token}"}, *path],
        **({"requestBody": {"contentType": JSON, "payload": body}} if body else {}),
        "successCriteria": [criterion],
    }


def first_row(name: str, operation: str, state: str) -> JsonObject:
    """Return the step that finds a record in a state."""
    query = {"state__enum_value": state, "limit": 1}
    found = step(name, operation, SUCCESS, record=None)
    found["parameters"] += [{"name": key, "in": "query", "value": value} for key, value in query.items()]
    return found | {"outputs": {"id": "$response.body#/results/0/id"}}


def command(name: str, operation: str, slug: str, criterion: JsonObject = NO_CONTENT) -> JsonObject:
    return step(name, operation, criterion, body={"slug": slug, "input_parameters": {}})


def transfer_command(name: str, transition: str) -> JsonObject:
    body = {"slug": f"transferorder__{transition}", "input_parameters": {}}
    return step(name, "command_transfer", NO_CONTENT, record="$steps.findTransfer.outputs.id", body=body)


def state_check(name: str, operation: str, state: str, record: str = "$steps.findPackage.outputs.id") -> JsonObject:
    """Return the step that checks the state of a record."""
    checked = step(name, operation, SUCCESS, record=record)
    checked["successCriteria"] = [SUCCESS, {"condition": f"$response.body#/state/enum_value == '{state}'"}]
    return checked
