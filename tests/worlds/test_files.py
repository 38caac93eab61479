"""Scenario files: atomic writes, one-line errors, and equal worlds after a round trip."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.cli.data import export_from_file
from emulator.core.files import FileError, replace_file, write_scenario_file
from emulator.core.schemas import find_problem
from emulator.domain.installation import FOLDER as INSTALLATIONS
from emulator.domain.scenario_files import find_scenario
from emulator.state.scenario import ScenarioError
from emulator.worlds.loading.scenarios import encode_scenario_file
from tests.support.answers import check_document
from tests.support.reads import read_everything, wsgi_sender
from tests.support.traffic import WRITE_ACTIONS, Traffic

pytestmark = pytest.mark.slow

STYLES = {"documented": "command-error", "wrapped": "command-error", "plain": "field-errors"}


def file_names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def oms() -> Emulator:
    """Return a world with some writes."""
    emulator = Emulator("demo", packages=4)
    Traffic(emulator, wsgi_sender(emulator), 3).run(12, WRITE_ACTIONS)
    return emulator


def test_saved_world_opens_as_an_equal_world(oms: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    oms.save(file)
    again = Emulator(file)
    assert read_everything(again) == read_everything(oms)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_file_has_one_line_per_step_and_a_format_number(oms: Emulator) -> None:
    """One more write adds one line and changes `now`."""
    document = oms.export()
    check_document("scenario", document)
    assert find_problem("scenario", document) is None
    assert document["format"] == 1
    before = encode_scenario_file(document).decode().splitlines()
    assert json.loads("\n".join(before)) == document
    assert len([line for line in before if line.startswith("    {")]) == len(document["steps"]) > 3
    oms.package()
    after = encode_scenario_file(oms.export()).decode().splitlines()
    assert len(after) == len(before) + 1
    assert len([line for line in before if line not in after]) == 2, (
        "`now`, and the last step, to which a comma is added"
    )


def test_export_of_the_control_api_equals_the_saved_file(oms: Emulator, tmp_path: Path) -> None:
    oms.save(tmp_path / "mine.json")
    assert wsgi_sender(oms)("GET", "/__admin/export").body == (tmp_path / "mine.json").read_bytes()


@pytest.mark.parametrize("name", ["documented/package-list", "empty", "demo"])
def test_new_world_of_any_scenario_can_be_exported(name: str, tmp_path: Path) -> None:
    """Recorded answers are exported too."""
    oms = Emulator(name, **({} if name.startswith("doc") else {"packages": 2}))
    oms.save(tmp_path / "mine.json")
    assert read_everything(Emulator(tmp_path / "mine.json")) == read_everything(oms)


def test_saving_replaces_only_scenario_files(oms: Emulator, tmp_path: Path) -> None:
    """Other files are replaced only with `force`; an empty file is replaced."""
    mine, theirs, folder = tmp_path / "mine.json", tmp_path / "theirs.json", tmp_path / "folder"
    folder.mkdir()
    for text in (b'{"name": "package"}', b"text", b"[1]", b"\xff"):
        theirs.write_bytes(text)
        with pytest.raises(FileError, match=r"theirs\.json exists and is not a scenario file; use --force"):
            oms.save(theirs)
        assert theirs.read_bytes() == text
    oms.save(theirs, force=True)
    mine.write_bytes(b"")
    oms.save(mine)
    oms.save(mine)
    assert mine.read_bytes() == theirs.read_bytes()
    with pytest.raises(FileError, match="folder: it is a folder"):
        oms.save(folder)
    with pytest.raises(FileError, match=r"cannot write .*folder"):
        oms.save(folder, force=True)
    with pytest.raises(FileError, match=r"cannot write .*nowhere"):
        oms.save(tmp_path / "nowhere" / "mine.json")
    assert file_names(tmp_path) == ["folder", "mine.json", "theirs.json"], "no temporary file remains"


def test_failed_write_leaves_the_file_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new text is written to a temporary file first."""
    file = tmp_path / "mine.json"
    write_scenario_file(file, b"old", force=True)

    def raise_disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", raise_disk_full)
    with pytest.raises(FileError, match=r"cannot write .*mine\.json: No space left on device"):
        write_scenario_file(file, b"new", force=True)
    assert (file.read_bytes(), file_names(tmp_path)) == (b"old", ["mine.json"])


def test_saving_uses_default_permissions_and_keeps_existing_ones(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    replace_file(file, b"1")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask
    file.chmod(0o640)
    replace_file(file, b"2")
    assert (stat.S_IMODE(file.stat().st_mode), file.read_bytes()) == (0o640, b"2")


def write_scenario(folder: Path, document: Any, name: str = "mine.json") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document))
    return file


