"""The rules of dj-whisperer, the vendor's sender of webhooks: retry policies, retry schedule and request headers.

The first attempt is immediate. Then a task makes up to ten retries, each after the wait of the hook's policy, counted
from the end of the attempt before. After that a scanner retries at its rounds, until the 19th attempt. `is_active` is
not checked again. A requested attempt counts like the others. A hook's new policy applies from the attempt after the
next (assumed: the vendor's task counts only its own attempts, and its scanner reads the policy at each round).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

import orjson

from emulator.core.caching import cache_short
from emulator.core.fields import Field, FieldError, IntegerField
from emulator.core.json_text import JsonValue, compact_json
from emulator.core.records import Webhook, WebhookEvent, replace_columns
from emulator.core.seeded_random import derive_uuid
from emulator.state.clock import format_time
from emulator.state.outbox import NOT_SENT_PREFIX, DeliveryResult
from emulator.state.store import Reader, Transaction

Kwargs: TypeAlias = Mapping[str, JsonValue]

TASK_RETRIES = 10
MAX_ATTEMPTS = 19
"""After this number of attempts, an event is given up."""
SCANNER_PERIOD = timedelta(hours=1)
"""Interval of the scanner's rounds, counted from midnight (assumed). An installation can choose it.

The only documented event that the scanner sent was due at 14:56:57 and sent at 15:00:00. An hour is the longest usual
interval that agrees with it.
"""
ONE_MICROSECOND = timedelta(microseconds=1)
CALLBACK_PATTERN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
"""A callback that can exist: a dotted path. Any other callback fails and ends the task's retries."""
MAX_BELOW_MIN = "'max_value' must be greater than 'min_value'."
EVENT_HEADER, SIGNATURE_HEADER, AUTHORIZATION_HEADER = "X-Whisperer-Event", "X-Whisperer-Signature", "Authorization"
LENGTH_HEADER = "Content-Length"
DELIVERY_HEADER = "X-Emulator-Delivery"
"""A header of every delivery that a hook cannot replace. The control API does not accept it."""


# --- policies -------------------------------------------------------------------------------------------------------


class RetryPolicy(NamedTuple):
    """A retry policy."""

    fields: Mapping[str, Field]
    """The fields of its configuration."""
    seconds: Callable[[Kwargs, int, int], int]
    """Configuration, number of retries so far, random number -> seconds before the next retry."""
    check: Callable[[Kwargs], None] = lambda _kwargs: None
    """Raises `FieldError` for contradictory values."""


def random_seconds(kwargs: Kwargs, _retries: int, random: int) -> int:
    """Return a number of seconds between the bounds, both included."""
    low, high = kwargs["min_value"], kwargs["max_value"]
    return int(low + random % (high - low + 1))


def with_maximum(wait: int, kwargs: Kwargs) -> int:
    """Return the wait, or the policy's limit if that is lower."""
    limit = kwargs.get("limit")
    return wait if limit is None else min(wait, limit)


def check_bounds(kwargs: Kwargs) -> None:
    if kwargs["min_value"] >= kwargs["max_value"]:
        raise FieldError(MAX_BELOW_MIN)


NUMBER_FIELD = IntegerField(min_value=0)
LIMIT_FIELD = IntegerField(min_value=0, required=False, allow_null=True)
FACTOR_FIELD = IntegerField(min_value=1, required=False, default=1)

POLICIES: Mapping[str, RetryPolicy] = {
    "fixed": RetryPolicy({"seconds": NUMBER_FIELD}, lambda kwargs, *_: int(kwargs["seconds"])),
    "linear": RetryPolicy(
        {"base": NUMBER_FIELD, "limit": LIMIT_FIELD},
        lambda kwargs, retries, _: with_maximum(kwargs["base"] * retries, kwargs),
    ),
    "exponential": RetryPolicy(
        {"base": NUMBER_FIELD, "factor": FACTOR_FIELD, "limit": LIMIT_FIELD},
        lambda kwargs, retries, _: with_maximum(kwargs["base"] ** retries * kwargs.get("factor", 1), kwargs),
    ),
    "random": RetryPolicy({"min_value": NUMBER_FIELD, "max_value": NUMBER_FIELD}, random_seconds, check_bounds),
}


# --- schedule -------------------------------------------------------------------------------------------------------


def next_attempt_at(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Return the time of the next attempt. None: there is none, or the hook's policy is not valid."""
    if event.delivered or event.retry_count >= MAX_ATTEMPTS:
        return None
    if isinstance(event.response_content, str) and event.response_content.startswith(NOT_SENT_PREFIX):
        return None  # a retry would be refused again
    if event.retry_count == 0:
        return event.created_date
    try:
        return scanner_retry_at(event, hook) if event.retry_count > TASK_RETRIES else task_retry_at(event, hook)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None  # a recorded hook may have any policy, and the calendar ends


def task_retry_at(event: WebhookEvent, hook: Webhook) -> datetime | None:
    """Return the time of the task's next retry. It does not retry after a redirect or a failed callback."""
    is_refused = event.response_http_status is None or event.response_http_status >= 400
    if not is_refused or (hook.callback and CALLBACK_PATTERN.fullmatch(hook.callback) is None):
        return None
    return event.modified_date + policy_wait(hook, event.retry_count - 1, event.uuid)


def scanner_retry_at(event: WebhookEvent, hook: Webhook) -> datetime:
    """Return the scanner's first round after the last attempt, and after the policy's wait since the creation."""
    ready = event.created_date + policy_wait(hook, event.retry_count, event.uuid)
    at = max(ready, event.modified_date + ONE_MICROSECOND)
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - at) // SCANNER_PERIOD) * SCANNER_PERIOD


