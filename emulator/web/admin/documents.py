"""JSON in, JSON out, and refusals as one line."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.core import jsontext
from emulator.core.refusals import ControlError, InvalidDocument
from emulator.shapes.rendering import fill_links

JSON = "application/json"


def asked_document() -> Any:
    """Give the request's document."""
    try:
        return jsontext.read(request.get_data())
    except ValueError as error:
        raise InvalidDocument(f"the body is not JSON: {error}") from None


def no_document() -> None:
    """Insist that the request brings nothing, or an empty object."""
    if request.get_data().strip() and asked_document() != {}:
        raise InvalidDocument(f"{request.method} {request.path} takes no document")


def asked_or_empty() -> Any:
    """Give the request's document; none stands for an empty one."""
    return asked_document() if request.get_data().strip() else {}


def asked_parameters(*known: str) -> dict[str, str]:
    """Give the query's parameters; `InvalidDocument` names those that are known."""
    asked = dict(request.args.items())
    if strangers := [name for name in asked if name not in known]:
        raise InvalidDocument(f"unknown parameter {strangers[0]!r}", known)
    return asked


def yes_or_no(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidDocument(f"{name} is {text!r}, must be true or false")
    return text == "true"


def whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidDocument(f"{name} is {text!r}, must be a whole number")
    return int(text[:18])


def nothing() -> Response:
    """Give the answer that says only that it is done."""
    answer = Response(status=204)
    del answer.headers["Content-Type"]  # Flask names one for every answer, also for one without content
    return answer


def answered(value: dict[str, Any] | bytes, status: int = 200) -> Response:
    """Give the answer of a document, or of one that is text already, with the caller's own address in its links."""
    body = jsontext.written(value) if isinstance(value, dict) else value
    prefix = request.script_root
    return Response(fill_links(body, request.host_url.rstrip("/") + prefix, prefix), status, content_type=JSON)


def answered_refusal(error: ControlError) -> Response:
    """Give a refusal: why in one line, and what is known."""
    known = {"known": error.known} if error.known else {}
    return answered({"error": error.message, **known}, error.status)


def answered_problem(error: ValueError) -> Response:
    """Give the refusal of a scenario or an installation that cannot be used."""
    return answered_refusal(InvalidDocument(str(error)))
