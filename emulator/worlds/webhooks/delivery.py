"""One delivery attempt: the check of the host, the request or the call of a receiver in process, and the result."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

from emulator.api.control.deliveries import EventGone, postpone_events, result_step, save_result
from emulator.api.serializers.events import request_body
from emulator.api.serializers.rendering import render_cache
from emulator.core.hosts import DEFAULT_PORTS, is_loopback, is_this_machine
from emulator.core.json_text import JsonValue
from emulator.core.records import Webhook, WebhookEvent
from emulator.core.wsgi import wsgi_environ
from emulator.domain.webhook_retries import (
    DELIVERY_HEADER,
    ONE_MICROSECOND,
    SIGNATURE_HEADER,
    apply_result,
    replace_header,
    webhook_headers,
)
from emulator.state.clock import machine_seconds
from emulator.state.outbox import (
    NOT_SENT_PREFIX,
    Delivery,
    DeliveryFault,
    DeliveryResult,
    FinalizedEvent,
    NoResponse,
    Receiver,
    WebhookResponse,
    error_result,
    response_result,
)
from emulator.state.world import World

if TYPE_CHECKING:
    from emulator.worlds.webhooks.http_client import HttpClient

LOG = logging.getLogger("emulator.worlds.webhooks")
TIMEOUT_SECONDS = 10
"""Seconds for connecting, and for each read. The vendor's sender uses the same value."""
MAX_SECONDS = 30.0
"""Seconds until a response that is still being received is abandoned (assumed: the sender has no such limit)."""
CACHED_URLS = 1_000
"""Number of URLs whose refusal is cached."""
BUILT_IN_HOSTS = frozenset(("integration.example.com",))
"""Hosts of the demo data's hooks. A receiver in the process accepts their events, so nothing leaves the machine."""
IS_EMULATOR = "is the emulator's own address"


class HostAllowlist:
    """Decides whether a URL may be requested: on this machine, or on an allowed host, but not on the emulator."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self.hosts = frozenset(host.lower() for host in hosts)
        """Names of hosts, or `host:port`."""
        self.refusal = lru_cache(CACHED_URLS)(self._refusal)
        """Return the reason why a URL must not be requested, or None if it may be, or if the URL is malformed."""
        self._own_port: int | None = None

    def set_own_port(self, port: int | None) -> None:
        """Set the port that the emulator listens on, or None without a server."""
        self._own_port = port
        self.refusal.cache_clear()

    def check(self, url: str, how: str = "") -> None:
        """Raise `NoResponse` if the URL's host is not allowed. `how` describes how the URL was reached."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self.is_emulator(parts):
            raise NoResponse(f"{NOT_SENT_PREFIX}the hook {how}{host}:{self._own_port} {IS_EMULATOR}")
        if not is_loopback(host) and not self.is_listed(parts):
            reason = f"the hook {how}{host or url!r} is not this machine; --allow-webhook-host {host}"
            raise NoResponse(f"{NOT_SENT_PREFIX}{reason}")

    def is_listed(self, parts: SplitResult) -> bool:
        """Return whether the host was allowed by name, with or without the port."""
        return parts.hostname in self.hosts or parts.netloc.rpartition("@")[2].lower() in self.hosts

    def is_emulator(self, parts: SplitResult) -> bool:
        """Return whether an address is the emulator's own. Raise `ValueError` for an invalid port."""
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme)
        is_own_port = port is not None and port == self._own_port
        return is_own_port and (is_loopback(host) or (self.is_listed(parts) and is_this_machine(host)))

    def hook_refusal(self, url: str, *, from_foreign_page: bool) -> str | None:
        """Return why no hook may have this URL, or None. Pages of other origins may not call this machine."""
        with suppress(ValueError):
            parts = urlsplit(url)
            if self.is_emulator(parts):
                return f"a hook cannot call {parts.netloc}: it {IS_EMULATOR}"
            if from_foreign_page and is_loopback(parts.hostname or "") and not self.is_listed(parts):
                authority = parts.netloc.rpartition("@")[2]
                return (
                    f"a page of another origin cannot create or change a hook to {authority} on this machine;"
                    f" allow it with --allow-webhook-host {authority}"
                )
        return None

    def _refusal(self, url: str) -> str | None:
        with suppress(ValueError):  # `requests` reports malformed URLs
            try:
                if url.startswith(("http://", "https://")) and urlsplit(url).hostname is not None:
                    self.check(url)
            except NoResponse as error:
                return str(error)
        return None


