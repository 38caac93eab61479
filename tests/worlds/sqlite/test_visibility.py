"""Readers see a write only once it is stored, and never if it cannot be stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from emulator import Emulator
from emulator.core.errors import PersistError
from emulator.core.records import Package
from emulator.state.clock import TrafficRate
from emulator.worlds.sqlite.database import Batch, Writer
from tests.worlds.sqlite.test_refusals import open_emulator

LIST = "/api/v1/oms/packages/short/"


@pytest.fixture
def oms(tmp_path: Path) -> Iterator[Emulator]:
    with closing(open_emulator(tmp_path / "worlds.db")) as oms:
        oms.package(state="Packed")
        yield oms


def package_count(oms: Emulator) -> int:
    return int(oms.session().get(LIST).json()["count"])


def test_write_is_seen_once_it_is_stored(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk waits until a reader has looked."""
    reached, go_on, write = threading.Event(), threading.Event(), Writer._write

    def wait(self: Writer, batch: Batch) -> str | None:
        reached.set()
        assert go_on.wait(20)
        return write(self, batch)

    monkeypatch.setattr(Writer, "_write", wait)
    before = package_count(oms)
    writer = threading.Thread(target=lambda: oms.package(state="Packed"))
    writer.start()
    assert reached.wait(20)
    assert package_count(oms) == before
    go_on.set()
    writer.join(20)
    assert package_count(oms) == before + 1


@pytest.mark.usefixtures("bugs_expected")
def test_failed_write_is_never_seen(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, with several writers whose changes are in one batch."""
    before, steps, export = package_count(oms), len(oms.world.steps), oms.export()["steps"]

    fail_every_commit(monkeypatch)

    def write() -> None:
        with suppress(PersistError):
            oms.package(state="Packed")

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert (package_count(oms), len(oms.world.steps)) == (before, steps)
    assert oms.export()["steps"] == export
    with pytest.raises(PersistError):
        oms.world.take_snapshot("one")
    assert list(oms.world.snapshots) == []


def fail_every_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Writer, "_commit", fail)


def call(oms: Emulator, method: str, path: str) -> None:
    """Call the control API. Raise `PersistError` for a 500."""
    if (response := oms.session().request(method, path)).status_code == 500:
        raise PersistError(response.text)


CHANGES: dict[str, Callable[[Emulator], object]] = {
    "write": lambda oms: oms.package(state="Packed"),
    "undo": lambda oms: oms.world.undo(),
    "restore": lambda oms: oms.world.restore(oms.world.snapshots["one"]),
    "advance": lambda oms: oms.world.advance(by=timedelta(hours=1)),
    "set the clock": lambda oms: oms.world.set_clock("ticking", datetime(2030, 1, 1, tzinfo=UTC), 5),
    "set the traffic": lambda oms: oms.world.set_traffic_rate(TrafficRate(60)),
    "arm a fault": lambda oms: oms.faults.add(status=503),
    "disarm all faults": lambda oms: oms.faults.clear(),
    "take a snapshot": lambda oms: oms.world.take_snapshot("two"),
    "reset": lambda oms: oms.reset(),
    "create a world": lambda oms: call(oms, "PUT", "/__admin/worlds/new"),
    "replace a world": lambda oms: call(oms, "PUT", "/__admin/worlds/other"),
    "delete a world": lambda oms: call(oms, "DELETE", "/__admin/worlds/other"),
}


def complete_state(oms: Emulator) -> tuple[object, ...]:
    """Return everything that a change can change, except the counters of requests."""
    world = oms.world
    snapshot = world.snapshot()
    return (
        *(
            snapshot.records,
            world.records,
            snapshot.state._replace(next_request=0),
            snapshot.undo_entries,
            snapshot.last_write_at,
        ),
        *(list(snapshot.steps), snapshot.steps.unrecorded_writes, snapshot.faults.armed, list(world.snapshots)),
        oms.session().get("/__admin/worlds").json(),
        *(world.clock.setting, world.schedule.rate, {**oms.export(), "next_request": 0}),
    )


@pytest.mark.usefixtures("bugs_expected")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("failures", [1, 2])
def test_change_that_cannot_be_stored_changes_nothing(
    oms: Emulator, monkeypatch: pytest.MonkeyPatch, change: Callable[[Emulator], object], failures: int
) -> None:
    """The clock, the log, the undo stack, the faults and the traffic are as before, also after further refusals."""
    call(oms, "PUT", "/__admin/worlds/other")
    oms.world.take_snapshot("one")
    oms.faults.add(status=500, times=3)
    oms.package(state="Packed")
    before = complete_state(oms)
    fail_every_commit(monkeypatch)
    for _ in range(failures):
        with pytest.raises(PersistError):
            change(oms)
        assert complete_state(oms) == before


def test_undo_restore_and_snapshots_are_seen_in_order(oms: Emulator) -> None:
    before = package_count(oms)
    oms.world.take_snapshot("one")
    oms.package(state="Packed")
    assert package_count(oms) == before + 1
    oms.world.undo()
    assert package_count(oms) == before
    oms.package(state="Packed")
    oms.package(state="Packed")
    oms.world.restore(oms.world.snapshots["one"])
    assert package_count(oms) == before
    assert len(list(oms.world.records.all(Package))) == before
