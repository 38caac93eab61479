"""The built-in credentials, their rate limits, and the JSON Web Tokens of the reference surface."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from emulator.core.caching import cache_short
from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonValue

if TYPE_CHECKING:
    from jwt.types import Options

JWT_SECRET = "oms-emulator: a published secret, which protects nothing"  # noqa: S105 - it is public
ALGORITHM = "HS256"
TOKEN_FORMAT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
CLAIMS = ("sub", "role", "exp")
CACHE_SIZE = 256
"""Maximum number of decoded tokens in the cache."""
DECODE_OPTIONS: Options = {
    "require": list(CLAIMS),
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
}
"""The library checks the form and the signature. The expiry is checked against the world's clock."""


class Credential(NamedTuple):
    """The permissions of a token."""

    role: str
    username: str
    is_active: bool = True
    may_read: bool = True
    may_write: bool = True
    calls_per_minute: int | None = None
    """Rate limit. None: there is no limit."""
    is_superuser: bool = False
    """Whether the user sees the webhooks of other users (assumed for the administrator)."""


CREDENTIALS: dict[str, Credential] = {
    "full-access": Credential("full-access", "admin", is_superuser=True),
    "read-only": Credential("read-only", "reader", may_write=False),
    "no-access": Credential("no-access", "nobody", may_read=False, may_write=False),
    "inactive": Credential("inactive", "former", is_active=False),
    "throttled": Credential("throttled", "admin", calls_per_minute=5, is_superuser=True),
}
"""Token -> its credential."""
PASSWORDS: dict[tuple[str, str], str] = {
    ("admin", "admin"): "full-access",
    ("reader", "reader"): "read-only",
}
"""(username, password) -> the token that a login returns."""


def find_writer(username: str | None) -> Credential | None:
    """Return the credential with which a user of this name writes: a built-in one, or that of an ordinary user."""
    if username is None:
        return None
    known = (each for each in CREDENTIALS.values() if each.username == username and each.may_write)
    return next(known, Credential("", username))


# --- rate limits --------------------------------------------------------------------------------------------------

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


# --- JSON Web Tokens ----------------------------------------------------------------------------------------------


class Claims(NamedTuple):
    """The claims of a valid token."""

    subject: str
    role: str
    expires_at: float
    """Seconds since 1970."""


class IssuedToken(NamedTuple):
    """A new token, with its role and its expiry."""

    token: str
    role: str
    expires_at: datetime


class InvalidJwt(ValueError):
    """A token with a wrong form, signature, algorithm, claim or role."""


def issue_token(role: str, now: datetime, expires_in: float) -> IssuedToken:
    """Return a token for a role that expires after this many seconds. A negative number makes an expired token."""
    import jwt

    if role not in CREDENTIALS:
        raise InvalidDocument(f"unknown role {role!r}", CREDENTIALS, role)
    try:
        expires_at = (now + timedelta(seconds=expires_in)).astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError):
        raise ValueError(f"expires_in is {expires_in}, which leads out of the calendar") from None
    claims = {"sub": CREDENTIALS[role].username, "role": role, "exp": int(expires_at.timestamp())}
    return IssuedToken(jwt.encode(claims, JWT_SECRET, ALGORITHM), role, expires_at)


@cache_short(CACHE_SIZE)
def decode_token(token: str) -> Claims:
    """Return the claims of a token. Raise `InvalidJwt` for an invalid one, but not for an expired one."""
    import jwt

    if not TOKEN_FORMAT.fullmatch(token):  # the library ignores characters that base64 does not have
        raise InvalidJwt("not three parts of base64")
    try:
        claims = jwt.decode(token, JWT_SECRET, [ALGORITHM], options=DECODE_OPTIONS)
    except (jwt.InvalidTokenError, RecursionError) as error:
        raise InvalidJwt(str(error)) from None
    subject, role, expires_at = (claims[name] for name in CLAIMS)
    if not isinstance(subject, str) or not isinstance(role, str) or role not in CREDENTIALS:
        raise InvalidJwt("sub and role must be texts, and role a known one")
    return Claims(subject, role, _parse_expiry(expires_at))


def _parse_expiry(seconds: object) -> float:
    with suppress(OverflowError):
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds):
            return float(seconds)
    raise InvalidJwt("exp must be a number")
