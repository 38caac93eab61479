"""Authentication, permission and throttling, in the order and the words of Django REST framework."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from emulator.api.routes import AuthScheme
from emulator.core import credentials
from emulator.core.credentials import CREDENTIALS, Credential, Rate, parse_rate
from emulator.core.errors import AuthenticationFailed, NotAuthenticated, PermissionDenied, Throttled
from emulator.state.world import World

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
MINUTE = 60

NO_CREDENTIALS = "Invalid token header. No credentials provided."
SPACES = "Invalid token header. Token string should not contain spaces."
CHARACTERS = "Invalid token header. Token string should not contain invalid characters."
INVALID = "Invalid token."
INACTIVE = "User inactive or deleted."
EXPIRED = "Token has expired."


def authenticate(header: str | None, scheme: AuthScheme, world: World) -> Credential | None:
    """Return the credential in an Authorization header, or None if the header has none for this scheme.

    Raises `AuthenticationFailed` if the token is malformed, unknown or inactive.
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
    credential = read_token(token) if scheme == "Token" else read_jwt(token, world)
    if not credential.is_active:
        raise AuthenticationFailed(INACTIVE, scheme)
    return credential


def read_token(token: str) -> Credential:
    """Return the credential of a built-in token."""
    if (credential := CREDENTIALS.get(token)) is None:
        raise AuthenticationFailed(INVALID, "Token")
    return credential


def read_jwt(token: str, world: World) -> Credential:
    """Return the credential of a JWT's role, with its subject as user name. The world's clock decides expiry."""
    try:
        claims = credentials.decode_token(token)
    except credentials.InvalidJwt:
        raise AuthenticationFailed(INVALID, "Bearer") from None
    if claims.expires_at <= world.clock.now().timestamp():
        raise AuthenticationFailed(EXPIRED, "Bearer")
    return CREDENTIALS[claims.role]._replace(username=claims.subject)


def check_access(credential: Credential | None, method: str, world: World, scheme: AuthScheme) -> None:
    """Raise the error of a request that is not allowed: 401, 403 or 429, in this order."""
    if credential is None:
        raise NotAuthenticated(scheme=scheme)
    if not (credential.may_read if method in SAFE_METHODS else credential.may_write):
        raise PermissionDenied
    if credential.calls_per_minute is not None or world.settings.limits:
        throttle(credential, "read" if method in SAFE_METHODS else "write", world, scheme)


def throttle(credential: Credential, scope: str, world: World, scheme: str) -> None:
    """Count a request against every limit that applies. Raises `Throttled` with the longest wait."""
    limits = list(applicable_rates(credential, scope, world, scheme))
    if not limits:
        return
    now = world.clock.now()
    with world.lock:
        waits = [
            world.throttle.count_call(key, rate.calls, timedelta(seconds=rate.seconds), now) for key, rate in limits
        ]
    if None in waits:
        world.save_throttle()
    if refused := [wait for wait in waits if wait is not None]:
        raise Throttled(max(refused))


def applicable_rates(credential: Credential, scope: str, world: World, scheme: str) -> Iterator[tuple[str, Rate]]:
    """Yield the limits of a request, each with the key of its counter."""
    caller = f"{scheme} {credential.role}"
    if credential.calls_per_minute is not None:
        yield caller, Rate(credential.calls_per_minute, MINUTE)
    if (text := world.settings.limits.get(credential.role, {}).get(scope)) is not None:
        yield f"{caller} {scope}", parse_rate(text)
