"""How often a token may call: rates as the framework writes them, for each role and scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from emulator.core.credentials import CREDENTIALS
from emulator.core.refusals import InvalidDocument

SCOPES = ("read", "write")
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""The framework looks at a period's first letter: `100/min`, `100/minute` and `100/m` are the same."""

Limits = Mapping[str, Mapping[str, str]]
"""Role -> scope -> rate."""


class Rate(NamedTuple):
    """So many calls in so many seconds."""

    calls: int
    seconds: int


@cache
def rate_of(text: str) -> Rate:
    """Read `100/min`; `InvalidDocument` for what is no rate."""
    number, _, period = text.partition("/")
    if not (number.isascii() and number.isdigit() and period[:1] in PERIODS and period.isalpha() and int(number[:9])):
        raise InvalidDocument(f"{text!r} is not a rate; use a number per s, min, hour or day, such as 100/min")
    return Rate(int(number[:9]), PERIODS[period[0]])


def checked_limits(limits: Any) -> dict[str, dict[str, str]]:
    """Give limits whose roles, scopes and rates are known; `InvalidDocument` names what would be."""
    found: dict[str, dict[str, str]] = {}
    for role, scopes in dict(limits).items():
        if role not in CREDENTIALS:
            raise InvalidDocument(f"limits: unknown token {role!r}", CREDENTIALS)
        for scope, rate in dict(scopes).items():
            if scope not in SCOPES:
                raise InvalidDocument(f"limits: unknown scope {scope!r}", SCOPES)
            rate_of(str(rate))
            found.setdefault(role, {})[scope] = str(rate)
    return found


def as_limits(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read limits as the command line has them: `full-access:read=100/min`."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        where, equals, rate = text.partition("=")
        role, colon, scope = where.partition(":")
        if not (equals and colon):
            raise InvalidDocument(f"{text!r} is not a limit; write role:scope=rate, such as full-access:read=100/min")
        found.setdefault(role, {})[scope] = rate
    return checked_limits(found)
