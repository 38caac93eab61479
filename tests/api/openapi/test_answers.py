"""The document describes every response to the requests of the oracle tests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.api.openapi.operations import openapi_path
from emulator.api.routes import ROUTES
from emulator.web.context import Router
from tests.api.openapi import reading
from tests.oracle.comparison import Comparison
from tests.oracle.request_tables import REQUESTS
from tests.oracle.wire import RawRequest, RawResponse

pytestmark = pytest.mark.slow

ROUTER = Router(ROUTES)


@pytest.fixture(scope="module")
def sides() -> Comparison:
    return Comparison.with_emulator(Emulator("demo"))


def document_path(request: RawRequest) -> str | None:
    """Return the path in the document that a request matches, or None."""
    match = ROUTER.match(request.target.partition("?")[0])
    return None if match is None else openapi_path(match.resource.any_route)


def undescribed_part(path: str, request: RawRequest, answer: RawResponse) -> str | None:
    """Return the part of a response that the document does not describe, or None."""
    item = reading.DOCUMENT["paths"][path]
    operation = item.get(request.method.lower()) or next(iter(item.values()))
    response = operation["responses"].get(str(answer.status))
    if response is None:
        return f"status {answer.status}"
    response = reading.resolve_reference(response)
    if not answer.body:
        return None
    media = response.get("content", {}).get(answer.headers["Content-Type"].partition(";")[0])
    if media is None:
        return f"{answer.status} with {answer.headers['Content-Type']}"
    if "json" not in answer.headers["Content-Type"]:
        return None
    error = next(reading.compile_schema(media["schema"]).iter_errors(orjson.loads(answer.body)), None)
    return None if error is None else f"{answer.status}: {error.message[:200]}"


def is_described(request: RawRequest, answer: RawResponse) -> bool:
    """Exclude responses to OPTIONS and HEAD, and the page for requests that Django cannot read."""
    is_unreadable = answer.status == 400 and answer.body.lstrip().startswith(b"<!doctype html>")
    return request.method.upper() not in ("OPTIONS", "HEAD") and not is_unreadable


def test_responses_are_described(sides: Comparison) -> None:
    """Each status, media type and body matches the document."""
    seen, unknown = Counter[str](), Counter[str]()
    problems: dict[tuple[Any, ...], str | None] = {}
    for ask in REQUESTS:
        request = sides.fill_placeholders(ask)
        path, answer = document_path(request), sides.emulator_response(ask)
        if path is not None and is_described(request, answer):
            seen[path] += 1
            key = (path, request.method, answer.status, answer.headers.get("Content-Type"), answer.body)
            if key not in problems:  # many requests have the same response
                problems[key] = undescribed_part(path, request, answer)
            problem = problems[key]
            unknown[f"{request.method} {path}: {problem}"] += problem is not None
    assert len(seen) > 20
    assert [line for line, count in unknown.items() if count] == []
