"""Makes one delivery attempt: builds the request, sends it, and records the result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.api.control.deliveries import EventGone, postpone_events, result_step, save_result
from emulator.api.serializers.events import request_body
from emulator.api.serializers.rendering import render_cache
from emulator.core.records import Webhook, WebhookEvent
from emulator.domain.webhook_retries import apply_result, webhook_headers
from emulator.state.clock import machine_seconds
from emulator.state.outbox import (
    Delivery,
    DeliveryFault,
    DeliveryResult,
    FinalizedEvent,
    error_result,
    response_result,
)
from emulator.state.world import World
from emulator.webhooks.receivers import receive
from emulator.webhooks.responses import HostAllowlist, NoResponse, WebhookResponse

if TYPE_CHECKING:
    from emulator.webhooks.http_client import HttpClient

LOG = logging.getLogger("emulator.webhooks")


class Deliverer:
    """Makes delivery attempts for all worlds of a server."""

    def __init__(self, allowed_hosts: Collection[str], timeout: float, longest: float) -> None:
        self._hosts = HostAllowlist(allowed_hosts)
        self._times = (timeout, longest)
        self.max_seconds = longest + timeout

    @cached_property
    def _client(self) -> HttpClient:
        from emulator.webhooks.http_client import HttpClient  # noqa: PLC0415 - requests is imported when used

        return HttpClient(self._hosts, *self._times)

    def attempt(self, world: World, event_id: int) -> DeliveryResult:
        """Send an event once, and return the result. Only the delivery log records it."""
        started, before = world.clock.now(), machine_seconds()
        event = world.records.get_existing(WebhookEvent, event_id)
        hook = world.records.get_existing(Webhook, event.webhook)
        refused = self._refusal(world, hook)
        if refused is not None:
            world.outbox.record(unsent_delivery(event, hook, refused, started))
            return error_result(refused, 0.0, started)
        body = request_body(event, world.records, render_cache(world))
        try:
            plan = DeliveryPlan(webhook_headers(hook, body))
        except (AttributeError, TypeError, ValueError):
            return error_result("", 0.0, started)  # the vendor's sender records an invalid request like this
        fault = world.outbox.take_fault(hook.event_type, PLAN_FAULTS)
        plan = plan if fault is None else PLAN_FAULTS[fault.kind](plan)
        delivery = Delivery(
            0, started, event.id, hook.event_type, hook.id, hook.target_url, event.retry_count + 1,
            plan.headers, body, None, "", delivered=False, disturbed=None if fault is None else fault.kind,
        )  # fmt: skip
        return self._send_planned(world, delivery, plan, before)

    def _refusal(self, world: World, hook: Webhook) -> str | None:
        """Return why a hook may not be called, or None."""
        return None if host_of(hook.target_url) in world.outbox.receivers else self._hosts.refusal(hook.target_url)

    def finalize(self, world: World, event: WebhookEvent, hook: Webhook) -> FinalizedEvent | None:
        """Give up an event whose host may not be called, in the transaction that creates it.

        With delivery faults, do it at the attempt instead, because the faults apply first.
        """
        if world.outbox.faults or (why := self._refusal(world, hook)) is None:
            return None
        result = error_result(why, 0.0, event.created_date)
        step = result_step(event.id, result)._replace(at=event.created_date)
        delivery = unsent_delivery(event, hook, why, event.created_date)
        record = partial(world.outbox.record, delivery)
        return FinalizedEvent(apply_result(event, hook, result, event.created_date), step, record)

    def deliver(self, world: World, event_id: int) -> bool:
        """Send an event once, record the result, and return whether the hook accepted it.

        A request that cannot be sent is recorded as a failed attempt. Raise an error that prevents the recording:
        `PersistError`, or `LookupError` for an event without a hook.
        """
        event = world.records.get(WebhookEvent, event_id)
        if event is None or world.is_closed:
            return False
        with suppress(EventGone):
            if not self._is_postponed(world, event):
                result = self._attempt_or_fail(world, event)
                save_result(world, event_id, result, sent=event)
                return result.is_ok
        return False

    def _attempt_or_fail(self, world: World, event: WebhookEvent) -> DeliveryResult:
        started = world.clock.now()
        try:
            return self.attempt(world, event.id)
        except Exception as error:
            if world.records.get(WebhookEvent, event.id) is None:
                raise EventGone from error
            LOG.warning("event %d of world %s cannot be sent: %s", event.id, world.name, error)
            return error_result("", 0.0, started)

    def _is_postponed(self, world: World, event: WebhookEvent) -> bool:
        """Postpone a new event if a delivery fault asks for it, and return whether it did."""
        hook = world.records.get_existing(Webhook, event.webhook)
        if event.retry_count == 0 and (fault := world.outbox.take_fault(hook.event_type, DELAY_FAULTS)) is not None:
            postpone_events(world, DELAY_FAULTS[fault.kind](world, event, fault))
            return True
        return False

    def _send_planned(self, world: World, delivery: Delivery, plan: DeliveryPlan, before: float) -> DeliveryResult:
        """Make the requests of a plan, log each, and return the first result."""
        results = []
        for _ in range(plan.request_count):
            try:
                answer = self._request(world, delivery, plan)
                result = response_result(
                    answer.status, answer.body, answer.text, machine_seconds() - before, delivery.at
                )
                done = delivery._replace(status=answer.status, response=answer.text)
            except NoResponse as error:
                status, content = error.recorded
                result = error_result(content, machine_seconds() - before, delivery.at, status)
                done = delivery._replace(response=str(error))
            world.outbox.record(done._replace(delivered=200 <= result.status < 300))
            results.append(result)
        return results[0]

    def _request(self, world: World, delivery: Delivery, plan: DeliveryPlan) -> WebhookResponse:
        if plan.drop_reason is not None:
            raise NoResponse(plan.drop_reason)
        receiver = world.outbox.receivers.get(host_of(delivery.url))
        if receiver is not None:
            return receive(receiver, delivery)
        return self._client.post(delivery.url, delivery.headers, delivery.body)


def unsent_delivery(event: WebhookEvent, hook: Webhook, why: str, at: datetime) -> Delivery:
    """Return the delivery of a request that was not made."""
    return Delivery(
        0, at, event.id, hook.event_type, hook.id, hook.target_url, event.retry_count + 1,
        {}, b"", None, why, delivered=False,
    )  # fmt: skip


def host_of(url: str) -> str:
    """Return the host and port of a URL."""
    return url.partition("//")[2].partition("/")[0].partition("?")[0].lower()


Headers = Mapping[str, Any]
DueTimes = Mapping[int, datetime]
"""Event id -> when the event is due."""

SIGNATURE = "X-Whisperer-Signature"
NO_SIGNATURE = "sha256=" + "0" * 64
TICK = timedelta(microseconds=1)


class DeliveryPlan(NamedTuple):
    """How a delivery is sent: its headers, the number of requests, and the reason if it is dropped."""

    headers: Headers
    request_count: int = 1
    drop_reason: str | None = None


def duplicate(plan: DeliveryPlan) -> DeliveryPlan:
    return plan._replace(request_count=2)


def drop(plan: DeliveryPlan) -> DeliveryPlan:
    return plan._replace(drop_reason="dropped on demand")


def corrupt_signature(plan: DeliveryPlan) -> DeliveryPlan:
    """Change the last digit of the signature. A hook without a secret gets a signature."""
    signature = str(plan.headers.get(SIGNATURE, NO_SIGNATURE))
    corrupted = signature[:-1] + ("1" if signature.endswith("0") else "0")
    return plan._replace(headers={**plan.headers, SIGNATURE: corrupted})


def delay(world: World, event: WebhookEvent, fault: DeliveryFault) -> DueTimes:
    """Postpone the event by the fault's seconds, by the world's clock."""
    return {event.id: world.clock.now() + timedelta(seconds=fault.seconds)}


def reorder(world: World, event: WebhookEvent, fault: DeliveryFault) -> DueTimes:
    """Send the next due event before this one. If no other event is due, delay this one."""
    queue = world.records.due_items(WebhookEvent)
    other = next(((due, id_) for due, id_ in queue if id_ != event.id), None)
    own = event.due or world.clock.now()
    if other is None or other[0] > world.clock.now():
        return delay(world, event, fault)
    return {other[1]: min(own, other[0]) - TICK, event.id: max(own, other[0])}


PLAN_FAULTS: Mapping[str, Callable[[DeliveryPlan], DeliveryPlan]] = {
    "duplicate": duplicate,
    "drop": drop,
    "corrupt_signature": corrupt_signature,
}
"""Kind of fault -> the function that changes the plan of a delivery."""
DELAY_FAULTS: Mapping[str, Callable[[World, WebhookEvent, DeliveryFault], DueTimes]] = {
    "delay": delay,
    "reorder": reorder,
}
"""Kind of fault -> the function that returns the new due times."""
