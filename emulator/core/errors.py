"""The errors that the service answers, in the framework's words: one class each, rendered in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar


class ApiError(Exception):
    """An answer other than the one that was asked for."""

    status: ClassVar[int] = 500
    detail: str = "A server error occurred."

    hint: str | None = None
    """What the body does not say: goes into a header of ours."""

    def __init__(self, detail: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def body(self) -> Any:
        return {"detail": self.detail}


class ServerError(ApiError):
    """A bug of ours, as the framework reports its own."""


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
    """What the sender of webhooks will not do, in its own form: a code, and English words."""

    status = 406
    code: ClassVar[str]

    @property
    def body(self) -> Any:
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
    """What is wrong with a body: field names to messages."""

    status = 400
    detail = "Invalid input."

    def __init__(self, errors: Mapping[str, Any], hint: str | None = None) -> None:
        super().__init__()
        self.errors = dict(errors)
        self.hint = hint

    @property
    def body(self) -> Any:
        return self.errors

    def wrap(self) -> ValidationFailed:
        """Give the error in the form that is documented for commands."""
        return ValidationFailed({"error": self.errors, "status_code": self.status}, self.hint)


class BadRequest(Exception):
    """A request that the framework refuses before any view sees it, with its plain HTML page."""

    status: ClassVar[int] = 400
