"""The clock of a world: modes, explicit changes, and everything that depends on its time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from emulator.core.errors import ControlError
from emulator.core.records import Package, StockLocation
from emulator.state import clock as clock_module
from emulator.state.clock import EARLIEST, LATEST
from tests.support.reads import ReceivedResponse, wsgi_sender

LIST = "/api/v1/oms/packages/"
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=4)


def throttled(oms: WorldHandle) -> ReceivedResponse:
    return wsgi_sender(oms)("GET", f"{oms.prefix}{LIST}", None, {"Authorization": "Token throttled"})


def test_writes_and_logs_have_the_time_of_the_world(oms: Emulator) -> None:
    """With a frozen clock, each write is a millisecond after the one before."""
    oms.clock.set(NOON)
    first, second = oms.package(state="Waiting"), oms.package(state="Waiting")
    assert [first["created_date"], second["created_date"]] == [
        "2024-02-29T12:00:00.001000Z",
        "2024-02-29T12:00:00.002000Z",
    ]
    session = oms.session()
    block = next(command for command in first["commands"] if "block_the" in str(command["slug"]))
    body = {"transition": block["id"], "input_parameters": {}}
    assert session.post(f"{LIST}{first['id']}/command/", json=body).status_code == 204
    log = session.get(f"{LIST}{first['id']}/transition_logs/").json()["results"][0]
    assert log["created_date"] == session.get(f"{LIST}{first['id']}/").json()["modified_date"]
    assert log["created_date"] == "2024-02-29T12:00:00.003000Z"
    assert oms.clock.now() == NOON + timedelta(milliseconds=3)


def test_unknown_unit_lists_the_known_ones(oms: Emulator) -> None:
    units: dict[str, Any] = {"minute": 1}
    with pytest.raises(ValueError, match=r"unknown unit 'minute' of a duration.*minutes"):
        oms.clock.advance(**units)


def test_target_dates_depend_on_the_clock(oms: Emulator) -> None:
    """The packing target is the current time plus the interval of the stock location."""
    for _ in range(3):
        order = oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])
        package = oms.world.records.get_existing(Package, order["packages"][0])
        days, _, time = oms.world.records.get_existing(
            StockLocation, package.stock_location
        ).target_packing_interval.partition(" ")
        assert time == "00:00:00"
        assert package.target_packing_date == oms.clock.now() + timedelta(days=int(days))
        oms.clock.advance(weeks=2)


def test_throttle_windows_and_retry_after_depend_on_the_clock(oms: Emulator) -> None:
    """The sixth call is refused until the first one is a minute old."""
    for _ in range(5):
        assert throttled(oms).status == 200
        oms.clock.advance(seconds=5)
    refused = throttled(oms)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "35")
    oms.clock.advance(seconds=34.5)
    assert throttled(oms).headers["Retry-After"] == "1"
    oms.clock.advance(milliseconds=500)
    assert throttled(oms).status == 200
    assert throttled(oms).headers["Retry-After"] == "5"


def test_retry_after_is_at_most_a_minute_when_the_clock_is_set_back(oms: Emulator) -> None:
    """Calls with a later time are ignored."""
    for _ in range(5):
        throttled(oms)
    oms.clock.set(oms.clock.now() - timedelta(days=400))
    answer = throttled(oms)
    assert answer.status == 200 or int(answer.headers["Retry-After"]) <= 60


def test_snapshot_contains_the_throttle_window(oms: Emulator) -> None:
    oms.snapshot("before")
    for _ in range(6):
        last = throttled(oms)
    assert last.status == 429
    oms.snapshot("after")
    oms.restore("before")
    assert throttled(oms).status == 200
    oms.restore("after")
    assert throttled(oms).status == 429


def test_jwt_expires_according_to_the_clock_of_the_world(oms: Emulator) -> None:
    headers = {"Authorization": f"Bearer {oms.jwt(expires_in=60)}"}
    ask = wsgi_sender(oms)
    assert ask("GET", "/packages/", None, headers).status == 200
    oms.clock.advance(seconds=61)
    expired = ask("GET", "/packages/", None, headers)
    assert (expired.status, expired.json) == (401, {"detail": "Token has expired."})
    oms.clock.set(oms.clock.now() - timedelta(seconds=61))
    assert ask("GET", "/packages/", None, headers).status == 200


def test_undo_sets_a_frozen_clock_back_unless_it_was_advanced_since(oms: Emulator) -> None:
    start = oms.clock.now()
    oms.package()
    oms.undo()
    assert oms.clock.now() == start
    oms.package()
    moved = oms.clock.advance(hours=1)
    oms.undo()
    assert oms.clock.now() == moved


def test_undo_does_not_set_a_ticking_clock_back(oms: Emulator) -> None:
    oms.clock.tick()
    oms.package()
    before = oms.clock.now()
    oms.undo()
    assert oms.clock.now() >= before


class FakeTime:
    """Replacement for the `time` module."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.mark.medium