class DeliveryInterceptor(Protocol):
    """Changes deliveries, for reruns of a test suite."""

    def change_plan(self, event_type: str, plan: DeliveryPlan) -> DeliveryPlan:
        """Return how a delivery is sent. The plan is that of the emulator."""


class Deliverer:
    """Makes delivery attempts for all worlds of a server."""

    interceptor: ClassVar[DeliveryInterceptor | None] = None
    """Changes the deliveries of all emulators of the process. None: they are sent as they are."""

    def __init__(
        self, allowed_hosts: Collection[str], timeout: float, max_seconds: float, *, has_demo_receiver: bool = False
    ) -> None:
        """With `has_demo_receiver`, a receiver in the process accepts the events of the demo data's hooks."""
        self._built_in_hosts = BUILT_IN_HOSTS if has_demo_receiver else frozenset()
        self.hosts = HostAllowlist(allowed_hosts)
        self._limits = (timeout, max_seconds)
        self.max_seconds = max_seconds + timeout
        """Maximum duration of an attempt."""

    @cached_property
    def _client(self) -> HttpClient:
        from emulator.worlds.webhooks.http_client import HttpClient  # noqa: PLC0415 - it imports requests

        return HttpClient(self.hosts.check, *self._limits)

    def attempt(self, world: World, event_id: int) -> DeliveryResult:
        """Send an event once, and return the result. Only the delivery log records it.

        A request that cannot be sent is a failed attempt. Raise `EventGone` if the event does not exist any more.
        """
        started_at = world.clock.now()
        try:
            return self._attempt(world, event_id)
        except Exception as error:
            if world.records.get(WebhookEvent, event_id) is None:
                raise EventGone from error
            LOG.warning("event %d of world %s cannot be sent: %s", event_id, world.name, error)
            return error_result("", 0.0, started_at)

    def _attempt(self, world: World, event_id: int) -> DeliveryResult:
        started_at, before = world.clock.now(), machine_seconds()
        event = world.records.get_existing(WebhookEvent, event_id)
        hook = world.records.get_existing(Webhook, event.webhook)
        if (refusal := self.refusal(world, hook)) is not None:
            world.outbox.record(build_delivery(event, hook, started_at, refusal))
            return error_result(refusal, 0.0, started_at)
        body = request_body(event, world.records, render_cache(world))
        try:
            plan = DeliveryPlan(replace_header(webhook_headers(hook, body), DELIVERY_HEADER, "true"))
        except (AttributeError, TypeError, ValueError):
            return error_result("", 0.0, started_at)  # the vendor's sender records an invalid request like this
        delivery = build_delivery(event, hook, started_at)
        if (fault := world.outbox.take_fault(hook.event_type, PLAN_FAULTS)) is not None:
            plan, delivery = PLAN_FAULTS[fault.kind](plan), delivery._replace(disturbed=fault.kind)
        if self.interceptor is not None:
            plan = self.interceptor.change_plan(hook.event_type, plan)
        delivery = delivery._replace(headers=plan.headers, body=body)
        return self._send_planned(world, delivery, plan, before)

    def refusal(self, world: World, hook: Webhook) -> str | None:
        """Return why a hook may not be called, or None."""
        host = host_of(hook.target_url)
        is_in_process = host in world.outbox.receivers or host in self._built_in_hosts
        return None if is_in_process else self.hosts.refusal(hook.target_url)

    def hook_refusal(self, url: str, *, from_foreign_page: bool) -> str | None:
        """Return why no hook may have this URL, or None. Check the URL as it is written and as it is requested."""
        urls = (url, self._client.prepared_url(url))
        refusals = (self.hosts.hook_refusal(each, from_foreign_page=from_foreign_page) for each in urls)
        return next(filter(None, refusals), None)

    def finalize(self, world: World, event: WebhookEvent, hook: Webhook) -> FinalizedEvent | None:
        """Finalize an event in the transaction that creates it: one whose host may not be called, or is built in.

        Delivery faults apply to requests, so not to an event whose host may not be called. With delivery faults, an
        event of a built-in host waits for its attempt.
        """
        host, at, outbox = host_of(hook.target_url), event.created_date, world.outbox
        if host in self._built_in_hosts and host not in outbox.receivers and not outbox.faults:
            status, text = accept()
            result = response_result(status, text.encode(), text, 0.0, at)
            delivery = build_delivery(event, hook, at, text, status)
        elif (refusal := self.refusal(world, hook)) is not None:
            result = error_result(refusal, 0.0, at)
            delivery = build_delivery(event, hook, at, refusal)
        else:
            return None
        step = result_step(event.id, result, at=at)
        return FinalizedEvent(apply_result(event, hook, result, at), step, partial(outbox.record, delivery))

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
                result = self.attempt(world, event_id)
                save_result(world, event_id, result, sent=event)
                return result.is_ok
        return False

    def _is_postponed(self, world: World, event: WebhookEvent) -> bool:
        """Postpone a new event if a delivery fault asks for it, and return whether it did."""
        hook = world.records.get_existing(Webhook, event.webhook)
        if event.retry_count > 0 or self.refusal(world, hook) is not None:
            return False
        if (fault := world.outbox.take_fault(hook.event_type, DELAY_FAULTS)) is None:
            return False
        postpone_events(world, DELAY_FAULTS[fault.kind](world, event, fault, self._other_events(world, event)))
        return True

    def _other_events(self, world: World, event: WebhookEvent) -> Iterator[tuple[datetime, int]]:
        """Iterate over the due times and ids of other events that wait. Leave out those of refused hosts."""
        for due, id_ in world.records.due_items(WebhookEvent):
            hook = world.records.get(Webhook, world.records.get_existing(WebhookEvent, id_).webhook)
            if id_ != event.id and hook is not None and self.refusal(world, hook) is None:
                yield due, id_

    def _send_planned(self, world: World, delivery: Delivery, plan: DeliveryPlan, before: float) -> DeliveryResult:
        """Make the requests of a plan, log each, and return the first result."""
        results = []
        for _ in range(plan.request_count):
            try:
                response = self._request(world, delivery, plan)
                if plan.loses_response:
                    raise NoResponse(RESPONSE_LOST)
                result = response_result(*response, machine_seconds() - before, delivery.at)
                logged = delivery._replace(status=response.status, response=response.text)
            except NoResponse as error:
                status, content = error.recorded
                result = error_result(content, machine_seconds() - before, delivery.at, status)
                logged = delivery._replace(response=str(error))
            world.outbox.record(logged._replace(delivered=200 <= result.status < 300))
            results.append(result)
        return results[0]._replace(fault=delivery.disturbed)

    def _request(self, world: World, delivery: Delivery, plan: DeliveryPlan) -> WebhookResponse:
        if plan.drop_reason is not None:
            raise NoResponse(plan.drop_reason)
        host = host_of(delivery.url)
        receiver = world.outbox.receivers.get(host, accept if host in self._built_in_hosts else None)
        if receiver is not None:
            return receive(receiver, delivery)
        return self._client.post(delivery.url, delivery.headers, delivery.body)


