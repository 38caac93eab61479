"""`verify` against second emulators: each deliberate difference is found as what it is, and none is invented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.cli import main
from emulator.contract import Kind
from tests.contract.differences import GROUPS, Difference, Differing, serving

INDEX = re.compile(r"/\d+(?=/|$)")


def verified(url: str, jwt: str, tmp_path: Path, *args: str) -> tuple[int, dict]:
    """Run the command as it is run in a shell; give its exit code and its report."""
    path = tmp_path / "report.json"
    with pytest.raises(SystemExit) as ended:
        main(["verify", url, "--jwt", jwt, "--format", "json", "-o", str(path), *args])
    return int(ended.value.code or 0), json.loads(path.read_bytes())


def found_in(report: dict) -> set[tuple[str, str, str]]:
    return {
        (row["operation"], finding["kind"], INDEX.sub("/*", finding["pointer"]))
        for row in report["results"]
        for finding in row["findings"]
    }


def expected_of(differences: tuple[Difference, ...]) -> set[tuple[str, str, str]]:
    return {(one.operation, kind, pointer) for one in differences for kind, pointer in one.found}


@pytest.mark.parametrize("group", GROUPS)
def test_each_difference_is_found_and_none_is_invented(group: str, tmp_path: Path) -> None:
    """The findings are exactly those of the server's differences: operation, kind, place."""
    oms = Emulator("demo")
    with serving(Differing(oms.app, GROUPS[group])) as url:
        code, report = verified(url, oms.jwt(), tmp_path, "--allow-writes")
    assert found_in(report) == expected_of(GROUPS[group])
    assert code == 3


def test_there_are_enough_differences() -> None:
    """There is a difference for both surfaces, every kind, and every operation with a separate response."""
    differences = [one for group in GROUPS.values() for one in group]
    assert len(differences) >= 60
    assert {kind for one in differences for kind, _ in one.found} == set(map(str, Kind))
    assert sum(one.operation.startswith("reference_") for one in differences) >= 20
    for group in GROUPS.values():
        assert len({one.operation for one in group}) == len(group)


CLEAN = {
    "another seed, with writes": ({"seed": 7}, ["--allow-writes"]),
    "nothing there": ({"scenario": "empty"}, ["--allow-writes"]),
    "another installation": ({"installation": "second", "packages": 20}, []),
    "a documented list": ({"scenario": "documented/package-list"}, ["--allow-writes"]),
    "a documented transfer order": ({"scenario": "documented/transfer-order-detail"}, ["--allow-writes"]),
}


@pytest.mark.parametrize("name", CLEAN)
def test_a_second_emulator_without_differences_has_no_findings(name: str, tmp_path: Path) -> None:
    """Other data is not drift."""
    options, args = CLEAN[name]
    with Emulator(**options) as oms:
        code, report = verified(oms.url, oms.jwt(), tmp_path, *args)
    assert (found_in(report), code) == (set(), 0)
    assert report["checks"]["verified"] > 300
