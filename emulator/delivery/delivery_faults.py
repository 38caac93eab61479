"""The faults that can be injected into a delivery, to test how a receiver handles them. Each fault is one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from emulator.core.outbox import DeliveryFault
from emulator.core.records import WebhookEvent
from emulator.core.world import World

Headers = Mapping[str, Any]
DueTimes = Mapping[int, datetime]
"""Event id -> when the event is due."""

SIGNATURE = "X-Whisperer-Signature"
NO_SIGNATURE = "sha256=" + "0" * 64
TICK = timedelta(microseconds=1)


class Plan(NamedTuple):
    """How a delivery is sent: its headers, the number of requests, and the reason if it is dropped."""

    headers: Headers
    requests: int = 1
    lost: str | None = None


def duplicate(plan: Plan) -> Plan:
    return plan._replace(requests=2)


def drop(plan: Plan) -> Plan:
    return plan._replace(lost="dropped on demand")


def corrupt_signature(plan: Plan) -> Plan:
    """Change the last digit of the signature. A hook without a secret gets a signature."""
    signature = str(plan.headers.get(SIGNATURE, NO_SIGNATURE))
    corrupted = signature[:-1] + ("1" if signature.endswith("0") else "0")
    return plan._replace(headers={**plan.headers, SIGNATURE: corrupted})


def delay(world: World, event: WebhookEvent, fault: DeliveryFault) -> DueTimes:
    """Postpone the event by the fault's seconds, by the world's clock."""
    return {event.id: world.clock.now() + timedelta(seconds=fault.seconds)}


def reorder(world: World, event: WebhookEvent, fault: DeliveryFault) -> DueTimes:
    """Send the next due event before this one. If no other event is due, delay this one."""
    queue = world.root.queued(WebhookEvent)
    other = next(((due, id_) for due, id_ in queue if id_ != event.id), None)
    own = event.due or world.clock.now()
    if other is None or other[0] > world.clock.now():
        return delay(world, event, fault)
    return {other[1]: min(own, other[0]) - TICK, event.id: max(own, other[0])}


CHANGES: Mapping[str, Callable[[Plan], Plan]] = {
    "duplicate": duplicate,
    "drop": drop,
    "corrupt_signature": corrupt_signature,
}
"""Kind of fault -> the function that changes the plan of a delivery."""
WAITS: Mapping[str, Callable[[World, WebhookEvent, DeliveryFault], DueTimes]] = {
    "delay": delay,
    "reorder": reorder,
}
"""Kind of fault -> the function that returns the new due times."""
