"""Who calls, may they, and how often: authentication, permission and throttle, as the framework does them."""

from __future__ import annotations

from collections.abc import Callable

from emulator.core import jwts
from emulator.core.credentials import CREDENTIALS, Credential
from emulator.core.errors import AuthenticationFailed, NotAuthenticated, PermissionDenied
from emulator.core.world import World
from emulator.routes.table import Scheme
from emulator.web.throttle import throttle

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))

NO_CREDENTIALS = "Invalid token header. No credentials provided."
SPACES = "Invalid token header. Token string should not contain spaces."
CHARACTERS = "Invalid token header. Token string should not contain invalid characters."
INVALID = "Invalid token."
INACTIVE = "User inactive or deleted."
EXPIRED = "Token has expired."


def authenticate(header: str | None, scheme: Scheme, world: World) -> Credential | None:
    """Give whose token the header bears; None where it bears none for this scheme.

    Raises `AuthenticationFailed` in the framework's words for a token that is malformed, unknown or inactive.
    """
    parts = (header or "").encode("latin-1").split()
    if not parts or parts[0].lower() != scheme.lower().encode():
        return None
    if len(parts) == 1:
        raise AuthenticationFailed(NO_CREDENTIALS, scheme)
    if len(parts) > 2:
        raise AuthenticationFailed(SPACES, scheme)
    try:
        token = parts[1].decode()
    except UnicodeError:
        raise AuthenticationFailed(CHARACTERS, scheme) from None
    credential = READERS[scheme](token, world)
    if not credential.is_active:
        raise AuthenticationFailed(INACTIVE, scheme)
    return credential


def of_token(token: str, world: World) -> Credential:  # noqa: ARG001 - every reader's signature
    """Give what a built-in token meets."""
    if (credential := CREDENTIALS.get(token)) is None:
        raise AuthenticationFailed(INVALID, "Token")
    return credential


def of_jwt(token: str, world: World) -> Credential:
    """Give what the role in a JWT meets, in the name of its subject, until it expires by the world's clock."""
    try:
        claims = jwts.read(token)
    except jwts.InvalidJwt:
        raise AuthenticationFailed(INVALID, "Bearer") from None
    if claims.expires_at <= world.clock.now().timestamp():
        raise AuthenticationFailed(EXPIRED, "Bearer")
    return CREDENTIALS[claims.role]._replace(username=claims.subject)


READERS: dict[Scheme, Callable[[str, World], Credential]] = {"Token": of_token, "Bearer": of_jwt}
"""Scheme -> who reads what follows it in the header."""


def admit(credential: Credential | None, method: str, world: World, scheme: Scheme) -> None:
    """Let the caller in, or raise 401, 403 or 429: in this order."""
    if credential is None:
        raise NotAuthenticated(scheme=scheme)
    if not (credential.may_read if method in SAFE_METHODS else credential.may_write):
        raise PermissionDenied
    if credential.calls_per_minute is not None or world.settings.limits:
        throttle(credential, "read" if method in SAFE_METHODS else "write", world, scheme)
