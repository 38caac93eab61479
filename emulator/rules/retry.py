"""The retry schedule of events, and the columns that an attempt changes: the rules of dj-whisperer.

The first attempt is immediate. Then a task makes up to ten retries, each after the wait of the hook's policy, counted
from the end of the attempt before. After that a scanner retries at its rounds, until the 19th attempt. `is_active` is
not checked again. A requested attempt counts like the others. A hook's new policy applies from the attempt after the
next (assumed: the vendor's task counts only its own attempts, and its scanner reads the policy at each round).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from emulator.core.delivery_result import NOT_SENT, DeliveryResult
from emulator.core.ids import made_uuid
from emulator.core.jsontext import compact
from emulator.core.records import Webhook, WebhookEvent
from emulator.core.store import Transaction, View
from emulator.rules.policies import POLICIES, Kwargs

TASK_RETRIES = 10
MAX_ATTEMPTS = 19
"""After this number of attempts, an event is given up."""
SCANNER_PERIOD = timedelta(hours=1)
"""Interval of the scanner's rounds, counted from midnight (assumed). An installation can choose it. The only
documented event that the scanner sent was due at 14:56:57 and sent at 15:00:00. An hour is the longest usual interval
that agrees with it."""
MOMENT = timedelta(microseconds=1)
CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
"""A callback that can exist: a dotted path. Any other callback fails, and ends the task's retries."""


def next_attempt_at(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Return the time of the next attempt. None: there is none, or the hook's policy is not valid."""
    if event.delivered or event.retry_count >= MAX_ATTEMPTS:
        return None
    if isinstance(event.response_content, str) and event.response_content.startswith(NOT_SENT):
        return None  # a retry would be refused again
    if event.retry_count == 0:
        return event.created_date
    try:
        return scanner_retry_at(event, hook) if event.retry_count > TASK_RETRIES else task_retry_at(event, hook)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None  # a recorded hook may have any policy, and the calendar ends


def task_retry_at(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Return the time of the task's next retry. It does not retry after a redirect or a failed callback."""
    refused = event.response_http_status is None or event.response_http_status >= 400
    if not refused or (hook.callback and CALLABLE.fullmatch(hook.callback) is None):
        return None
    return event.modified_date + policy_wait(hook, event.retry_count - 1, event.uuid)


def scanner_retry_at(event: WebhookEvent, hook: Webhook) -> datetime:
    """Return the scanner's first round after the last attempt, and after the policy's wait since the creation."""
    ready = event.created_date + policy_wait(hook, event.retry_count, event.uuid)
    return next_scanner_round(max(ready, event.modified_date + MOMENT))


def next_scanner_round(at: datetime) -> datetime:
    """Return the scanner's first round at this time or later."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - at) // SCANNER_PERIOD) * SCANNER_PERIOD


def policy_wait(hook: Webhook, retries: int, event_uuid: str) -> timedelta:
    """Return the wait of the hook's policy after a number of retries. A random wait depends on the event's UUID."""
    config = json.loads(hook.retry_countdown_config)
    return timedelta(seconds=policy_seconds(config["choice"], config["kwargs"], retries, event_uuid))


def policy_seconds(choice: str, kwargs: Kwargs, retries: int, event_uuid: str) -> int:
    """Return the seconds that a policy waits. Raise `KeyError` or `TypeError` for an invalid policy."""
    return POLICIES[choice].seconds(kwargs, retries, made_uuid("wait", event_uuid, retries).int)


def is_pending(event: WebhookEvent, hook: Webhook) -> bool:
    """Return whether the event will be sent again."""
    return next_attempt_at(event, hook) is not None


def next_due_event(view: View) -> tuple[datetime, int] | None:
    """Return the due time and the id of the next event of a world, or None."""
    return next(view.queued(WebhookEvent), None)


def due_event_ids(view: View, now: datetime) -> Iterator[int]:
    """Return the ids of the events that are due by now, in order."""
    for at, id_ in view.queued(WebhookEvent):
        if at > now:
            return
        yield id_


def record_result(tx: Transaction, event_id: int, result: DeliveryResult) -> WebhookEvent:
    """Record the result of an attempt and the due time of the next one. Return the changed event.

    Raise `LookupError` if there is no such event.
    """
    event = tx.one(WebhookEvent, event_id)
    after = apply_outcome(event, tx.one(Webhook, event.webhook), result, tx.now)
    return tx.change(event, **after._asdict())


def apply_outcome(event: WebhookEvent, hook: Webhook, result: DeliveryResult, now: datetime) -> WebhookEvent:
    """Return an event as it is after an attempt."""
    attempts = [format_time(result.started or now), *json.loads(event.request_datetimes)]
    event = event._replace(
        modified_date=now,
        response_content=result.content,
        response_http_status=result.status,
        delivered=200 <= result.status < 300,
        request_datetimes=compact(attempts),
        retry_count=event.retry_count + 1,
    )
    return event._replace(due=next_attempt_at(event, hook))


def format_time(at: datetime) -> str:
    """Return a time in the format of documents."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
