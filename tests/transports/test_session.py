"""`oms.session()` returns responses of `requests`, and sends requests to other hosts as usual."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests
from requests.adapters import HTTPAdapter

from emulator import Emulator
from emulator.client.session import InProcessAdapter, WsgiResponse, build_response, raw_response

LIST = "/api/v1/oms/packages/"
ANSWERS = {
    "json": WsgiResponse(200, "OK", [("Content-Type", "application/json"), ("Content-Length", "2")], b"{}"),
    "text": WsgiResponse(404, "Not Found", [("Content-Type", "text/html; charset=latin-9")], b"\xa4"),
    "a repeated header": WsgiResponse(200, "OK", [("Vary", "Accept"), ("Vary", "Origin"), ("X-A", "1")], b"x"),
    "no content": WsgiResponse(204, "No Content", [], b""),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_response_equals_one_that_requests_builds_from_a_connection(answer: WsgiResponse) -> None:
    """Compares all attributes, including `raw` after it was read."""
    request, adapter = requests.Request("GET", f"http://oms.test{LIST}").prepare(), InProcessAdapter(lambda *_: [])
    from_requests = HTTPAdapter.build_response(adapter, request, raw_response(answer, request))
    from_requests.content  # noqa: B018 - reads the body
    from_session = build_response(answer, request, adapter)
    for name in (*requests.Response.__attrs__, "text", "ok", "links", "is_redirect", "apparent_encoding"):
        assert getattr(from_session, name) == getattr(from_requests, name), name
    assert from_session.connection is from_requests.connection is adapter
    for name in ("status", "reason", "headers", "data", "version"):
        assert getattr(from_session.raw, name) == getattr(from_requests.raw, name), name
    assert from_session.raw.read() == from_requests.raw.read() == b""
    assert list(from_session.iter_content(1)) == list(from_requests.iter_content(1))
    from_session.close()


def test_response_can_be_pickled_and_copied(oms: Emulator) -> None:
    answer = oms.session().get(LIST)
    for copied in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer), copy.copy(answer)):  # noqa: S301 - trusted data
        assert (copied.json(), copied.headers) == (answer.json(), answer.headers)
    assert copy.deepcopy(answer.raw).status == copy.copy(answer.raw).status == 200


def test_stream_can_be_read_in_pieces(oms: Emulator) -> None:
    session = oms.session()
    body = session.get(LIST).content
    assert b"".join(session.get(LIST, stream=True).iter_content(100)) == body
    assert session.get(LIST, stream=True).raw.read(10) == body[:10]
    session.stream = True
    assert session.get(LIST).raw.read() == body
    assert session.get(LIST, stream=False).raw.read() == b""


def test_settings_for_another_host_are_those_of_the_session(oms: Emulator) -> None:
    session = oms.session()
    session.verify, session.proxies = "/ca.pem", {"https": "http://proxy.test"}
    settings = session.merge_environment_settings("https://other.test/", {}, None, None, None)
    assert settings == {"proxies": {"https": "http://proxy.test"}, "stream": False, "verify": "/ca.pem", "cert": None}
    assert session.get(LIST, proxies={"http": "http://nowhere.test"}, verify=False).ok
