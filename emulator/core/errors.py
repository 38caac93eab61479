"""The errors of the emulated API, with the framework's messages, and the errors of the control and Python APIs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import ClassVar

from emulator.core.json_text import JsonObject, JsonValue

MAX_LISTED_IDS = 30
"""Maximum number of ids in an error message."""


class ApiError(Exception):
    """An error response of the emulated API."""

    status: ClassVar[int] = 500
    detail: str = "A server error occurred."
    hint: str | None = None
    """An explanation for the `X-Emulator-Hint` header."""

    def __init__(self, detail: str | None = None, hint: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        if hint is not None:
            self.hint = hint
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def body(self) -> JsonObject:
        return {"detail": self.detail}


class ServerError(ApiError):
    """An unexpected error of the emulator, reported as the framework reports its own."""


class NotAuthenticated(ApiError):
    status = 401
    detail = "Authentication credentials were not provided."

    def __init__(self, detail: str | None = None, scheme: str = "Token") -> None:
        super().__init__(detail)
        self.scheme = scheme

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": self.scheme}


class AuthenticationFailed(NotAuthenticated):
    detail = "Incorrect authentication credentials."


class PermissionDenied(ApiError):
    status = 403
    detail = "You do not have permission to perform this action."


class NotFound(ApiError):
    status = 404
    detail = "Not found."


class RecordNotFound(NotFound):
    """A missing record. Newer versions of the framework name its model in the detail."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model

    def with_model(self) -> NotFound:
        """Return the error as newer versions of the framework have it."""
        return NotFound(f"No {self.model} matches the given query.")


class InvalidPage(NotFound):
    detail = "Invalid page."


class MethodNotAllowed(ApiError):
    status = 405

    def __init__(self, method: str) -> None:
        super().__init__(f'Method "{method}" not allowed.')


class NotAcceptable(ApiError):
    status = 406
    detail = "Could not satisfy the request Accept header."


class UnsupportedMediaType(ApiError):
    status = 415

    def __init__(self, media_type: str) -> None:
        super().__init__(f'Unsupported media type "{media_type}" in request.')


class Throttled(ApiError):
    status = 429

    def __init__(self, wait: float) -> None:
        self.wait = math.ceil(wait)
        unit = "second" if self.wait == 1 else "seconds"
        super().__init__(f"Request was throttled. Expected available in {self.wait} {unit}.")

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.wait)}


class CodedError(ApiError):
    """A refusal of the webhook service, which has a code and an English message."""

    status = 406
    code: ClassVar[str]

    @property
    def body(self) -> JsonObject:
        return {"code": self.code, "en": self.detail}


class WebhookAlreadyRegistered(CodedError):
    code = "webhook_100_2"
    detail = "Webhook already registered"


class EventAlreadyDelivered(CodedError):
    code = "event_100_3"
    detail = "Event already delivered"


class EventStillInProgress(CodedError):
    code = "event_100_6"
    detail = "Event is still in retry process"


class ParseError(ApiError):
    status = 400
    detail = "Malformed request."


class ValidationFailed(ApiError):
    """The errors of a body: field name -> messages."""

    status = 400
    detail = "Invalid input."

    def __init__(self, errors: Mapping[str, JsonValue], hint: str | None = None) -> None:
        super().__init__()
        self.errors = dict(errors)
        self.hint = hint

    @property
    def body(self) -> JsonObject:
        return self.errors

    def wrap(self) -> ValidationFailed:
        """Return the error in the form that is documented for commands."""
        return ValidationFailed({"error": self.errors, "status_code": self.status}, self.hint)


class BadRequest(Exception):
    """A request that the framework refuses with a plain HTML page, before it calls a view."""

    status: ClassVar[int] = 400


def did_you_mean(unknown: object, known: Iterable[str]) -> str:
    """Return a sentence that names the known value that is nearest to an unknown one, or an empty text."""
    return "".join(f". Did you mean {name}?" for name in get_close_matches(str(unknown), list(known), n=1))


class ControlError(ValueError):
    """A call of the control or Python API that cannot be executed. `known` lists the accepted values, if possible.

    With `unknown`, the text of the exception also names the known value that is nearest to this one.
    """

    status: ClassVar[int] = 400

    def __init__(self, message: str, known: Iterable[str | int] = (), unknown: object = None) -> None:
        self.message = " ".join(message.split())
        self.known = list(known)
        names = [str(name) for name in self.known]
        listed = f"; known: {', '.join(names)}" if names else ""
        super().__init__(self.message + listed + did_you_mean(unknown, names))


class InvalidDocument(ControlError):
    """A document that the call does not accept."""


class UnknownRecord(ControlError):
    """A record that does not exist in this world."""

    status = 404

    @classmethod
    def among(cls, message: str, ids: Sequence[int]) -> UnknownRecord:
        """Return an error that lists the ascending ids that exist, or their range if there are many."""
        if len(ids) <= MAX_LISTED_IDS:
            return cls(message, ids)
        return cls(f"{message}; its {len(ids)} ids are from {ids[0]} to {ids[-1]}")


class PersistError(ControlError):
    """A change that could not be stored. Every later change is refused, too."""

    status = 500


class Conflict(ControlError):
    """A world that is not in the state that the call requires."""

    status = 409
