"""Where the emulator does not answer as dj-whisperer 0.5.3 does, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emulator.web.urls import HTML, NOT_FOUND
from tests.oracle.differences import DIFFERENCES as PROTOCOL
from tests.oracle.differences import Difference, _with_length
from tests.oracle.wire import Answer, Ask

USED = ("no length of nothing", "length", "body of HEAD")


def changed(answer: Answer, change: Callable[[Any], None]) -> Answer:
    """Give the answer with its document, or each one of its page, changed."""
    document = json.loads(answer.body)
    for each in document.get("results", [document]):
        change(each)
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return _with_length(replace(answer, body=body))


def as_the_samples(event: dict[str, Any]) -> None:
    event.pop("response_time", None)
    event["object_id"] = int(event["object_id"])


def says(status: int, body: Any, allow: str) -> Callable[[Answer], Answer]:
    text = json.dumps(body, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "Allow": allow}
    return lambda _: _with_length(Answer(status, headers, text))


def labelled(label: str) -> Callable[[Ask, Answer], bool]:
    return lambda ask, _: ask.label.startswith(label)


HOOK, RETRY = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS", "POST, OPTIONS"
LIST = "GET, POST, HEAD, OPTIONS"
REQUIRED = ["This field is required."]
UNDELIVERED = {
    "detail": "Webhook event delivery failed",
    "response_status": 500,
    "response_content": "Connection refused",
    "response_time": "0.0",
    "delivered": False,
}

DIFFERENCES = (
    Difference(
        "columns of events",
        "the samples come from a version before 0.4.0: an object's id is a number, and no time that it took is told",
        lambda _, answer: answer.status == 200 and b'"response_http_status"' in answer.body,
        lambda answer: changed(answer, as_the_samples),
    ),
    Difference(
        "ids that are no numbers",
        "the emulator resolves URLs by whole numbers only, as the guide's are",
        labelled("no number"),
        lambda _: _with_length(Answer(404, {"Content-Type": HTML}, NOT_FOUND)),
    ),
    Difference(
        "the name of what is not found",
        "since version 3.15 the framework names the model; the guide's answers do not (the service is from 2022)",
        lambda _, answer: answer.status == 404 and b"matches the given query" in answer.body,
        lambda answer: _with_length(replace(answer, body=b'{"detail":"Not found."}')),
    ),
    Difference(
        "a change into another hook",
        "the sender fails with a 500 where it refuses a new hook with a 406; the caller is at fault",
        lambda ask, answer: answer.status == 500 and ask.label.startswith("change to"),
        says(406, {"code": "webhook_100_2", "en": "Webhook already registered"}, HOOK),
    ),
    Difference(
        "null in a form",
        "the sender's database fails on a form whose JSON is null; the caller is at fault",
        lambda ask, answer: answer.status == 500 and ask.label == "create form 6",
        says(400, {"config": ["This field may not be null."]}, LIST),
    ),
    Difference(
        "null in a changing form",
        "likewise",
        lambda ask, answer: answer.status == 500 and ask.label == "replace form 1",
        says(400, {"config": ["This field may not be null."]}, HOOK),
    ),
    Difference(
        "half a policy",
        "the sender fails with a 500 on a change that names a part of the policy; the caller is at fault",
        labelled("half a policy"),
        says(400, {"retry_countdown_config": {"kwargs": REQUIRED}}, HOOK),
    ),
    Difference(
        "the other half",
        "likewise",
        labelled("the other half"),
        says(400, {"retry_countdown_config": {"choice": REQUIRED}}, HOOK),
    ),
    Difference(
        "no object",
        "the sender fails with a 500 on a retry whose body is no object",
        labelled("retry with a list"),
        says(400, {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}, RETRY),
    ),
    Difference(
        "null",
        "likewise",
        labelled("retry with null"),
        says(400, {"non_field_errors": ["No data provided"]}, RETRY),
    ),
    Difference(
        "nobody answers",
        "the sender records the attempt, then fails with a 500 as it prints the reason",
        labelled("retry unanswered"),
        says(406, UNDELIVERED, RETRY),
    ),
    Difference(
        "more than 64 bits",
        "no database and no clock waits as long; our JSON keeps no such numbers",
        labelled("64 bits"),
        says(400, {"retry_countdown_config": {"kwargs": {"non_field_errors": ["Value must be valid JSON."]}}}, LIST),
    ),
    *(difference for difference in PROTOCOL if difference.name in USED),
)
