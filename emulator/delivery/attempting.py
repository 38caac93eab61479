"""One attempt for one event: what is sent, what comes back, and the step that records it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from emulator.core.deliveries import Delivery
from emulator.core.moments import Settled
from emulator.core.records import Webhook, WebhookEvent
from emulator.core.sending import Outcome, answered, unanswered
from emulator.core.sources import machine_seconds
from emulator.core.world import World
from emulator.delivery.allowlist import HostAllowlist
from emulator.delivery.answers import NoResponse, WebhookResponse
from emulator.delivery.delivery_faults import CHANGES, WAITS, Plan
from emulator.delivery.receivers import receive
from emulator.handlers.outcomes import EventGone, keep_outcome, outcome_step, postpone
from emulator.rules.requesting import headers
from emulator.rules.retry import attempted
from emulator.shapes.events import request_body

if TYPE_CHECKING:
    from emulator.delivery.http_client import HttpClient

LOG = logging.getLogger("emulator.delivery")


class Attempts:
    """Makes attempts."""

    def __init__(self, allowed_hosts: Collection[str], timeout: float, longest: float) -> None:
        self._allowlist = HostAllowlist(allowed_hosts)
        self._times = (timeout, longest)
        self.longest = longest + timeout

    @cached_property
    def _http_client(self) -> HttpClient:
        from emulator.delivery.http_client import HttpClient  # noqa: PLC0415 - requests is imported when used

        return HttpClient(self._allowlist, *self._times)

    def attempt(self, world: World, event_id: int) -> Outcome:
        """Send an event once, and give what came of it; nothing is recorded of it but the delivery."""
        started, before = world.clock.now(), machine_seconds()
        event, hook = event_of(world, event_id)
        refused = self._refusal(world, hook)
        if refused is not None:
            tell(world, not_sent(event, hook, refused, started))
            return unanswered(refused, 0.0, started)
        body = request_body(event, world.root, world.render_cache)
        try:
            plan = Plan(headers(hook, body))
        except (AttributeError, TypeError, ValueError):
            return unanswered("", 0.0, started)  # as the sender records what it cannot even begin
        asked = world.mailbox.take_disturbance(hook.event_type, CHANGES)
        plan = plan if asked is None else CHANGES[asked.kind](plan)
        delivery = Delivery(
            0, started, event.id, hook.event_type, hook.id, hook.target_url, event.retry_count + 1,
            plan.headers, body, None, "", delivered=False, disturbed=None if asked is None else asked.kind,
        )  # fmt: skip
        return self._sent(world, delivery, plan, before)

    def _refusal(self, world: World, hook: Webhook) -> str | None:
        """Give why a hook may not be told of anything, where that is plain beforehand."""
        return (
            None if host_of(hook.target_url) in world.mailbox.receivers else self._allowlist.refusal(hook.target_url)
        )

    def settle(self, world: World, event: WebhookEvent, hook: Webhook) -> Settled | None:
        """Give up an event of which nobody may be told, in the write that it comes from; give what tells of that.

        Whatever is to be done to deliveries on demand comes first, when they are attempted.
        """
        if world.mailbox.disturbances or (why := self._refusal(world, hook)) is None:
            return None
        outcome = unanswered(why, 0.0, event.created_date)
        step = outcome_step(event.id, outcome)._replace(at=event.created_date)
        delivery = not_sent(event, hook, why, event.created_date)
        return Settled(attempted(event, hook, outcome, event.created_date), step, partial(tell, world, delivery))

    def deliver(self, world: World, event_id: int) -> bool:
        """Send an event once, and record what came of it, unless it is gone by then; tell whether all was well.

        What cannot be sent is recorded as an attempt that failed. Raises what keeps an outcome from being recorded:
        `NotKept`, or `LookupError` for an event without a hook.
        """
        event = world.root.get(WebhookEvent, event_id)
        if event is None or world.closed:
            return False
        with suppress(EventGone):
            if not self._is_postponed(world, event):
                outcome = self._tried(world, event)
                keep_outcome(world, event_id, outcome, sent=event)
                return outcome.is_ok
        return False

    def _tried(self, world: World, event: WebhookEvent) -> Outcome:
        started = world.clock.now()
        try:
            return self.attempt(world, event.id)
        except Exception as error:
            if world.root.get(WebhookEvent, event.id) is None:
                raise EventGone from error
            LOG.warning("event %d of world %s cannot be sent: %s", event.id, world.name, error)
            return unanswered("", 0.0, started)

    def _is_postponed(self, world: World, event: WebhookEvent) -> bool:
        """Let an event wait, where that is asked for on demand."""
        hook = world.root.one(Webhook, event.webhook)
        if event.retry_count == 0 and (asked := world.mailbox.take_disturbance(hook.event_type, WAITS)) is not None:
            postpone(world, WAITS[asked.kind](world, event, asked))
            return True
        return False

    def _sent(self, world: World, delivery: Delivery, plan: Plan, before: float) -> Outcome:
        outcomes = []
        for _ in range(plan.requests):
            try:
                answer = self._answer(world, delivery, plan)
                outcome = answered(answer.status, answer.body, answer.text, machine_seconds() - before, delivery.at)
                told = delivery._replace(status=answer.status, response=answer.text)
            except NoResponse as error:
                status, content = error.recorded
                outcome = unanswered(content, machine_seconds() - before, delivery.at, status)
                told = delivery._replace(response=str(error))
            tell(world, told._replace(delivered=200 <= outcome.status < 300))
            outcomes.append(outcome)
        return outcomes[0]

    def _answer(self, world: World, delivery: Delivery, plan: Plan) -> WebhookResponse:
        if plan.lost is not None:
            raise NoResponse(plan.lost)
        receiver = world.mailbox.receivers.get(host_of(delivery.url))
        if receiver is not None:
            return receive(receiver, delivery)
        return self._http_client.post(delivery.url, delivery.headers, delivery.body)


def event_of(world: World, event_id: int) -> tuple[WebhookEvent, Webhook]:
    root = world.root
    event: Any = root.one(WebhookEvent, event_id)
    return event, root.one(Webhook, event.webhook)


def not_sent(event: WebhookEvent, hook: Webhook, why: str, at: datetime) -> Delivery:
    """Give what is not even made, since nobody may get it."""
    return Delivery(
        0, at, event.id, hook.event_type, hook.id, hook.target_url, event.retry_count + 1,
        {}, b"", None, why, delivered=False,
    )  # fmt: skip


def tell(world: World, delivery: Delivery) -> None:
    """Remember an attempt among the world's deliveries, and tell of it."""
    world.mailbox.count([world.mailbox.log.add(delivery)])


def host_of(url: str) -> str:
    """Give the host and port of an address."""
    return url.partition("//")[2].partition("/")[0].partition("?")[0].lower()
