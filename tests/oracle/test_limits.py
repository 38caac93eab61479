"""Limits of a scenario throttle as the framework's own rates do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator import Emulator
from tests.oracle import service
from tests.oracle.asks.places import COMMAND, JSON, PACKAGES
from tests.oracle.asks.reference import on_the_reference
from tests.oracle.asks.sequences import Step
from tests.oracle.sides import Sides
from tests.oracle.wire import Ask

LIMITS = {
    "full-access": {"read": "3/min", "write": "2/hour"},
    "read-only": {"read": "2/s"},
    "throttled": {"read": "3/day"},
}

READ = Ask("read", PACKAGES + "?limit=1", authorization="Token full-access")
WRITE = READ.but("write", target=COMMAND, method="POST", content_type=JSON, body=b"{}")
READER = READ.but("reader", authorization="Token read-only")
FORBIDDEN = WRITE.but("forbidden", authorization="Token read-only")
SIXTH = READ.but("sixth", authorization="Token throttled")
SIXTH_WRITE = WRITE.but("sixth write", authorization="Token throttled")

SEQUENCES: dict[str, tuple[Step, ...]] = {
    "reads": (READ, READ, READ, READ, 20.0, READ, 41.0, READ, READ, READ, READ),
    "writes have a limit of their own": (WRITE, WRITE, WRITE, READ, READ, READ, READ, 1800.0, WRITE, 1801.0, WRITE),
    "a second": (READER, READER, READER, 0.5, READER, 0.6, READER, READER, READER),
    "what is forbidden does not count": (FORBIDDEN, FORBIDDEN, FORBIDDEN, READER, READER, READER),
    "each surface counts for itself": (READ, READ, READ, READ, *([on_the_reference(READ)] * 4)),
    "OPTIONS and HEAD are reads": (READ.but("o", method="OPTIONS"), READ.but("h", method="HEAD"), READ, READ),
    "the wrong method counts as a write": (READ.but("d", method="DELETE"), WRITE, WRITE),
    "two limits: the longer wait counts": (*([SIXTH] * 5), 61.0, SIXTH, *([SIXTH_WRITE] * 7), 86_400.0, SIXTH),
}


@pytest.fixture
def limited() -> Iterator[Sides]:
    before = service.DATA
    plain = Sides.of(Emulator("demo"))
    limits = {(role, scope): rate for role, scopes in LIMITS.items() for scope, rate in scopes.items()}
    service.DATA.limits = limits
    oms = Emulator("demo", limits=LIMITS)
    yield Sides(oms, plain.package, plain.transfer, plain.jwts)
    service.DATA = before


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_both_sides_throttle_alike(steps: tuple[Step, ...], limited: Sides) -> None:
    """The same calls are refused, for the same time."""
    met = set()
    for number, step in enumerate(steps):
        if isinstance(step, Ask):
            ours, theirs = limited.pair(step)
            assert (number, ours) == (number, theirs)
            met.add(ours.status)
        else:
            limited.advance(step)
    assert 429 in met
