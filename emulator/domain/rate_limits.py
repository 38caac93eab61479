"""Rate limits of tokens: rates in the framework's form, for each role and scope."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from emulator.core.credentials import CREDENTIALS
from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonValue

SCOPES = ("read", "write")
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""The framework reads only the first letter of a period: `100/min`, `100/minute` and `100/m` are equal."""


class Rate(NamedTuple):
    """A maximum number of calls per number of seconds."""

    calls: int
    seconds: int


@cache
def parse_rate(text: str) -> Rate:
    """Parse a rate such as `100/min`. Raise `InvalidDocument` if it is not one."""
    number, _, period = text.partition("/")
    if not (number.isascii() and number.isdigit() and period[:1] in PERIODS and period.isalpha() and int(number[:9])):
        raise InvalidDocument(f"{text!r} is not a rate; use a number per s, min, hour or day, such as 100/min")
    return Rate(int(number[:9]), PERIODS[period[0]])


def validate_limits(limits: JsonValue) -> dict[str, dict[str, str]]:
    """Validate limits and return them. Raise `InvalidDocument` for an unknown role, scope or rate."""
    checked: dict[str, dict[str, str]] = {}
    for role, scopes in dict(limits).items():
        if role not in CREDENTIALS:
            raise InvalidDocument(f"limits: unknown token {role!r}", CREDENTIALS, role)
        for scope, rate in dict(scopes).items():
            if scope not in SCOPES:
                raise InvalidDocument(f"limits: unknown scope {scope!r}", SCOPES, scope)
            parse_rate(str(rate))
            checked.setdefault(role, {})[scope] = str(rate)
    return checked


def parse_limits(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Parse limits in the form of the command line: `full-access:read=100/min`."""
    limits: dict[str, dict[str, str]] = {}
    for text in texts:
        where, equals, rate = text.partition("=")
        role, colon, scope = where.partition(":")
        if not (equals and colon):
            raise InvalidDocument(f"{text!r} is not a limit; write role:scope=rate, such as full-access:read=100/min")
        limits.setdefault(role, {})[scope] = rate
    return validate_limits(limits)
