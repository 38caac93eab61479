"""What every operation does before it does its work: address, credentials, method, media types."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.contract.answers import expect, finding, header_other_than, words_other_than
from emulator.contract.discovery import MARK, UNKNOWN, sample, unknown
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import Target
from emulator.routes import Route

NOBODYS_TOKEN = "nobody-has-this-token"  # noqa: S105 - the opposite of a secret
HARMLESS = "PROPFIND"
"""A method that no view of the framework takes: unlike DELETE, a server that does not refuse it loses nothing."""


def no_credentials(target: Target, route: Route) -> Iterator[Finding]:
    yield from refused_caller(target, route, None, "Authentication credentials were not provided.")


def wrong_token(target: Target, route: Route) -> Iterator[Finding]:
    yield from refused_caller(target, route, NOBODYS_TOKEN, "Invalid token.")


def refused_caller(target: Target, route: Route, token: str | None, words: str) -> Iterator[Finding]:
    # The framework asks who calls before it looks at the method, so GET does for operations that write too.
    answer = expect(route, target.ask("GET", unknown(route.path), token=token), 401)
    yield from header_other_than(route, answer, "WWW-Authenticate", str(route.scheme))
    yield from words_other_than(route, answer, words)


def wrong_method(target: Target, route: Route) -> Iterator[Finding]:
    answer = expect(route, target.ask(HARMLESS, unknown(route.path)), 405)
    yield from header_other_than(route, answer, "Allow", route.method)
    yield from words_other_than(route, answer, f'Method "{HARMLESS}" not allowed.')


def not_acceptable(target: Target, route: Route) -> Iterator[Finding]:
    """JSON is all that there is."""
    answer = expect(route, target.ask("GET", unknown(route.path), headers={"Accept": "text/html"}), 406)
    yield from words_other_than(route, answer, "Could not satisfy the request Accept header.")


def missing_slash(target: Target, route: Route) -> Iterator[Finding]:
    path = unknown(route.path)
    answer = expect(route, target.get(path.removesuffix("/")), 301)
    if not answer.headers.get("Location", "").endswith(path):
        seen = f"Location is {answer.headers.get('Location')!r}"
        yield finding(route, answer, Kind.HEADER, seen, f"must lead to {path}")


def unknown_id(target: Target, route: Route) -> Iterator[Finding]:
    """No record has the id; with two ids in the path, each of them in turn."""
    places = [unknown(route.path)]
    if route.path.count("<") > 1:
        parent = sample(target, route, 1)[0].removesuffix("/").rpartition("/")[0]
        places.append(f"{parent}/{UNKNOWN}/")
    for path in places:
        answer = expect(route, target.get(path), 404)
        yield from words_other_than(route, answer, "Not found.")


def word_for_id(target: Target, route: Route) -> Iterator[Finding]:
    """A word in the place of an id is no address at all: the framework's page, not its JSON."""
    answer = expect(route, target.get(MARK.sub("word", route.path)), 404)
    yield from header_other_than(route, answer, "Content-Type", "text/html")
