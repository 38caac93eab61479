"""Rate limits: set in scenarios, in Python and on the command line; each world has its own counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.credentials import Rate, parse_limits, parse_rate
from emulator.core.errors import InvalidDocument

LIST = "/api/v1/oms/packages/?limit=1"
TWO = {"full-access": {"read": "2/min"}}


def statuses(oms: Any, times: int) -> list[int]:
    return [oms.session().get(LIST).status_code for _ in range(times)]


@pytest.mark.medium
def test_nothing_is_limited_by_default(oms: Emulator) -> None:
    assert set(statuses(oms, 200)) == {200}


def test_retry_after_depends_on_the_clock_of_the_world() -> None:
    oms = Emulator("demo", limits=TWO)
    assert statuses(oms, 2) == [200, 200]
    refused = oms.session().get(LIST)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    oms.clock.advance(seconds=59)
    assert oms.session().get(LIST).headers["Retry-After"] == "1"
    oms.clock.advance(seconds=1)
    assert statuses(oms, 3) == [200, 200, 429]


def test_limits_of_a_scenario_are_counted_per_world(tmp_path: Path) -> None:
    file = tmp_path / "limited.json"
    file.write_text(json.dumps({"name": "limited", "packages": 2, "limits": TWO}), "utf-8")
    oms = Emulator(file)
    assert statuses(oms, 3) == [200, 200, 429]
    branch = oms.branch("branch")
    assert statuses(branch, 1) == [429]
    assert statuses(oms.in_world("other"), 3) == [200, 200, 429]
    oms.reset()
    assert statuses(oms, 3) == [200, 200, 429]
    assert statuses(branch, 1) == [429]
    assert oms.export()["limits"] == TWO


@pytest.mark.parametrize(
    ("text", "rate"),
    [("100/min", Rate(100, 60)), ("1/s", Rate(1, 1)), ("7/hour", Rate(7, 3600)), ("9/day", Rate(9, 86_400))],
)
def test_rate_is_parsed_as_the_framework_parses_it(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "100", "0/min", "-1/min", "1/week", "1/", "x/min", "1/min;", "1.5/s"])
def test_invalid_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument, match="is not a rate; use a number per"):
        Emulator("empty", limits={"full-access": {"read": text}})


def test_command_line_limits_are_parsed() -> None:
    limits = parse_limits(["full-access:read=100/min", "full-access:write=20/min", "read-only:read=1/s"])
    assert limits == {"full-access": {"read": "100/min", "write": "20/min"}, "read-only": {"read": "1/s"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("full-access", "is not a limit; write role:scope=rate, such as full-access:read=100/min"),
        ("guest:read=1/s", "unknown token 'guest'; known: full-access"),
        ("full-access:look=1/s", "unknown scope 'look'; known: read, write"),
    ],
)
def test_invalid_limit_is_refused_with_a_one_line_error(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message):
        parse_limits([text])
