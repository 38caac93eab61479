"""`oms.session()`: its responses are those of `requests`, and what goes elsewhere goes as ever."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests
from requests.adapters import HTTPAdapter

from emulator import Emulator
from emulator.session import Answer, InProcessAdapter, complete, raw_of

LIST = "/api/v1/oms/packages/"
ANSWERS = {
    "json": Answer(200, "OK", [("Content-Type", "application/json"), ("Content-Length", "2")], b"{}"),
    "text": Answer(404, "Not Found", [("Content-Type", "text/html; charset=latin-9")], b"\xa4"),
    "a header twice": Answer(200, "OK", [("Vary", "Accept"), ("Vary", "Origin"), ("X-A", "1")], b"x"),
    "nothing": Answer(204, "No Content", [], b""),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_response_is_what_the_library_makes_of_a_connection(answer: Answer) -> None:
    """In all that it has, its `raw` at its end included."""
    request, adapter = requests.Request("GET", f"http://oms.test{LIST}").prepare(), InProcessAdapter(lambda *_: [])
    theirs = HTTPAdapter.build_response(adapter, request, raw_of(answer, request))
    theirs.content  # noqa: B018 - reads it
    ours = complete(answer, request, adapter)
    for name in (*requests.Response.__attrs__, "text", "ok", "links", "is_redirect", "apparent_encoding"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.connection is theirs.connection is adapter
    for name in ("status", "reason", "headers", "data", "version"):
        assert getattr(ours.raw, name) == getattr(theirs.raw, name), name
    assert ours.raw.read() == theirs.raw.read() == b""
    assert list(ours.iter_content(1)) == list(theirs.iter_content(1))
    ours.close()


def test_a_response_can_be_kept_and_copied(oms: Emulator) -> None:
    answer = oms.session().get(LIST)
    for again in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer), copy.copy(answer)):  # noqa: S301 - our own
        assert (again.json(), again.headers) == (answer.json(), answer.headers)
    assert copy.deepcopy(answer.raw).status == copy.copy(answer.raw).status == 200


def test_a_stream_is_read_in_pieces(oms: Emulator) -> None:
    session = oms.session()
    body = session.get(LIST).content
    assert b"".join(session.get(LIST, stream=True).iter_content(100)) == body
    assert session.get(LIST, stream=True).raw.read(10) == body[:10]
    session.stream = True
    assert session.get(LIST).raw.read() == body
    assert session.get(LIST, stream=False).raw.read() == b""


def test_what_goes_to_another_host_goes_as_ever(oms: Emulator) -> None:
    """Its proxies and certificates are those that the session has."""
    session = oms.session()
    session.verify, session.proxies = "/ca.pem", {"https": "http://proxy.test"}
    settings = session.merge_environment_settings("https://other.test/", {}, None, None, None)
    assert settings == {"proxies": {"https": "http://proxy.test"}, "stream": False, "verify": "/ca.pem", "cert": None}
    assert session.get(LIST, proxies={"http": "http://nowhere.test"}, verify=False).ok