COMMAND = {"operation": "command_package", "path": {"pk": 1}, "body": {"transition": 1, "input_parameters": {}}}
WRONG_STEPS: dict[str, tuple[dict[str, Any], str]] = {
    "an operation that writes nothing": (
        {"operation": "get_package"},
        "/steps/1/operation: 'get_package' changes nothing; known: c",
    ),
    "an unknown operation": (
        {"operation": "fly"},
        "/steps/1/operation: 'fly' changes nothing; known: command_package, ",
    ),
    "a login": ({"operation": "login", "body": {}}, "/steps/1/operation: 'login' changes nothing"),
    "no path": ({"operation": "command_package"}, "/steps/1/path: pk; known: pk"),
    "an unexpected path": (
        {"operation": "control_make_package", "path": {"pk": 1}, "body": {}},
        "/steps/1/path: pk; known: nothing",
    ),
    "a missing record": (COMMAND, '/steps/1: command_package was refused: {"detail":"Not found."}'),
    "a refused document": (
        {"operation": "control_make_package", "body": {"state": "Lost"}},
        "/steps/1: control_make_package was refused: unknown package state 'Lost'; known: ",
    ),
    "an invalid time": (
        {"operation": "control_make_package", "body": {}, "at": "2023-02-31T00:00:00Z"},
        "/steps/1/at: day is out of range for month",
    ),
    "a time out of range": (
        {"operation": "control_make_package", "body": {}, "at": "0001-01-01T00:00:00Z"},
        "/steps/1/at: a world's time is from 1970-01-01 to 9000-01-01",
    ),
    "an unknown key": ({"operation": "x", "colour": 1}, "/steps/1/colour: is unknown; known keys: at, operation, "),
    "an unknown path key": (
        {"operation": "x", "path": {"id_": 1}},
        "/steps/1/path/id_: is unknown; known keys: pk, id, ",
    ),
    "no operation": ({"body": {}}, "/steps/1/operation: is missing"),
}


