"""Paths of scenarios and installations: which files a scenario and a client of the control API may name."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.core import files
from emulator.core.files import FileError, read_regular_file, write_scenario_file
from emulator.domain.installation import FOLDER as INSTALLATIONS
from emulator.state.scenario import ScenarioError

SECOND = INSTALLATIONS / "second.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory. Its parent has an installation, a scenario, and a pipe."""
    folder = tmp_path / "work"
    folder.mkdir()
    for place in (tmp_path, folder):
        shutil.copy(SECOND, place / "own.json")
        (place / "mine.json").write_text('{"name": "mine"}')
        os.mkfifo(place / "pipe.json")
    monkeypatch.chdir(folder)
    return folder


def put(oms: Emulator, document: Any) -> tuple[int, str]:
    answer = oms.session().put("/__admin/scenario", json=document)
    return answer.status_code, answer.json().get("error", "")


def with_installation(name: str) -> Any:
    return {"document": {"name": "x", "installation": name}}


@pytest.mark.medium
@pytest.mark.parametrize(
    "name", ["/dev/zero", "../../etc/passwd", "/etc/passwd", "../own.json", "../missing", "/", ".."]
)
def test_client_cannot_name_an_installation_outside_the_folder(name: str, folder: Path) -> None:
    """The error is the one for an unknown name, whether the file exists or not."""
    assert folder
    expected = f"unknown installation {name!r}; known: default, second, or a path of an existing .json file"
    assert put(Emulator("empty"), with_installation(name)) == (400, expected)


@pytest.mark.medium
@pytest.mark.parametrize("name", ["../mine.json", "../missing.json", "/etc/mine.json", "link.json", "a\0.json"])
def test_client_cannot_name_a_scenario_outside_the_folder(name: str, folder: Path) -> None:
    (folder / "link.json").symlink_to(folder.parent / "mine.json")
    status, error = put(Emulator("empty"), {"name": name})
    assert (status, "is outside the folder of the server's scenario" in error) == (400, True)
    status, error = put(Emulator("empty"), {"name": "demo", "seed": 1})
    assert (status, error) == (200, "")


@pytest.mark.medium
def test_client_can_name_files_below_the_folder(folder: Path) -> None:
    """It is that of the server's scenario file, or else the working directory."""
    oms = Emulator("empty")
    assert put(oms, {"name": "mine.json"}) == (200, "")
    assert put(oms, with_installation("own.json")) == (200, "")
    other = Emulator(folder.parent / "mine.json")
    assert put(other, {"name": "../mine.json"}) == (200, "")
    assert put(other, with_installation("../own.json")) == (200, "")


@pytest.mark.medium
def test_client_can_name_the_installation_of_the_server(folder: Path) -> None:
    oms = Emulator("empty", installation=str(folder.parent / "own.json"))
    assert put(oms, with_installation(str(folder.parent / "own.json"))) == (200, "")


@pytest.mark.medium
def test_nothing_is_below_the_root(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir("/")
    assert put(Emulator("empty"), {"name": str(folder / "mine.json")})[0] == 400


@pytest.mark.parametrize("name", ["../own.json", "/dev/zero", "/etc/passwd", "../missing.json"])
def test_scenario_file_cannot_name_an_installation_outside_its_folder(name: str, folder: Path) -> None:
    (folder / "mine.json").write_text(json.dumps({"name": "mine", "installation": name}))
    with pytest.raises(ScenarioError, match=r"/installation: unknown installation .* below its folder$"):
        Emulator("mine.json")


@pytest.mark.medium
@pytest.mark.parametrize("installation", ["pipe.json", "/dev/zero"])
def test_devices_and_pipes_are_not_read(installation: str, folder: Path) -> None:
    """A pipe blocks and a device is endless, also when the operator names them."""
    with pytest.raises(ValueError, match="it is a device or a pipe, not a regular file"):
        Emulator("empty", installation=installation)
    with pytest.raises(ScenarioError, match="it is a device or a pipe, not a regular file"):
        Emulator(folder / "pipe.json")
    assert "it is a device or a pipe" in put(Emulator("empty"), {"name": "pipe.json"})[1]
    with pytest.raises(FileError, match="it is a device or a pipe, not a regular file"):
        write_scenario_file(folder / "pipe.json", b"{}", force=True)


def test_large_files_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    (folder / "ten").write_bytes(b"x" * 10)
    assert read_regular_file(folder / "ten") == b"x" * 10
    with pytest.raises(ScenarioError, match="it has more than 10 bytes"):
        Emulator("mine.json")