def test_changing_the_mode_keeps_the_time(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ticking` continues from the frozen time and `frozen` from the ticking time; `real` is the machine's time."""
    fake_time = FakeTime()
    monkeypatch.setattr(clock_module, "time", fake_time)
    monkeypatch.setattr(clock_module, "machine_now", lambda: NOON)
    start = oms.clock.now()
    fake_time.seconds += 10
    assert oms.clock.now() == start
    assert oms.clock.tick() == start
    fake_time.seconds += 10
    assert oms.clock.now() == start + timedelta(seconds=10)
    assert oms.clock.freeze() == start + timedelta(seconds=10)
    fake_time.seconds += 10
    assert oms.clock.now() == start + timedelta(seconds=10)
    assert wsgi_sender(oms)("PUT", "/__admin/clock", b'{"mode": "real"}').json["now"] == "2024-02-29T12:00:00Z"
    assert oms.clock.mode == "real"
    assert oms.clock.freeze() == NOON


@pytest.mark.medium
def test_ticking_clock_can_be_advanced_by_zero(oms: Emulator) -> None:
    oms.clock.tick()
    for _ in range(50):
        assert wsgi_sender(oms)("POST", "/__admin/clock/advance", b'{"seconds": 0}').status == 200


def test_worlds_have_separate_clocks(oms: Emulator) -> None:
    other = oms.in_world("other")
    start = oms.clock.now()
    other.clock.advance(days=3)
    other.clock.tick()
    assert (oms.clock.now(), oms.clock.mode) == (start, "frozen")
    assert throttled(other).status == 200
    assert not oms.world.throttle.copy_calls()


class PeriodicTask:
    """Scheduled task that writes, three times at intervals of ten minutes."""

    def __init__(self, first: datetime) -> None:
        self.due: datetime | None = first
        self.ran: list[datetime] = []

    def next_due(self) -> datetime | None:
        return self.due

    def run_due(self, now: datetime) -> None:
        self.ran.append(now)
        self.due = None if len(self.ran) == 3 else now + timedelta(minutes=10)

    def reschedule(self) -> None:
        pass


@pytest.mark.medium
def test_advancing_runs_due_tasks_in_order_and_at_their_times(oms: Emulator) -> None:
    start = oms.clock.now()
    late, early = PeriodicTask(start + timedelta(minutes=7)), PeriodicTask(start + timedelta(minutes=5))
    oms.world.schedule.add(late, early)
    clock = wsgi_sender(oms)("GET", "/__admin/clock").json
    assert clock["next_event"] == "2023-04-05T09:05:00Z"
    assert oms.clock.to_next_event() == start + timedelta(minutes=5)
    assert (len(early.ran), len(late.ran)) == (1, 0)
    oms.clock.advance(minutes=11)
    assert [at - start for at in late.ran] == [timedelta(minutes=7)]
    assert [at - start for at in early.ran] == [timedelta(minutes=5), timedelta(minutes=15)]
    assert wsgi_sender(oms)("POST", "/__admin/clock/advance", b'{"to_next_event": true}').status == 200
    assert oms.clock.now() == start + timedelta(minutes=17)
    oms.clock.advance(days=1)
    assert (early.due, late.due, oms.clock.next_event()) == (None, None, None)
    with pytest.raises(ControlError, match="world default has no scheduled event"):
        oms.clock.to_next_event()


@pytest.fixture
def frequent_thread_switches() -> Iterator[None]:
    """Switch threads so often that a read and a write of the clock without a lock lose a change."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("frequent_thread_switches")
def test_no_concurrent_move_of_the_clock_is_lost(oms: Emulator) -> None:
    start = oms.clock.now()
    with ThreadPoolExecutor(4) as pool:
        moves = [pool.submit(oms.clock.advance, minutes=1) for _ in range(100)]
        writes = [pool.submit(oms.stock, 1, "PZ-101-02-L", number) for number in range(100)]
        for move in moves:
            move.result()
        for write in writes:
            write.result()
    assert oms.clock.now() == start + timedelta(minutes=100, milliseconds=100)


INVALID_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("set", {"now": datetime.min}),  # noqa: DTZ901 - the missing time zone is intended
    ("set", {"now": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))}),
    ("set", {"now": "9999-12-31T23:59:59.999999Z"}),
    ("set", {"now": "0001-01-01"}),
    ("set", {"now": "noon"}),
    ("set", {"now": NOON, "mode": "fast"}),
    ("advance", {"seconds": float("nan")}),
    ("advance", {"seconds": float("inf")}),
    ("advance", {"seconds": 1e308}),
    ("advance", {"seconds": 10**400}),
    ("advance", {"days": 10**9}),
    ("advance", {"weeks": -1}),
    ("advance", {"to": "0001-01-01"}),
    ("advance", {"to": "noon"}),
    ("advance", {"to": LATEST + timedelta(microseconds=1)}),
]


@pytest.mark.parametrize(("name", "arguments"), INVALID_CALLS, ids=lambda value: str(value)[:60])
def test_invalid_time_is_refused_with_a_one_line_error(name: str, arguments: dict[str, Any], oms: Emulator) -> None:
    """The clock does not change."""
    start = oms.clock.now()
    with pytest.raises(ControlError) as caught:
        getattr(oms.clock, name)(**arguments)
    assert "\n" not in str(caught.value)
    assert (oms.clock.now(), oms.clock.mode) == (start, "frozen")


@pytest.mark.medium
@pytest.mark.parametrize("at", [EARLIEST, LATEST, "2024-02-29T14:00:00+02:00", "2024-02-29"], ids=str)
def test_requests_succeed_at_the_limits_of_time(at: datetime | str, oms: Emulator) -> None:
    """A time without a zone is in UTC."""
    oms.clock.set(at)
    oms.package(state="Shipped")
    oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])
    bearer = {"Authorization": f"Bearer {oms.jwt()}"}
    assert wsgi_sender(oms)("GET", "/packages/", None, bearer).status == 200
    assert throttled(oms).status == 200
    for mode in ("ticking", "frozen"):
        assert wsgi_sender(oms)("PUT", "/__admin/clock", b'{"mode": "%s"}' % mode.encode()).status == 200
