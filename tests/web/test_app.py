"""The WSGI application: request ids, HEAD, redirects, path decoding, and the choice between the two APIs."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Any
from urllib.parse import unquote
from wsgiref.validate import validator

import pytest
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


def test_access_log_has_a_line_per_request(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "emulator.access"):
        client.get(LIST)
        client.get("/nowhere/")
    assert caplog.messages == [f"00000001 GET {LIST} -> 200", "00000002 GET /nowhere/ -> 404"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"/a", "/a"), ("/ş".encode(), "/ş"), (b"/\xff/", "/%FF/"), (b"\xc5", "%C5"), (b"/\xe2\x82x", "/%E2%82x")],
)
def test_path_is_decoded_as_by_django(raw: bytes, text: str) -> None:
    assert decode_path(raw) == text


@given(st.binary(max_size=40))
def test_any_bytes_can_be_decoded_as_a_path(raw: bytes) -> None:
    """The path can be encoded again without a change."""
    assert isinstance(decode_path(raw), str)


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


def test_decoding_of_a_path_takes_linear_time() -> None:
    """Quadratic decoding would take half an hour."""
    assert decode_path(b"/" + b"\xff" * 500_000) == "/" + "%FF" * 500_000


@pytest.mark.parametrize("path", [LIST, "/__admin/health", "/w/other/__admin/health"])
def test_long_url_is_refused(client: Any, path: str) -> None:
    query = "a" * (MAX_URL_BYTES - len(path))
    assert client.get(f"{path}?{query}").status_code in (200, 404)
    answer = client.get(f"{path}?{query}a")
    assert answer.status_code == 400
    reason = answer.json()["error"] if "__admin" in path else unquote(answer.headers["X-Emulator-Hint"])
    assert reason == "the URL is longer than 131072 bytes"
