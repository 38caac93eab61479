"""Files are written atomically, and never over a file that the emulator did not write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.core.files import FileError, encode_scenario, is_scenario_file, read_json_file, write_scenario_file

DOCUMENT = {"name": "mine", "packages": 3}


def test_a_scenario_file_has_its_mark_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    """Its first key is the mark, and another scenario file replaces it."""
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
def test_another_file_is_replaced_only_with_force(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(content)
    with pytest.raises(FileError, match=r"^[^\n]*mine\.json exists and is not a scenario file; use --force[^\n]*$"):
        write_scenario_file(file, encode_scenario(DOCUMENT))
    assert file.read_bytes() == content
    write_scenario_file(file, encode_scenario(DOCUMENT), force=True)
    assert file.read_bytes() == encode_scenario(DOCUMENT)


def test_the_mark_may_be_the_url_of_the_schema(tmp_path: Path) -> None:
    """Editors need the URL for completion."""
    file = tmp_path / "mine.json"
    file.write_bytes(b'{\n  "$schema": "../emulator/schemas/own/scenario.json", "name": "x"}')
    write_scenario_file(file, encode_scenario(DOCUMENT))
    assert is_scenario_file(file)


@pytest.mark.parametrize("where", ["nowhere/mine.json", "."])
def test_unwritable_path_gives_a_one_line_error(where: str, tmp_path: Path) -> None:
    for force in (False, True):
        with pytest.raises(FileError, match=r"^cannot write [^\n]+$"):
            write_scenario_file(tmp_path / where, encode_scenario(DOCUMENT), force=force)
    assert list(tmp_path.iterdir()) == []


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(DOCUMENT), "utf-8-sig")
    assert read_json_file(file, "mine", FileError) == DOCUMENT
