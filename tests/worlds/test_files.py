"""Scenario files: written whole or not at all, read with one line for whatever is wrong, the same world again."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.cli.export import from_file
from emulator.core.files import FileProblem, replace_whole, write_own
from emulator.core.schemas import problem
from emulator.exporting import as_file
from emulator.rules.installation import FOLDER as INSTALLATIONS
from emulator.rules.scenarios import ScenarioError, scenario
from tests.support.answers import check_document
from tests.support.reads import everything, in_process
from tests.support.traffic import WRITES, Traffic

pytestmark = pytest.mark.slow

STYLES = {"documented": "command-error", "wrapped": "command-error", "plain": "field-errors"}


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def oms() -> Emulator:
    """A world with some writes."""
    made = Emulator("demo", packages=4)
    Traffic(made, in_process(made), 3).run(12, WRITES)
    return made


def test_a_saved_world_opens_as_the_same_world(oms: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    oms.save(file)
    again = Emulator(file)
    assert everything(again) == everything(oms)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_the_text_has_a_line_for_each_step_and_says_its_version(oms: Emulator) -> None:
    """A write more is a line more, and `now` another."""
    document = oms.export()
    check_document("scenario", document)
    assert problem("scenario", document) is None
    assert document["format"] == 1
    before = as_file(document).decode().splitlines()
    assert json.loads("\n".join(before)) == document
    assert len([line for line in before if line.startswith("    {")]) == len(document["steps"]) > 3
    oms.package()
    after = as_file(oms.export()).decode().splitlines()
    assert len(after) == len(before) + 1
    assert len([line for line in before if line not in after]) == 2, "`now`, and the step that has a comma now"


def test_the_control_api_gives_the_same_text(oms: Emulator, tmp_path: Path) -> None:
    oms.save(tmp_path / "mine.json")
    assert in_process(oms)("GET", "/__admin/export").body == (tmp_path / "mine.json").read_bytes()


@pytest.mark.parametrize("name", ["documented/package-list", "empty", "demo"])
def test_any_scenario_can_be_exported_as_it_is(name: str, tmp_path: Path) -> None:
    """Recorded answers too."""
    oms = Emulator(name, **({} if name.startswith("doc") else {"packages": 2}))
    oms.save(tmp_path / "mine.json")
    assert everything(Emulator(tmp_path / "mine.json")) == everything(oms)


def test_a_file_of_anybody_else_is_left_alone(oms: Emulator, tmp_path: Path) -> None:
    """Unless `force` says otherwise; an empty one and a scenario of ours are replaced."""
    mine, theirs, folder = tmp_path / "mine.json", tmp_path / "theirs.json", tmp_path / "folder"
    folder.mkdir()
    for text in (b'{"name": "package"}', b"text", b"[1]", b"\xff"):
        theirs.write_bytes(text)
        with pytest.raises(FileProblem, match=r"theirs\.json exists and is no scenario file; --force replaces it"):
            oms.save(theirs)
        assert theirs.read_bytes() == text
    oms.save(theirs, force=True)
    mine.write_bytes(b"")
    oms.save(mine)
    oms.save(mine)
    assert mine.read_bytes() == theirs.read_bytes()
    with pytest.raises(FileProblem, match="folder: it is a folder"):
        oms.save(folder)
    with pytest.raises(FileProblem, match=r"cannot write .*folder"):
        oms.save(folder, force=True)
    with pytest.raises(FileProblem, match=r"cannot write .*nowhere"):
        oms.save(tmp_path / "nowhere" / "mine.json")
    assert names(tmp_path) == ["folder", "mine.json", "theirs.json"], "nothing is left aside"


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new text is aside until it is on disk."""
    file = tmp_path / "mine.json"
    write_own(file, b"old", force=True)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileProblem, match=r"cannot write .*mine\.json: No space left on device"):
        write_own(file, b"new", force=True)
    assert (file.read_bytes(), names(tmp_path)) == (b"old", ["mine.json"])


def test_permissions_are_the_usual_ones_and_stay(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    replace_whole(file, b"1")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask
    file.chmod(0o640)
    replace_whole(file, b"2")
    assert (stat.S_IMODE(file.stat().st_mode), file.read_bytes()) == (0o640, b"2")


def written(folder: Path, document: Any, name: str = "mine.json") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document))
    return file


