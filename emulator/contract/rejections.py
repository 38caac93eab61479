"""Checks of requests that must be rejected: wrong URLs, credentials, methods, media types, bodies and commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.api.routes import Route
from emulator.contract.assertions import (
    NO_COMMANDS,
    PLACEHOLDER,
    UNKNOWN_ID,
    Row,
    check_detail,
    check_header,
    check_schema,
    expect_status,
    fetch,
    finding,
    first_row,
    list_path,
    parse_json,
    sample_paths,
    with_unknown_id,
)
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import Target
from emulator.core import schemas

UNKNOWN_TOKEN = "nobody-has-this-token"  # noqa: S105 - not a secret
UNKNOWN_USER = {"username": "nobody-has-this-name", "password": "nor-this"}
UNKNOWN_METHOD = "PROPFIND"
"""A method that no view of the framework has. A server that wrongly allows DELETE would lose data."""
JSON = {"Content-Type": "application/json"}


# Protocol


def no_credentials(target: Target, route: Route) -> Iterator[Finding]:
    return rejected_credentials(target, route, None, "Authentication credentials were not provided.")


def wrong_token(target: Target, route: Route) -> Iterator[Finding]:
    return rejected_credentials(target, route, UNKNOWN_TOKEN, "Invalid token.")


def rejected_credentials(target: Target, route: Route, token: str | None, detail: str) -> Iterator[Finding]:
    # The framework authenticates before it checks the method, so GET works for operations that write too.
    response = expect_status(route, target.request("GET", with_unknown_id(route.path), token=token), 401)
    yield from check_header(route, response, "WWW-Authenticate", str(route.auth_scheme))
    yield from check_detail(route, response, detail)


def wrong_method(target: Target, route: Route) -> Iterator[Finding]:
    response = expect_status(route, target.request(UNKNOWN_METHOD, with_unknown_id(route.path)), 405)
    yield from check_header(route, response, "Allow", route.method)
    yield from check_detail(route, response, f'Method "{UNKNOWN_METHOD}" not allowed.')


def not_acceptable(target: Target, route: Route) -> Iterator[Finding]:
    path = with_unknown_id(route.path)
    response = expect_status(route, target.request("GET", path, headers={"Accept": "text/html"}), 406)
    yield from check_detail(route, response, "Could not satisfy the request Accept header.")


def missing_slash(target: Target, route: Route) -> Iterator[Finding]:
    path = with_unknown_id(route.path)
    response = expect_status(route, target.get(path.removesuffix("/")), 301)
    location = response.headers.get("Location")
    if not (location or "").endswith(path):
        yield finding(route, response, Kind.HEADER, f"Location is {location!r}", f"must lead to {path}")


def unknown_id(target: Target, route: Route) -> Iterator[Finding]:
    """With two ids in the path, each of them is unknown in turn."""
    paths = [with_unknown_id(route.path)]
    if route.path.count("<") > 1:
        parent = sample_paths(target, route, 1)[0].removesuffix("/").rpartition("/")[0]
        paths.append(f"{parent}/{UNKNOWN_ID}/")
    for path in paths:
        response = expect_status(route, target.get(path), 404)
        yield from check_detail(route, response, "Not found.")


def word_for_id(target: Target, route: Route) -> Iterator[Finding]:
    """No URL matches, so the framework's HTML page is the response."""
    response = expect_status(route, target.get(PLACEHOLDER.sub("word", route.path)), 404)
    yield from check_header(route, response, "Content-Type", "text/html")


# Bodies


def unsupported_media_type(target: Target, route: Route) -> Iterator[Finding]:
    path, headers = sample_paths(target, route, 1)[0], {"Content-Type": "text/plain"}
    response = expect_status(route, target.request(route.method, path, data="text", headers=headers), 415)
    yield from check_detail(route, response, 'Unsupported media type "text/plain" in request.')


def malformed_json(target: Target, route: Route) -> Iterator[Finding]:
    path = sample_paths(target, route, 1)[0]
    response = expect_status(route, target.request(route.method, path, data='{"', headers=JSON), 400)
    yield from check_detail(route, response, "JSON parse error")