@pytest.mark.parametrize(("step", "message"), WRONG_STEPS.values(), ids=WRONG_STEPS)
def test_invalid_step_is_reported_with_file_pointer_and_known_values(
    step: dict[str, Any], message: str, tmp_path: Path
) -> None:
    good = {"operation": "control_make_package", "body": {}}
    file = write_scenario(tmp_path, {"name": "mine", "steps": [good, step]})
    with pytest.raises(ScenarioError) as caught:
        Emulator(file)
    assert str(caught.value).startswith(f"scenario file {file}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"format": 2}, "/format: version 2 is not supported by this version of the emulator; supported: 1"),
        ({"format": 2, "worlds": []}, "/format: version 2 is not supported"),
        ({"format": "1"}, '/format: must be 1 (got "1")'),
        ({"format": True}, "/format: must be 1 (got true)"),
        ({"now": "noon"}, "/now: must be a datetime in UTC"),
        ({"now": "2023-02-31T00:00:00Z"}, "/now: day is out of range"),
        ({"clock": "9999-12-31T00:00:00Z"}, "/clock: a world's time is from 1970-01-01 to 9000-01-01, not 9999"),
        ({"error_style": "loud"}, '/error_style: must be one of "documented", "wrapped", "plain" (got "loud")'),
    ],
)
def test_invalid_file_is_reported_with_file_pointer_and_known_values(
    document: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = write_scenario(tmp_path, {"name": "mine"} | document)
    with pytest.raises(ScenarioError) as caught:
        Emulator(file)
    assert str(caught.value).startswith(f"scenario file {file}: {message}")


def test_installation_path_is_relative_to_the_scenario_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exported file contains the installation."""
    second = (INSTALLATIONS / "second.json").read_text()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "own.json").write_text(second)
    file = write_scenario(tmp_path / "a", {"name": "mine", "installation": "own.json", "packages": 3})
    oms = Emulator(file)
    (tmp_path / "b").mkdir()
    oms.save(tmp_path / "b" / "exported.json")
    monkeypatch.chdir(tmp_path / "b")
    assert read_everything(Emulator("exported.json")) == read_everything(oms)
    monkeypatch.chdir(tmp_path / "a")
    assert read_everything(Emulator("demo", packages=3, installation="own.json"))["export"] != b""
    assert Emulator("demo", packages=1, installation="second").export()["installation"] == "second"


def write_installation(folder: Path, *, is_folder: bool) -> Path:
    """Write a custom installation, as one file or as a folder with one file per kind."""
    second = json.loads((INSTALLATIONS / "second.json").read_text())
    parts: dict[str, Any] = {
        "cargo_company": [{"id": 9, "name": "Swift", "provenance": "assumed", "reason": "ours"}],
        **{name: second[name] for name in ("state", "transition")},
    }
    folder.mkdir()
    if not is_folder:
        (folder / "own.json").write_text(json.dumps(parts))
        return folder / "own.json"
    for name, rows in parts.items():
        (folder / f"{name}.json").write_text(json.dumps({name: rows}))
    return folder


@pytest.mark.parametrize("is_folder", [False, True])
def test_exported_world_contains_its_installation(is_folder: bool, tmp_path: Path) -> None:
    """The exported file opens as an equal world without the installation's files."""
    installation = write_installation(tmp_path / "there", is_folder=is_folder)
    oms = Emulator("demo", packages=3, installation=installation)
    expected = read_everything(oms)
    oms.save(tmp_path / "world.json")
    for file in (tmp_path / "there").iterdir():
        file.unlink()
    opened = Emulator(tmp_path / "world.json")
    assert opened.export() == oms.export()
    assert {**read_everything(opened), "export": b""} == {**expected, "export": b""}
    assert opened.export()["installation"]["cargo_company"][0]["name"] == "Swift"
    assert wsgi_sender(opened)("GET", "/__admin/scenario").json["installation"] == "(its own)"


def test_export_contains_the_installation_that_the_world_started_with(tmp_path: Path) -> None:
    installation = write_installation(tmp_path / "there", is_folder=False)
    oms = Emulator("demo", packages=1, installation=installation)
    installation.write_text(installation.read_text().replace("Swift", "Swifter"))
    assert oms.export()["installation"]["cargo_company"][0]["name"] == "Swift"


def test_export_of_a_state_file_contains_the_installation(tmp_path: Path) -> None:
    installation = write_installation(tmp_path / "there", is_folder=False)
    with closing(Emulator("demo", packages=1, installation=installation, state=tmp_path / "worlds.db")) as oms:
        exported = encode_scenario_file(oms.export())
        oms.save(tmp_path / "world.json")
    assert export_from_file(tmp_path / "worlds.db", "default") == exported
    installation.unlink()
    with pytest.raises(ValueError, match=r"unknown installation '[^\n]*own\.json'; known: [^\n]*$"):
        export_from_file(tmp_path / "worlds.db", "default")
    with closing(Emulator(tmp_path / "world.json", state=tmp_path / "other.db")) as oms:
        oms.reset()
    with closing(Emulator(tmp_path / "world.json", state=tmp_path / "other.db")) as oms:
        assert encode_scenario_file(oms.export()) == exported


INSTALLATION_PROBLEMS = {
    "not an object": (3, "/installation: must be"),
    "an unknown kind": ({"states": []}, "/installation/states: is unknown; known keys"),
    "a wrong entry": ({"channel": [{"id": "x"}]}, "/installation/channel/0"),
}


@pytest.mark.parametrize(("installation", "message"), INSTALLATION_PROBLEMS.values(), ids=INSTALLATION_PROBLEMS)
def test_invalid_embedded_installation_gives_a_one_line_error(
    installation: Any, message: str, tmp_path: Path
) -> None:
    file = write_scenario(tmp_path, {"name": "mine", "installation": installation})
    with pytest.raises(ScenarioError) as caught:
        Emulator(file)
    assert str(caught.value).startswith(f"scenario file {file}: {message}")
    assert "\n" not in str(caught.value)


def test_duplicate_id_in_an_embedded_installation_gives_a_one_line_error(tmp_path: Path) -> None:
    company = {"id": 9, "name": "Swift", "provenance": "assumed", "reason": "ours"}
    parts = {"cargo_company": [company, company]}
    with pytest.raises(ValueError, match=r"^\(its own\): /cargo_company/1: the id \d+ is used by another entry$"):
        Emulator(write_scenario(tmp_path, {"name": "mine", "installation": parts}))


@pytest.mark.parametrize(("style", "shape"), STYLES.items())
def test_error_style_is_part_of_the_scenario(style: str, shape: str, tmp_path: Path) -> None:
    """It applies to worlds from files, is shown over HTTP, and is exported."""
    oms = Emulator(write_scenario(tmp_path, {"name": "mine", "packages": 1, "error_style": style}))
    pk = oms.session().get("/api/v1/oms/packages/").json()["results"][0]["id"]
    refused = oms.session().post(f"/api/v1/oms/packages/{pk}/command/", json={"slug": "no", "input_parameters": {}})
    check_document(shape, refused.json())
    other = oms.session().post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json={}).json()
    assert ("error" in other) == (style == "wrapped")
    assert oms.export().get("error_style", "documented") == style
    assert wsgi_sender(oms)("GET", "/__admin/scenario").json["error_style"] == style
    oms.save(tmp_path / "again.json")
    assert Emulator(tmp_path / "again.json").world.settings.source.error_style == style
    oms.reset()
    assert oms.world.settings.source.error_style == style


def test_strict_mode_is_an_option_of_the_server_and_not_of_a_scenario(tmp_path: Path) -> None:
    oms = Emulator("empty", strict=True)
    assert oms.in_world("x").world.strict
    assert "strict" not in oms.export()
    with pytest.raises(ScenarioError, match="/strict: is unknown"):
        Emulator(write_scenario(tmp_path, {"name": "mine", "strict": True}))


def test_integers_can_be_written_as_floats(tmp_path: Path) -> None:
    """JSON Schema treats 2.0 as an integer."""
    oms = Emulator(write_scenario(tmp_path, {"name": "mine", "packages": 2.0, "seed": 3.0}))
    assert read_everything(oms) == read_everything(
        Emulator(write_scenario(tmp_path, {"name": "mine", "packages": 2, "seed": 3}))
    )
    assert encode_scenario_file(oms.export()).count(b".0") == 0


def test_large_seed_is_preserved(tmp_path: Path) -> None:
    oms = Emulator("demo", packages=2, seed=10**40)
    oms.save(tmp_path / "mine.json")
    assert find_scenario(str(tmp_path / "mine.json")).seed == 10**40
    assert read_everything(Emulator(tmp_path / "mine.json")) == read_everything(oms)
