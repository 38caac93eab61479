"""Limits: off unless asked for, asked for in scenarios, Python and on the command line, and a world's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.refusals import InvalidDocument
from emulator.rules.limits import Rate, as_limits, rate_of

LIST = "/api/v1/oms/packages/?limit=1"
TWO = {"full-access": {"read": "2/min"}}


def statuses(oms: Any, times: int) -> list[int]:
    return [oms.session().get(LIST).status_code for _ in range(times)]


def test_nothing_is_limited_unless_asked(oms: Emulator) -> None:
    assert set(statuses(oms, 200)) == {200}


def test_retry_after_is_by_the_worlds_clock() -> None:
    oms = Emulator("demo", limits=TWO)
    assert statuses(oms, 2) == [200, 200]
    refused = oms.session().get(LIST)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    oms.clock.advance(seconds=59)
    assert oms.session().get(LIST).headers["Retry-After"] == "1"
    oms.clock.advance(seconds=1)
    assert statuses(oms, 3) == [200, 200, 429]


def test_a_scenario_may_have_limits_and_worlds_count_for_themselves(tmp_path: Path) -> None:
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
def test_rates_are_the_frameworks(text: str, rate: Rate) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize("text", ["", "100", "0/min", "-1/min", "1/week", "1/", "x/min", "1/min;", "1.5/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument, match="is not a rate; use a number per"):
        Emulator("empty", limits={"full-access": {"read": text}})


def test_the_command_lines_form() -> None:
    limits = as_limits(["full-access:read=100/min", "full-access:write=20/min", "read-only:read=1/s"])
    assert limits == {"full-access": {"read": "100/min", "write": "20/min"}, "read-only": {"read": "1/s"}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("full-access", "is not a limit; write role:scope=rate, such as full-access:read=100/min"),
        ("nobody:read=1/s", "unknown token 'nobody'; known: full-access"),
        ("full-access:look=1/s", "unknown scope 'look'; known: read, write"),
    ],
)
def test_wrong_limits_are_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InvalidDocument, match=says):
        as_limits([text])
