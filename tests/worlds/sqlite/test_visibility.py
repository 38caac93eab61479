"""Readers see a write only once it is stored, and never if it cannot be stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.core.errors import PersistError
from emulator.core.records import Package
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

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Writer, "_commit", fail)

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
