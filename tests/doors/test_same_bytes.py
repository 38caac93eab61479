"""Whichever way a request comes, through a socket or none, it meets the same status, headers and bytes."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from emulator import Emulator
from tests.doors.conditions import STRICT, Sent
from tests.doors.corpus import corpus
from tests.doors.ways import BROKEN, WAYS, Got, socket


def emulator() -> Emulator:
    oms = Emulator("demo", packages=40, allow_fault_header=True)
    oms.in_world(STRICT).world.strict = True
    return oms


@cache
def ids() -> tuple[int, int]:
    """Give a package and a transfer order that are there."""
    client = emulator().session()
    found = [
        client.get(f"/api/v1/oms/{path}/").json()["results"][3]["id"] for path in ("packages", "transfer_orders")
    ]
    return found[0], found[1]


@cache
def expected() -> tuple[tuple[Sent, Got], ...]:
    """Give the corpus with what comes back through a socket."""
    with socket(emulator()) as send:
        return tuple((sent, send(sent)) for sent in corpus(*ids()))


def unsendable(way: str, sent: Sent) -> str | None:
    """Say why a way cannot carry a request as it is, if it cannot."""
    if way == "httpx.WSGITransport" and re.search(r"%[89A-Fa-f]", sent.target.partition("?")[0]):
        return (
            "its PATH_INFO holds decoded text, not the bytes that WSGI asks for: letters beyond ASCII are ambiguous"
        )
    return None


@pytest.mark.parametrize("way", WAYS)
def test_a_way_without_a_socket_gives_the_same_bytes(way: str) -> None:
    """Status, headers and body; request ids, links and clocks are in them."""
    wrong: list[str] = []
    wanted = expected()
    with WAYS[way](emulator()) as send:
        for sent, through_socket in wanted:
            found = send(sent)
            if found != through_socket and unsendable(way, sent) is None:
                wrong.append(f"{sent.method} {sent.target} {sent.headers}: {found} instead of {through_socket}"[:600])
    assert not wrong, f"{len(wrong)} of {len(expected())} differ:\n" + "\n".join(wrong[:10])


def test_the_corpus_is_large_and_of_every_kind() -> None:
    """Several hundred requests, every operation, refusals of every kind; few that a way cannot carry."""
    answers = expected()
    statuses = Counter(got.status for _, got in answers)
    methods = Counter(sent.method for sent, _ in answers)
    assert len(answers) >= 600
    assert {200, 201, 204, 301, 400, 401, 403, 404, 405, 406, 415, 429, 503} <= statuses.keys()
    assert statuses[BROKEN.status] >= 10
    headers = Counter(name for _, got in answers for name, _ in got.headers)
    assert min(headers["X-Emulator-Hint"], headers["X-Emulator-Fault"] * 10) >= 300
    assert all("X-Emulator-Fault" in dict(got.headers) for _, got in answers if got.status >= 500)
    bodies = [got.body for sent, got in answers if STRICT in sent.target and got.status == 400]
    assert len(bodies) >= 15
    delivered = [got.body for sent, got in answers if sent.target == "/__admin/hooks/deliveries"]
    assert any(b'"attempt":2' in body for body in delivered), "what nobody took is tried again"
    assert min(methods[method] for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT")) >= 20
    assert sum(bool(sent.body) for sent, _ in answers) >= 100
    for way in WAYS:
        assert sum(unsendable(way, sent) is not None for sent, _ in answers) <= 15


def test_letters_beyond_ascii_do_no_harm_through_httpx() -> None:
    """Where its path is ambiguous, there is an answer all the same."""
    with WAYS["httpx.WSGITransport"](emulator()) as send:
        for path in ("/api/v1/oms/packages/ş/", "/api/v1/oms/packages/é/", "/日本/", "/w/日本/", "/__admin/日本"):
            assert send(Sent("GET", path, {"Authorization": "Token full-access"})).status == 404