def build_delivery(
    event: WebhookEvent, hook: Webhook, at: datetime, response: str = "", status: int | None = None
) -> Delivery:
    """Return the delivery of a request. Without a status, it is not sent yet, or not at all (`response` says why)."""
    return Delivery(
        0, at, event.id, hook.event_type, hook.id, hook.target_url, event.retry_count + 1,
        {}, b"", status, response, delivered=status is not None,
    )  # fmt: skip


@lru_cache(CACHED_URLS)
def host_of(url: str) -> str:
    return url.partition("//")[2].partition("/")[0].partition("?")[0].lower()


DueTimes = Mapping[int, datetime]
"""Event id -> when the event is due."""
NO_SIGNATURE = "sha256=" + "0" * 64
RESPONSE_LOST = "response lost on demand"


class DeliveryPlan(NamedTuple):
    """How a delivery is sent: its headers, the number of requests, the reason if it is dropped, and its response."""

    headers: Mapping[str, JsonValue]
    request_count: int = 1
    drop_reason: str | None = None
    loses_response: bool = False


def corrupt_signature(plan: DeliveryPlan) -> DeliveryPlan:
    """Change the last digit of the signature. A hook without a secret gets a signature."""
    signature = str(plan.headers.get(SIGNATURE_HEADER, NO_SIGNATURE))
    corrupted = signature[:-1] + ("1" if signature.endswith("0") else "0")
    return plan._replace(headers={**plan.headers, SIGNATURE_HEADER: corrupted})


