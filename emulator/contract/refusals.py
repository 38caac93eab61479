"""Commands that must be refused, in the documented form and under the documented key; nothing may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.contract.answers import document, expect, finding, out_of_shape
from emulator.contract.discovery import NO_COMMANDS, UNKNOWN, Row, first, owner_path, record
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import Target
from emulator.routes import Route


def unknown_transition(target: Target, route: Route) -> Iterator[Finding]:
    yield from refused(target, route, any_record(target, route), {"transition": UNKNOWN}, "transition")


def unknown_slug(target: Target, route: Route) -> Iterator[Finding]:
    yield from refused(target, route, any_record(target, route), {"slug": "nothing__bears__this__slug"}, "slug")


def neither(target: Target, route: Route) -> Iterator[Finding]:
    yield from refused(target, route, any_record(target, route), {}, "transition")


def disagreeing(target: Target, route: Route) -> Iterator[Finding]:
    """The id of one transition with the slug of another."""
    one_record = first(target, owner_path(route), lists_two, "no record lists two commands with slugs")
    one, another = two(one_record)
    asked = {"transition": one["id"], "slug": another["slug"]}
    yield from refused(target, route, one_record, asked, "slug")


def wrong_state(target: Target, route: Route) -> Iterator[Finding]:
    """A transition that another record lists, from another state than this one's."""
    owner = first(target, owner_path(route), lambda row: bool(row.get("commands")), NO_COMMANDS)
    transition = owner["commands"][0]
    other = first(
        target,
        owner_path(route),
        lambda row: row["state"]["id"] != transition["source_state"],
        "all records of the newest pages are in one state",
    )
    yield from refused(target, route, other, {"transition": transition["id"]}, "transition")


def any_record(target: Target, route: Route) -> Row:
    return first(target, owner_path(route), lambda _: True, "there is no record")


def two(record: Row) -> list[Any]:
    return [command for command in record["commands"] if "slug" in command][:2]


def lists_two(row: Row) -> bool:
    return len(two(row)) == 2


def refused(target: Target, route: Route, one: Row, asked: Mapping[str, Any], key: str) -> Iterator[Finding]:
    """Send the command; 400 in the documented form, the reason under the key, the record as it was."""
    path = f"{owner_path(route)}{one['id']}/"
    _, before = record(target, path)
    body = {**asked, "input_parameters": {}}
    answer = expect(route, target.ask("POST", f"{path}command/", json=body), 400)
    misshapen = list(out_of_shape(route, answer, str(route.replies[400])))
    yield from misshapen
    if not misshapen and key not in document(route, answer)["error"]:
        seen = f"the reason stands in {answer.text[:100]!r}"
        yield finding(route, answer, Kind.VALUE, seen, f"must stand under {key!r}", "/error")
    if record(target, path)[1] != before:
        seen = f"the refused command changed {path}"
        yield finding(route, answer, Kind.VALUE, seen, "must leave everything as it was")
