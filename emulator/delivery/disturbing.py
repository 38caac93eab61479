"""What can be done to a delivery on demand, to see how a receiver bears it: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from emulator.core.deliveries import Disturbance
from emulator.core.records import WebhookEvent
from emulator.core.world import World

Headers = Mapping[str, Any]
Due = Mapping[int, datetime]

SIGNATURE = "X-Whisperer-Signature"
NO_SIGNATURE = "sha256=" + "0" * 64
MOMENT = timedelta(microseconds=1)


class Plan(NamedTuple):
    """How a delivery is made: with which headers, how often, or why it gets lost."""

    headers: Headers
    requests: int = 1
    lost: str | None = None


def twice(plan: Plan) -> Plan:
    return plan._replace(requests=2)


def dropped(plan: Plan) -> Plan:
    return plan._replace(lost="dropped on demand")


def with_wrong_signature(plan: Plan) -> Plan:
    """Sign with what is no signature; a hook without a secret gets one that it does not expect."""
    signature = str(plan.headers.get(SIGNATURE, NO_SIGNATURE))
    turned = signature[:-1] + ("1" if signature.endswith("0") else "0")
    return plan._replace(headers={**plan.headers, SIGNATURE: turned})


def later(world: World, event: WebhookEvent, asked: Disturbance) -> Due:
    """Let the event wait for so many seconds of the world."""
    return {event.id: world.clock.now() + timedelta(seconds=asked.seconds)}


def after_the_next(world: World, event: WebhookEvent, asked: Disturbance) -> Due:
    """Let the event that is due next go first; where none waits, let this one wait for another to come."""
    queue = world.root.queued(WebhookEvent)
    other = next(((due, id_) for due, id_ in queue if id_ != event.id), None)
    own = event.due or world.clock.now()
    if other is None or other[0] > world.clock.now():
        return later(world, event, asked)
    return {other[1]: min(own, other[0]) - MOMENT, event.id: max(own, other[0])}


CHANGES: Mapping[str, Callable[[Plan], Plan]] = {
    "duplicate": twice,
    "drop": dropped,
    "corrupt_signature": with_wrong_signature,
}
"""Kind -> what it does to the plan of a delivery."""
WAITS: Mapping[str, Callable[[World, WebhookEvent, Disturbance], Due]] = {
    "delay": later,
    "reorder": after_the_next,
}
"""Kind -> when it lets events be due instead."""
