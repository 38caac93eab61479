"""A file that cannot be used is refused in one line and stays as it is; a disk that refuses stops the writes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import Stock
from emulator.core.refusals import PersistError
from emulator.durable.file import StateProblem
from tests.support.traffic import SKU

PACKAGES = 3


def made(file: Path, **options: Any) -> Emulator:
    return Emulator(**({"scenario": "demo", "packages": PACKAGES, "state": file} | options))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A state file with a write in it."""
    path = tmp_path / "worlds.db"
    with_a_write(made(path)).close()
    return path


def with_a_write(oms: Emulator) -> Emulator:
    oms.stock(min(each.stock_location for each in oms.world.root.all(Stock)), SKU, 5)
    return oms


def everything_in(folder: Path) -> dict[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def changed(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def not_a_database(file: Path) -> None:
    file.write_bytes(b'{"name": "mine"}\n' * 99)


def foreign(file: Path) -> None:
    file.unlink()
    changed(file, "CREATE TABLE customers (name)")


def earlier(file: Path) -> None:
    changed(file, "PRAGMA user_version = 1")


def later(file: Path) -> None:
    changed(file, "PRAGMA user_version = 3")


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def overwritten(file: Path) -> None:
    text = bytearray(file.read_bytes())
    text[4096 : 4096 * 4] = b"\xff" * 4096 * 3
    file.write_bytes(text)


def without_a_step(file: Path) -> None:
    changed(file, "UPDATE steps SET at = at + 1")


def with_a_wrong_record(file: Path) -> None:
    changed(file, "UPDATE steps SET changes = CAST('stock 1 [1]' AS BLOB)")


def with_an_unknown_kind(file: Path) -> None:
    changed(file, "UPDATE steps SET changes = CAST('os.system 1 [1]' AS BLOB)")


def with_a_wrong_snapshot(file: Path) -> None:
    row = "SELECT id, 'mine', course, 9, now, '[]' FROM worlds"
    changed(file, f"INSERT INTO snapshots (world, name, course, upto, now, faults) {row}")


def with_a_wrong_fault(file: Path) -> None:
    changed(file, "INSERT INTO faults (world, id, document) SELECT id, 1, '{}' FROM worlds")


def with_a_wrong_clock(file: Path) -> None:
    changed(file, "UPDATE worlds SET now = '{}'")


def another_start(file: Path) -> None:
    changed(file, "UPDATE scenarios SET start = 'x'")


def read_only(file: Path) -> None:
    file.chmod(0o444)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "not a database": (not_a_database, "is no state file"),
    "another program's database": (foreign, "is a database, but no state file of oms-emulator"),
    "of an earlier version": (earlier, "is of an earlier oms-emulator: its form is 1, and this one knows 2"),
    "of a later version": (later, "is of a later oms-emulator: its form is 3, and this one knows 2"),
    "cut off": (torn, "damaged"),
    "overwritten": (overwritten, "damaged"),
    "a step is missing": (without_a_step, "damaged: step 1 is not there"),
    "a record is none": (with_a_wrong_record, "damaged: no stock: 1 columns instead of 4"),
    "a kind is none": (with_an_unknown_kind, "damaged: unknown kind 'os.system'"),
    "a snapshot's step is missing": (with_a_wrong_snapshot, "damaged: step 9 is not there"),
    "a fault is none": (with_a_wrong_fault, "damaged"),
    "the clock is none": (with_a_wrong_clock, "damaged"),
    "its start is another by now": (another_start, "started otherwise when it was made"),
    "read-only": (read_only, "is read-only"),
    "a folder": (a_folder, "is no file but a folder"),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT)
def test_a_file_that_cannot_be_used_is_refused_and_stays_as_it_is(
    spoil: Callable[[Path], None], said: str, file: Path
) -> None:
    spoil(file)
    before = everything_in(file.parent)
    with pytest.raises(StateProblem) as refused:
        made(file)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert everything_in(file.parent) == before


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "scenario": ({"scenario": "empty", "packages": None}, "was made for scenario 'demo', not for 'empty'"),
    "seed": ({"seed": 9}, r"was made for seed \d+, not for 9"),
    "size": ({"packages": 4}, "was made for 3 packages, not for 4"),
    "installation": ({"installation": "second"}, "was made for installation 'default', not for 'second'"),
}


