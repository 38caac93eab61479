"""The fidelity page shows what an evidence file confirms, and where the recorded OMS differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from emulator import Emulator
from emulator.contract.evidence import Evidence
from emulator.contract.findings import Finding, Kind
from tests.browser.inspector.conftest import MonitoredPage


@pytest.fixture
def oms(tmp_path: Path) -> Iterator[Emulator]:
    """Return a server with an evidence file, in place of one without."""
    evidence = Evidence()
    evidence.agree(["operations login"])
    evidence.differ("get_package", [Finding(Kind.TYPE, "get_package", "/number", "")], ["operations get_package"])
    (tmp_path / "evidence.json").write_text(json.dumps(evidence.to_document()))
    with Emulator("empty", evidence=tmp_path / "evidence.json") as emulator:
        yield emulator


def test_confirmed_behaviours_and_differences_are_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("fidelity")
    rows = page.get_by_role("table", name="operations").get_by_role("row")
    login = rows.filter(has_text="/api/v1/auth/login/")
    expect(login).to_contain_text("observed")
    expect(login).to_contain_text("agreed in 1 recorded exchanges of the evidence file")
    package = rows.filter(has=page.get_by_text("get_package", exact=True))
    expect(package).to_contain_text("Differs from the recorded OMS: type /number (1)")
