"""Delivery faults, to test how receivers handle them: one row for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from emulator.core.outbox import DeliveryFault
from emulator.core.records import WebhookEvent
from emulator.core.world import World

Headers = Mapping[str, Any]
DueTimes = Mapping[int, datetime]

SIGNATURE = "X-Whisperer-Signature"
NO_SIGNATURE = "sha256=" + "0" * 64
SMALLEST_STEP = timedelta(microseconds=1)


class Plan(NamedTuple):
    """How a delivery is made: its headers, the number of requests, or why it gets lost."""

    headers: Headers
    requests: int = 1
    lost: str | None = None


def duplicate(plan: Plan) -> Plan:
    return plan._replace(requests=2)


def drop(plan: Plan) -> Plan:
    return plan._replace(lost="dropped on demand")


def corrupt_signature(plan: Plan) -> Plan:
    """Change the signature. A hook without a secret gets an unexpected one."""
    signature = str(plan.headers.get(SIGNATURE, NO_SIGNATURE))
    turned = signature[:-1] + ("1" if signature.endswith("0") else "0")
    return plan._replace(headers={**plan.headers, SIGNATURE: turned})


def delay(world: World, event: WebhookEvent, fault: DeliveryFault) -> DueTimes:
    """Postpone the event by the seconds of the fault, on the world's clock."""
    return {event.id: world.clock.now() + timedelta(seconds=fault.seconds)}


def reorder(world: World, event: WebhookEvent, fault: DeliveryFault) -> DueTimes:
    """Send the next due event before this one. If there is none, postpone this one like a delay."""
    queue = world.root.queued(WebhookEvent)
    other = next(((due, id_) for due, id_ in queue if id_ != event.id), None)
    own = event.due or world.clock.now()
    if other is None or other[0] > world.clock.now():
        return delay(world, event, fault)
    return {other[1]: min(own, other[0]) - SMALLEST_STEP, event.id: max(own, other[0])}


CHANGES: Mapping[str, Callable[[Plan], Plan]] = {
    "duplicate": duplicate,
    "drop": drop,
    "corrupt_signature": corrupt_signature,
}
"""Kind -> function that changes the plan of a delivery."""
WAITS: Mapping[str, Callable[[World, WebhookEvent, DeliveryFault], DueTimes]] = {
    "delay": delay,
    "reorder": reorder,
}
"""Kind -> function that returns new due times of events."""
