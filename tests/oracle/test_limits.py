"""The limits of a scenario throttle requests as the framework's own rates do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator import Emulator
from tests.oracle import service
from tests.oracle.comparison import Comparison
from tests.oracle.request_tables.reference import on_reference
from tests.oracle.request_tables.sequences import Step
from tests.oracle.request_tables.urls import COMMAND, JSON, PACKAGES
from tests.oracle.wire import RawRequest

LIMITS = {
    "full-access": {"read": "3/min", "write": "2/hour"},
    "read-only": {"read": "2/s"},
    "throttled": {"read": "3/day"},
}

READ = RawRequest("read", PACKAGES + "?limit=1", authorization="Token full-access")
WRITE = READ.variant("write", target=COMMAND, method="POST", content_type=JSON, body=b"{}")
READER = READ.variant("reader", authorization="Token read-only")
FORBIDDEN = WRITE.variant("forbidden", authorization="Token read-only")
THROTTLED_READ = READ.variant("throttled", authorization="Token throttled")
THROTTLED_WRITE = WRITE.variant("throttled write", authorization="Token throttled")

SEQUENCES: dict[str, tuple[Step, ...]] = {
    "reads": (READ, READ, READ, READ, 20.0, READ, 41.0, READ, READ, READ, READ),
    "writes have their own limit": (WRITE, WRITE, WRITE, READ, READ, READ, READ, 1800.0, WRITE, 1801.0, WRITE),
    "a rate per second": (READER, READER, READER, 0.5, READER, 0.6, READER, READER, READER),
    "forbidden requests do not count": (FORBIDDEN, FORBIDDEN, FORBIDDEN, READER, READER, READER),
    "each surface has its own count": (READ, READ, READ, READ, *([on_reference(READ)] * 4)),
    "OPTIONS and HEAD are reads": (READ.variant("o", method="OPTIONS"), READ.variant("h", method="HEAD"), READ, READ),
    "a wrong method counts as a write": (READ.variant("d", method="DELETE"), WRITE, WRITE),
    "the longer of two waits applies": (
        *([THROTTLED_READ] * 5),
        61.0,
        THROTTLED_READ,
        *([THROTTLED_WRITE] * 7),
        86_400.0,
        THROTTLED_READ,
    ),
}


@pytest.fixture
def limited_comparison() -> Iterator[Comparison]:
    before = service.DATA
    plain = Comparison.with_emulator(Emulator("demo"))
    limits = {(role, scope): rate for role, scopes in LIMITS.items() for scope, rate in scopes.items()}
    service.DATA.limits = limits
    oms = Emulator("demo", limits=LIMITS)
    yield Comparison(oms, plain.ids, plain.jwts)
    service.DATA = before


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_limits_refuse_the_same_requests_for_the_same_time(
    steps: tuple[Step, ...], limited_comparison: Comparison
) -> None:
    statuses = set()
    for number, step in enumerate(steps):
        if isinstance(step, RawRequest):
            actual, expected = limited_comparison.response_pair(step)
            assert (number, actual) == (number, expected)
            statuses.add(actual.status)
        else:
            limited_comparison.advance(step)
    assert 429 in statuses
