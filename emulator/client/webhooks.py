"""`oms.hooks`: webhook subscriptions, deliveries and delivery faults, from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Unpack

import orjson

from emulator.api.control.deliveries import add_delivery_fault
from emulator.core.errors import InvalidDocument
from emulator.core.event_types import EVENT_TYPES
from emulator.core.json_text import JsonValue
from emulator.core.schemas import load_schema
from emulator.state.outbox import DELIVERY_FAULTS, Delivery, FlushCounts, Receiver
from emulator.state.steps import Step
from emulator.state.world import World
from emulator.worlds.loading.scenarios import replay_step

if TYPE_CHECKING:
    from emulator.api_types import DeliveryFaultKind, DeliveryFields, EventTypeName, HookFields

DEFAULT_RETRY: Mapping[str, JsonValue] = {"choice": "fixed", "kwargs": {"seconds": 60}}
"""Default retry policy of a hook."""
ALL_EVENTS = "*"
MAX_LISTED = 20
"""Number of deliveries that a failure lists."""

Values = Mapping[str, JsonValue]


class Webhooks:
    """The webhooks of the current world. Calls that are not possible raise a `ValueError`."""

    def __init__(self, world: Callable[[], World], redeliver: Callable[[str | Receiver | None], World]) -> None:
        self._world, self._redeliver = world, redeliver

    def add(
        self,
        receiver: str | Receiver,
        event_type: EventTypeName | Literal["*"] | Sequence[EventTypeName] = "*",
        *,
        secret_key: str | None = None,
        retry: Values = DEFAULT_RETRY,
        **columns: Unpack[HookFields],
    ) -> str:
        """Subscribe a receiver to event types, and return its URL.

        - `receiver`: a URL, a WSGI application, or a function that takes a `Delivery` and returns a status. None is
          status 200.
        - `event_type`: one type, several, or `*` for all.
        - `secret_key`: key of the signature.
        - `retry`: the retry policy, as in `retry_countdown_config` of a hook.
        - `columns`: other fields of the hook. An unknown field is an `InvalidDocument`.

        Example: `oms.hooks.add(lambda delivery: 503, "package.created")`
        """
        known = load_schema("hook")["properties"]
        for name in columns:
            if name not in known:
                raise InvalidDocument(f"unknown field {name!r} of a hook", [*known, "retry"], name)
        if not (isinstance(receiver, str) or callable(receiver)):
            raise InvalidDocument(f"a receiver must be a URL or a function (got {receiver!r})")
        world = self._world()
        url = receiver if isinstance(receiver, str) else f"http://{world.outbox.add_receiver(receiver)}/"
        body = {"target_url": url, "retry_countdown_config": dict(retry), "secret_key": secret_key, **columns}
        for name in validated_event_types(event_type):
            hook = {**body, "event_type": name}
            replay_step(world, Step("create_hook", user="admin", request_id=world.new_request_id(), body=hook))
        return url

    def flush(self) -> FlushCounts:
        """Send what is due, wait for running deliveries, and return the counts since the last flush."""
        return self._world().outbox.flush()

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries after a flush, oldest first."""
        outbox = self._world().outbox
        outbox.flush()
        return list(outbox.log)

    def clear(self) -> None:
        """Flush, and clear the delivery log."""
        outbox = self._world().outbox
        outbox.flush()
        outbox.log.clear()

    def disturb(
        self, kind: DeliveryFaultKind, event_type: EventTypeName | None = None, *, times: int = 1, seconds: float = 60
    ) -> None:
        """Apply a fault to the next `times` deliveries, of one event type or of all.

        `kind` is `duplicate`, `delay`, `reorder`, `drop`, `corrupt_signature` or `lost_response`. `seconds` is the
        delay on the world's clock. Raise a `ControlError` for an unknown kind.
        """
        if kind not in DELIVERY_FAULTS:
            raise InvalidDocument(f"unknown kind {kind!r}", DELIVERY_FAULTS, kind)
        document = {"kind": kind, "event_type": event_type, "times": times, "seconds": seconds}
        add_delivery_fault(self._world(), document)

    def redeliver(self, receiver: str | Receiver | None = None) -> list[Delivery]:
        """Start the world again, repeat its steps, and send each recorded delivery again. Return the deliveries.

        A delivery gets its recorded fault again. `receiver` replaces the receiver of the newest hook, as in `add`.
        Raise a `ControlError` if the steps cannot be repeated.
        """
        return list(self._redeliver(receiver).outbox.log)

    def assert_delivered(
        self,
        event_type: EventTypeName,
        *,
        times: int | None = None,
        payload: Values | None = None,
        **columns: Unpack[DeliveryFields],
    ) -> list[Delivery]:
        """Assert that events were delivered: at least once, or exactly `times` times. Return their deliveries.

        - `payload`: keys of the payload with their values.
        - `columns`: attributes of `Delivery` with their values.

        Raise an `AssertionError` that lists the deliveries and their differences.

        Example: `oms.hooks.assert_delivered("package.created", times=1, payload={"id": 6501})`
        """
        validated_event_types(event_type)
        if unknown := sorted(columns.keys() - set(Delivery._fields)):
            raise InvalidDocument(f"a delivery has no {', '.join(unknown)}", Delivery._fields, unknown[0])
        expected = {"event_type": event_type, **columns}
        sent = [(delivery, differences(delivery, expected, payload or {})) for delivery in self.deliveries]
        matching = [delivery for delivery, found in sent if delivery.delivered and not found]
        if len(matching) == times if times is not None else matching:
            return matching
        wanted = "at least once" if times is None else f"{times} times"
        result = f"it was delivered {len(matching)} times. Deliveries:"
        lines = [f"expected {event_type} to be delivered {wanted}; {result}"]
        lines += [describe_delivery(*each) for each in sent[-MAX_LISTED:]] or ["  none"]
        raise AssertionError("\n".join(lines))


def validated_event_types(event_type: str | Sequence[str]) -> list[str]:
    """Return a list of event types. Raise `InvalidDocument` for an unknown type."""
    known = [event.name for event in EVENT_TYPES]
    names = [event_type] if isinstance(event_type, str) else list(event_type)
    if names == [ALL_EVENTS]:
        return known
    for name in names:
        if name not in known:
            raise InvalidDocument(f"unknown event type {name!r}", known, name)
    return names


def differences(delivery: Delivery, columns: Values, payload: Values) -> list[str]:
    """Describe each attribute of the delivery, and each key of its payload, that has another value."""
    sent = orjson.loads(delivery.body)["payload"] if payload and delivery.body else {}
    pairs = [(name, getattr(delivery, name), value) for name, value in columns.items()]
    pairs += [(f"payload {name}", sent.get(name), value) for name, value in payload.items()]
    return [f"{name} is {found!r}, not {value!r}" for name, found, value in pairs if found != value]


def describe_delivery(delivery: Delivery, found: list[str]) -> str:
    """Return a line that identifies a delivery, with its result and its differences."""
    outcome = delivery.response if delivery.status is None else delivery.status
    line = f"  {delivery.id}. {delivery.event_type} (event {delivery.event}, attempt {delivery.attempt}) to "
    return f"{line}{delivery.url}: {outcome}" + (f"; {'; '.join(found)}" if found else "")
