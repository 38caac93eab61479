"""An unusable state file is refused with a one-line error and not changed; a full disk stops all writes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.errors import PersistError
from emulator.core.records import Stock
from emulator.worlds.sqlite.database import StateFileError
from tests.support.traffic import SKU

PACKAGES = 3


def open_emulator(file: Path, **options: Any) -> Emulator:
    return Emulator(**({"scenario": "demo", "packages": PACKAGES, "state": file} | options))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a state file that contains one write."""
    path = tmp_path / "worlds.db"
    write(open_emulator(path)).close()
    return path


def write(oms: Emulator) -> Emulator:
    oms.stock(min(each.stock_location for each in oms.world.records.all(Stock)), SKU, 5)
    return oms


def folder_contents(folder: Path) -> dict[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def replace_by_json(file: Path) -> None:
    file.write_bytes(b'{"name": "mine"}\n' * 99)


def replace_by_another_database(file: Path) -> None:
    file.unlink()
    execute(file, "CREATE TABLE customers (name)")


def set_earlier_version(file: Path) -> None:
    execute(file, "PRAGMA user_version = 1")


def set_later_version(file: Path) -> None:
    execute(file, "PRAGMA user_version = 3")


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def overwrite(file: Path) -> None:
    text = bytearray(file.read_bytes())
    text[4096 : 4096 * 4] = b"\xff" * 4096 * 3
    file.write_bytes(text)


def remove_a_step(file: Path) -> None:
    execute(file, "UPDATE steps SET at = at + 1")


def corrupt_a_record(file: Path) -> None:
    execute(file, "UPDATE steps SET changes = CAST('stock 1 [1]' AS BLOB)")


def insert_an_unknown_kind(file: Path) -> None:
    execute(file, "UPDATE steps SET changes = CAST('os.system 1 [1]' AS BLOB)")


def insert_a_wrong_snapshot(file: Path) -> None:
    row = "SELECT id, 'mine', course, 9, now, '[]' FROM worlds"
    execute(file, f"INSERT INTO snapshots (world, name, course, upto, now, faults) {row}")


def insert_a_wrong_fault(file: Path) -> None:
    execute(file, "INSERT INTO faults (world, id, document) SELECT id, 1, '{}' FROM worlds")


def corrupt_the_clock(file: Path) -> None:
    execute(file, "UPDATE worlds SET now = '{}'")


def change_the_start(file: Path) -> None:
    execute(file, "UPDATE scenarios SET start = 'x'")


def make_read_only(file: Path) -> None:
    file.chmod(0o444)


def replace_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


UNUSABLE_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "not a database": (replace_by_json, "is not a state file"),
    "another program's database": (
        replace_by_another_database,
        "is a database, but not a state file of oms-emulator",
    ),
    "earlier version": (set_earlier_version, "is of an earlier oms-emulator: its format is 1, this one reads 2"),
    "later version": (set_later_version, "is of a later oms-emulator: its format is 3, this one reads 2"),
    "truncated": (truncate, "damaged"),
    "overwritten": (overwrite, "damaged"),
    "missing step": (remove_a_step, "damaged: step 1 is missing"),
    "invalid record": (corrupt_a_record, "damaged: no stock: 1 columns instead of 4"),
    "unknown kind": (insert_an_unknown_kind, "damaged: unknown kind 'os.system'"),
    "missing step of a snapshot": (insert_a_wrong_snapshot, "damaged: step 9 is missing"),
    "invalid fault": (insert_a_wrong_fault, "damaged"),
    "invalid clock": (corrupt_the_clock, "damaged"),
    "the start of the scenario has changed": (change_the_start, "had other records when the file was made"),
    "read-only": (make_read_only, "is read-only"),
    "a folder": (replace_by_a_folder, "is not a file but a folder"),
}


@pytest.mark.parametrize(("damage", "message"), UNUSABLE_FILES.values(), ids=UNUSABLE_FILES)
def test_unusable_file_is_refused_and_not_changed(damage: Callable[[Path], None], message: str, file: Path) -> None:
    damage(file)
    before = folder_contents(file.parent)
    with pytest.raises(StateFileError) as refused:
        open_emulator(file)
    assert message in str(refused.value)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert folder_contents(file.parent) == before


OTHER_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "scenario": ({"scenario": "empty", "packages": None}, "was made for scenario 'demo', not for 'empty'"),
    "seed": ({"seed": 9}, r"was made for seed \d+, not for 9"),
    "size": ({"packages": 4}, "was made for 3 packages, not for 4"),
    "live": ({"live": 60}, r"was made for 0 orders per hour \(--live 0\), not for 60"),
    "limits": (
        {"limits": {"full-access": {"read": "5/min"}}},
        r"was made for other rate limits \(--limit\): none; not for full-access:read=5/min",
    ),
    "installation": ({"installation": "second"}, "was made for installation 'default', not for 'second'"),
}


