"""The webhook outbox of a world: its queue, its receivers, and the log of its deliveries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, NamedTuple

from emulator.core.caching import RingBuffer
from emulator.core.records import Webhook, WebhookEvent
from emulator.state.clock import Scheduled
from emulator.state.steps import Step

MAX_DELIVERIES = 1_000
"""Maximum number of deliveries in the log of a world."""
MAX_LOG_BYTES = 8 * 1024 * 1024

Receiver = Callable[[Any], Any]
"""An in-process receiver: a WSGI application, or a function from a `Delivery` to a status (None: 200)."""


class Delivery(NamedTuple):
    """One request to a hook."""

    id: int
    """Number among the world's deliveries, from 1."""
    at: datetime
    """When it was sent, by the world's clock."""
    event: int
    """Id of the webhook event."""
    event_type: str
    hook: int
    url: str
    attempt: int
    """1 for the first request of the event."""
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    """Status of the response. None: there was no response."""
    response: str
    """Body of the response, or the reason why there was none."""
    delivered: bool
    disturbed: str | None = None
    """Kind of the delivery fault that was applied."""

    @property
    def size(self) -> int:
        """The approximate bytes of memory."""
        headers = sum(map(len, map(str, self.headers.values())))
        return len(self.url) + headers + len(self.body) + len(self.response)


class DeliveryLog(RingBuffer[Delivery]):
    """The latest deliveries of a world. A delivery gets its number when the log is read."""

    def __iter__(self) -> Iterator[Delivery]:
        """Iterate over the deliveries in the log, the oldest first."""
        return (delivery._replace(id=number) for number, delivery in self.numbered())


class DeliveryFault(NamedTuple):
    """A fault to apply to the next matching deliveries."""

    kind: str
    event_type: str | None = None
    """Type of the events that it applies to. None: events of any type."""
    times: int = 1
    seconds: float = 60
    """Length of a delay, by the world's clock."""


DELIVERY_FAULTS = ("duplicate", "delay", "reorder", "drop", "corrupt_signature", "lost_response")


class FlushCounts(NamedTuple):
    """Counts since the last flush."""

    attempted: int
    delivered: int


class DeliveryQueue:
    """The progress of a world's events, by their ids. The dispatcher's lock guards it."""

    def __init__(self) -> None:
        self.in_flight: set[int] = set()
        self.failed: set[int] = set()
        """Events that are due, but whose attempt could not be recorded because of an error."""
        self.exclusive_senders = 0
        """Number of threads that send the events one after another. Meanwhile no other thread sends."""
        self.concurrency = 2
        """Maximum number of events in flight."""
        self.timer: float | None = None
        """Machine time at which the dispatcher checks the world again."""


class FinalizedEvent(NamedTuple):
    """An event that is finalized in the transaction that created it, because calls to its host are not allowed."""

    event: WebhookEvent
    """The record after its only attempt."""
    step: Step
    """Records the attempt, after the step of the write."""
    publish: Callable[[], None]
    """Logs the attempt, once the write is committed."""


NO_SENDER_REASON = "nothing is sent from this world"


class WebhookSender(Scheduled):
    """Sends the events of one world. Due events are a scheduled task.

    This class is the sender of a world without a dispatcher. Every attempt fails like one without a network.
    """

    def attempt(self, _event_id: int, /) -> DeliveryResult:
        """Send an event once, immediately. Open no transaction, and record nothing but a delivery in the log.

        Raise `LookupError` if there is no such event, and no other error.
        """
        return error_result(NO_SENDER_REASON, 0.0)

    def flush(self) -> None:
        """Send what is due, and wait for what is in flight."""

    @property
    def waiting_note(self) -> str | None:
        """How to send the due events that wait for a flush. None: none wait, or they are sent without one."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Send nothing in the background inside the block. `attempt` and `run_due` still send."""
        return nullcontext()

    def finalize(self, event: WebhookEvent, hook: Webhook) -> FinalizedEvent | None:
        """Finalize an event that is being created. Return None if it has to be sent."""

    def hook_refusal(self, url: str, *, from_foreign_page: bool) -> str | None:
        """Return why no hook may have this URL, or None."""

    def next_due(self) -> datetime | None:
        """Return the due time of the next event that `run_due` would send."""

    def run_due(self, now: datetime) -> None:
        """Send what is due by now, one event after another, in order."""

    def reschedule(self) -> None:
        """Look at the world in the background: an event may be due."""