COMMAND = {"operation": "command_package", "path": {"pk": 1}, "body": {"transition": 1, "input_parameters": {}}}
WRONG_STEPS: dict[str, tuple[dict[str, Any], str]] = {
    "an operation that reads": (
        {"operation": "get_package"},
        "/steps/1/operation: 'get_package' changes nothing; known: c",
    ),
    "an unknown operation": (
        {"operation": "fly"},
        "/steps/1/operation: 'fly' changes nothing; known: command_package, ",
    ),
    "a login": ({"operation": "login", "body": {}}, "/steps/1/operation: 'login' changes nothing"),
    "no path": ({"operation": "command_package"}, "/steps/1/path: pk; known: pk"),
    "another path": (
        {"operation": "control_make_package", "path": {"pk": 1}, "body": {}},
        "/steps/1/path: pk; known: nothing",
    ),
    "a record that is not there": (COMMAND, '/steps/1: command_package was refused: {"detail":"Not found."}'),
    "a refused document": (
        {"operation": "control_make_package", "body": {"state": "Lost"}},
        "/steps/1: control_make_package was refused: no package state 'Lost'; known: ",
    ),
    "a time that is none": (
        {"operation": "control_make_package", "body": {}, "at": "2023-02-31T00:00:00Z"},
        "/steps/1/at: day is out of range for month",
    ),
    "a time of no world": (
        {"operation": "control_make_package", "body": {}, "at": "0001-01-01T00:00:00Z"},
        "/steps/1/at: a world's time is from 1970-01-01 to 9000-01-01",
    ),
    "a key of none": ({"operation": "x", "colour": 1}, "/steps/1/colour: is unknown, known are at, operation, "),
    "a path key of none": (
        {"operation": "x", "path": {"id_": 1}},
        "/steps/1/path/id_: is unknown, known are pk, id, ",
    ),
    "no operation": ({"body": {}}, "/steps/1/operation: is missing"),
}


@pytest.mark.parametrize(("step", "said"), WRONG_STEPS.values(), ids=WRONG_STEPS)
def test_a_wrong_step_is_told_with_file_place_and_what_is_known(
    step: dict[str, Any], said: str, tmp_path: Path
) -> None:
    good = {"operation": "control_make_package", "body": {}}
    file = written(tmp_path, {"name": "mine", "steps": [good, step]})
    with pytest.raises(ScenarioError) as caught:
        Emulator(file)
    assert str(caught.value).startswith(f"scenario file {file}: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"format": 2}, "/format: is 2, a form that this version of the emulator does not know; known: 1"),
        ({"format": 2, "worlds": []}, "/format: is 2, a form that"),
        ({"format": "1"}, '/format: is "1", must be 1'),
        ({"format": True}, "/format: is true, must be 1"),
        ({"now": "noon"}, '/now: is "noon", must be a datetime in UTC'),
        ({"now": "2023-02-31T00:00:00Z"}, "/now: day is out of range"),
        ({"clock": "9999-12-31T00:00:00Z"}, "/clock: a world's time is from 1970-01-01 to 9000-01-01, not 9999"),
        ({"error_style": "loud"}, '/error_style: is "loud", must be one of "documented", "wrapped", "plain"'),
    ],
)
def test_a_wrong_file_is_told_with_file_place_and_what_is_known(
    document: dict[str, Any], said: str, tmp_path: Path
) -> None:
    file = written(tmp_path, {"name": "mine"} | document)
    with pytest.raises(ScenarioError) as caught:
        Emulator(file)
    assert str(caught.value).startswith(f"scenario file {file}: {said}")


def test_an_installation_beside_the_file_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported brings it along."""
    second = (INSTALLATIONS / "second.json").read_text()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "own.json").write_text(second)
    file = written(tmp_path / "a", {"name": "mine", "installation": "own.json", "packages": 3})
    oms = Emulator(file)
    (tmp_path / "b").mkdir()
    oms.save(tmp_path / "b" / "exported.json")
    monkeypatch.chdir(tmp_path / "b")
    assert everything(Emulator("exported.json")) == everything(oms)
    monkeypatch.chdir(tmp_path / "a")
    assert everything(Emulator("demo", packages=3, installation="own.json"))["export"] != b""
    assert Emulator("demo", packages=1, installation="second").export()["installation"] == "second"


def own_installation(folder: Path, *, is_folder: bool) -> Path:
    """Write an installation of one's own: a file, or a folder whose files each have a part."""
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
def test_an_exported_world_brings_its_installation_along(is_folder: bool, tmp_path: Path) -> None:
    """The one file makes the same world where the installation's is not, changes included; and exports as itself."""
    own = own_installation(tmp_path / "there", is_folder=is_folder)
    oms = Emulator("demo", packages=3, installation=own)
    expected = everything(oms)
    oms.save(tmp_path / "world.json")
    for file in (tmp_path / "there").iterdir():
        file.unlink()
    again = Emulator(tmp_path / "world.json")
    assert again.export() == oms.export()
    assert {**everything(again), "export": b""} == {**expected, "export": b""}
    assert again.export()["installation"]["cargo_company"][0]["name"] == "Swift"
    assert in_process(again)("GET", "/__admin/scenario").json["installation"] == "(its own)"


