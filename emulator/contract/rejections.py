"""Checks of requests that must be rejected: wrong URLs, credentials, methods, media types, bodies and commands.

Each function checks one promise. `checks.TOPICS` lists the promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from emulator.api.routes import Route
from emulator.contract.assertions import CheckedResponse, get, send
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import (
    NO_COMMANDS,
    PLACEHOLDER,
    UNKNOWN_ID,
    Target,
    list_path,
    record_path,
    with_unknown_id,
)
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import load_schema

UNKNOWN_KEY = "unknown-token"
UNKNOWN_USER = {"username": "unknown-user", "password": "unknown-password"}
UNKNOWN_METHOD = "PROPFIND"
"""A method that no view of the framework has. A server that wrongly allows DELETE would lose data."""
JSON = {"Content-Type": "application/json"}
NOT_FOUND = {"get_package_item": "Package item not found"}
"""Operation -> its text for an unknown id, if its page documents another text than the framework's."""


# Protocol


def rejected_credentials(target: Target, route: Route, *, key: str | None, detail: str) -> Iterator[Finding]:
    # The framework authenticates before it checks the method, so GET works for operations that write too.
    response = CheckedResponse(route, target.request("GET", with_unknown_id(route.path), token=key))
    yield from response.expect_status(401).check_header("WWW-Authenticate", str(route.auth_scheme))
    yield from response.check_detail(detail)


no_credentials = partial(rejected_credentials, key=None, detail="Authentication credentials were not provided.")
wrong_token = partial(rejected_credentials, key=UNKNOWN_KEY, detail="Invalid token.")


def wrong_method(target: Target, route: Route) -> Iterator[Finding]:
    response = CheckedResponse(route, target.request(UNKNOWN_METHOD, with_unknown_id(route.path)))
    yield from response.expect_status(405).check_header("Allow", route.method)
    yield from response.check_detail(f'Method "{UNKNOWN_METHOD}" not allowed.')


def not_acceptable(target: Target, route: Route) -> Iterator[Finding]:
    path = with_unknown_id(route.path)
    response = CheckedResponse(route, target.request("GET", path, headers={"Accept": "text/html"}))
    yield from response.expect_status(406).check_detail("Could not satisfy the request Accept header.")


def missing_slash(target: Target, route: Route) -> Iterator[Finding]:
    path = with_unknown_id(route.path)
    checked = get(target, route, path.removesuffix("/"), status=301)
    location = checked.response.headers.get("Location")
    if not (location or "").endswith(path):
        yield checked.finding(Kind.HEADER, f"Location is {location!r}", f"must lead to {path}")


def unknown_id(target: Target, route: Route) -> Iterator[Finding]:
    """Request an unknown id. With two ids in the path, each of them is unknown in turn."""
    paths = [with_unknown_id(route.path)]
    if route.path.count("<") > 1:
        paths.append(f"{record_path(target.sample_paths(route, 1)[0])}{UNKNOWN_ID}/")
    expected = NOT_FOUND.get(route.operation, "Not found.")
    for path in paths:
        yield from get(target, route, path, status=404).check_detail(expected)


def word_for_id(target: Target, route: Route) -> Iterator[Finding]:
    """Check that the framework's view answers, because its router accepts any text as an id."""
    response = get(target, route, PLACEHOLDER.sub("word", route.path), status=404)
    yield from response.check_detail("Not found.")


# Bodies


def unsupported_media_type(target: Target, route: Route) -> Iterator[Finding]:
    response = send_text(target, route, "text", {"Content-Type": "text/plain"})
    yield from response.expect_status(415).check_detail('Unsupported media type "text/plain" in request.')


def malformed_json(target: Target, route: Route) -> Iterator[Finding]:
    yield from send_text(target, route, '{"', JSON).expect_status(400).check_detail("JSON parse error")


def send_text(target: Target, route: Route, text: str, headers: dict[str, str]) -> CheckedResponse:
    path = target.sample_paths(route, 1)[0]
    return CheckedResponse(route, target.request(route.method, path, data=text, headers=headers))


