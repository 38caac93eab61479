"""Damage inside the texts of a state file is noticed, and files of earlier versions still open."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from emulator.worlds.sqlite.database import StateFileError, error_message, has_checksums, verify_checksums
from tests.worlds.sqlite.test_refusals import execute, open_emulator, write

CHANGES = {
    "request of a scenario": "UPDATE scenarios SET request = 'another'",
    "name of a world": "UPDATE worlds SET name = 'othes' WHERE name = 'other'",
    "time of a world": "UPDATE worlds SET now = replace(now, '2023', '2024')",
    "text of a step": "UPDATE steps SET line = CAST(replace(CAST(line AS TEXT), '5', '6') AS BLOB)",
    "changes of a step": "UPDATE steps SET changes = CAST(replace(CAST(changes AS TEXT), '5', '6') AS BLOB)",
    "time of a snapshot": "UPDATE snapshots SET now = replace(now, '2023', '2024')",
    "name of a snapshot": "UPDATE snapshots SET name = 'another'",
    "options of a fault": "UPDATE faults SET document = replace(document, '503', '502')",
    "count of a fault": "UPDATE seen SET times = times + 1",
    "a lost fault": "DELETE FROM faults",
    "a lost snapshot": "DELETE FROM snapshots",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with rows in every table."""
    file = tmp_path / "worlds.db"
    with closing(write(open_emulator(file))) as oms:
        oms.faults.add(status=503, rate=0.5)
        oms.session().get("/api/v1/oms/packages/")
        oms.world.take_snapshot("mine")
        oms.branch("other")
        oms.session().post("/__admin/undo")
        write(oms)
    return file


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_changed_text_is_noticed(file: Path, statement: str) -> None:
    execute(file, statement)
    with pytest.raises(StateFileError, match=r"is damaged: a row of .* does not have its checksum"):
        open_emulator(file)


def test_changed_byte_of_a_text_is_noticed(file: Path) -> None:
    """Each change is made in the file itself, inside the line of a step."""
    text = file.read_bytes()
    start = text.index(b'{"at":')
    for place in random.Random(1).sample(range(start, start + 60), 14):
        changed = bytearray(text)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(StateFileError, match="damaged"):
            open_emulator(file)
    file.write_bytes(text)
    open_emulator(file).close()


def test_checksums_are_maintained(file: Path) -> None:
    """Through all kinds of writes, and across restarts."""
    for _ in range(2):
        with closing(open_emulator(file)) as oms:
            oms.world.restore(oms.world.snapshots["mine"])
            oms.faults.clear()
            oms.session().delete("/__admin/worlds/other")
            oms.in_world("other").package(state="Packed")
            write(oms)
    with closing(sqlite3.connect(file)) as connection:
        verify_checksums(connection)


def test_file_of_an_earlier_version_gets_checksums(file: Path) -> None:
    execute(file, "DROP TABLE sums")
    execute(file, "UPDATE snapshots SET name = 'renamed'")
    with closing(write(open_emulator(file))) as oms:
        assert list(oms.world.snapshots) == ["renamed"]
    with closing(sqlite3.connect(file)) as connection:
        assert has_checksums(connection)
        verify_checksums(connection)
    execute(file, CHANGES["name of a snapshot"])
    with pytest.raises(StateFileError, match="damaged"):
        open_emulator(file)


@pytest.mark.parametrize(
    ("free", "message"), [(0, "the disk of state file {} is full"), (10**9, "state file {}: disk I/O error")]
)
def test_io_error_on_a_full_disk_says_so(
    file: Path, free: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_WRITE"
    usage = shutil.disk_usage(file.parent)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert error_message(file, error) == message.format(file)
