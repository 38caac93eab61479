"""What an attempt to deliver an event came to, written down as a step: to repeat it calls nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emulator.core.records import WebhookEvent
from emulator.core.sending import Outcome
from emulator.core.steps import Doing, Step
from emulator.core.world import World
from emulator.handlers.control import checked
from emulator.rules.retry import printed, record_outcome

RECORD_OUTCOME = "record_outcome"


def keep_outcome(world: World, event_id: int, outcome: Outcome, request_id: str | None = None) -> WebhookEvent:
    """Write an outcome into its event's record and among the world's steps; give the event as it is now.

    `request_id` is the call that asked for the attempt, where one did. `LookupError` where there is no such event.
    """
    step = Step(RECORD_OUTCOME, {"pk": event_id}, request_id=request_id, body=document_of(outcome))
    with world.doing(Doing(step)), world.transaction() as tx:
        return record_outcome(tx, event_id, outcome)


def repeat_outcome(world: World, step: Step) -> None:
    """Write down what an attempt came to when it was made; `InvalidDocument` for a step that does not tell it."""
    outcome = outcome_of(checked("outcome", step.body))
    with world.transaction() as tx:
        record_outcome(tx, int(step.path["pk"]), outcome)


def document_of(outcome: Outcome) -> dict[str, Any]:
    started = {} if outcome.started is None else {"started": printed(outcome.started)}
    return {"status": outcome.status, "content": outcome.content, "took": outcome.took, **started}


def outcome_of(document: Any) -> Outcome:
    started = document.get("started")
    at = None if started is None else datetime.fromisoformat(started)
    return Outcome(document["status"], document["content"], document["took"], started=at)
