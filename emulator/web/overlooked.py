"""What a request brings in vain: found before its handler runs where that is strict, told of after it otherwise."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator.core.errors import ApiError, BadRequest
from emulator.core.exchange import Body, Call
from emulator.core.store import View
from emulator.core.world import World
from emulator.params.strictness import SUBJECTS, Finding, in_body, in_query, refusal
from emulator.routes import Route

if TYPE_CHECKING:
    from emulator.web.dispatch import Environ

NO_BODY = ("", "0")


def has_body(environ: Environ) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in NO_BODY


def query_findings(route: Route, call: Call, environ: Environ) -> list[Finding]:
    """Give what is ignored of a query, and of a read's body."""
    found = list(in_query(call.query, route.filters, route.size_parameter if route.is_paginated else None))
    if route.method == "GET" and has_body(environ):
        found.append(Finding("body", "a GET has no body: what came was ignored"))
    return found


def body_findings(route: Route, call: Call, view: View) -> list[Finding]:
    """Give what is ignored of a body that was read; `view` is the world as it was."""
    body = call.read_body.value if isinstance(call.read_body, Body) else None
    return [] if body is None else list(in_body(body, route.body, SUBJECTS.get(route.operation), view))


def unread_findings(route: Route, call: Call, environ: Environ) -> list[Finding]:
    """Give what is ignored of a body that no handler reads."""
    if route.body is not None or route.method == "GET" or not has_body(environ):
        return []
    with suppress(ApiError, BadRequest):
        return list(in_body(call.read_body(), None, None, EMPTY))
    return [Finding("body", "the body is not read here and was ignored")]


def strictly(route: Route, call: Call, world: World) -> Call:
    """Give the call so that its handler, when it reads the body, is told of what is wrong with it: once."""
    read = call.read_body
    told: list[Finding] = []

    def parse() -> Any:
        value = read()
        if not told and (findings := body_findings(route, call, world.root)):
            told.extend(findings)
            raise refusal(findings, by_field=True)
        return value

    return replace(call, read_body=Body(parse))


EMPTY: Any = None
"""No view is asked where there is no command."""
