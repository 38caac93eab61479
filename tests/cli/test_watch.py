"""`serve --watch`: the worlds follow the files, and an error leaves them as they were."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.cli.watch import FileWatcher, watched_files
from emulator.core.records import State
from emulator.domain.installation import installation_path
from emulator.domain.scenario_files import find_scenario
from tests.cli.test_serve import Serve, ready, refused, serve

__all__ = ["serve"]

LIST = "/api/v1/oms/packages/"


def write(file: Path, **document: Any) -> None:
    """Save a scenario or installation as editors do: under another name, then renamed."""
    draft = file.with_suffix(".tmp")
    draft.write_text(json.dumps(document))
    draft.replace(file)


def package_count(oms: Emulator, world: str = "default") -> int:
    return oms.in_world(world).session().get(LIST).json()["count"]


def check_twice(watcher: FileWatcher) -> None:
    """Check as the thread does: first the change is found, then that the file is complete."""
    watcher.check()
    watcher.check()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.json"
    write(file, name="mine", packages=3)
    return file


def test_worlds_of_the_file_are_restarted_when_it_is_saved(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    oms = Emulator(file)
    watcher = FileWatcher(oms)
    oms.in_world("same")
    oms.in_world("other", "empty")
    oms.package()
    write(file, name="mine", packages=12)
    watcher.check()
    assert package_count(oms) == 4, "the file may be incomplete"
    with caplog.at_level(logging.INFO, "emulator.watch"):
        check_twice(watcher)
    assert [package_count(oms, world) for world in ("default", "same", "other", "new")] == [12, 12, 0, 12]
    assert caplog.messages == [f"reloaded {file}"]


def test_options_still_apply_after_a_reload(file: Path) -> None:
    oms = Emulator(file, packages=5, seed=9, limits={"full-access": {"read": "1000/min"}})
    write(file, name="mine", packages=12, seed=1)
    oms.reload()
    settings = oms.world.settings
    assert (package_count(oms), settings.source.seed, settings.limits) == (
        5,
        9,
        {"full-access": {"read": "1000/min"}},
    )


WRONG = {
    "not JSON": ("{", "is not JSON"),
    "an unknown key": ('{"name": "x", "colour": 1}', "/colour"),
    "an unknown installation": ('{"name": "x", "installation": "y"}', "unknown installation 'y'"),
    "a wrong step": ('{"name": "x", "steps": [{"operation": "nothing", "path": {}, "body": {}}]}', "/steps"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_an_error_keeps_the_worlds_and_is_printed_in_one_line(
    file: Path, text: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    oms = Emulator(file)
    watcher = FileWatcher(oms)
    oms.package()
    file.write_text(text)
    check_twice(watcher)
    check_twice(watcher)
    (message,) = caplog.messages
    assert message.startswith("the worlds stay as they were: ")
    assert "\n" not in message
    assert package_count(oms) == 4
    write(file, name="mine", packages=1)
    check_twice(watcher)
    assert package_count(oms) == 1


def test_a_file_may_be_missing_for_a_moment(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    oms = Emulator(file)
    watcher = FileWatcher(oms)
    file.rename(file.with_name("gone"))
    watcher.check()
    write(file, name="mine", packages=2)
    with caplog.at_level(logging.INFO, "emulator.watch"):
        check_twice(watcher)
    assert (package_count(oms), caplog.messages) == (2, [f"reloaded {file}"])


def test_the_installation_is_watched(tmp_path: Path) -> None:
    text = installation_path("second").read_text("utf-8")
    name = next(state.name for state in Emulator("empty", installation="second").world.records.all(State))
    own = tmp_path / "own.json"
    own.write_text(text)
    oms = Emulator("empty", installation=own)
    watcher = FileWatcher(oms)
    own.write_text(text.replace(f'"{name}"', '"Renamed"'))
    check_twice(watcher)
    names = {state.name for state in oms.world.records.all(State)}
    assert ("Renamed" in names, name in names) == (True, False)


def test_files_of_the_package_are_not_watched() -> None:
    assert list(watched_files(find_scenario("demo"))) == []


def test_serve_reloads_a_saved_file(serve: Serve, file: Path) -> None:
    process = serve("--port", "0", "--scenario", str(file), "--watch")
    url = ready(process)
    write(file, name="mine", packages=7)
    assert process.stderr is not None
    assert process.stderr.readline() == f"INFO reloaded {file}\n"
    count = requests.get(f"{url}{LIST}", headers={"Authorization": "Token full-access"}, timeout=10).json()["count"]
    file.write_text("{")
    assert process.stderr.readline().startswith(
        f"ERROR the worlds stay as they were: scenario file {file} is not JSON"
    )
    assert count == 7


def test_what_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    assert "--watch needs a --scenario or an --installation" in refused("serve", "--port", "0", "--watch")
    line = refused("serve", "--port", "0", "--watch", "--state", str(tmp_path / "state.db"))
    assert "--watch and --state cannot be used together" in line
    assert list(tmp_path.iterdir()) == []
