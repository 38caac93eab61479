"""How often callers may call: the built-in throttled token and the scenario's limits, as the framework counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from emulator.core.credentials import Credential
from emulator.core.errors import Throttled
from emulator.core.world import World
from emulator.rules.limits import Rate, rate_of

MINUTE = 60


def throttle(credential: Credential, scope: str, world: World, scheme: str) -> None:
    """Count the call, or raise `Throttled` with the longest wait; each limit counts the calls that it lets in."""
    limits = list(rates(credential, scope, world, scheme))
    if not limits:
        return
    now = world.clock.now()
    with world.lock:
        waits = [count(key, rate, now, world) for key, rate in limits]
    if None in waits:
        world.save_throttle()
    longest = max((wait for wait in waits if wait is not None), default=None)
    if longest is not None:
        raise Throttled(longest)


def rates(credential: Credential, scope: str, world: World, scheme: str) -> Iterator[tuple[str, Rate]]:
    """Give the limits that a call counts against, each with the key of its calls."""
    caller = f"{scheme} {credential.role}"
    if credential.calls_per_minute is not None:
        yield caller, Rate(credential.calls_per_minute, MINUTE)
    if (text := world.settings.limits.get(credential.role, {}).get(scope)) is not None:
        yield f"{caller} {scope}", rate_of(text)


def count(key: str, rate: Rate, now: datetime, world: World) -> float | None:
    """Count a call, or give how many seconds it is too early; what is later than a clock set back is forgotten."""
    return world.throttle.count(key, rate.calls, timedelta(seconds=rate.seconds), now)