def missing_fields(target: Target, route: Route) -> Iterator[Finding]:
    """The response names every required field."""
    response = expect_status(route, target.request(route.method, sample_paths(target, route, 1)[0], json={}), 400)
    yield from check_schema(route, response, str(route.responses[400]))
    body = parse_json(route, response)
    named = body.get("error", body)
    for field in schemas.load_schema(str(route.request_schema))["required"]:
        if field not in named:
            seen, expected = f"names {', '.join(named)}", f"must name the missing field {field}"
            yield finding(route, response, Kind.VALUE, seen, expected, f"/{field}")


def unknown_record(target: Target, route: Route) -> Iterator[Finding]:
    """The record is looked up before the body is read."""
    response = expect_status(route, target.request(route.method, with_unknown_id(route.path), json={}), 404)
    yield from check_detail(route, response, "Not found.")


def wrong_login(target: Target, route: Route) -> Iterator[Finding]:
    response = expect_status(route, target.request("POST", route.path, json=UNKNOWN_USER, token=None), 400)
    yield from check_schema(route, response, str(route.responses[400]))
    body = parse_json(route, response)
    if "non_field_errors" not in body:
        seen, expected = f"names {', '.join(body)}", "must have the reason under non_field_errors"
        yield finding(route, response, Kind.VALUE, seen, expected, "/non_field_errors")


# Commands


def unknown_transition(target: Target, route: Route) -> Iterator[Finding]:
    return rejected_command(target, route, any_record(target, route), {"transition": UNKNOWN_ID}, "transition")


def unknown_slug(target: Target, route: Route) -> Iterator[Finding]:
    return rejected_command(target, route, any_record(target, route), {"slug": "no__transition__has__this"}, "slug")


def neither_id_nor_slug(target: Target, route: Route) -> Iterator[Finding]:
    return rejected_command(target, route, any_record(target, route), {}, "transition")


def conflicting_id_and_slug(target: Target, route: Route) -> Iterator[Finding]:
    reason = "no record lists two commands with slugs"
    record = first_row(target, list_path(route), lambda row: len(commands_with_slug(row)) == 2, reason)
    one, other = commands_with_slug(record)
    body = {"transition": one["id"], "slug": other["slug"]}
    yield from rejected_command(target, route, record, body, "slug")


def wrong_state(target: Target, route: Route) -> Iterator[Finding]:
    """The transition starts from another state than the record's."""
    path = list_path(route)
    transition = first_row(target, path, lambda row: bool(row.get("commands")), NO_COMMANDS)["commands"][0]
    source = transition["source_state"]
    reason = "all records of the newest pages are in one state"
    other = first_row(target, path, lambda row: bool(row["state"]["id"] != source), reason)
    yield from rejected_command(target, route, other, {"transition": transition["id"]}, "transition")


def any_record(target: Target, route: Route) -> Row:
    return first_row(target, list_path(route), lambda _: True, "there is no record")


def commands_with_slug(record: Row) -> list[Any]:
    return [command for command in record["commands"] if "slug" in command][:2]


def rejected_command(
    target: Target, route: Route, record: Row, command: Mapping[str, Any], key: str
) -> Iterator[Finding]:
    """Send the command. It must be a 400 with the reason under the key, and must not change the record."""
    path = f"{list_path(route)}{record['id']}/"
    _, before = fetch(target, path)
    body = {**command, "input_parameters": {}}
    response = expect_status(route, target.request("POST", f"{path}command/", json=body), 400)
    problems = list(check_schema(route, response, str(route.responses[400])))
    yield from problems
    if not problems and key not in parse_json(route, response)["error"]:
        seen = f"the reason is in {response.text[:100]!r}"
        yield finding(route, response, Kind.VALUE, seen, f"must be under {key!r}", "/error")
    if fetch(target, path)[1] != before:
        seen = f"the rejected command changed {path}"
        yield finding(route, response, Kind.VALUE, seen, "must change nothing")