OtherEvents = Iterator[tuple[datetime, int]]
"""Due times and ids of the other events that wait, the earliest first."""


def delay(world: World, event: WebhookEvent, fault: DeliveryFault, _: OtherEvents) -> DueTimes:
    """Postpone the event by the fault's seconds, by the world's clock."""
    return {event.id: world.clock.now() + timedelta(seconds=fault.seconds)}


def reorder(world: World, event: WebhookEvent, fault: DeliveryFault, others: OtherEvents) -> DueTimes:
    """Send the next due event before this one. If no other event is due, delay this one."""
    other = next(others, None)
    own = event.due or world.clock.now()
    if other is None or other[0] > world.clock.now():
        return delay(world, event, fault, others)
    return {other[1]: min(own, other[0]) - ONE_MICROSECOND, event.id: max(own, other[0])}


PLAN_FAULTS: Mapping[str, Callable[[DeliveryPlan], DeliveryPlan]] = {
    "duplicate": lambda plan: plan._replace(request_count=2),
    "drop": lambda plan: plan._replace(drop_reason="dropped on demand"),
    "lost_response": lambda plan: plan._replace(loses_response=True),
    "corrupt_signature": corrupt_signature,
}
"""Kind of fault -> the function that changes the plan of a delivery."""
DELAY_FAULTS: Mapping[str, Callable[[World, WebhookEvent, DeliveryFault, OtherEvents], DueTimes]] = {
    "delay": delay,
    "reorder": reorder,
}
"""Kind of fault -> the function that returns the new due times."""


# In-process receivers: WSGI applications, and functions that take the delivery


def accept(_: Delivery | None = None) -> tuple[int, str]:
    """Accept a delivery, as the receiver of the built-in hosts does."""
    return 200, "OK"


def receive(receiver: Receiver, delivery: Delivery) -> WebhookResponse:
    """Call a receiver with a delivery and return its response. Raise `NoResponse` if the receiver raises."""
    try:
        return call_wsgi(receiver, delivery) if is_wsgi(receiver) else call_function(receiver, delivery)
    except NoResponse:
        raise
    except Exception as error:
        raise NoResponse(f"the receiver raised {type(error).__name__}: {error}") from error


def is_wsgi(receiver: Receiver) -> bool:
    """Return whether the receiver is a WSGI application: it takes two arguments."""
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is each.empty for each in parameters) == 2


def call_function(receiver: Receiver, delivery: Delivery) -> WebhookResponse:
    """Call a function that returns a status, `(status, body)`, or None for 200."""
    result = receiver(delivery)
    status, body = result if isinstance(result, tuple) else (result, b"")
    raw = body.encode() if isinstance(body, str) else body
    return WebhookResponse(200 if status is None else int(status), raw, raw.decode("utf-8", "replace"))


def call_wsgi(receiver: Any, delivery: Delivery) -> WebhookResponse:
    status_codes: list[int] = []

    def start_response(status: str, _headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        status_codes[:] = [int(status.partition(" ")[0])]

    headers = {"Content-Length": len(delivery.body), **delivery.headers}
    texts = {name: str(value) for name, value in headers.items()}
    environ = wsgi_environ("POST", delivery.url, texts, delivery.body)
    environ["PATH_INFO"] = environ["PATH_INFO"] or "/"
    environ["wsgi.errors"] = StringIO()
    chunks = receiver(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    return WebhookResponse(status_codes[0], body, body.decode("utf-8", "replace"))
