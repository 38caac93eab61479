"""Retries of webhook events, by the vendor's rules (dj-whisperer): when an event is sent, and what is recorded.

The first attempt is immediate. Then a task retries up to ten times, each time after the wait of the hook's policy,
counted from the end of the previous attempt. After that, a scanner retries in its rounds until the 19th attempt.
Retries ignore `is_active`. A requested retry counts like the others, and a changed policy applies from the second
attempt after the change (assumed: the vendor's task counts only its own attempts, and its scanner evaluates the
policy in each round).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from emulator.core.jsontext import compact
from emulator.core.records import Webhook, WebhookEvent
from emulator.core.sending import NOT_SENT, Outcome
from emulator.core.sources import made_uuid
from emulator.core.store import Transaction, View
from emulator.rules.policies import POLICIES, Kwargs

TASK_RETRIES = 10
MOST_ATTEMPTS = 19
"""The event is abandoned after this attempt."""
SCANNER_PERIOD = timedelta(hours=1)
"""Period of the scanner's rounds, from midnight (assumed).

Each installation configures it. The only documented event that the scanner sent was ready at 14:56:57 and sent at
15:00:00. An hour is the longest usual period that agrees with this.
"""
MOMENT = timedelta(microseconds=1)
CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
"""A callback that can exist: a dotted path. Any other callback fails, which ends the task's retries."""


def next_attempt(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Return when the event is sent next, or None if it is not sent or the hook's policy has no valid time."""
    if event.delivered or event.retry_count >= MOST_ATTEMPTS:
        return None
    if isinstance(event.response_content, str) and event.response_content.startswith(NOT_SENT):
        return None  # a retry would fail, too, and such events would accumulate
    if event.retry_count == 0:
        return event.created_date
    try:
        return scanned(event, hook) if event.retry_count > TASK_RETRIES else by_task(event, hook)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None  # a recorded hook may contain anything, and the time may be beyond the calendar


def by_task(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Return when the vendor's task retries, or None after a redirect or a failed callback."""
    is_retried = event.response_http_status is None or event.response_http_status >= 400
    if not is_retried or (hook.callback and CALLABLE.fullmatch(hook.callback) is None):
        return None
    return event.modified_date + wait(hook, event.retry_count - 1, event.uuid)


def scanned(event: WebhookEvent, hook: Webhook) -> datetime:
    """Return the first scanner round after the last attempt and after the policy's wait since the creation."""
    ready = event.created_date + wait(hook, event.retry_count, event.uuid)
    return next_round(max(ready, event.modified_date + MOMENT))


def next_round(at: datetime) -> datetime:
    """Return the first scanner round at this time or later."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - at) // SCANNER_PERIOD) * SCANNER_PERIOD


def wait(hook: Webhook, retries: int, event_uuid: str) -> timedelta:
    """Return the wait of the hook's policy after a number of retries. Random waits depend on the event's UUID."""
    config = json.loads(hook.retry_countdown_config)
    return timedelta(seconds=seconds(config["choice"], config["kwargs"], retries, event_uuid))


def seconds(choice: str, kwargs: Kwargs, retries: int, event_uuid: str) -> int:
    """Return the seconds that a policy waits. Raise `KeyError` or `TypeError` for an invalid policy."""
    return POLICIES[choice].wait(kwargs, retries, made_uuid("wait", event_uuid, retries).int)


def is_pending(event: WebhookEvent, hook: Webhook) -> bool:
    """Return whether the event will be sent again."""
    return next_attempt(event, hook) is not None


def next_due(view: View) -> tuple[datetime, int] | None:
    """Return due time and id of the next event, or None if no event is queued."""
    return next(view.queued(WebhookEvent), None)


def due(view: View, now: datetime) -> Iterator[int]:
    """Yield the ids of the events that are due, in order."""
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
    """Return a time in the form of documents."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