@pytest.mark.parametrize(("options", "said"), OTHERS.values(), ids=OTHERS)
def test_a_file_made_for_something_else_says_which(options: dict[str, Any], said: str, file: Path) -> None:
    before = everything_in(file.parent)
    with pytest.raises(StateProblem, match=said):
        made(file, **options)
    assert everything_in(file.parent) == before


def test_a_killed_server_s_file_is_refused_untouched_too(file: Path, tmp_path: Path) -> None:
    """With its write-ahead log beside it, which is neither taken over nor lost."""
    oms = with_a_write(made(file))
    killed = tmp_path / "killed"
    killed.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{file}{end}", killed / f"worlds.db{end}")
    oms.close()
    before = everything_in(killed)
    assert len(before["worlds.db-wal"] or b"") > 0
    with pytest.raises(StateProblem, match=r"was made for seed \d+, not for 2"):
        made(killed / "worlds.db", seed=2)
    assert everything_in(killed) == before
    with closing(made(killed / "worlds.db")) as again:
        assert len(again.world.steps) == 2


def test_a_file_in_use_is_refused(file: Path) -> None:
    with closing(made(file)) as oms:
        before = everything_in(file.parent)
        with pytest.raises(StateProblem, match="in use"):
            made(file)
        assert everything_in(file.parent) == before
        with_a_write(oms)
    with closing(made(file)) as again:
        assert len(again.world.steps) == 2


def test_an_edited_installation_is_another_one(tmp_path: Path) -> None:
    """The file's records refer to what the installation had when it was made."""
    mine = tmp_path / "mine.json"
    mine.write_text('{"cargo_company": [{"id": 9, "name": "Swift", "provenance": "assumed", "reason": "ours"}]}')
    state = tmp_path / "worlds.db"
    made(state, installation=mine).close()
    made(state, installation=mine).close()
    mine.write_text('{"cargo_company": [{"id": 9, "name": "Swifter", "provenance": "assumed", "reason": "ours"}]}')
    with pytest.raises(StateProblem, match="another installation file"):
        made(state, installation=mine)


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    """As `mktemp` makes it."""
    file = tmp_path / "worlds.db"
    file.touch()
    with_a_write(made(file)).close()
    with closing(made(file)) as again:
        assert len(again.world.steps) == 1


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateProblem, match=r"cannot make state file .*: No such file or directory"):
        made(tmp_path / "nowhere" / "worlds.db")


@pytest.mark.usefixtures("bugs_expected")
def test_a_full_disk_acknowledges_nothing_and_takes_nothing_more(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The write is a 500 that says why, so are all later ones; reads go on; a restart has what was acknowledged."""
    oms = made(file)
    (pages,) = oms._state.writer._connection.execute("PRAGMA page_count").fetchone()
    oms._state.writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    session = oms.session()
    package = session.get("/api/v1/oms/packages/").json()["results"][0]["id"]
    path = f"/api/v1/oms/packages/{package}/set_remote_id/"
    answers = [session.post(path, json={"remote_id": str(number) * 200}) for number in range(30)]
    acknowledged = [answer.status_code for answer in answers].index(500)
    assert {answer.status_code for answer in answers[acknowledged:]} == {500}
    assert "is full; nothing more is kept, so writes are refused" in answers[-1].headers["X-Emulator-Hint"]
    control = session.post("/__admin/packages", json={"state": "Waiting"})
    assert (control.status_code, "is full" in control.json()["error"]) == (500, True)
    for refused in (oms.undo, oms.reset, oms.clock.freeze, lambda: oms.branch("x")):
        with pytest.raises(PersistError, match="is full"):
            refused()
    assert session.get("/api/v1/oms/packages/").status_code == 200
    oms.close()
    assert all("\n" not in record.getMessage() and not record.exc_info for record in caplog.records)
    with closing(made(file)) as again:
        assert len(again.world.steps) == 1 + acknowledged


def test_a_scenario_that_cannot_be_used_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no installation 'nobody'"):
        made(tmp_path / "worlds.db", installation="nobody")
    assert list(tmp_path.iterdir()) == []
