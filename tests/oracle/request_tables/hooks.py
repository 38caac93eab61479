"""The protocol of the router at `/whisperer/`. `tests/oracle_hooks` compares its documents and writes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.request_tables.everywhere import HUGE_PAGES, HUGE_SIZES, REPEATED
from tests.oracle.request_tables.urls import FORM, JSON
from tests.oracle.wire import RawRequest

ROOT = "/whisperer/"
HOOKS, EVENTS = ROOT + "hooks/", ROOT + "hook_events/"
HOOK, REGISTRY, EVENT = HOOKS + "{hook}/", HOOKS + "registry/", EVENTS + "{event}/"
RETRY = EVENT + "retry/"
NO_EVENTS = EVENTS + "?uuid=00000000-0000-0000-0000-000000000000"
WRITES = {HOOKS: ("POST",), HOOK: ("PUT", "PATCH", "DELETE"), RETRY: ("POST",)}
"""URL -> the methods that would change hooks or events, which other requests read."""
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP")
READER = "Token read-only"
STRANGERS = (None, "Token nope", "Token no-access", "Bearer x")
UNKNOWN_PATHS = (
    *("nowhere/", "nowhere", "hooks//", "/hooks/", "Hooks/", "hook/", "hooks/registry/x/", "hooks/{hook}/retry/"),
    *("hooks/{hook}//", "hook_events/{event}/retry/x/", "hook_events/{event}/nothing/", "hooks/registry//"),
)
WRONG_BODIES = (b"", b"{", b"[]", b"null", b'"x"', b"1", b"{}", b"NaN", b"\xff", b'{"target_url":1}')
WRONG_FORMS = (
    *(b"", b"target_url=", b"target_url=x&target_url=", b"is_active=x", b"event_type=%00", b"target_url=%ff", b"a=1"),
)


def build_requests() -> Iterator[RawRequest]:
    for target in (HOOKS, REGISTRY, HOOK, EVENTS, EVENT, RETRY):
        yield from requests_without_effect(target)
    for target in (HOOKS, NO_EVENTS):
        yield from page_requests(target)
    for number, unknown in enumerate(UNKNOWN_PATHS):
        for method in ("GET", "POST", "OPTIONS"):
            yield RawRequest(f"router nowhere {number} {method}", ROOT + unknown, method)
    for number, body in enumerate(WRONG_BODIES):
        yield RawRequest(f"router body {number}", HOOKS, "POST", content_type=JSON, body=body)
        yield RawRequest(f"router replacement {number}", HOOK, "PUT", content_type=JSON, body=body)
    for number, body in enumerate(WRONG_FORMS):
        yield RawRequest(f"router form {number}", HOOKS, "POST", content_type=FORM, body=body)
        yield RawRequest(f"router replacement by form {number}", HOOK, "PUT", content_type=FORM, body=body)


def requests_without_effect(target: str) -> Iterator[RawRequest]:
    plain = RawRequest(f"router {target}", target)
    for method in ALL_METHODS:
        if method not in WRITES.get(target, ()) and not shows_events(target, method):
            yield plain.variant(method, method=method)
        for number, stranger in enumerate(STRANGERS):
            yield plain.variant(f"{method} by stranger {number}", method=method, authorization=stranger)
        yield plain.variant(f"{method} as html", method=method, accept="text/html")
        yield plain.variant(f"{method} in xml", method=method, target=f"{target}?format=xml")
        yield plain.variant(f"{method} without a slash", method=method, target=target[:-1])
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        yield plain.variant(f"{method} by a reader", method=method, authorization=READER)
    yield plain.variant("at a bad host", host="a b")


def shows_events(target: str, method: str) -> bool:
    """Return whether the answer shows columns of events, which the other oracle compares."""
    return (target in {EVENTS, EVENT} and method in {"GET", "HEAD"}) or (target, method) == (RETRY, "OPTIONS")


def page_requests(target: str) -> Iterator[RawRequest]:
    joint = "&" if "?" in target else "?"
    queries = (
        *(f"page={page}" for page in HUGE_PAGES),
        *(f"limit={size}" for size in HUGE_SIZES),
        *(query.format(size="limit") for query in REPEATED),
        *("page=last", "limit=1&page=2", "sort=-id&sort=id", "sort=x", "is_active=true&is_active=x"),
    )
    for number, query in enumerate(queries):
        for method in ("GET", "HEAD"):
            yield RawRequest(f"router {method} {target} page {number}", target + joint + query, method)
