"""What the control API and its twins in Python tell and take of deliveries."""

from __future__ import annotations

from typing import Any

from emulator.core.deliveries import Delivery, Disturbance, Flushed
from emulator.core.events import EVENT_TYPES
from emulator.core.refusals import InvalidDocument
from emulator.core.world import World
from emulator.handlers.control import checked
from emulator.handlers.journal import masked_header, shown
from emulator.rules.scenarios import as_text


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """Give a delivery as the control API shows it, secrets masked."""
    return delivery._asdict() | {
        "at": as_text(delivery.at),
        "headers": {name: masked_header(name, str(value)) for name, value in delivery.headers.items()},
        "body": shown(delivery.body),
    }


def disturb(world: World, document: Any) -> Disturbance:
    """Let deliveries that come be disturbed, as the document says; `InvalidDocument` names what is known."""
    asked = Disturbance(**checked("disturbance", document))
    known = [event.name for event in EVENT_TYPES]
    if asked.event_type is not None and asked.event_type not in known:
        raise InvalidDocument(f"unknown event type {asked.event_type!r}", known)
    with world.mailbox.lock:
        world.mailbox.disturbances.append(asked)
    return asked


def flush(world: World) -> Flushed:
    """Send what is due, wait for what is on its way; give what was sent since the last flush."""
    return world.mailbox.take_counts() if world.courier is None else world.courier.flush(world)
