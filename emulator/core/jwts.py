"""JSON Web Tokens for the reference surface: made and read with one secret that everybody knows."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from emulator.core.credentials import CREDENTIALS

JWT_SECRET = "oms-emulator: a published secret, which protects nothing"  # noqa: S105 - it is meant to be known
ALGORITHM = "HS256"
TOKEN_FORMAT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
CLAIMS = ("sub", "role", "exp")
CACHE_SIZE = 256
"""How many tokens are remembered as read."""


class Claims(NamedTuple):
    """What a good token says."""

    subject: str
    role: str
    expires_at: float
    """Seconds since 1970; whether that is past, the world's clock decides."""


class IssuedToken(NamedTuple):
    """A token, and what it says."""

    token: str
    role: str
    expires_at: datetime


class InvalidJwt(ValueError):
    """A token that is none of ours: signature, algorithm, claims or role are wrong."""


class UnknownRole(ValueError):
    """A role that no built-in credential has."""

    def __init__(self, role: object) -> None:
        self.known = list(CREDENTIALS)
        super().__init__(f"unknown role {role!r}; known: {', '.join(self.known)}")


def issue_token(role: str, now: datetime, expires_in: float) -> IssuedToken:
    """Give a token for a role that expires so many seconds from now; fewer than none make one that has expired."""
    import jwt  # noqa: PLC0415 - only callers of the reference need it

    if role not in CREDENTIALS:
        raise UnknownRole(role)
    try:
        expires_at = (now + timedelta(seconds=expires_in)).astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError):
        raise ValueError(f"expires_in is {expires_in}, which leads out of the calendar") from None
    claims = {"sub": CREDENTIALS[role].username, "role": role, "exp": int(expires_at.timestamp())}
    return IssuedToken(jwt.encode(claims, JWT_SECRET, ALGORITHM), role, expires_at)


@lru_cache(CACHE_SIZE)
def decode_token(token: str) -> Claims:
    """Give what a token says; `InvalidJwt` if it is not one of ours. Its expiry is not judged here."""
    import jwt  # noqa: PLC0415 - only callers of the reference need it

    if not TOKEN_FORMAT.fullmatch(token):  # the library overlooks characters that are none of base64's
        raise InvalidJwt("not three parts of base64")
    try:
        claims = jwt.decode(token, JWT_SECRET, [ALGORITHM], options=DECODE_OPTIONS)
    except (jwt.InvalidTokenError, RecursionError) as error:
        raise InvalidJwt(str(error)) from None
    subject, role, expires_at = (claims[name] for name in CLAIMS)
    if not isinstance(subject, str) or not isinstance(role, str) or role not in CREDENTIALS:
        raise InvalidJwt("sub and role must be texts, and role a known one")
    return Claims(subject, role, parse_expiry(expires_at))


DECODE_OPTIONS: Any = {
    "require": list(CLAIMS),
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
}
"""The library judges form and signature; times are the world's, and other claims nobody's."""


def parse_expiry(seconds: Any) -> float:
    """Give a time as a claim has it: a number, and a finite one."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(to_float(seconds)):
        raise InvalidJwt("exp must be a number")
    return to_float(seconds)


def to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
