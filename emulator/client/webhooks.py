"""`oms.hooks`: subscriptions, deliveries and delivery faults, from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from emulator.api.control.deliveries import add_delivery_fault
from emulator.core.errors import InvalidDocument
from emulator.core.event_types import EVENT_TYPES
from emulator.loading.replay import replay_step
from emulator.state.outbox import DELIVERY_FAULTS, Delivery, FlushCounts, Receiver
from emulator.state.steps import Step
from emulator.state.world import World

DEFAULT_RETRY: Mapping[str, Any] = {"choice": "fixed", "kwargs": {"seconds": 60}}
"""Default retry policy of a hook."""
ALL_EVENTS = "*"


class Webhooks:
    """The hooks of a world. Calls that are not possible raise a `ValueError`."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def add(
        self,
        receiver: str | Receiver,
        event_type: str | Sequence[str] = ALL_EVENTS,
        *,
        secret_key: str | None = None,
        retry: Mapping[str, Any] = DEFAULT_RETRY,
        **columns: Any,
    ) -> str:
        """Subscribe a receiver to one type of event, to several, or to all (`*`). Return its URL.

        The receiver is a URL, a WSGI application, or a function that takes a `Delivery` and returns a status (None:
        200). `retry` is the hook's `retry_countdown_config`. `columns` are other fields of the hook.
        """
        world = self._world()
        url = receiver if isinstance(receiver, str) else self._address(world, receiver)
        body = {"target_url": url, "retry_countdown_config": dict(retry), "secret_key": secret_key, **columns}
        for name in validated_event_types(event_type):
            step = Step(
                "create_hook", user="admin", request_id=world.new_request_id(), body={**body, "event_type": name}
            )
            replay_step(world, step)
        return url

    def _address(self, world: World, receiver: Receiver) -> str:
        host = f"receiver-{len(world.outbox.receivers) + 1}.test"
        world.outbox.receivers[host] = receiver
        return f"http://{host}/"

    def flush(self) -> FlushCounts:
        """Send what is due, wait for what is in flight, and return the counts since the last flush."""
        return self._world().outbox.flush()

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries, the oldest first, after a flush."""
        world = self._world()
        world.outbox.flush()
        return list(world.outbox.log)

    def clear(self) -> None:
        """Clear the delivery log, after a flush."""
        outbox = self._world().outbox
        outbox.flush()
        outbox.log.clear()

    def disturb(self, kind: str, event_type: str | None = None, *, times: int = 1, seconds: float = 60) -> None:
        """Apply a fault to the next deliveries.

        `kind` is `duplicate`, `delay`, `reorder`, `drop` or `corrupt_signature`. `seconds` is a delay on the world's
        clock.
        """
        if kind not in DELIVERY_FAULTS:
            raise InvalidDocument(f"unknown kind {kind!r}", DELIVERY_FAULTS)
        document = {"kind": kind, "event_type": event_type, "times": times, "seconds": seconds}
        add_delivery_fault(self._world(), document)

    def assert_delivered(
        self, event_type: str, *, times: int | None = None, payload: Mapping[str, Any] | None = None, **columns: Any
    ) -> list[Delivery]:
        """Assert that events of this type were delivered at least once, or exactly `times` times. Return them.

        `payload` are keys of the payload with their values. `columns` are attributes of `Delivery`. The
        `AssertionError` lists what was sent instead.
        """
        validated_event_types(event_type)
        if unknown := sorted(columns.keys() - set(Delivery._fields)):
            raise InvalidDocument(f"a delivery has no {', '.join(unknown)}", Delivery._fields)
        sent = self.deliveries
        fitting = [
            each for each in sent if each.delivered and not differences(each, event_type, payload or {}, columns)
        ]
        if len(fitting) == times if times is not None else fitting:
            return fitting
        wanted = "at least once" if times is None else f"{times} times"
        lines = [f"{event_type} was to be delivered {wanted}, and was {len(fitting)} times; sent were:"]
        lines += [describe_delivery(each, event_type, payload or {}, columns) for each in sent[-20:]] or ["  nothing"]
        raise AssertionError("\n".join(lines))


def validated_event_types(event_type: str | Sequence[str]) -> list[str]:
    """Return a list of event types. Raise `InvalidDocument` for an unknown type."""
    known = [event.name for event in EVENT_TYPES]
    asked = [event_type] if isinstance(event_type, str) else list(event_type)
    if asked == [ALL_EVENTS]:
        return known
    for name in asked:
        if name not in known:
            raise InvalidDocument(f"unknown event type {name!r}", known)
    return asked


def differences(
    delivery: Delivery, event_type: str, payload: Mapping[str, Any], columns: Mapping[str, Any]
) -> list[str]:
    """Return in words how a delivery differs from the expected one."""
    found = [] if delivery.event_type == event_type else [f"event_type is {delivery.event_type}"]
    found += [
        f"{name} is {getattr(delivery, name)!r}, not {value!r}"
        for name, value in columns.items()
        if getattr(delivery, name) != value
    ]
    sent = orjson.loads(delivery.body)["payload"] if payload and delivery.body else {}
    return found + [
        f"payload {name} is {sent.get(name)!r}, not {value!r}"
        for name, value in payload.items()
        if sent.get(name) != value
    ]


def describe_delivery(
    delivery: Delivery, event_type: str, payload: Mapping[str, Any], columns: Mapping[str, Any]
) -> str:
    outcome = delivery.response if delivery.status is None else delivery.status
    why = differences(delivery, event_type, payload, columns)
    return (
        f"  {delivery.id}. {delivery.event_type} (event {delivery.event}, attempt {delivery.attempt}) to "
        f"{delivery.url}: {outcome}" + (f"; {'; '.join(why)}" if why else "")
    )
