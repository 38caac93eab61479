"""What the control API and its twins in Python refuse: one line that says why, and what is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class ControlError(ValueError):
    """A call that cannot be done; `known` are the names or values that would have been right, as far as listed."""

    status: ClassVar[int] = 400

    def __init__(self, message: str, known: Iterable[str | int] = ()) -> None:
        self.message = " ".join(message.split())
        self.known = list(known)
        super().__init__(f"{self.message}; known: {', '.join(map(str, self.known))}" if self.known else self.message)


class InvalidDocument(ControlError):
    """A document that is not what the call takes."""


class UnknownRecord(ControlError):
    """No such record in this world."""

    status = 404


class PersistError(ControlError):
    """A change that could not be stored. Every later change is refused, too."""

    status = 500


class Conflict(ControlError):
    """The world is not in the state that the call needs."""

    status = 409
