"""The clock of a world. No other module reads the machine's clocks or its random numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import emulator
from emulator.core.seeded_random import derive_uuid
from emulator.state import clock as clock_module
from emulator.state.clock import EARLIEST, LATEST, WRITE_STEP, Clock, ClockMode, format_time
from tests.support.worlds import START

PACKAGE = Path(emulator.__file__).parent


class Machine:
    """Replaces the machine's clocks."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(clock_module, "time", machine)
    monkeypatch.setattr(clock_module, "machine_now", lambda: datetime(2030, 1, 1, tzinfo=UTC))
    return machine


def test_frozen_clock_advances_only_with_each_write(machine: Machine) -> None:
    clock = Clock("frozen", START)
    machine.seconds += 10
    assert clock.now() == START
    assert clock.next_write_time() == START + WRITE_STEP
    assert clock.now() == START, "reading the time of the next write does not advance the clock"
    clock.record_write(clock.next_write_time())
    assert clock.now() == START + timedelta(milliseconds=1)


@pytest.mark.parametrize("hours", [0, -7, 3])
@pytest.mark.parametrize("microsecond", [0, 1, 1_000, 120_000])
@pytest.mark.parametrize("start", [EARLIEST, START, LATEST - timedelta(days=1)])
def test_times_are_formatted_in_utc_as_python_formats_them(start: datetime, microsecond: int, hours: int) -> None:
    at = start.replace(microsecond=microsecond)
    expected = at.isoformat().replace("+00:00", "Z")
    assert format_time(at.astimezone(timezone(timedelta(hours=hours)))) == expected


def test_a_ticking_clock_starts_at_the_scenarios_start_and_runs_at_wall_speed(machine: Machine) -> None:
    clock = Clock("ticking", START)
    machine.seconds += 2.5
    assert clock.now() == START + timedelta(seconds=2.5)
    clock.record_write(clock.next_write_time())
    assert clock.now() == START + timedelta(seconds=2.5)


def test_a_real_clock_shows_the_machines_time_and_cannot_be_set(machine: Machine) -> None:
    clock = Clock("real", START)
    assert clock.now() == clock.next_write_time() == datetime(2030, 1, 1, tzinfo=UTC)
    for change in (lambda: clock.set_time(START), lambda: clock.set_time(clock.now())):
        with pytest.raises(ValueError, match="known modes that can: frozen, ticking"):
            change()


@pytest.mark.parametrize("mode", ["frozen", "ticking"])
def test_a_clock_continues_from_the_time_that_was_set(machine: Machine, mode: ClockMode) -> None:
    clock = Clock(mode, START)
    machine.seconds += 5
    assert clock.now() == START + timedelta(seconds=5 if mode == "ticking" else 0)
    clock.set_time(START)
    assert clock.now() == START
    machine.seconds += 1
    assert clock.now() - START == timedelta(seconds=1 if mode == "ticking" else 0)


def test_a_derived_uuid_depends_only_on_its_parts() -> None:
    derived = derive_uuid("awb", 7)
    assert derived == derive_uuid("awb", 7) != derive_uuid("awb", 8)
    assert (derived.version, str(derived)) == (4, "51f75163-fe6e-40f6-a56e-87dc316fedb5")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


MACHINE_MODULES = {"time", "random", "secrets", "uuid"}
MACHINE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom", "getrandbits", "monotonic", "perf_counter"}
OF_THE_WORLD = {"clock"}
"""`world.clock.now()` is allowed everywhere."""
ALLOWED = {
    "api/serializers/events.py: import uuid": "only to print a UUID without its dashes",
    "api/parameters.py: import uuid": "only to read a UUID",
    "client/world_handle.py: self.now": "the time of the world",
}


def machine_reads(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {name.name}" for name in node.names if name.name in MACHINE_MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MACHINE_MODULES:
            yield f"from {node.module} import"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value).rpartition(".")[2]
            if node.func.attr in MACHINE_CALLS and owner not in OF_THE_WORLD:
                yield ast.unparse(node.func)


@pytest.mark.medium
def test_no_other_module_reads_the_machines_clocks_or_random_numbers() -> None:
    found = {f"{name}: {what}" for name, tree in modules() for what in machine_reads(tree)}
    own = {one for one in found if one.startswith(("state/clock.py", "core/seeded_random.py"))}
    assert len(own) >= 3, "the search finds the allowed reads"
    assert found - own == set(ALLOWED)
