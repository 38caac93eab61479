"""Responses that a fault delays, cuts or splits: the actions to send them, and how plain WSGI carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from emulator.core.call import Reply, ResponseFault
from emulator.state.clock import sleep

DETACH = "emulator.detach"
"""Key in the WSGI environment: a function that takes the actions over from the application. It raises."""


class Wait(NamedTuple):
    """Send nothing for some seconds."""

    seconds: float


class Close(NamedTuple):
    """Close or reset the connection."""

    by_reset: bool


SendAction = Wait | Close | bytes
"""A step of sending a response: wait, close the connection, or send these bytes."""
Detach = Callable[[Iterator[SendAction]], NoReturn]


def send_actions(fault: ResponseFault, body: bytes) -> Iterator[SendAction]:
    """Yield the actions that send a body with a fault, in order."""
    if fault.delay:
        yield Wait(fault.delay)
    if fault.silent:
        yield Close(fault.reset)
        return
    yield from split_body(body if fault.sent is None else body[: fault.sent], fault.pieces, fault.drip)
    if fault.sent is not None and body:
        yield Close(fault.reset)


def split_body(body: bytes, pieces: int, seconds: float) -> Iterator[SendAction]:
    """Yield the pieces of a body with waits between them. An empty body is one piece."""
    if not body:
        yield body
    size = max(1, -(-len(body) // pieces))
    for at in range(0, len(body), size):
        if at:
            yield Wait(seconds / max(1, pieces - 1))
        yield body[at : at + size]


def send_with_fault(
    reply: Reply, environ: Mapping[str, Any], start: Callable[[], None], body: bytes
) -> Iterable[bytes]:
    """Send a reply that has a fault. `start` sends the status and the headers, `body` follows them.

    The server and the in-process session put a `DETACH` function into the environment: it takes the actions over and
    raises. Without one, this function sleeps during waits and ends the body early for a cut. Where no response may be
    sent it raises `ConnectionResetError`, as plain WSGI cannot close a connection.
    """
    fault = reply.fault or ResponseFault()
    actions = send_actions(fault, body)
    if not fault.silent:
        start()
    detach: Detach | None = environ.get(DETACH)
    return send_plainly(actions) if detach is None else detach(actions)


def send_plainly(actions: Iterator[SendAction]) -> Iterable[bytes]:
    """Carry out the actions up to the first bytes now, and the others while the server iterates the body."""
    first: list[bytes] = []
    for action in actions:
        if isinstance(action, Wait):
            sleep(action.seconds)
        elif isinstance(action, bytes):
            first.append(action)
            break
        else:
            raise ConnectionResetError("a fault ended the connection without an answer")
    return remaining_body(first, actions)


def remaining_body(first: list[bytes], actions: Iterator[SendAction]) -> Iterator[bytes]:
    yield from first
    for action in actions:
        if isinstance(action, Wait):
            sleep(action.seconds)
        elif isinstance(action, bytes):
            yield action
        else:
            return