def missing_fields(target: Target, route: Route) -> Iterator[Finding]:
    response = send(target, route, target.sample_paths(route, 1)[0], {}, status=400)
    yield from response.check_schema(str(route.responses[400]))
    body = response.json()
    named = body.get("error", body)
    for fields in required_fields(load_schema(str(route.request_schema))):
        if named.keys().isdisjoint(fields):
            seen, expected = f"names {', '.join(named)}", f"must name the missing field {' or '.join(fields)}"
            yield response.finding(Kind.VALUE, seen, expected, f"/{fields[0]}")


def required_fields(schema: Mapping[str, JsonValue]) -> list[tuple[str, ...]]:
    """Return the required fields of a body, or else the fields of which one is required."""
    if "required" in schema:
        return [(field,) for field in schema["required"]]
    choices = tuple(field for choice in schema.get("anyOf", ()) for field in choice["required"])
    return [choices] if choices else []


def unknown_record(target: Target, route: Route) -> Iterator[Finding]:
    yield from send(target, route, with_unknown_id(route.path), {}, status=404).check_detail("Not found.")


def wrong_login(target: Target, route: Route) -> Iterator[Finding]:
    response = CheckedResponse(route, target.request("POST", route.path, json=UNKNOWN_USER, token=None))
    yield from response.expect_status(400).check_schema(str(route.responses[400]))
    body = response.json()
    if "non_field_errors" not in body:
        seen, expected = f"names {', '.join(body)}", "must have the reason under non_field_errors"
        yield response.finding(Kind.VALUE, seen, expected, "/non_field_errors")


# Commands


def rejected_values(target: Target, route: Route, *, command: JsonObject, key: str) -> Iterator[Finding]:
    record = target.first_row(list_path(route), lambda _: True, "there is no record")
    yield from rejected_command(target, route, record, command, key)


unknown_transition = partial(rejected_values, command={"transition": UNKNOWN_ID}, key="transition")
unknown_slug = partial(rejected_values, command={"slug": "no__transition__has__this"}, key="slug")
neither_id_nor_slug = partial(rejected_values, command={}, key="transition")


def conflicting_id_and_slug(target: Target, route: Route) -> Iterator[Finding]:
    reason = "no record lists two commands with slugs"
    record = target.first_row(list_path(route), lambda row: len(commands_with_slug(row)) == 2, reason)
    one, other = commands_with_slug(record)
    body = {"transition": one["id"], "slug": other["slug"]}
    yield from rejected_command(target, route, record, body, "slug")


def wrong_state(target: Target, route: Route) -> Iterator[Finding]:
    """Send a transition that starts from another state than the record's."""
    path = list_path(route)
    transition = target.first_row(path, lambda row: bool(row.get("commands")), NO_COMMANDS)["commands"][0]
    source = transition["source_state"]
    reason = "all records of the newest pages are in one state"
    other = target.first_row(path, lambda row: bool(row["state"]["id"] != source), reason)
    yield from rejected_command(target, route, other, {"transition": transition["id"]}, "transition")


def commands_with_slug(record: JsonObject) -> list[JsonObject]:
    return [command for command in record["commands"] if "slug" in command][:2]


def rejected_command(
    target: Target, route: Route, record: JsonObject, command: JsonObject, key: str
) -> Iterator[Finding]:
    """Send the command. It must be a 400 with the reason under the key, and must not change the record."""
    path = f"{list_path(route)}{record['id']}/"
    _, before = target.fetch(path)
    checked = send(target, route, f"{path}command/", {**command, "input_parameters": {}}, status=400)
    problems = list(checked.check_schema(str(route.responses[400])))
    yield from problems
    if not problems and key not in checked.json()["error"]:
        seen = f"the reason is in {checked.response.text[:100]!r}"
        yield checked.finding(Kind.VALUE, seen, f"must be under {key!r}", "/error")
    if target.fetch(path)[1] != before:
        yield checked.finding(Kind.VALUE, f"the rejected command changed {path}", "must change nothing")
