"""Webhook deliveries: their documents, delivery faults, and the steps that record results and postponements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from emulator.api.control.journal import mask_header, masked_body
from emulator.api.control.operations import validated_document
from emulator.core.errors import InvalidDocument
from emulator.core.event_types import EVENT_TYPES
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import WebhookEvent
from emulator.domain.webhook_retries import record_result
from emulator.state.clock import format_time
from emulator.state.outbox import Delivery, DeliveryFault, DeliveryResult
from emulator.state.steps import Step
from emulator.state.world import World

RECORD_RESULT, POSTPONE_EVENTS = "record_outcome", "postpone_events"
"""Names of steps."""


def delivery_document(delivery: Delivery) -> JsonObject:
    """Return a delivery as the control API shows it, with masked secrets."""
    return delivery._asdict() | {
        "at": format_time(delivery.at),
        "headers": {name: mask_header(name, str(value)) for name, value in delivery.headers.items()},
        "body": masked_body(delivery.body),
    }


def add_delivery_fault(world: World, document: JsonValue) -> DeliveryFault:
    """Apply the fault of a document to coming deliveries. Raise `InvalidDocument` for unknown values."""
    fault = DeliveryFault(**validated_document("disturbance", document))
    known = [event.name for event in EVENT_TYPES]
    if fault.event_type is not None and fault.event_type not in known:
        raise InvalidDocument(f"unknown event type {fault.event_type!r}", known, fault.event_type)
    world.outbox.add_fault(fault)
    return fault


class EventGone(LookupError):
    """The event does not exist any more, because its world was reset, undone or restored."""


def save_result(
    world: World,
    event_id: int,
    result: DeliveryResult,
    request_id: str | None = None,
    sent: WebhookEvent | None = None,
) -> WebhookEvent:
    """Record a result in the event and as a step of the world. Return the event.

    `request_id` is the call that asked for the attempt, if there was one. Raise `LookupError` if there is no such
    event, and `EventGone` if it is not the event that was `sent`.
    """
    step = result_step(event_id, result, request_id)
    with world.recording(step), world.transaction() as tx:
        if sent is not None:
            event = tx.get(WebhookEvent, event_id)
            # An event that is created again after an undo has another `snapshot`.
            is_same = event is not None and event.snapshot is sent.snapshot and event.uuid == sent.uuid
            if event is None or world.is_closed or not is_same or event.retry_count < sent.retry_count:
                raise EventGone(f"event {sent.id} of world {world.name} is gone")
        return record_result(tx, event_id, result)


def result_step(
    event_id: int, result: DeliveryResult, request_id: str | None = None, at: datetime | None = None
) -> Step:
    """Return the step that records a result."""
    return Step(RECORD_RESULT, {"pk": event_id}, request_id=request_id, body=result_document(result), at=at)


def replay_result(world: World, step: Step) -> None:
    """Record the result of a past attempt. Raise `InvalidDocument` for a step without one."""
    result = parse_result(validated_document("outcome", step.body))
    with world.transaction() as tx:
        record_result(tx, int(step.path["pk"]), result)


def result_document(result: DeliveryResult) -> JsonObject:
    optional: JsonObject = {} if result.started_at is None else {"started": format_time(result.started_at)}
    if result.fault is not None:
        optional["fault"] = result.fault
    return {"status": result.status, "content": result.content, **optional}


def parse_result(document: JsonObject) -> DeliveryResult:
    started = document.get("started")
    at = None if started is None else datetime.fromisoformat(started)
    return DeliveryResult(document["status"], document["content"], 0.0, started_at=at, fault=document.get("fault"))


def postpone_events(world: World, due: Mapping[int, datetime]) -> None:
    """Change the due times of events, by their ids."""
    body = {"due": {str(id_): format_time(at) for id_, at in due.items()}}
    with world.recording(Step(POSTPONE_EVENTS, body=body)):
        change_due_times(world, body)


def replay_postponement(world: World, step: Step) -> None:
    """Change the due times of events again. Raise `InvalidDocument` for a step without them."""
    change_due_times(world, validated_document("postponed-events", step.body))


def change_due_times(world: World, body: JsonObject) -> None:
    with world.transaction() as tx:
        for id_, at in body["due"].items():
            if (event := tx.get(WebhookEvent, int(id_))) is None:
                raise EventGone(f"event {id_} of world {world.name} is gone")
            tx.change(event, due=datetime.fromisoformat(at))
