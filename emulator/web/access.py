"""Who calls, may they, and how often: authentication, permission and throttle, as the framework does them."""

from __future__ import annotations

from datetime import datetime, timedelta

from emulator.core.credentials import CREDENTIALS, Credential
from emulator.core.errors import AuthenticationFailed, NotAuthenticated, PermissionDenied, Throttled
from emulator.core.world import World

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
MINUTE = timedelta(minutes=1)

NO_CREDENTIALS = "Invalid token header. No credentials provided."
SPACES = "Invalid token header. Token string should not contain spaces."
CHARACTERS = "Invalid token header. Token string should not contain invalid characters."


def authenticate(header: str | None) -> Credential | None:
    """Give whose token the header bears; None where it bears none for this scheme.

    Raises `AuthenticationFailed` in the framework's words for a token that is malformed, unknown or inactive.
    """
    parts = (header or "").encode("latin-1").split()
    if not parts or parts[0].lower() != b"token":
        return None
    if len(parts) == 1:
        raise AuthenticationFailed(NO_CREDENTIALS)
    if len(parts) > 2:
        raise AuthenticationFailed(SPACES)
    try:
        token = parts[1].decode()
    except UnicodeError:
        raise AuthenticationFailed(CHARACTERS) from None
    if (credential := CREDENTIALS.get(token)) is None:
        raise AuthenticationFailed("Invalid token.")
    if not credential.is_active:
        raise AuthenticationFailed("User inactive or deleted.")
    return credential


def admit(credential: Credential | None, method: str, world: World) -> None:
    """Let the caller in, or raise 401, 403 or 429: in this order."""
    if credential is None:
        raise NotAuthenticated
    if not (credential.may_read if method in SAFE_METHODS else credential.may_write):
        raise PermissionDenied
    if credential.calls_per_minute is not None:
        count_call(credential, credential.calls_per_minute, world)


def count_call(credential: Credential, limit: int, world: World) -> None:
    """Count the call, or raise `Throttled`; only calls that are let in count."""
    now = world.clock.now()
    with world.lock:
        recent = within(world.calls.get(credential.role, []), now)
        if len(recent) >= limit:
            raise Throttled((recent[0] + MINUTE - now).total_seconds())
        world.calls[credential.role] = [*recent, now]


def within(calls: list[datetime], now: datetime) -> list[datetime]:
    """Give the calls of the last minute, oldest first."""
    return [at for at in calls if at > now - MINUTE]
