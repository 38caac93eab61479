"""The request context parses each part of a request once, however many features use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.errors import BadRequest, ParseError
from emulator.core.records import Package
from emulator.web import context as context_module
from emulator.web.context import RequestContext, RequestHead, Router
from tests.oracle.wire import RawRequest

LIST = "/api/v1/oms/packages/"
PARSERS = ("authenticate", "parse_query", "parse_body")

REQUESTS: dict[str, tuple[str, str, dict[str, Any], dict[str, int]]] = {
    "plain read": ("GET", LIST + "{pk}/", {}, {"match": 1, "authenticate": 1}),
    "list": ("GET", LIST + "?state=35", {}, {"match": 1, "authenticate": 1, "parse_query": 1}),
    "refused query": ("GET", LIST + "?state=x", {}, {"match": 1, "authenticate": 1, "parse_query": 1}),
    "command": ("POST", LIST + "{pk}/command/", {"json": {"slug": "x", "input_parameters": {}}}, {"match": 1, "authenticate": 1, "parse_body": 1}),
    "null": ("POST", LIST + "{pk}/command/", {"data": b"null", "headers": {"Content-Type": "application/json"}}, {"match": 1, "authenticate": 1, "parse_body": 1}),
    "broken body": ("POST", LIST + "{pk}/command/", {"data": b"{", "headers": {"Content-Type": "application/json"}}, {"match": 1, "authenticate": 1, "parse_body": 1}),
    "ignored body": ("POST", LIST + "{pk}/invoice/", {"json": {"x": 1}}, {"match": 1, "authenticate": 1, "parse_body": 1}),
    "wrong token": ("GET", LIST, {"headers": {"Authorization": "Token x"}}, {"match": 1, "authenticate": 1}),
}  # fmt: skip


def count_calls(function: Callable[..., Any], name: str, counts: Counter[str]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        counts[name] += 1
        return function(*args)

    return call


@pytest.mark.parametrize("is_faulted", [False, True])
@pytest.mark.parametrize("name", REQUESTS)
def test_each_part_of_a_request_is_parsed_once(
    name: str, is_faulted: bool, oms: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An armed fault reads the match and the credential before the dispatcher does."""
    method, path, options, expected = REQUESTS[name]
    package = next(one for one in oms.world.records.all(Package) if one.state == 35)
    if is_faulted:
        oms.faults.add(kind="delay", seconds=0)
    counts: Counter[str] = Counter()
    for parser in PARSERS:
        monkeypatch.setattr(context_module, parser, count_calls(getattr(context_module, parser), parser, counts))
    client, match = oms.session(), Router.match
    monkeypatch.setattr(
        oms._emulator_app.router, "match", count_calls(match.__get__(oms._emulator_app.router), "match", counts)
    )
    client.request(method, path.format(pk=package.id), **options)
    assert counts == expected


def test_repeated_read_parses_only_a_new_credential(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    client = oms.session()
    first = client.get(LIST).content
    counts: Counter[str] = Counter()
    for parser in PARSERS:
        monkeypatch.setattr(context_module, parser, count_calls(getattr(context_module, parser), parser, counts))
    assert client.get(LIST).content == first
    assert counts == {}
    assert client.get(LIST, headers={"Authorization": "Token read-only"}).content == first
    assert counts == {"authenticate": 1}


def test_parse_error_is_stored_and_raised_again(oms: Emulator) -> None:
    """The stream of the body can only be read once."""
    request = RawRequest("", f"{LIST}?{'&' * 2000}", "POST", content_type="application/json", body=b"{")
    context = RequestContext(request.environ(), oms.world, oms._emulator_app.router, RequestHead("default", "", LIST))
    for _ in range(2):
        with pytest.raises(ParseError, match="JSON parse error"):
            _ = context.body
        with pytest.raises(BadRequest):
            _ = context.query
    assert (context.body_bytes, context.parsed_body) == (b"{", None)
