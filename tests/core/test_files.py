"""Files are written whole or not at all, and never over somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.core.files import FileError, encode_scenario, is_scenario_file, write_scenario_file

DOCUMENT = {"name": "mine", "packages": 3}


def test_a_scenario_is_written_marked_and_alone(tmp_path: Path) -> None:
    """Nothing but the file is left in the folder; its mark comes first; a second one of ours takes its place."""
    file = tmp_path / "mine.json"
    for document in (DOCUMENT, {**DOCUMENT, "packages": 4}):
        write_scenario_file(file, encode_scenario(document))
        assert json.loads(file.read_bytes()) == {"$schema": "scenario.json", **document}
        assert is_scenario_file(file)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.json"]


FOREIGN = {
    "notes": b"my notes",
    "another schema": b'{"$schema": "https://example.com/other.json"}',
    "a scenario by hand": b'{"name": "mine"}',
    "a mark deep inside": b'{"x": {"$schema": "scenario.json"}}',
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_somebody_elses_file_is_written_over_only_by_force(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(content)
    with pytest.raises(FileError, match=r"^[^\n]*mine\.json exists and is not a scenario file; use --force[^\n]*$"):
        write_scenario_file(file, encode_scenario(DOCUMENT))
    assert file.read_bytes() == content
    write_scenario_file(file, encode_scenario(DOCUMENT), force=True)
    assert file.read_bytes() == encode_scenario(DOCUMENT)


def test_a_mark_may_be_the_schemas_whole_address(tmp_path: Path) -> None:
    """For editors that complete from it."""
    file = tmp_path / "mine.json"
    file.write_bytes(b'{\n  "$schema": "../emulator/schemas/own/scenario.json", "name": "x"}')
    write_scenario_file(file, encode_scenario(DOCUMENT))
    assert is_scenario_file(file)


@pytest.mark.parametrize("where", ["nowhere/mine.json", "."])
def test_a_place_that_cannot_be_written_to_is_one_line(where: str, tmp_path: Path) -> None:
    for force in (False, True):
        with pytest.raises(FileError, match=r"^cannot write [^\n]+$"):
            write_scenario_file(tmp_path / where, encode_scenario(DOCUMENT), force=force)
    assert list(tmp_path.iterdir()) == []
