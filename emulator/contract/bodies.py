"""Bodies that cannot be taken: other media types, broken JSON, missing fields, records that do not exist."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.contract.answers import document, expect, finding, out_of_shape, words_other_than
from emulator.contract.discovery import sample, unknown
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import Target
from emulator.core import schemas
from emulator.routes import Route

JSON = {"Content-Type": "application/json"}


def unsupported_media_type(target: Target, route: Route) -> Iterator[Finding]:
    path = sample(target, route, 1)[0]
    answer = target.ask(route.method, path, data="text", headers={"Content-Type": "text/plain"})
    yield from words_other_than(route, expect(route, answer, 415), 'Unsupported media type "text/plain" in request.')


def malformed_json(target: Target, route: Route) -> Iterator[Finding]:
    answer = target.ask(route.method, sample(target, route, 1)[0], data='{"', headers=JSON)
    yield from words_other_than(route, expect(route, answer, 400), "JSON parse error")


def missing_fields(target: Target, route: Route) -> Iterator[Finding]:
    """Every field that must be there is named."""
    answer = expect(route, target.ask(route.method, sample(target, route, 1)[0], json={}), 400)
    yield from out_of_shape(route, answer, str(route.replies[400]))
    body = document(route, answer)
    named = body.get("error", body)
    for field in schemas.schema(str(route.body))["required"]:
        if field not in named:
            seen, wanted = f"names {', '.join(named)}", f"must name the missing field {field}"
            yield finding(route, answer, Kind.VALUE, seen, wanted, f"/{field}")


def unknown_record(target: Target, route: Route) -> Iterator[Finding]:
    """The record is looked up before the body is read."""
    answer = expect(route, target.ask(route.method, unknown(route.path), json={}), 404)
    yield from words_other_than(route, answer, "Not found.")


def wrong_login(target: Target, route: Route) -> Iterator[Finding]:
    """Nobody's name and password get no token."""
    nobody = {"username": "nobody-has-this-name", "password": "nor-this"}
    answer = expect(route, target.ask("POST", route.path, json=nobody, token=None), 400)
    yield from out_of_shape(route, answer, str(route.replies[400]))
    body = document(route, answer)
    if "non_field_errors" not in body:
        seen = f"names {', '.join(body)}"
        yield finding(route, answer, Kind.VALUE, seen, "must say why under non_field_errors", "/non_field_errors")
