"""The errors have the status, body and headers of the framework's errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from rest_framework import exceptions, views

from emulator.core import errors

PAIRS: dict[str, tuple[Callable[[], errors.ApiError], Callable[[], exceptions.APIException]]] = {
    "server error": (errors.ServerError, exceptions.APIException),
    "not authenticated": (errors.NotAuthenticated, exceptions.NotAuthenticated),
    "authentication failed": (errors.AuthenticationFailed, exceptions.AuthenticationFailed),
    "permission denied": (errors.PermissionDenied, exceptions.PermissionDenied),
    "not found": (errors.NotFound, exceptions.NotFound),
    "invalid page": (errors.InvalidPage, lambda: exceptions.NotFound("Invalid page.")),
    "method": (lambda: errors.MethodNotAllowed("PUT"), lambda: exceptions.MethodNotAllowed("PUT")),
    "not acceptable": (errors.NotAcceptable, exceptions.NotAcceptable),
    "media type": (lambda: errors.UnsupportedMediaType("a/b"), lambda: exceptions.UnsupportedMediaType("a/b")),
    "parse error": (errors.ParseError, exceptions.ParseError),
    "validation": (
        lambda: errors.ValidationFailed({"a": ["b"]}),
        lambda: exceptions.ValidationError({"a": ["b"]}),
    ),
    **{
        f"throttled for {wait}": (
            partial(errors.Throttled, wait),
            partial(exceptions.Throttled, wait),
        )
        for wait in (0.1, 1, 1.5, 59.999, 60)
    },
}


@pytest.mark.parametrize("name", PAIRS)
def test_status_body_and_headers_are_the_frameworks(name: str) -> None:
    """Each error class of the framework has one class here."""
    ours, theirs = (make() for make in PAIRS[name])
    if theirs.status_code == 401:
        theirs.auth_header = "Token"
    answer = views.exception_handler(theirs, {})
    assert (ours.status, ours.body) == (answer.status_code, json.loads(json.dumps(answer.data)))
    assert ours.headers == {key: value for key, value in answer.headers.items() if key != "Content-Type"}
