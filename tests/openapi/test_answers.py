"""The emulator answers as the document says: every request that the oracle is asked, and every answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.api.openapi.responses import openapi_path
from emulator.api.routes import ROUTES
from emulator.web.context import Router
from tests.openapi import reading
from tests.oracle.comparison import Comparison
from tests.oracle.request_tables import REQUESTS
from tests.oracle.wire import RawRequest, RawResponse

pytestmark = pytest.mark.slow

ROUTER = Router(ROUTES)


@pytest.fixture(scope="module")
def sides() -> Comparison:
    return Comparison.with_emulator(Emulator("demo"))


def operation_of(request: RawRequest) -> str | None:
    """Name the path of the document that a request goes to, if its URL is one."""
    match = ROUTER.match(request.target.partition("?")[0])
    return None if match is None else openapi_path(match.resource.any_route)


def described(path: str, request: RawRequest, answer: RawResponse) -> str | None:
    """Say what the document does not know of an answer, or None."""
    item = reading.DOCUMENT["paths"][path]
    operation = item.get(request.method.lower()) or next(iter(item.values()))
    response = operation["responses"].get(str(answer.status))
    if response is None:
        return f"status {answer.status}"
    response = reading.resolved(response)
    if not answer.body:
        return None
    media = response.get("content", {}).get(answer.headers["Content-Type"].partition(";")[0])
    if media is None:
        return f"{answer.status} with {answer.headers['Content-Type']}"
    if "json" not in answer.headers["Content-Type"]:
        return None
    error = next(reading.judge(media["schema"]).iter_errors(orjson.loads(answer.body)), None)
    return None if error is None else f"{answer.status}: {error.message[:200]}"


def is_described(request: RawRequest, answer: RawResponse) -> bool:
    """Leave out what no operation answers: other methods' descriptions, and pages of Django's own."""
    return request.method.upper() not in ("OPTIONS", "HEAD") and not answer.body.lstrip().startswith(
        b"<!doctype html>"
    )


def test_answers_are_described(sides: Comparison) -> None:
    """Every status, media type and body is what the document says of its operation."""
    seen, unknown = Counter[str](), Counter[str]()
    judged: dict[tuple[Any, ...], str | None] = {}
    for each in REQUESTS:
        request = sides.fill_placeholders(each)
        path, answer = operation_of(request), sides.emulator_response(each)
        if path is not None and is_described(request, answer):
            seen[path] += 1
            key = (path, request.method, answer.status, answer.headers.get("Content-Type"), answer.body)
            if key not in judged:  # many requests get the same answer
                judged[key] = described(path, request, answer)
            wrong = judged[key]
            unknown[f"{request.method} {path}: {wrong}"] += wrong is not None
    assert len(seen) > 20
    assert [line for line, count in unknown.items() if count] == []
