"""What an attempt to deliver an event came to, written down as a step: to repeat it calls nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.core.records import WebhookEvent
from emulator.core.sending import Outcome
from emulator.core.steps import Doing, Step
from emulator.core.world import World
from emulator.handlers.control import checked
from emulator.rules.retry import printed, record_outcome

RECORD_OUTCOME, POSTPONE = "record_outcome", "postpone_events"


class EventGone(LookupError):
    """The event is not there any more, or another has its id: its world was reset, undone or restored."""


def keep_outcome(
    world: World, event_id: int, outcome: Outcome, request_id: str | None = None, sent: WebhookEvent | None = None
) -> WebhookEvent:
    """Write an outcome into its event's record and among the world's steps; give the event as it is now.

    `request_id` is the call that asked for the attempt, where one did. `LookupError` where there is no such event:
    `EventGone` where it is not the one that was `sent`.
    """
    with world.doing(Doing(outcome_step(event_id, outcome, request_id))), world.transaction() as tx:
        if sent is not None:
            check_is_still(world, tx.get(WebhookEvent, event_id), sent)
        return record_outcome(tx, event_id, outcome)


def outcome_step(event_id: int, outcome: Outcome, request_id: str | None = None) -> Step:
    """Give the step that tells of an outcome."""
    return Step(RECORD_OUTCOME, {"pk": event_id}, request_id=request_id, body=document_of(outcome))


def check_is_still(world: World, event: WebhookEvent | None, sent: WebhookEvent) -> None:
    """Insist that an event is the one that was sent, and was not taken back to before earlier attempts.

    It tells of the root at which it came up, which is its own: what is done anew after an undo makes another one.
    """
    is_same = event is not None and event.told_from is sent.told_from and event.uuid == sent.uuid
    if event is None or world.closed or not is_same or event.retry_count < sent.retry_count:
        raise EventGone(f"event {sent.id} of world {world.name} is gone")


def repeat_outcome(world: World, step: Step) -> None:
    """Write down what an attempt came to when it was made; `InvalidDocument` for a step that does not tell it."""
    outcome = outcome_of(checked("outcome", step.body))
    with world.transaction() as tx:
        record_outcome(tx, int(step.path["pk"]), outcome)


def document_of(outcome: Outcome) -> dict[str, Any]:
    started = {} if outcome.started is None else {"started": printed(outcome.started)}
    return {"status": outcome.status, "content": outcome.content, **started}


def outcome_of(document: Any) -> Outcome:
    started = document.get("started")
    at = None if started is None else datetime.fromisoformat(started)
    return Outcome(document["status"], document["content"], 0.0, started=at)


def postpone(world: World, due: Mapping[int, datetime]) -> None:
    """Let events wait for other times: event id -> when it is due."""
    body = {"due": {str(id_): printed(at) for id_, at in due.items()}}
    with world.doing(Doing(Step(POSTPONE, body=body))):
        postponed(world, body)


def repeat_postponement(world: World, step: Step) -> None:
    """Let events wait, as they did; `InvalidDocument` for a step that does not tell until when."""
    postponed(world, checked("postponed-events", step.body))


def postponed(world: World, body: Mapping[str, Any]) -> None:
    with world.transaction() as tx:
        for id_, at in body["due"].items():
            if (event := tx.get(WebhookEvent, int(id_))) is None:
                raise EventGone(f"event {id_} of world {world.name} is gone")
            tx.change(event, due=datetime.fromisoformat(at))