def test_an_export_has_the_installation_as_it_was_when_the_world_began(tmp_path: Path) -> None:
    own = own_installation(tmp_path / "there", is_folder=False)
    oms = Emulator("demo", packages=1, installation=own)
    own.write_text(own.read_text().replace("Swift", "Swifter"))
    assert oms.export()["installation"]["cargo_company"][0]["name"] == "Swift"


def test_a_state_file_s_export_brings_the_installation_along(tmp_path: Path) -> None:
    own = own_installation(tmp_path / "there", is_folder=False)
    with closing(Emulator("demo", packages=1, installation=own, state=tmp_path / "worlds.db")) as oms:
        exported = as_file(oms.export())
        oms.save(tmp_path / "world.json")
    assert from_file(tmp_path / "worlds.db", "default") == exported
    own.unlink()
    with pytest.raises(ValueError, match=r"no installation '[^\n]*own\.json'; known: [^\n]*$"):
        from_file(tmp_path / "worlds.db", "default")
    with closing(Emulator(tmp_path / "world.json", state=tmp_path / "other.db")) as oms:
        oms.reset()
    with closing(Emulator(tmp_path / "world.json", state=tmp_path / "other.db")) as oms:
        assert as_file(oms.export()) == exported


INSTALLATION_PROBLEMS = {
    "not an object": (3, "/installation: is 3, must be"),
    "an unknown kind": ({"states": []}, "/installation/states: is unknown, known are"),
    "a wrong entry": ({"channel": [{"id": "x"}]}, "/installation/channel/0"),
}


@pytest.mark.parametrize(("given", "said"), INSTALLATION_PROBLEMS.values(), ids=INSTALLATION_PROBLEMS)
def test_a_wrong_installation_that_is_brought_along_is_one_line(given: Any, said: str, tmp_path: Path) -> None:
    file = written(tmp_path, {"name": "mine", "installation": given})
    with pytest.raises(ScenarioError) as caught:
        Emulator(file)
    assert str(caught.value).startswith(f"scenario file {file}: {said}")
    assert "\n" not in str(caught.value)


def test_a_reference_to_nothing_in_what_is_brought_along_is_one_line(tmp_path: Path) -> None:
    company = {"id": 9, "name": "Swift", "provenance": "assumed", "reason": "ours"}
    parts = {"cargo_company": [company, company]}
    with pytest.raises(ValueError, match=r"^\(its own\): /cargo_company/1: the id \d+ is taken by another entry$"):
        Emulator(written(tmp_path, {"name": "mine", "installation": parts}))


@pytest.mark.parametrize(("style", "shape"), STYLES.items())
def test_the_style_of_errors_is_part_of_the_scenario(style: str, shape: str, tmp_path: Path) -> None:
    """In files, over HTTP, and in what is exported."""
    oms = Emulator(written(tmp_path, {"name": "mine", "packages": 1, "error_style": style}))
    pk = oms.session().get("/api/v1/oms/packages/").json()["results"][0]["id"]
    refused = oms.session().post(f"/api/v1/oms/packages/{pk}/command/", json={"slug": "no", "input_parameters": {}})
    check_document(shape, refused.json())
    other = oms.session().post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json={}).json()
    assert ("error" in other) == (style == "wrapped")
    assert oms.export().get("error_style", "documented") == style
    assert in_process(oms)("GET", "/__admin/scenario").json["error_style"] == style
    oms.save(tmp_path / "again.json")
    assert Emulator(tmp_path / "again.json").world.settings.error_style == style
    oms.reset()
    assert oms.world.settings.error_style == style


def test_strict_is_the_servers_and_no_scenarios(tmp_path: Path) -> None:
    oms = Emulator("empty", strict=True)
    assert oms.in_world("x").world.strict
    assert "strict" not in oms.export()
    with pytest.raises(ScenarioError, match="/strict: is unknown"):
        Emulator(written(tmp_path, {"name": "mine", "strict": True}))


def test_whole_numbers_may_be_written_as_floats(tmp_path: Path) -> None:
    """JSON Schema says that they are integers."""
    oms = Emulator(written(tmp_path, {"name": "mine", "packages": 2.0, "seed": 3.0}))
    assert everything(oms) == everything(Emulator(written(tmp_path, {"name": "mine", "packages": 2, "seed": 3})))
    assert as_file(oms.export()).count(b".0") == 0


def test_a_huge_seed_survives(tmp_path: Path) -> None:
    oms = Emulator("demo", packages=2, seed=10**40)
    oms.save(tmp_path / "mine.json")
    assert scenario(str(tmp_path / "mine.json")).seed == 10**40
    assert everything(Emulator(tmp_path / "mine.json")) == everything(oms)
