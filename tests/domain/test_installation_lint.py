"""Lint reports probable mistakes, and diff reports differences. Each finding is one line."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator.domain import installation
from emulator.domain.installation.checks import diff_installations, lint_installation

NOTE = {"provenance": "documented"}


def state(id_: int, value: str, **more: Any) -> dict[str, Any]:
    row = {"id": id_, "name": f"S{id_}", "enum_class": "PackageStatus", "enum_value": value, "content_type": 4}
    return row | NOTE | more


def move(id_: int, source: int, destination: int, **more: Any) -> dict[str, Any]:
    row = {"id": id_, "source_state": source, "destination_state": destination, "label": f"T{id_}", "slug": f"t{id_}"}
    return row | NOTE | more


START, MIDDLE, END = state(1, "100"), state(2, "200"), state(3, "800")
CLEAN = {"state": [START, MIDDLE, END], "transition": [move(1, 1, 2), move(2, 2, 3)]}
FINDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "an unreachable state": (
        CLEAN | {"state": [START, MIDDLE, END, state(4, "900")]},
        "state 4 S4 (PackageStatus 900): not reachable from a start state",
    ),
    "a dead end": (
        {"state": [START, MIDDLE], "transition": [move(1, 1, 2)]},
        "state 2 S2 (PackageStatus 200): has no outgoing transition and is not a final state",
    ),
    "a clashing slug": (
        CLEAN | {"transition": [move(1, 1, 2, slug="same"), move(2, 2, 3, slug="same")]},
        "slug same: used by more than one transition: 1, 2",
    ),
    "an unknown command": (
        CLEAN | {"transition": [move(1, 1, 2, command_code="JUGGLE"), move(2, 2, 3)]},
        "transition 1 t1: unknown command JUGGLE; it is executed as a plain state transition",
    ),
    "no reason": (
        CLEAN | {"state": [START, MIDDLE, END | {"provenance": "assumed"}]},
        "/state/2/reason: is missing",
    ),
    "an unknown reference": (
        CLEAN | {"transition": [move(1, 1, 2), move(2, 2, 3), move(3, 2, 9)]},
        "/Transition 3/destination_state: no State with the id 9",
    ),
    "two of one id": (CLEAN | {"state": [START, START, MIDDLE, END]}, "/state/1: the id 1 is used by another entry"),
}


def written(folder: Path, document: Any, name: str = "mine.json") -> Path:
    file = folder / name
    file.write_bytes(orjson.dumps(document))
    return file


@pytest.mark.medium
def test_default_installation_has_no_findings() -> None:
    assert lint_installation(installation.installation_path("default")) == []


def test_valid_file_has_no_findings(tmp_path: Path) -> None:
    assert lint_installation(written(tmp_path, CLEAN)) == []


@pytest.mark.parametrize(("document", "line"), FINDINGS.values(), ids=FINDINGS)
def test_finding_is_one_line(document: dict[str, Any], line: str, tmp_path: Path) -> None:
    """The line contains the location and the problem."""
    found = lint_installation(written(tmp_path, document))
    assert [each for each in found if line in each], found
    assert all("\n" not in each for each in found)
    assert len(found) <= 2


def test_external_transitions_are_not_unknown_commands(tmp_path: Path) -> None:
    """The codes of the carrier are not commands of the API."""
    moves = [move(1, 1, 2, actor="carrier", command_code="CARRIER_ATTEMPTED"), move(2, 2, 3)]
    assert lint_installation(written(tmp_path, CLEAN | {"transition": moves})) == []


def differing(tmp_path: Path, document: dict[str, Any]) -> list[str]:
    one = written(tmp_path, CLEAN, "one.json")
    other = written(tmp_path, document, "other.json")
    return diff_installations(*(installation.read_installation(Path(file)).records for file in (one, other)))


def test_equal_files_have_no_differences(tmp_path: Path) -> None:
    """Dates, order and provenance are not compared."""
    rows = [START, MIDDLE | {"created_date": "2023-01-01T00:00:00Z"}, END]
    assert differing(tmp_path, {"transition": CLEAN["transition"][::-1], "state": rows}) == []


def test_each_difference_is_one_line(tmp_path: Path) -> None:
    """Lines start with `-`, `+` or `~`. States come before transitions."""
    states = [START, MIDDLE | {"name": "Two"}, state(5, "900")]
    assert differing(tmp_path, {"state": states, "transition": [move(1, 1, 5), move(2, 2, 5)]}) == [
        "~ state 2 S2 (PackageStatus 200): name: S2 -> Two",
        "- state 3 S3 (PackageStatus 800)",
        "+ state 5 S5 (PackageStatus 900)",
        "~ transition 1 t1: destination_state: 2 -> 5",
        "~ transition 2 t2: destination_state: 3 -> 5",
    ]
