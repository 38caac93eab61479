"""Routing: URLs, methods and hosts."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import COMMAND, LISTS, LOGINS, PACKAGE, PACKAGES, READS, ROOT, UNKNOWN, WRITES
from tests.oracle.wire import RawRequest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP")
ODD_METHODS = ("get", "Post", "options", "CONNECT", "PROPFIND", "X", "GET2", "madeup")

UNKNOWN_PATHS = (
    "/", "", "/api", "/api/", "/api/v1/", "/api/v1/oms", "/api/v1/oms/", "/api/v2/oms/packages/", "/API/v1/oms/packages/",
    "/favicon.ico", "/robots.txt", "/nowhere", "/nowhere/", "//", "//api/v1/oms/packages/", "/api//v1/oms/packages/",
    "/api/v1/oms//packages/", "/api/v1/oms/packages//", "/api/v1/oms/packages/?x/", "/api/v1/oms/packages/index.html",
    "/api/v1/oms/Packages/", "/api/v1/oms/package/", "/api/v1/oms/transfer-orders/", "/api/v1/oms/packages.json",
    "/api/v1/oms/packages/%20/", "/api/v1/oms/packages /", "/api/v1/oms/packages/%2F/", "/api/v1/oms/%70ackages/?limit=1",
    "/api/v1/oms/packages%2F?limit=1", "/api/v1/oms/packages%2fshort/?limit=1", "/%ff", "/%ff/", "/api/v1/oms/packages/%ff/",
    "/api/v1/oms/packages/%C5%9F/", "/api/v1/oms/packages/%00/", "/api/v1/oms/./packages/", "/api/v1/oms/x/../packages/",
    "/api/v1/oms/packages/short/short/", "/api/v1/oms/packages/simple/", "/api/v1/oms/packages/list_simple/",
    "/api/v1/oms/packages/{package}/nothing/", "/api/v1/oms/packages/{package}/commands/", "/api/v1/oms/transfer_orders/short/",
    "/api/v1/oms/packages/{package}/webhook_events/short/1/", "/api/v1/oms/transfer_orders/{transfer}/short/",
    "/api/v1/oms/transfer_orders/{transfer}/transition_logs/short/1/", "/api/v1/oms/transfer_orders/{transfer}/invoice/",
    "/api/v1/oms/transfer_orders/delivery-ranges/", "/api/v1/auth/", "/api/v1/auth/logout/", "/api/v2/auth/login/",
    "/api/v1/oms/packages/{package}/command/1/", "/api/v1/oms/packages/{package}/transition_logs/short/abc/",
)  # fmt: skip
IDS = (
    UNKNOWN, "0", "00", "-1", "+1", "1.0", "1e1", "abc", "1a", "a1", "%D9%A3", "%C2%B2", "%201", "1%20", "1_0", "0x1", "null",
    "None", "9" * 18, "9" * 19, "9" * 30, "9" * 4300, "9" * 4301, "9" * 5000, "1,2", "*", "pk", "%31x", "1%00", "~", "1;2",
)  # fmt: skip
SLASHLESS_QUERIES = (
    "", "?", "?a=1", "?a=1&b=2&a=0", "?a=%20+", "?a=%C3%A9", "?a=\xe9", "?a=\xc3\xa9", "?a=/", "?a=%", "?a=[1]{2}", "?format=xml",
    "?a='\"<>", "?a=1#b", "?" + "a=1&" * 1001,
)  # fmt: skip
HOSTS = (
    "oms.test", "OMS.TEST:8000", "127.0.0.1:1", "[::1]", "[::1]:8080", "oms.test.", "-", "a..b", "localhost:99999999", "",
    " ", "a b", "a_b", "a/b", "a:b", "a:80:80", ":80", "[::1", "::1", "[zz]", "\xe9.test", "user@host", "a,b", "a\tb", "*",
    "http://oms.test", "[::1]:", "oms.test:", ".", "a?b", "xn--e1afmkfd.test", "[1:2.3.4.5]",
)  # fmt: skip


def build_requests() -> Iterator[RawRequest]:
    for target in (*READS, *WRITES):
        for method in METHODS:
            if not (target in WRITES and method == "POST"):
                yield RawRequest(f"{method} {target}", target, method)
    for method in ODD_METHODS:
        yield RawRequest(f"odd method {method} on a read", PACKAGES + "?limit=1", method)
        if method != "Post":
            yield RawRequest(f"odd method {method} on a write", COMMAND, method)
    for number, target in enumerate(UNKNOWN_PATHS):
        yield RawRequest(f"nowhere {number}", target)
        yield RawRequest(f"nowhere {number} by POST", target, "POST", None)
    yield from requests_with_ids()
    yield from requests_without_slash()
    for number, host in enumerate(HOSTS):
        yield RawRequest(f"host {number}", PACKAGES + UNKNOWN + "/", host=host)
        yield RawRequest(f"host {number} nowhere", "/nowhere/", host=host)
    yield RawRequest("bad host without a slash", PACKAGES[:-1], host="a b")


def requests_with_ids() -> Iterator[RawRequest]:
    for number, value in enumerate(IDS):
        yield RawRequest(f"id {number}", f"{PACKAGES}{value}/")
        yield RawRequest(f"id {number} of a log", f"{PACKAGE}transition_logs/{value}/")
        yield RawRequest(f"id {number} of a package with a log", f"{PACKAGES}{value}/transition_logs/1/")
        yield RawRequest(f"id {number} in a write", f"{ROOT}transfer_orders/{value}/command/", "POST")
    yield RawRequest("id with zeros before it", PACKAGES + "000{package}/")


def requests_without_slash() -> Iterator[RawRequest]:
    """Omit the trailing slash: with GET and POST on every operation, with every method on some."""
    for target in (*READS, *WRITES, *LOGINS):
        yield RawRequest(f"without a slash {target}", target[:-1])
        yield RawRequest(f"without a slash by POST {target}", target[:-1], "POST", None)
    for method in METHODS:
        for target in (LISTS[0], COMMAND):
            yield RawRequest(
                f"without a slash {method} {target}",
                target[:-1],
                method,
                body=b"{}",
                content_type="text/plain",
            )
    for number, query in enumerate(SLASHLESS_QUERIES):
        yield RawRequest(f"without a slash, with query {number}", PACKAGES[:-1] + query)
    for number, path in enumerate(
        ("%70ackages", "packages/{package}%2Fcommand", "packages/000{package}", "packages/short")
    ):
        yield RawRequest(f"without a slash, escaped {number}", ROOT + path)