def policy_wait(hook: Webhook, retries: int, event_uuid: str) -> timedelta:
    """Return the wait of the hook's policy after a number of retries. A random wait depends on the event's UUID."""
    config = json.loads(hook.retry_countdown_config)
    return timedelta(seconds=policy_seconds(config["choice"], config["kwargs"], retries, event_uuid))


def policy_seconds(choice: str, kwargs: Kwargs, retries: int, event_uuid: str) -> int:
    """Return the seconds that a policy waits. Raise `KeyError` or `TypeError` for an invalid policy."""
    return POLICIES[choice].seconds(kwargs, retries, derive_uuid("wait", event_uuid, retries).int)


def is_pending(event: WebhookEvent, hook: Webhook) -> bool:
    """Return whether the event will be sent again."""
    return next_attempt_at(event, hook) is not None


def next_due_event(view: Reader) -> tuple[datetime, int] | None:
    """Return the due time and the id of the next event of a world, or None."""
    return None if view.maps.get((WebhookEvent, "queue")) is None else next(view.due_items(WebhookEvent), None)


def due_event_ids(view: Reader, now: datetime) -> Iterator[int]:
    """Return the ids of the events that are due by now, in order."""
    for at, id_ in view.due_items(WebhookEvent):
        if at > now:
            return
        yield id_


def record_result(tx: Transaction, event_id: int, result: DeliveryResult) -> WebhookEvent:
    """Record the result of an attempt and the next due time. Return the event, or raise `LookupError` without one."""
    event = tx.get_existing(WebhookEvent, event_id)
    after = apply_result(event, tx.get_existing(Webhook, event.webhook), result, tx.now)
    return tx.change(event, **after._asdict())


def apply_result(event: WebhookEvent, hook: Webhook, result: DeliveryResult, now: datetime) -> WebhookEvent:
    """Return an event as it is after an attempt."""
    attempts = [format_time(result.started_at or now), *orjson.loads(event.request_datetimes)]
    columns = {
        "modified_date": now,
        "response_content": result.content,
        "response_http_status": result.status,
        "delivered": 200 <= result.status < 300,
        "request_datetimes": compact_json(attempts),
        "retry_count": event.retry_count + 1,
        "due": None,
    }
    after: WebhookEvent = replace_columns(event, columns)
    due = next_attempt_at(after, hook)
    return after if due is None else after._replace(due=due)


# --- headers --------------------------------------------------------------------------------------------------------


def webhook_headers(hook: Webhook, body: bytes) -> dict[str, JsonValue]:
    """Return the headers of a request with this body, in the vendor's order, without those of the HTTP client.

    A header of the hook replaces a header with the same name, whatever its case. Its value may be of any JSON type.
    Raise `AttributeError`, `TypeError` or `ValueError` where the vendor's client fails, too: if the additional
    headers or the configuration are not objects.
    """
    result: dict[str, JsonValue] = {"Content-Type": "application/json", EVENT_HEADER: hook.event_type}
    if hook.secret_key:
        result[SIGNATURE_HEADER] = sign(hook.secret_key, body)
    auth = parse_hook_json(hook.config).get("auth")
    for name, value in dict(parse_hook_json(hook.additional_headers) or {}).items():
        result = replace_header(result, name, value)
    result = replace_header(result, LENGTH_HEADER, str(len(body)))
    if auth and auth.get("auth_type") == "basic":
        result = replace_header(
            result, AUTHORIZATION_HEADER, basic_credentials(auth.get("username"), auth.get("password"))
        )
    return result


@cache_short(1_000)
def parse_hook_json(text: bytes) -> JsonValue:
    """Parse a JSON column of a hook. The result is shared and must not be changed."""
    return json.loads(text)


def replace_header(current: dict[str, JsonValue], name: str, value: JsonValue) -> dict[str, JsonValue]:
    """Return the headers with this one added, or in place of one whose name differs only in case."""
    if not any(other.lower() == name.lower() for other in current):
        return {**current, name: value}
    return dict((name, value) if other.lower() == name.lower() else (other, current[other]) for other in current)


def sign(secret_key: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()}"


def basic_credentials(username: JsonValue, password: JsonValue) -> str:
    """Return Basic credentials. Values other than strings are converted with `str`."""
    return f"Basic {b64encode(':'.join((str(username), str(password))).encode('latin-1')).decode()}"
