"""The WSGI application: request ids, HEAD, redirects, path decoding, and the choice between the two APIs."""

from __future__ import annotations

import logging
import re
from io import StringIO
from typing import Any
from urllib.parse import unquote
from wsgiref.validate import validator

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from emulator.web.app import MAX_URL_BYTES
from emulator.web.context import decode_path
from emulator.web.dispatch import slash_location
from tests.oracle.wire import RawRequest, send_wsgi

LIST = "/api/v1/oms/packages/"


def test_every_request_has_a_unique_id(client: Any) -> None:
    ids = [client.get(url).headers["X-Emulator-Request-Id"] for url in (LIST, "/nowhere/", LIST)]
    assert ids == ["00000001", "00000002", "00000003"]


@pytest.mark.parametrize("url", [LIST, "/cdn/a.jpg", "/nowhere/", f"{LIST}1/", "/api/v1/oms/packages"])
def test_head_response_has_the_headers_of_get_and_no_body(client: Any, url: str) -> None:
    get = client.get(url, allow_redirects=False)
    head = client.head(url)
    own = "X-Emulator-Request-Id"
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert {**head.headers, own: ""} == {**get.headers, own: ""}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "ODD"])
def test_missing_slash_redirects_for_every_method(client: Any, method: str) -> None:
    answer = client.request(method, "/api/v1/oms/packages?a=1&b=%20", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, "/api/v1/oms/packages/?a=1&b=%20")


def test_redirect_stays_on_the_host() -> None:
    assert slash_location("//evil.example/x", "") == "/%2Fevil.example/x/"


@pytest.mark.parametrize("path", ["/__admi", "/__adminx", "/__adminx/health", "//__admin/health", "/x/__admin/"])
def test_similar_paths_do_not_reach_the_control_api(client: Any, path: str) -> None:
    answer = client.get(f"http://oms.test{path}")
    assert (answer.status_code, "X-Emulator-Request-Id" in answer.headers) == (404, True)


INSPECTOR = {"Referer": "http://oms.test/__admin/ui/", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.medium
@pytest.mark.parametrize("is_handed_out", [False, True], ids=["short way", "through Flask"])
def test_access_log_has_a_line_per_request(is_handed_out: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The path is escaped, secrets are masked, and reads of the inspector are left out."""
    oms = Emulator("empty")
    if is_handed_out:
        oms.app.before_request(lambda: None)
    session = oms.session()
    with caplog.at_level(logging.INFO, "emulator.access"):
        session.get(LIST)
        session.get("/nowhere/\x1b?token=secret&page=2")
        session.get("/__admin/health")
        session.get("/__admin/health", headers=INSPECTOR)
        oms.faults.add(kind="reset")
        with pytest.raises(requests.ConnectionError):
            session.get(LIST)
    unknown = "nothing is at /nowhere/\\u001b; oms-emulator routes lists what is there"
    assert [re.sub(r"\d+\.\d ms|0 ms", "T", message) for message in caplog.messages] == [
        f"GET {LIST} 200 T",
        f"GET /nowhere/%1B?token=***&page=2 404 T; hint: {unknown}",
        "GET /__admin/health 200 T",
        f"GET {LIST} - T; fault: reset",
    ]


@pytest.mark.medium
@pytest.mark.parametrize("path", ["/", "/__admin", "/__admin/"])
@pytest.mark.parametrize("prefix", ["", "/w/default"])
def test_browsers_are_led_to_the_inspector(client: Any, prefix: str, path: str) -> None:
    """Any other client gets the same response as before."""
    html = client.get(prefix + path, headers={"Accept": "text/html, */*;q=0.8"}, allow_redirects=False)
    assert (html.status_code, html.headers["Location"]) == (302, f"{prefix}/__admin/ui/")
    assert [
        client.get(prefix + path).status_code,
        client.post(prefix + path, headers={"Accept": "text/html"}).status_code,
    ] == [404, 404]


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"/a", "/a"), ("/ş".encode(), "/ş"), (b"/\xff/", "/%FF/"), (b"\xc5", "%C5"), (b"/\xe2\x82x", "/%E2%82x")],
)
def test_path_is_decoded_as_by_django(raw: bytes, text: str) -> None:
    assert decode_path(raw) == text


@pytest.mark.medium
@given(st.binary(max_size=40))
def test_any_bytes_can_be_decoded_as_a_path(raw: bytes) -> None:
    """The path can be encoded again without a change."""
    assert isinstance(decode_path(raw), str)


@pytest.mark.medium
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize(
    "target", [LIST, f"{LIST}1/set_remote_id/", "/nowhere/", "/__admin/health", "/__admin/reset"]
)
def test_application_conforms_to_wsgi(method: str, target: str) -> None:
    """Checked by the validator of the standard library."""
    oms = Emulator("empty")
    environ = RawRequest("", target, method, authorization="Token full-access").environ()
    environ["HTTP_HOST"] = "localhost"
    environ["wsgi.errors"] = StringIO()

    class Request:
        def environ(self) -> dict[str, Any]:
            return environ

    answer = send_wsgi(validator(oms.app), Request())
    assert answer.status in (200, 204, 404, 405)


@pytest.mark.medium
def test_decoding_of_a_path_takes_linear_time() -> None:
    """Quadratic decoding would take half an hour."""
    assert decode_path(b"/" + b"\xff" * 500_000) == "/" + "%FF" * 500_000


@pytest.mark.medium
@pytest.mark.parametrize("path", [LIST, "/__admin/health", "/w/other/__admin/health"])
def test_long_url_is_refused(client: Any, path: str) -> None:
    query = "a" * (MAX_URL_BYTES - len(path))
    assert client.get(f"{path}?{query}").status_code in (200, 404)
    answer = client.get(f"{path}?{query}a")
    assert answer.status_code == 400
    reason = answer.json()["error"] if "__admin" in path else unquote(answer.headers["X-Emulator-Hint"])
    assert reason == "the URL is longer than 131072 bytes"
