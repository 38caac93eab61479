"""Documents of deliveries and of delivery faults, for the control API and for Python."""

from __future__ import annotations

from typing import Any

from emulator.core.events import EVENT_TYPES
from emulator.core.outbox import Delivery, DeliveryFault
from emulator.core.refusals import InvalidDocument
from emulator.core.world import World
from emulator.handlers.control import validated_document
from emulator.handlers.journal import displayed_body, mask_header
from emulator.rules.scenarios import format_time


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as the control API shows it, with masked secrets."""
    return delivery._asdict() | {
        "at": format_time(delivery.at),
        "headers": {name: mask_header(name, str(value)) for name, value in delivery.headers.items()},
        "body": displayed_body(delivery.body),
    }


def add_delivery_fault(world: World, document: Any) -> DeliveryFault:
    """Apply the fault of a document to coming deliveries. Raise `InvalidDocument` for unknown values."""
    fault = DeliveryFault(**validated_document("disturbance", document))
    known = [event.name for event in EVENT_TYPES]
    if fault.event_type is not None and fault.event_type not in known:
        raise InvalidDocument(f"unknown event type {fault.event_type!r}", known)
    world.outbox.add_fault(fault)
    return fault
