"""Faults, armed and disarmed by clicking, and met by those who work with the API."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from emulator import Emulator
from emulator.domain.fault_rules import FAULT_KINDS
from emulator.web.admin.pages import INSPECTOR
from tests.browser.inspector.conftest import Watched

PACKAGES = "/api/v1/oms/packages/"


def test_the_kinds_are_those_that_there_are() -> None:
    """The form offers each kind, with each of its options."""
    table = (INSPECTOR / "pages" / "faults.js").read_text("utf-8").partition("KINDS = {")[2].partition("};")[0]
    offered = {
        line.split(":")[0].strip(): re.findall(r'option\("(\w+)"', line)
        for line in re.split(r"\n  (?=\w+: \{)", table)
    }
    assert {kind: options for kind, options in offered.items() if kind} == {
        name: list(kind.options) for name, kind in FAULT_KINDS.items()
    }


def test_a_fault_is_armed_met_and_disarmed(oms: Emulator, inspector: Watched) -> None:
    """It meets the calls that it was armed for, is counted, spares what the inspector looks at, and goes."""
    page = inspector.open("faults")
    expect(page.get_by_text("No faults are armed")).to_be_visible()
    page.get_by_label("Status *").fill("500")
    page.get_by_label("Maximum number of times").fill("2")
    page.get_by_role("button", name="Arm fault").click()
    rows = page.get_by_role("table", name="Armed faults").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("status 500")
    page.get_by_role("link", name="Packages", exact=True).click()
    expect(page.get_by_role("table", name="Packages")).to_be_visible()
    assert [oms.session().get(PACKAGES).status_code for _ in range(3)] == [500, 500, 200]
    page.get_by_role("link", name="Faults", exact=True).click()
    expect(rows.nth(1).get_by_role("cell").nth(5)).to_have_text("2")
    page.get_by_role("button", name=re.compile("^Disarm \\d")).click()
    expect(page.get_by_text("No faults are armed")).to_be_visible()
    assert oms.session().get("/__admin/faults").json()["count"] == 0


def test_a_wrong_fault_says_why(oms: Emulator, inspector: Watched) -> None:
    page = inspector.open("faults")
    page.get_by_label("Status *").fill("200")
    page.get_by_role("button", name="Arm fault").click()
    expect(page.get_by_role("alert").get_by_text("status")).to_be_visible()
    assert oms.session().get("/__admin/faults").json()["count"] == 0
