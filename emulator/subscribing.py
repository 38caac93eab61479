"""`oms.hooks`: subscriptions, deliveries and what may happen to them, from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from emulator.core.deliveries import DISTURBANCES, Delivery, Flushed, Receiver
from emulator.core.events import EVENT_TYPES
from emulator.core.refusals import InvalidDocument
from emulator.core.steps import Step
from emulator.core.world import World
from emulator.handlers.deliveries import disturb, flush
from emulator.repeating import repeat_step

FIXED: Mapping[str, Any] = {"choice": "fixed", "kwargs": {"seconds": 60}}
"""How failed deliveries are tried again, unless a hook says otherwise."""
ANY = "*"


class Hooks:
    """The hooks of a world. What cannot be done raises a `ValueError` that names what is known."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def add(
        self,
        receiver: str | Receiver,
        event_type: str | Sequence[str] = ANY,
        *,
        secret_key: str | None = None,
        retry: Mapping[str, Any] = FIXED,
        **columns: Any,
    ) -> str:
        """Subscribe a receiver to one type of event, to several, or to all (`*`); give the address that it has.

        The receiver is a URL, or is called in this process: a WSGI application, or a function that takes a `Delivery`
        and gives a status (nothing for 200). `retry` is the hook's `retry_countdown_config`, `columns` are
        others of its fields.
        """
        world = self._world()
        url = receiver if isinstance(receiver, str) else self._address(world, receiver)
        body = {"target_url": url, "retry_countdown_config": dict(retry), "secret_key": secret_key, **columns}
        for name in known_types(event_type):
            step = Step(
                "create_hook", user="admin", request_id=world.new_request_id(), body={**body, "event_type": name}
            )
            repeat_step(world, step)
        return url

    def _address(self, world: World, receiver: Receiver) -> str:
        host = f"receiver-{len(world.mailbox.receivers) + 1}.test"
        world.mailbox.receivers[host] = receiver
        return f"http://{host}/"

    def flush(self) -> Flushed:
        """Send what is due, wait for what is on its way; give what was sent since the last flush."""
        return flush(self._world())

    @property
    def deliveries(self) -> list[Delivery]:
        """What was sent, the first delivery first; what is due goes out before."""
        world = self._world()
        flush(world)
        return list(world.mailbox.log)

    def clear(self) -> None:
        """Forget what was sent so far."""
        flush(self._world())
        self._world().mailbox.log.clear()

    def disturb(self, kind: str, event_type: str | None = None, *, times: int = 1, seconds: float = 60) -> None:
        """Let the next deliveries be duplicated, delayed, reordered, dropped, or signed wrongly.

        `kind` is `duplicate`, `delay`, `reorder`, `drop` or `corrupt_signature`; `seconds` are the world's.
        """
        if kind not in DISTURBANCES:
            raise InvalidDocument(f"unknown kind {kind!r}", DISTURBANCES)
        disturb(self._world(), {"kind": kind, "event_type": event_type, "times": times, "seconds": seconds})

    def assert_delivered(
        self, event_type: str, *, times: int | None = None, payload: Mapping[str, Any] | None = None, **columns: Any
    ) -> list[Delivery]:
        """Insist that events of this type were delivered: at least once, or so many `times`; give the deliveries.

        `payload` is a part of the document that was sent, `columns` are attributes of `Delivery`. An `AssertionError`
        tells what was sent instead.
        """
        known_types(event_type)
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
        lines += [told(each, event_type, payload or {}, columns) for each in sent[-20:]] or ["  nothing"]
        raise AssertionError("\n".join(lines))


def known_types(event_type: str | Sequence[str]) -> list[str]:
    """Give the types that are meant; `InvalidDocument` for one that is none."""
    known = [event.name for event in EVENT_TYPES]
    asked = [event_type] if isinstance(event_type, str) else list(event_type)
    if asked == [ANY]:
        return known
    for name in asked:
        if name not in known:
            raise InvalidDocument(f"unknown event type {name!r}", known)
    return asked


def differences(
    delivery: Delivery, event_type: str, payload: Mapping[str, Any], columns: Mapping[str, Any]
) -> list[str]:
    """Say in what a delivery is another than the one that is meant."""
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


def told(delivery: Delivery, event_type: str, payload: Mapping[str, Any], columns: Mapping[str, Any]) -> str:
    outcome = delivery.response if delivery.status is None else delivery.status
    why = differences(delivery, event_type, payload, columns)
    return (
        f"  {delivery.id}. {delivery.event_type} (event {delivery.event}, attempt {delivery.attempt}) to "
        f"{delivery.url}: {outcome}" + (f"; {'; '.join(why)}" if why else "")
    )
