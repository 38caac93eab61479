"""What cannot agree, and why: an entry turns the oracle's answer into what the emulator owes instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.oracle.wire import Answer, Ask

ADDED_HEADERS = {
    "X-Emulator-": "explanations travel in headers of our own, so that the body stays the vendor's",
}


@dataclass(frozen=True)
class Difference:
    """One kind of answer that differs on purpose."""

    name: str
    reason: str
    applies: Callable[[Ask, Answer], bool]
    expected: Callable[[Answer], Answer]


def _with_length(answer: Answer) -> Answer:
    return replace(answer, headers=answer.headers | {"Content-Length": str(len(answer.body))})


def _refused(status: int, detail: str) -> Callable[[Answer], Answer]:
    body = f'{{"detail":"{detail}"}}'.encode()
    headers = {"Content-Type": "application/json", "Allow": "POST, OPTIONS"}
    return lambda _: _with_length(Answer(status, headers, body))


DIFFERENCES = (
    Difference(
        "nesting",
        "the framework fails with a 500 on JSON too deep for Python's parser; the caller is at fault",
        lambda ask, answer: answer.status == 500 and ask.label.startswith("body deep"),
        _refused(400, "JSON parse error - Too deeply nested."),
    ),
    Difference(
        "unknown charset of a parameter",
        "Django fails before it answers at all when a Content-Type names an unknown charset by RFC 2231",
        lambda ask, answer: answer.status == 500 and "*=nope''" in (ask.content_type or ""),
        _refused(415, "Unsupported media type \\\"application/json; charset*=nope''utf-8\\\" in request."),
    ),
    Difference(
        "no length of nothing",
        "Django says that a 204 is 0 bytes long; a server must not (RFC 9110, 8.6) and waitress takes it out",
        lambda _, answer: answer.status == 204,
        lambda answer: replace(answer, headers={k: v for k, v in answer.headers.items() if k != "Content-Length"}),
    ),
    Difference(
        "length",
        "Django leaves the Content-Length of redirects and early refusals to the server; ours says it",
        lambda _, answer: "Content-Length" not in answer.headers and answer.status != 204,
        _with_length,
    ),
    Difference(
        "body of HEAD",
        "Django leaves it to the server to drop the body of a HEAD",
        lambda ask, answer: ask.method == "HEAD" and answer.body != b"",
        lambda answer: replace(answer, body=b""),
    ),
)


def owed(ask: Ask, answer: Answer, differences: tuple[Difference, ...] = DIFFERENCES) -> Answer:
    """Say what the emulator owes where the oracle answers this."""
    for difference in differences:
        if difference.applies(ask, answer):
            answer = difference.expected(answer)
    return answer


def without_ours(answer: Answer) -> Answer:
    """Leave out the headers that only the emulator has."""
    kept = {name: value for name, value in answer.headers.items() if not name.startswith(tuple(ADDED_HEADERS))}
    return replace(answer, headers=kept)
