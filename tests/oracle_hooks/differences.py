"""Where the emulator intentionally does not answer as dj-whisperer 0.5.3 does, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.oracle.differences import DIFFERENCES as PROTOCOL
from tests.oracle.differences import Difference, with_content_length
from tests.oracle.wire import RawRequest, RawResponse

SHARED = ("no Content-Length on 204", "missing Content-Length", "body of HEAD")


def with_changed_documents(answer: RawResponse, change: Callable[[Any], None]) -> RawResponse:
    """Return the answer with its document, or each document of its page, changed."""
    document = json.loads(answer.body)
    for item in document.get("results", [document]):
        change(item)
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return with_content_length(replace(answer, body=body))


def match_samples(event: dict[str, Any]) -> None:
    event.pop("response_time", None)
    event["object_id"] = int(event["object_id"])


def error_response(status: int, body: Any, allow: str) -> Callable[[RawResponse], RawResponse]:
    text = json.dumps(body, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "Allow": allow}
    return lambda _: with_content_length(RawResponse(status, headers, text))


def has_label(label: str) -> Callable[[RawRequest, RawResponse], bool]:
    return lambda ask, _: ask.label.startswith(label)


def with_changed_action(answer: RawResponse, method: str, fields: Any) -> RawResponse:
    """Return the answer to OPTIONS with other fields of the body of a method."""
    document = json.loads(answer.body)
    document["actions"][method] = fields
    return with_content_length(replace(answer, body=json.dumps(document, separators=(",", ":")).encode()))


FORCE_FIELD = {"type": "field", "required": False, "read_only": False, "label": "Force"}
EVENT_COLUMN = b'"response_http_status"'
HOOK, RETRY = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS", "POST, OPTIONS"
LIST = "GET, POST, HEAD, OPTIONS"
REQUIRED = ["This field is required."]
DELIVERY_FAILED = {
    "detail": "Webhook event delivery failed",
    "response_status": 500,
    "response_content": "Connection refused",
    "response_time": "0.0",
    "delivered": False,
}

DIFFERENCES = (
    Difference(
        "description of a retry",
        "dj-whisperer describes all columns of an event, which a retry does not read; the emulator describes `force`",
        has_label("description of a retry"),
        lambda answer: with_changed_action(answer, "POST", {"force": FORCE_FIELD}),
    ),
    Difference(
        "columns of events",
        "the samples come from a version before 0.4.0: object ids are numbers and there is no response time",
        lambda ask, answer: answer.status == 200 and ask.method != "OPTIONS" and EVENT_COLUMN in answer.body,
        lambda answer: with_changed_documents(answer, match_samples),
    ),
    Difference(
        "model name in a 404",
        "the framework names the model since version 3.15; the guide's answers do not (the service is from 2022)",
        lambda _, answer: answer.status == 404 and b"matches the given query" in answer.body,
        lambda answer: with_content_length(replace(answer, body=b'{"detail":"Not found."}')),
    ),
    Difference(
        "change to the values of another hook",
        "dj-whisperer answers 500 where it answers 406 to a new hook; it is a client error",
        lambda ask, answer: answer.status == 500 and ask.label.startswith("change to"),
        error_response(406, {"code": "webhook_100_2", "en": "Webhook already registered"}, HOOK),
    ),
    Difference(
        "null in a form",
        "the database of dj-whisperer fails on a form whose JSON is null; it is a client error",
        lambda ask, answer: answer.status == 500 and ask.label == "create form 6",
        error_response(400, {"config": ["This field may not be null."]}, LIST),
    ),
    Difference(
        "null in a form that changes a hook",
        "as above",
        lambda ask, answer: answer.status == 500 and ask.label == "replace form 1",
        error_response(400, {"config": ["This field may not be null."]}, HOOK),
    ),
    Difference(
        "policy without kwargs",
        "dj-whisperer answers 500 to a change of only a part of the policy; it is a client error",
        has_label("policy without kwargs"),
        error_response(400, {"retry_countdown_config": {"kwargs": REQUIRED}}, HOOK),
    ),
    Difference(
        "policy without choice",
        "as above",
        has_label("policy without choice"),
        error_response(400, {"retry_countdown_config": {"choice": REQUIRED}}, HOOK),
    ),
    Difference(
        "retry with a list",
        "dj-whisperer answers 500 to a retry whose body is not an object",
        has_label("retry with a list"),
        error_response(400, {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}, RETRY),
    ),
    Difference(
        "retry with null",
        "as above",
        has_label("retry with null"),
        error_response(400, {"non_field_errors": ["No data provided"]}, RETRY),
    ),
    Difference(
        "retry without an answer",
        "dj-whisperer records the attempt and then crashes while it formats the reason",
        has_label("retry unanswered"),
        error_response(406, DELIVERY_FAILED, RETRY),
    ),
    Difference(
        "more than 64 bits",
        "such a wait exceeds databases and calendars; the emulator's JSON fields reject such numbers",
        has_label("64 bits"),
        error_response(
            400, {"retry_countdown_config": {"kwargs": {"non_field_errors": ["Value must be valid JSON."]}}}, LIST
        ),
    ),
    *(difference for difference in PROTOCOL if difference.name in SHARED),
)