@pytest.mark.parametrize(("options", "message"), OTHER_OPTIONS.values(), ids=OTHER_OPTIONS)
def test_file_of_another_scenario_is_refused_with_the_difference(
    options: dict[str, Any], message: str, file: Path
) -> None:
    before = folder_contents(file.parent)
    with pytest.raises(StateFileError, match=message):
        open_emulator(file, **options)
    assert folder_contents(file.parent) == before


def test_file_of_a_killed_server_is_refused_and_not_changed(file: Path, tmp_path: Path) -> None:
    """Its write-ahead log is neither applied nor deleted."""
    oms = write(open_emulator(file))
    killed = tmp_path / "killed"
    killed.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{file}{end}", killed / f"worlds.db{end}")
    oms.close()
    before = folder_contents(killed)
    assert len(before["worlds.db-wal"] or b"") > 0
    with pytest.raises(StateFileError, match=r"was made for seed \d+, not for 2"):
        open_emulator(killed / "worlds.db", seed=2)
    assert folder_contents(killed) == before
    with closing(open_emulator(killed / "worlds.db")) as reopened:
        assert len(reopened.world.steps) == 2


def test_file_in_use_is_refused(file: Path) -> None:
    with closing(open_emulator(file)) as oms:
        before = folder_contents(file.parent)
        with pytest.raises(StateFileError, match="in use"):
            open_emulator(file)
        assert folder_contents(file.parent) == before
        write(oms)
    with closing(open_emulator(file)) as reopened:
        assert len(reopened.world.steps) == 2


def test_file_of_a_changed_installation_is_refused(tmp_path: Path) -> None:
    """The records of the file refer to the installation with which it was created."""
    mine = tmp_path / "mine.json"
    mine.write_text('{"cargo_company": [{"id": 9, "name": "Swift", "provenance": "assumed", "reason": "ours"}]}')
    state = tmp_path / "worlds.db"
    open_emulator(state, installation=mine).close()
    open_emulator(state, installation=mine).close()
    mine.write_text('{"cargo_company": [{"id": 9, "name": "Swifter", "provenance": "assumed", "reason": "ours"}]}')
    with pytest.raises(StateFileError, match="with another installation"):
        open_emulator(state, installation=mine)


def test_empty_file_is_used_as_a_new_one(tmp_path: Path) -> None:
    """`mktemp` creates such a file."""
    file = tmp_path / "worlds.db"
    file.touch()
    write(open_emulator(file)).close()
    with closing(open_emulator(file)) as reopened:
        assert len(reopened.world.steps) == 1


def test_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StateFileError, match=r"cannot make state file .*: No such file or directory"):
        open_emulator(tmp_path / "nowhere" / "worlds.db")


@pytest.mark.usefixtures("bugs_expected")
def test_full_disk_refuses_all_writes(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Writes are answered 500 with the reason, reads still succeed, and a restart has the acknowledged writes."""
    oms = open_emulator(file)
    (pages,) = oms._state.writer._connection.execute("PRAGMA page_count").fetchone()
    oms._state.writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    session = oms.session()
    package = session.get("/api/v1/oms/packages/").json()["results"][0]["id"]
    path = f"/api/v1/oms/packages/{package}/set_remote_id/"
    answers = [session.post(path, json={"remote_id": str(number) * 200}) for number in range(30)]
    acknowledged = [answer.status_code for answer in answers].index(500)
    assert {answer.status_code for answer in answers[acknowledged:]} == {500}
    assert "is full; nothing more is stored, so writes are refused" in answers[-1].headers["X-Emulator-Hint"]
    control = session.post("/__admin/packages", json={"state": "Waiting"})
    assert (control.status_code, "is full" in control.json()["error"]) == (500, True)
    for refused in (oms.undo, oms.reset, oms.clock.freeze, lambda: oms.branch("x")):
        with pytest.raises(PersistError, match="is full"):
            refused()
    assert session.get("/api/v1/oms/packages/").status_code == 200
    oms.close()
    assert all("\n" not in record.getMessage() and not record.exc_info for record in caplog.records)
    with closing(open_emulator(file)) as reopened:
        assert len(reopened.world.steps) == 1 + acknowledged


def test_invalid_scenario_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown installation 'other'"):
        open_emulator(tmp_path / "worlds.db", installation="other")
    assert list(tmp_path.iterdir()) == []
