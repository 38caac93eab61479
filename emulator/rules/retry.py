"""When an event is sent again, and what an attempt leaves in its record: the sender's own rules (dj-whisperer).

The first attempt is at once. Then a task tries up to ten times more, each after the wait of the hook's policy,
counted from the end of the attempt before. What is not delivered by then is a scanner's, which sends it at its rounds
until the 19th attempt. Nobody looks at `is_active` again. An attempt that was asked for counts as one of these, and a
hook's new policy counts from the attempt after the next (assumed: the sender's task counts its own attempts alone,
and its scanner asks the policy anew at each round).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.core.jsontext import compact
from emulator.core.records import Webhook, WebhookEvent
from emulator.core.sending import NOT_SENT, Outcome
from emulator.core.sources import made_uuid
from emulator.core.store import Transaction, View
from emulator.rules.policies import POLICIES

TASK_RETRIES = 10
MOST_ATTEMPTS = 19
"""After this one an event is given up."""
SCANNER_PERIOD = timedelta(hours=1)
"""How often the scanner looks, counted from midnight (assumed). The installation chooses it; the one documented event
whose last attempt was the scanner's could be sent from 14:56:57 on and was at 15:00:00: an hour is the longest usual
period with which that agrees."""
MOMENT = timedelta(microseconds=1)
CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
"""A callback that may be there to be called: a dotted path. Anything else fails, which ends the task's retries."""


def next_attempt(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Give when the event is sent next; None where it will not be, or where the hook's policy says no time."""
    if event.delivered or event.retry_count >= MOST_ATTEMPTS:
        return None
    if isinstance(event.response_content, str) and event.response_content.startswith(NOT_SENT):
        return None  # it would be refused again, and a busy world would be full of that
    if event.retry_count == 0:
        return event.created_date
    try:
        return scanned(event, hook) if event.retry_count > TASK_RETRIES else by_task(event, hook)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None  # a recorded hook may hold anything, and the calendar ends


def by_task(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Give when the sender's task tries again: not after a redirect, nor where it failed to call back."""
    refused = event.response_http_status is None or event.response_http_status >= 400
    if not refused or (hook.callback and CALLABLE.fullmatch(hook.callback) is None):
        return None
    return event.modified_date + wait(hook, event.retry_count - 1, event.uuid)


def scanned(event: WebhookEvent, hook: Webhook) -> datetime:
    """Give the scanner's first round after the last attempt at which the policy's wait since the creation is over."""
    ready = event.created_date + wait(hook, event.retry_count, event.uuid)
    return next_round(max(ready, event.modified_date + MOMENT))


def next_round(at: datetime) -> datetime:
    """Give the scanner's first round at this time or later."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - at) // SCANNER_PERIOD) * SCANNER_PERIOD


def wait(hook: Webhook, tries: int, event_uuid: str) -> timedelta:
    """Give how long the hook's policy waits after so many retries; a random wait is drawn from the event's dice."""
    config = json.loads(hook.retry_countdown_config)
    return timedelta(seconds=seconds(config["choice"], config["kwargs"], tries, event_uuid))


def seconds(choice: str, kwargs: Mapping[str, Any], tries: int, event_uuid: str) -> int:
    """Give the seconds that a policy waits; `KeyError` or `TypeError` where it is none of the four."""
    return POLICIES[choice].wait(kwargs, tries, made_uuid("wait", event_uuid, tries).int)


def is_pending(event: WebhookEvent, hook: Webhook) -> bool:
    """Tell whether the event will be sent again."""
    return next_attempt(event, hook) is not None


def next_due(view: View) -> tuple[datetime, int] | None:
    """Give when the next event of a world is to be sent, and its id; None where none waits."""
    return next(view.queued(WebhookEvent), None)


def due(view: View, now: datetime) -> Iterator[int]:
    """Give the ids of the events that are to be sent by now, in their order."""
    for at, id_ in view.queued(WebhookEvent):
        if at > now:
            return
        yield id_


def record_outcome(tx: Transaction, event_id: int, outcome: Outcome) -> WebhookEvent:
    """Write down what an attempt came to, and when the next one is due; give the event as it is now.

    `LookupError` where there is no such event.
    """
    event = tx.one(WebhookEvent, event_id)
    after = attempted(event, tx.one(Webhook, event.webhook), outcome, tx.now)
    return tx.change(event, **after._asdict())


def attempted(event: WebhookEvent, hook: Webhook, outcome: Outcome, now: datetime) -> WebhookEvent:
    """Give an event as an attempt leaves it."""
    attempts = [printed(outcome.started or now), *json.loads(event.request_datetimes)]
    event = event._replace(
        modified_date=now,
        response_content=outcome.content,
        response_http_status=outcome.status,
        delivered=200 <= outcome.status < 300,
        request_datetimes=compact(attempts),
        retry_count=event.retry_count + 1,
    )
    return event._replace(due=next_attempt(event, hook))


def printed(at: datetime) -> str:
    """Give a time as documents have it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