class WebhookOutbox:
    """The deliveries of a world. They are not part of its snapshots."""

    def __init__(self, sender: WebhookSender, on_delivery: Callable[[Delivery], None]) -> None:
        self.sender = sender
        self.log = DeliveryLog(MAX_DELIVERIES, MAX_LOG_BYTES)
        self.queue = DeliveryQueue()
        self.receivers: dict[str, Receiver] = {}
        """Host of a hook's URL -> in-process receiver."""
        self._on_delivery = on_delivery
        self._faults: list[DeliveryFault] = []
        self._attempted = self._delivered = 0
        self._lock = threading.Lock()

    def add_receiver(self, receiver: Receiver) -> str:
        """Add an in-process receiver, and return its host."""
        with self._lock:
            host = f"receiver-{len(self.receivers) + 1}.test"
            self.receivers[host] = receiver
        return host

    def record(self, delivery: Delivery) -> None:
        """Log and count an attempt."""
        self.log.add(delivery)
        with self._lock:
            self._attempted += 1
            self._delivered += delivery.delivered
            self._on_delivery(delivery)

    def flush(self) -> FlushCounts:
        """Send what is due, wait for what is in flight, and return the counts since the last flush."""
        self.sender.flush()
        with self._lock:
            flushed = FlushCounts(self._attempted, self._delivered)
            self._attempted = self._delivered = 0
        return flushed

    @property
    def faults(self) -> tuple[DeliveryFault, ...]:
        """The faults that apply to coming deliveries."""
        return tuple(self._faults)

    def add_fault(self, fault: DeliveryFault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear_faults(self) -> None:
        with self._lock:
            self._faults.clear()

    def take_fault(self, event_type: str, kinds: Collection[str]) -> DeliveryFault | None:
        """Return the first fault of these kinds that applies to an event type, and count it as used."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind in kinds and fault.event_type in (None, event_type):
                    self._faults[index : index + 1] = [fault._replace(times=fault.times - 1)] * (fault.times > 1)
                    return fault
        return None


NETWORK_ERROR = 500
"""The recorded status of an attempt that got no response."""
NOT_SENT_PREFIX = "not sent: "
"""Prefix of the reason why calls to a host are not allowed. Such an attempt is not retried."""


class WebhookResponse(NamedTuple):
    """The response to a webhook request."""

    status: int
    body: bytes
    text: str


class NoResponse(Exception):
    """The request got no response. `recorded` holds the status and the text that the sender records."""

    def __init__(self, reason: str, status: int = NETWORK_ERROR, content: str | None = None) -> None:
        super().__init__(reason)
        self.recorded = status, reason if content is None else content


class DeliveryResult(NamedTuple):
    """One attempt: the response, or the reason why there is none."""

    status: int
    content: str
    """As the event record stores it: the `repr` of the response's bytes (`b'200 OK'`), or the error's text."""
    seconds: float
    """Duration of the attempt."""
    text: str = ""
    """The response body as text, or the error's text."""
    started_at: datetime | None = None
    """When the attempt began, by the world's clock. None: when it is recorded."""
    fault: str | None = None
    """Kind of the delivery fault that was applied."""

    @property
    def is_ok(self) -> bool:
        """Whether the sender accepts the response. It accepts redirects, although nothing was delivered."""
        return self.status < 400


def response_result(
    status: int, body: bytes, text: str, seconds: float, started: datetime | None = None
) -> DeliveryResult:
    """Return the result of an attempt that got a response."""
    return DeliveryResult(status, str(body), seconds, text, started)


def error_result(
    reason: str, seconds: float, started: datetime | None = None, status: int = NETWORK_ERROR
) -> DeliveryResult:
    """Return the result of an attempt that got no response: no connection, a timeout, or a refusal to call."""
    return DeliveryResult(status, reason, seconds, reason, started)
