"""Whatever people kept of an answer is read: its path is told, or found from the document, or asked for."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from emulator.routes import GUIDE_ROUTES, REFERENCE_ROUTES
from emulator.shapes.answers import SOURCES, UnknownAnswer
from emulator.shapes.captures import Capture, Skipped, captures_in, placed
from tests.support import samples

DETAIL = samples.body("package-detail.response-200")
ID = DETAIL["id"]
PATH = f"/api/v1/oms/packages/{ID}/"


def read(content: Any) -> list[Capture | Skipped]:
    return list(captures_in(content, "file"))


def path_of(content: Any) -> str:
    (found,) = read(content)
    assert isinstance(found, Capture)
    return placed(found).path


def entry(url: str, text: str, method: str = "GET", status: int = 200, **content: Any) -> dict[str, Any]:
    """Give an entry of a HAR file as browsers write it."""
    return {
        "request": {"method": method, "url": url},
        "response": {"status": status, "content": {"mimeType": "application/json", "text": text, **content}},
    }


FORMS: dict[str, Any] = {
    "a bare body": DETAIL,
    "a path and a body": {"path": PATH, "body": DETAIL},
    "an address": {"url": f"https://oms.shop.example:8443{PATH}?format=json", "body": DETAIL},
    "no slash behind it": {"path": PATH.rstrip("/"), "body": DETAIL},
    "a page's own words": {"method": "GET", "path": "/api/v1/oms/packages/pk/", "body": DETAIL},
    "a world of an emulator": {"path": f"/w/mine{PATH}", "body": DETAIL},
    "a path behind a gateway": {"path": f"/oms/behind/{ID}", "body": DETAIL},
    "a list of one": [DETAIL],
    "a scenario": {"name": "x", "answers": [{"path": PATH, "body": DETAIL}]},
    "a browser's": {"log": {"entries": [entry(f"https://x.example{PATH}", json.dumps(DETAIL))]}},
    "a browser's in base64": {
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
def test_every_form_of_a_capture_is_read(content: Any) -> None:
    """However it was kept, it is the answer at the same path."""
    (found,) = read(content)
    assert isinstance(found, Capture)
    assert placed(found) == (PATH, DETAIL)


GETS = [
    name
    for name in samples.names()
    if ".response-200" in name and samples.document(name)["method"] == "GET" and "invoice-document" not in name
]
"""The samples of GETs that are imported."""
MUTE = {
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
"""Samples that do not say whose they are -> the path that is asked for."""


@pytest.mark.parametrize("name", GETS)
def test_the_path_of_a_bare_body_is_found_or_asked_for(name: str) -> None:
    """Every sample without its path: it is where the page says, or the error shows what to write."""
    document = samples.document(name)
    (capture,) = read(document["body"])
    assert isinstance(capture, Capture)
    if (asked := MUTE.get(name.removesuffix(".response-200"))) and "object_id" not in first(document["body"]):
        with pytest.raises(UnknownAnswer) as caught:
            placed(capture)
        assert f'does not say whose; give it as {{"path": "{asked}", "body": ...}}' in str(caught.value)
    else:
        found = placed(capture).path
        assert found == placed(Capture("", document["path"], document["body"])).path
        assert found.startswith(document["path"].partition("packages/")[0].partition("transfer_orders/")[0])


def first(body: Any) -> Any:
    return body["results"][0] if "results" in body else body


def test_a_log_says_whose_it_is_better_than_its_page() -> None:
    """The page of a transfer's log prints the path of a package's: a slip."""
    document = samples.document("transfer-order-state-transition-log-detail.response-200")
    assert document["path"].startswith("/api/v1/oms/packages/")
    assert path_of(document) == "/api/v1/oms/transfer_orders/1329/transition_logs/49749/"


def test_a_single_document_of_a_list_is_a_page_of_one() -> None:
    document = samples.body("package-simple-list.response-200")["results"][0]
    (capture,) = read(document)
    assert isinstance(capture, Capture)
    assert placed(capture) == ("/api/v1/oms/packages/list-simple/", {"results": [document]})


SKIPPED: dict[str, tuple[Any, str]] = {
    "another method": ({"method": "POST", "path": f"{PATH}command/", "body": {}}, f"POST {PATH}command/"),
    "an error": ({"path": PATH, "status": 404, "body": {"detail": "Not found."}}, f"GET {PATH} answered 404"),
    "a document that is made": ({"path": "/packages/7/invoice_document/", "body": {}}, "makes this document itself"),
    "a browser's POST": (
        {"log": {"entries": [entry(f"http://x{PATH}", "{}", "POST", 204)]}},
        f"POST {PATH} answered",
    ),
    "a browser's picture": ({"log": {"entries": [entry(f"http://x{PATH}", "PNG")]}}, "its answer is no JSON"),
    "another service": ({"log": {"entries": [entry("http://x/api/v1/orders/", "{}")]}}, "no GET of the guide"),
    "nothing kept": ({"log": {"entries": [entry(f"http://x{PATH}", "")]}}, "its answer is no JSON"),
}


@pytest.mark.parametrize(("content", "said"), SKIPPED.values(), ids=SKIPPED)
def test_what_is_no_get_of_the_two_surfaces_is_skipped_and_told(content: Any, said: str) -> None:
    (found,) = read(content)
    assert isinstance(found, Skipped)
    assert said in found.reason


WRONG: dict[str, tuple[Any, str]] = {
    "a number": (3, "file: neither an answer's body nor"),
    "a number in a list": ([DETAIL, 3], r"file\[1\]: neither an answer's body nor"),
    "a path that is none": ({"path": 3, "body": {}}, "file: path is no text"),
    "an entry that is none": ({"log": {"entries": [{}]}}, "file: entry 0: no entry of a HAR file"),
    "a stranger": (
        {"hello": 1},
        "no operation of the guide or the reference answers such a document; its keys: hello",
    ),
    "an empty page": ({"count": 0, "results": []}, "an empty page; give it as"),
    "results that are none": ({"results": 5}, "must be a list"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_answer_is_refused(content: Any, said: str) -> None:
    with pytest.raises(UnknownAnswer, match=said):
        paths_of(content)


def paths_of(content: Any) -> list[str]:
    return [placed(found).path for found in read(content) if isinstance(found, Capture)]


def test_every_get_of_both_surfaces_can_be_imported() -> None:
    """A new row of the routes needs a row here; what is made, shown or not the OMS's data has none."""
    made = {"reference_get_invoice_document"}
    for route in (*GUIDE_ROUTES, *REFERENCE_ROUTES):
        if route.method == "GET" and route.operation not in made:
            path = route.path.replace("<pk>", "1").replace("<log_id>", "2").replace("<webhook_event_id>", "3")
            assert any(source.pattern.search(path) for source in SOURCES), route.operation
