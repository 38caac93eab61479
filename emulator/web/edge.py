"""How a disturbed answer leaves: moves for whoever carries answers, and plain WSGI where nobody says how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from emulator.core.clock import sleep
from emulator.core.exchange import Disturbance, Reply

EDGE = "emulator.edge"
"""Where in the environment a carrier says what takes the moves of a disturbed answer: it never returns, it raises."""


class Wait(NamedTuple):
    """Nothing is sent for so many seconds."""

    seconds: float


class Close(NamedTuple):
    """The connection ends."""

    by_reset: bool


Move = Wait | Close | bytes
Carrier = Callable[[Iterator[Move]], NoReturn]


def moves_of(disturbance: Disturbance, body: bytes) -> Iterator[Move]:
    """Give what happens on the way out, in order."""
    if disturbance.delay:
        yield Wait(disturbance.delay)
    if disturbance.silent:
        yield Close(disturbance.reset)
        return
    whole = body if disturbance.sent is None else body[: disturbance.sent]
    yield from dripping(whole, disturbance.pieces, disturbance.drip)
    if disturbance.sent is not None and body:
        yield Close(disturbance.reset)


def dripping(body: bytes, pieces: int, seconds: float) -> Iterator[Move]:
    """Give a body in pieces, and the pauses between them; one that is empty is one piece."""
    if not body:
        yield body
    size = max(1, -(-len(body) // pieces))
    for at in range(0, len(body), size):
        if at:
            yield Wait(seconds / max(1, pieces - 1))
        yield body[at : at + size]


def send_disturbed(
    reply: Reply, environ: Mapping[str, Any], start: Callable[[], None], body: bytes
) -> Iterable[bytes]:
    """Send a disturbed reply; `start` sends its head, `body` is what is left to send after it.

    A carrier that knows how (`EDGE`: the server, the in-process session) takes the moves and never returns. Under
    plain WSGI waits are slept here, an answer that is cut ends early, and one that is not sent at all raises
    `ConnectionResetError`, as there is no connection to close.
    """
    disturbance = reply.disturbance or Disturbance()
    moves = moves_of(disturbance, body)
    if not disturbance.silent:
        start()
    carrier: Carrier | None = environ.get(EDGE)
    return plainly(moves) if carrier is None else carrier(moves)


def plainly(moves: Iterator[Move]) -> Iterable[bytes]:
    """Carry the moves out as far as plain WSGI can; the first waits and an end without an answer come at once."""
    sent: list[bytes] = []
    for move in moves:
        if isinstance(move, Wait):
            sleep(move.seconds)
        elif isinstance(move, bytes):
            sent.append(move)
            break
        else:
            raise ConnectionResetError("a fault ended the connection without an answer")
    return rest(sent, moves)


def rest(sent: list[bytes], moves: Iterator[Move]) -> Iterator[bytes]:
    yield from sent
    for move in moves:
        if isinstance(move, Wait):
            sleep(move.seconds)
        elif isinstance(move, bytes):
            yield move
        else:
            return
