"""A request gets the same status, headers and bytes through every transport, with or without a socket."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from emulator import Emulator
from emulator.core.errors import InvalidDocument
from emulator.domain.fault_rules import FAULT_KINDS, refuse_ended_connection
from emulator.web import ServerName
from emulator.web.fault_injection import parse_fault_header
from tests.transports.conditions import STRICT, HttpRequest
from tests.transports.corpus import corpus
from tests.transports.transports import INCOMPLETE, TRANSPORTS, TransportResponse, socket


def emulator(server: ServerName = "waitress") -> Emulator:
    oms = Emulator("demo", packages=40, allow_fault_header=True, allow_hosts=["oms.test"], server=server)
    oms.in_world(STRICT).world.strict = True
    for world in oms.worlds.all():  # otherwise payloads contain the address of the server, if there is one
        world.settings = replace(world.settings, source=replace(world.settings.source, base_url="http://oms.example"))
    return oms


@cache
def existing_ids() -> tuple[int, int]:
    """Return the ids of a package and a transfer order."""
    client = emulator().session()
    ids = [client.get(f"/api/v1/oms/{path}/").json()["results"][3]["id"] for path in ("packages", "transfer_orders")]
    return ids[0], ids[1]


@cache
def expected() -> tuple[tuple[HttpRequest, TransportResponse], ...]:
    """Return the corpus with the responses through a socket."""
    with socket(emulator()) as send:
        return tuple((request, send(request)) for request in corpus(*existing_ids()))


def unsendable_reason(transport: str, request: HttpRequest) -> str | None:
    """Return why a transport cannot send a request unchanged, or None."""
    if transport == "httpx.WSGITransport" and re.search(r"%[89A-Fa-f]", request.target.partition("?")[0]):
        return (
            "its PATH_INFO contains decoded text instead of the bytes that WSGI requires, so non-ASCII is ambiguous"
        )
    return None


def is_refused_by_granian(request: HttpRequest) -> bool:
    """Return whether a request injects or arms a fault that ends the connection."""
    try:
        if request.target.endswith("/__admin/faults") and request.method == "POST":
            fault = json.loads(request.body)
            if fault["kind"] in FAULT_KINDS:
                refuse_ended_connection(fault["kind"])
        elif (header := request.headers.get("X-Emulator-Fault", "")).partition(";")[0] in FAULT_KINDS:
            refuse_ended_connection(parse_fault_header(header).kind)
    except InvalidDocument as error:
        return "granian" in str(error)
    return False


def test_granian_gives_the_same_bytes_as_waitress() -> None:
    """Faults that end a connection are not in this corpus, because granian refuses them."""
    requests = [request for request in corpus(*existing_ids()) if not is_refused_by_granian(request)]
    with socket(emulator()) as send, socket(emulator("granian")) as send_to_granian:
        differences = [
            f"{request.method} {request.target} {request.headers}: {through_granian} instead of {through_waitress}"
            for request in requests
            if (through_waitress := send(request)) != (through_granian := send_to_granian(request))
        ]
    assert not differences, f"{len(differences)} of {len(requests)} differ:\n" + "\n".join(differences[:10])
    assert len(requests) >= 550


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_transport_without_a_socket_gives_the_same_bytes(transport: str) -> None:
    """Responses contain request ids, links and times."""
    differences: list[str] = []
    expected_responses = expected()
    with TRANSPORTS[transport](emulator()) as send:
        for request, through_socket in expected_responses:
            response = send(request)
            if response != through_socket and unsendable_reason(transport, request) is None:
                line = f"{request.method} {request.target} {request.headers}: {response} instead of {through_socket}"
                differences.append(line[:600])
    assert not differences, f"{len(differences)} of {len(expected())} differ:\n" + "\n".join(differences[:10])


def test_corpus_covers_methods_statuses_and_headers() -> None:
    """It has hundreds of requests, few of which a transport cannot send."""
    answers = expected()
    statuses = Counter(response.status for _, response in answers)
    methods = Counter(request.method for request, _ in answers)
    assert len(answers) >= 600
    assert {200, 201, 204, 301, 400, 401, 403, 404, 405, 406, 415, 429, 503} <= statuses.keys()
    assert statuses[INCOMPLETE.status] >= 10
    headers = Counter(name for _, response in answers for name, _ in response.headers)
    assert min(headers["X-Emulator-Hint"], headers["X-Emulator-Fault"] * 10) >= 300
    assert all("X-Emulator-Fault" in dict(response.headers) for _, response in answers if response.status >= 500)
    bodies = [response.body for request, response in answers if STRICT in request.target and response.status == 400]
    assert len(bodies) >= 15
    delivered = [response.body for request, response in answers if request.target == "/__admin/hooks/deliveries"]
    assert any(b'"attempt":2' in body for body in delivered), "failed deliveries are retried"
    assert min(methods[method] for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT")) >= 20
    assert sum(bool(request.body) for request, _ in answers) >= 100
    for transport in TRANSPORTS:
        assert sum(unsendable_reason(transport, request) is not None for request, _ in answers) <= 15


def test_httpx_gets_a_404_for_a_non_ascii_path() -> None:
    with TRANSPORTS["httpx.WSGITransport"](emulator()) as send:
        for path in ("/api/v1/oms/packages/ş/", "/api/v1/oms/packages/é/", "/日本/", "/w/日本/", "/__admin/日本"):
            assert send(HttpRequest("GET", path, {"Authorization": "Token full-access"})).status == 404
