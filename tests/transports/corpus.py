"""Several hundred requests of every kind: from the routes, the contract, the oracle's tables, and edge cases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.contract import Target, run
from tests.oracle.request_tables import REQUESTS
from tests.oracle.wire import HOST, RawRequest
from tests.transports.conditions import HttpRequest, fault_requests, hook_requests, strict_mode_requests

JSON = "application/json"
ORACLE_REQUEST_INTERVAL = 5
"""One oracle request in this many is used, because five transports with all of them would take too long."""
BODIES = (
    (b"", None),
    (b"{}", JSON),
    (b'{"remote_id": "R-\xc5\x9f", "invoice_number": "I 1", "slug": "nonsense"}', JSON),
    (b"remote_id=R+1&invoice_number=%C5%9F", "application/x-www-form-urlencoded"),
    (b'{"remote_id": ', JSON),
    (b"<x/>", "text/xml"),
)
UNICODE = ("packages/ş/", "packages/é/", "日本/", "packages/6501/ş", "packages/%F0%9F%93%A6/", "packages/%ff/")
QUERIES = (
    "q=ş",
    "q=%C5%9F+%26",
    "limit=2&page=2",
    "limit=x",
    "page=last&limit=7",
    "sort=-id,pk",
    "format=xml",
    "a=1&a=2&b",
)
ACCEPTS = ("text/html", "application/json; indent=4", "*/*;q=0.1", "image/png, application/json", "nonsense", "")
HEADERS = (
    {"Accept-Language": "tr"},
    {"Origin": "http://localhost:3000"},
    {"X-Emulator-World": "default"},
    {"X-Emulator-World": "nowhere"},
    {"X-Odd": 'a,b;c="d"'},
    {"If-None-Match": "*"},
    {"Cookie": "a=b"},
)


def corpus(package: int, transfer: int) -> list[HttpRequest]:
    """Return all requests in order, with these ids in their paths. Requests without conditions are unique."""
    requests = [
        *route_requests(package, transfer),
        *edge_case_requests(package),
        *oracle_requests(package, transfer),
        *contract_requests(),
    ]
    plain = {repr(request): request for request in requests}.values()
    return [*plain, *strict_mode_requests(package), *hook_requests(package), *fault_requests(package)]


def authorized(scheme: str = "Token full-access", **headers: str) -> dict[str, str]:
    return {"Authorization": scheme} | headers


def route_requests(package: int, transfer: int) -> Iterator[HttpRequest]:
    """Yield every route with its method, HEAD, OPTIONS, PUT and no credentials; writes with every body."""
    for route in ROUTES:
        pk = transfer if "transfer" in route.operation else package
        path = re.sub(r"<\.\.\.rest>", "1/1.jpg", re.sub(r"<(?!\.)[^>]+>", str(pk), route.path))
        scheme = "Token full-access" if route.auth_scheme != "Bearer" else "Bearer nonsense"
        for method in (route.method, "HEAD", "OPTIONS", "PUT"):
            yield HttpRequest(method, path, authorized(scheme))
        yield HttpRequest(route.method, path, {})
        yield HttpRequest(route.method, path + "?limit=3", authorized("Token read-only"))
        if route.method != "GET":
            for body, kind in BODIES:
                yield HttpRequest(
                    route.method, path, authorized(scheme, **({"Content-Type": kind} if kind else {})), body
                )


def edge_case_requests(package: int) -> Iterator[HttpRequest]:
    root = "/api/v1/oms/"
    for path in UNICODE:
        yield HttpRequest("GET", root + percent_encode(path), authorized())
    for query in QUERIES:
        yield HttpRequest("GET", f"{root}packages/?{percent_encode(query)}", authorized())
        yield HttpRequest("HEAD", f"{root}transfer_orders/?{percent_encode(query)}", authorized())
    for accept in ACCEPTS:
        yield HttpRequest("GET", f"{root}packages/{package}/", authorized(Accept=accept))
    for headers in HEADERS:
        yield HttpRequest("GET", f"{root}packages/{package}/", authorized(**headers))
    for method in ("GET", "OPTIONS", "POST"):
        preflight = {"Origin": "http://x.test", "Access-Control-Request-Method": "POST"}
        yield HttpRequest(method, f"{root}packages/", preflight)
    yield HttpRequest("GET", "/__admin/health", {})
    yield HttpRequest("GET", "/__admin/nothing", {})
    yield HttpRequest("GET", "/w/default/api/v1/oms/packages/?limit=2", authorized())
    yield HttpRequest("GET", "/w/nowhere/api/v1/oms/packages/", authorized())
    yield HttpRequest(
        "POST", f"{root}packages/{package}/set_remote_id/", authorized(**{"Content-Type": JSON}), b"x" * 70_000
    )


PLACEHOLDER = re.compile(r"{\w+}")


def percent_encode(text: str) -> str:
    """Percent-encode non-ASCII characters, as every client does."""
    return "".join(
        letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in text
    )


def oracle_requests(package: int, transfer: int) -> Iterator[HttpRequest]:
    """Yield a sample of the oracle's requests that every client can send."""
    ids = {"{package}": str(package), "{transfer}": str(transfer)}
    for request in [request for request in REQUESTS if is_sendable(request)][::ORACLE_REQUEST_INTERVAL]:
        target = PLACEHOLDER.sub(lambda found: ids.get(found[0], "1"), request.target)
        optional = {
            "Authorization": request.authorization,
            "Accept": request.accept,
            "Content-Type": request.content_type,
        }
        headers = {name: value for name, value in optional.items() if value is not None}
        yield HttpRequest(request.method, target, headers, request.body)


def contract_requests() -> Iterator[HttpRequest]:
    """Yield the requests of the contract checks, from the journal."""
    oms = Emulator("demo", packages=40, journal_size=10_000)
    run(Target(oms.url, session=oms.session(), allow_writes=True))
    for exchange in reversed(list(oms.world.journal.newest_first())):
        known = {name: exchange.request_headers.get(key) for name, key in HEADER_VARIABLES.items()}
        headers = {name: value for name, value in known.items() if value}
        query = f"?{exchange.query}" if exchange.query else ""
        yield HttpRequest(exchange.method, quote(exchange.path) + query, headers, exchange.info.body)


HEADER_VARIABLES = {"Authorization": "HTTP_AUTHORIZATION", "Accept": "HTTP_ACCEPT", "Content-Type": "CONTENT_TYPE"}


def is_sendable(request: RawRequest) -> bool:
    """Return whether every HTTP library sends the request unchanged."""
    texts = (request.authorization, request.accept, request.content_type)
    return (
        request.host == HOST
        and request.content_length is None
        and len(request.body) < 100_000
        and re.fullmatch(r"/[\w/.%{}?&=,+-]{0,500}", request.target, re.ASCII) is not None
        and re.fullmatch(r"(/(?!\.\.?/)[^/?]+)+/?(\?.*)?", request.target) is not None
        and re.search(r"%(?![0-9A-Fa-f]{2})|%25|%2[fF]|%00", request.target) is None
        and re.fullmatch(r"[A-Z]{3,}", request.method) is not None
        and request.method not in ("CONNECT", "TRACE")
        and all(text is None or re.fullmatch(r"[!-~]([ -~]*[!-~])?", text) for text in texts)
        and not any("{" in (text or "") for text in texts)
    )
