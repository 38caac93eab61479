"""Errors of the control API and of the Python API: a one-line message and the known values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class ControlError(ValueError):
    """A call that cannot be executed. `known` holds the accepted values, if they can be listed."""

    status: ClassVar[int] = 400

    def __init__(self, message: str, known: Iterable[str | int] = ()) -> None:
        self.message = " ".join(message.split())
        self.known = list(known)
        super().__init__(f"{self.message}; known: {', '.join(map(str, self.known))}" if self.known else self.message)


class InvalidDocument(ControlError):
    """A document that the call does not accept."""


class UnknownRecord(ControlError):
    """A record that does not exist in this world."""

    status = 404


class PersistError(ControlError):
    """A change that could not be stored. Every later change is refused, too."""

    status = 500


class Conflict(ControlError):
    """A world that is not in the state that the call requires."""

    status = 409
