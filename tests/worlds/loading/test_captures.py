"""Recorded responses in all supported forms are read; a missing path is derived, or the error asks for it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from emulator.api.routes import GUIDE_ROUTES, REFERENCE_ROUTES
from emulator.worlds.loading.recorded_responses import (
    ENDPOINTS,
    Capture,
    InvalidResponse,
    SkippedEntry,
    locate_response,
    read_captures,
)
from tests.support import samples

DETAIL = samples.body("package-detail.response-200")
ID = DETAIL["id"]
PATH = f"/api/v1/oms/packages/{ID}/"


def read(content: Any) -> list[Capture | SkippedEntry]:
    return list(read_captures(content, "file"))


def path_of(content: Any) -> str:
    (found,) = read(content)
    assert isinstance(found, Capture)
    return locate_response(found).path


def entry(url: str, text: str, method: str = "GET", status: int = 200, **content: Any) -> dict[str, Any]:
    """Return an entry of a HAR file as browsers write it."""
    return {
        "request": {"method": method, "url": url},
        "response": {"status": status, "content": {"mimeType": "application/json", "text": text, **content}},
    }


FORMS: dict[str, Any] = {
    "a bare body": DETAIL,
    "a path and a body": {"path": PATH, "body": DETAIL},
    "a URL": {"url": f"https://oms.shop.example:8443{PATH}?format=json", "body": DETAIL},
    "no slash at the end": {"path": PATH.rstrip("/"), "body": DETAIL},
    "the path of the documentation": {"method": "GET", "path": "/api/v1/oms/packages/pk/", "body": DETAIL},
    "a world of an emulator": {"path": f"/w/mine{PATH}", "body": DETAIL},
    "a path behind a gateway": {"path": f"/oms/behind/{ID}", "body": DETAIL},
    "a list of one": [DETAIL],
    "a scenario": {"name": "x", "answers": [{"path": PATH, "body": DETAIL}]},
    "a HAR file": {"log": {"entries": [entry(f"https://x.example{PATH}", json.dumps(DETAIL))]}},
    "a HAR file with base64": {
        "log": {
            "entries": [
                entry(
                    f"https://x.example{PATH}",
                    base64.b64encode(json.dumps(DETAIL).encode()).decode(),
                    encoding="base64",
                )
            ]
        }
    },
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_form_of_capture_is_read(content: Any) -> None:
    """Each form gives the same response at the same path."""
    (found,) = read(content)
    assert isinstance(found, Capture)
    assert locate_response(found) == (PATH, DETAIL)


GETS = [
    name
    for name in samples.names()
    if ".response-200" in name and samples.document(name)["method"] == "GET" and "invoice-document" not in name
]
"""Samples of GET operations that can be imported."""
WITHOUT_OWNER = {
    "package-state-transition-log-short-detail": "/api/v1/oms/packages/<id>/transition_logs/short/<id>/",
    "package-state-transition-log-short-list": "/api/v1/oms/packages/<id>/transition_logs/short/",
    "package-webhook-event-short-list": "/api/v1/oms/packages/<id>/webhook_events/short/",
    "transfer-order-state-transition-log-list-short": "/api/v1/oms/transfer_orders/<id>/transition_logs/short/",
    "transfer-order-webhook-event-list-short": "/api/v1/oms/transfer_orders/<id>/webhook_events/short/",
    "reference-get-package-event": "/packages/<id>/webhook_events/<id>/",
    "reference-get-package-log-short": "/packages/<id>/transition_logs/short/<id>/",
    "reference-list-package-events-short": "/packages/<id>/webhook_events/short/",
    "reference-list-package-items": "/packages/<id>/package-items/",
    "reference-list-package-logs-short": "/packages/<id>/transition_logs/short/",
}
"""Sample that does not name its owner -> path in the error."""


@pytest.mark.parametrize("name", GETS)
def test_path_of_a_bare_body_is_derived_or_requested(name: str) -> None:
    """The body of each sample gives the documented path, or an error that shows what to write."""
    document = samples.document(name)
    (capture,) = read(document["body"])
    assert isinstance(capture, Capture)
    if (expected := WITHOUT_OWNER.get(name.removesuffix(".response-200"))) and "object_id" not in first(
        document["body"]
    ):
        with pytest.raises(InvalidResponse) as caught:
            locate_response(capture)
        assert f'does not name its owner; give it as {{"path": "{expected}", "body": ...}}' in str(caught.value)
    else:
        found = locate_response(capture).path
        assert found == locate_response(Capture("", document["path"], document["body"])).path
        assert found.startswith(document["path"].partition("packages/")[0].partition("transfer_orders/")[0])


def first(body: Any) -> Any:
    return body["results"][0] if "results" in body else body


def test_owner_in_a_log_overrides_the_path() -> None:
    """The documentation prints the path of a package's log for a transfer's log by mistake."""
    document = samples.document("transfer-order-state-transition-log-detail.response-200")
    assert document["path"].startswith("/api/v1/oms/packages/")
    assert path_of(document) == "/api/v1/oms/transfer_orders/1329/transition_logs/49749/"


def test_single_document_of_a_list_becomes_a_page() -> None:
    document = samples.body("package-simple-list.response-200")["results"][0]
    (capture,) = read(document)
    assert isinstance(capture, Capture)
    assert locate_response(capture) == ("/api/v1/oms/packages/list-simple/", {"results": [document]})


SKIPPED: dict[str, tuple[Any, str]] = {
    "another method": ({"method": "POST", "path": f"{PATH}command/", "body": {}}, f"POST {PATH}command/"),
    "an error response": (
        {"path": PATH, "status": 404, "body": {"detail": "Not found."}},
        f"GET {PATH} answered 404",
    ),
    "a generated document": ({"path": "/packages/7/invoice_document/", "body": {}}, "generates this document"),
    "a POST in a HAR file": (
        {"log": {"entries": [entry(f"http://x{PATH}", "{}", "POST", 204)]}},
        f"POST {PATH} answered",
    ),
    "an image in a HAR file": ({"log": {"entries": [entry(f"http://x{PATH}", "PNG")]}}, "the response is not JSON"),
    "another service": (
        {"log": {"entries": [entry("http://x/api/v1/orders/", "{}")]}},
        "not a GET operation of the guide",
    ),
    "an empty body": ({"log": {"entries": [entry(f"http://x{PATH}", "")]}}, "the response is not JSON"),
}


@pytest.mark.parametrize(("content", "message"), SKIPPED.values(), ids=SKIPPED)
def test_other_requests_are_skipped_with_a_reason(content: Any, message: str) -> None:
    (found,) = read(content)
    assert isinstance(found, SkippedEntry)
    assert message in found.reason


WRONG: dict[str, tuple[Any, str]] = {
    "a number": (3, "file: neither the body of a response nor"),
    "a number in a list": ([DETAIL, 3], r"file\[1\]: neither the body of a response nor"),
    "an invalid path": ({"path": 3, "body": {}}, "file: path must be a text"),
    "an invalid entry": ({"log": {"entries": [{}]}}, "file: entry 0: not an entry of a HAR file"),
    "an unknown document": (
        {"hello": 1},
        "no operation of the guide or the reference returns such a document; its keys: hello",
    ),
    "an empty page": ({"count": 0, "results": []}, "an empty page; give it as"),
    "invalid results": ({"results": 5}, "must be a list"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_invalid_content_is_rejected(content: Any, message: str) -> None:
    with pytest.raises(InvalidResponse, match=message):
        paths_of(content)


def paths_of(content: Any) -> list[str]:
    return [locate_response(found).path for found in read(content) if isinstance(found, Capture)]


def test_every_get_of_both_surfaces_can_be_imported() -> None:
    """A new route needs a row in `ENDPOINTS`, unless the emulator generates its document."""
    generated = {"reference_get_invoice_document"}
    for route in (*GUIDE_ROUTES, *REFERENCE_ROUTES):
        if route.method == "GET" and route.operation not in generated:
            path = route.path.replace("<pk>", "1").replace("<log_id>", "2").replace("<webhook_event_id>", "3")
            assert any(re.search(endpoint.pattern, path) for endpoint in ENDPOINTS), route.operation
