"""Faults can be armed and disarmed on the faults page."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from emulator import Emulator
from emulator.domain.fault_rules import FAULT_KINDS
from emulator.web.admin.pages import INSPECTOR
from tests.browser.inspector.conftest import MonitoredPage

PACKAGES = "/api/v1/oms/packages/"


def test_the_form_has_all_fault_kinds() -> None:
    """The form has each kind, with all of its options."""
    table = (INSPECTOR / "pages" / "faults.js").read_text("utf-8").partition("KINDS = {")[2].partition("};")[0]
    offered = {
        line.split(":")[0].strip(): re.findall(r'option\("(\w+)"', line)
        for line in re.split(r"\n  (?=\w+: \{)", table)
    }
    assert {kind: options for kind, options in offered.items() if kind} == {
        name: list(kind.options) for name, kind in FAULT_KINDS.items()
    }


def test_a_fault_is_armed_triggered_and_disarmed(oms: Emulator, inspector: MonitoredPage) -> None:
    """The page shows the number of hits. Requests of the inspector do not trigger the fault."""
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


def test_the_error_of_an_invalid_fault_is_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("faults")
    page.get_by_label("Status *").fill("200")
    page.get_by_role("button", name="Arm fault").click()
    expect(page.get_by_role("alert").get_by_text("status")).to_be_visible()
    assert oms.session().get("/__admin/faults").json()["count"] == 0
