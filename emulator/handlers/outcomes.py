"""What came of deliveries, written down as steps of their own: a replay does these and calls nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.core.records import WebhookEvent
from emulator.core.sending import Outcome
from emulator.core.steps import Doing, Step
from emulator.core.world import World
from emulator.rules.retry import printed, record_outcome

DELIVER, POSTPONE = "deliver_event", "postpone_events"


def deliver(world: World, event_id: int, outcome: Outcome, request_id: str | None = None) -> None:
    """Write down what came of an attempt; `request_id` names the call that asked for it, if one did."""
    body = {"status": outcome.status, "content": outcome.content}
    if outcome.started is not None:
        body["started"] = printed(outcome.started)
    with world.doing(Doing(Step(DELIVER, {"event": event_id}, request_id=request_id, body=body))):
        repeat_delivery(world, event_id, body)


def repeat_delivery(world: World, event_id: int, body: Mapping[str, Any]) -> None:
    """Write an outcome down, as it was."""
    started = body.get("started")
    outcome = Outcome(
        body["status"], body["content"], 0.0, started=None if started is None else datetime.fromisoformat(started)
    )
    with world.transaction() as tx:
        record_outcome(tx, event_id, outcome)


def postpone(world: World, due: Mapping[int, datetime]) -> None:
    """Let events wait for other times: event id -> when it is due."""
    body = {"due": {str(id_): printed(at) for id_, at in due.items()}}
    with world.doing(Doing(Step(POSTPONE, body=body))):
        repeat_postponement(world, body)


def repeat_postponement(world: World, body: Mapping[str, Any]) -> None:
    """Let events wait, as they did."""
    with world.transaction() as tx:
        for id_, at in body["due"].items():
            tx.change(tx.one(WebhookEvent, int(id_)), due=datetime.fromisoformat(at))
