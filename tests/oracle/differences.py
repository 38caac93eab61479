"""Intended differences: each entry turns the oracle's answer into the answer expected from the emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.oracle.wire import RawRequest, RawResponse

ADDED_HEADERS = {
    "X-Emulator-": "explanations are sent in extra headers, so that the body stays the vendor's",
}


@dataclass(frozen=True)
class Difference:
    """One kind of answer that differs on purpose."""

    name: str
    reason: str
    applies: Callable[[RawRequest, RawResponse], bool]
    expected: Callable[[RawResponse], RawResponse]


def with_content_length(answer: RawResponse) -> RawResponse:
    return replace(answer, headers=answer.headers | {"Content-Length": str(len(answer.body))})


def error_response(status: int, detail: str) -> Callable[[RawResponse], RawResponse]:
    body = f'{{"detail":"{detail}"}}'.encode()
    headers = {"Content-Type": "application/json", "Allow": "POST, OPTIONS"}
    return lambda _: with_content_length(RawResponse(status, headers, body))


DIFFERENCES = (
    Difference(
        "nesting",
        "the framework answers 500 to JSON that is too deep for Python's parser; it is a client error",
        lambda request, answer: answer.status == 500 and request.label.startswith("body deep"),
        error_response(400, "JSON parse error - Too deeply nested."),
    ),
    Difference(
        "unknown charset of a parameter",
        "Django crashes when a Content-Type names an unknown charset in the form of RFC 2231",
        lambda request, answer: answer.status == 500 and "*=nope''" in (request.content_type or ""),
        error_response(415, "Unsupported media type \\\"application/json; charset*=nope''utf-8\\\" in request."),
    ),
    Difference(
        "no Content-Length on 204",
        "Django sends Content-Length: 0 with a 204; RFC 9110 (8.6) forbids it and waitress removes it",
        lambda _, answer: answer.status == 204,
        lambda answer: replace(answer, headers={k: v for k, v in answer.headers.items() if k != "Content-Length"}),
    ),
    Difference(
        "missing Content-Length",
        "Django leaves the Content-Length of redirects and early refusals to the server; the emulator sets it",
        lambda _, answer: "Content-Length" not in answer.headers and answer.status != 204,
        with_content_length,
    ),
    Difference(
        "body of HEAD",
        "Django leaves it to the server to drop the body of a HEAD response",
        lambda request, answer: request.method == "HEAD" and answer.body != b"",
        lambda answer: replace(answer, body=b""),
    ),
)


def expected_response(
    request: RawRequest, answer: RawResponse, differences: tuple[Difference, ...] = DIFFERENCES
) -> RawResponse:
    """Return the answer that the emulator must give where the oracle gives this one."""
    for difference in differences:
        if difference.applies(request, answer):
            answer = difference.expected(answer)
    return answer


def without_added_headers(answer: RawResponse) -> RawResponse:
    """Remove the headers that only the emulator sends."""
    headers = {name: value for name, value in answer.headers.items() if not name.startswith(tuple(ADDED_HEADERS))}
    return replace(answer, headers=headers)
