"""The coverage page shows the report of the control API."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from emulator import Emulator
from tests.browser.inspector.active_world import PACKAGES, newest_package_id
from tests.browser.inspector.conftest import MonitoredPage

PREPARE = "package__prepare_package_command__waiting__preparing"


def test_covered_and_missing_items_are_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    """Each dimension has a percentage. The selected dimension and rows are part of the URL."""
    session = oms.session()
    for _ in range(3):
        session.get(PACKAGES)
    session.post(
        f"{PACKAGES}{newest_package_id(oms, '100')}/command/", json={"slug": PREPARE, "input_parameters": {}}
    )
    report = session.get("/__admin/coverage").json()
    transitions = report["dimensions"]["transitions"]

    page = inspector.open("coverage")
    expect(page.get_by_role("heading", name=f"{report['percent']:g} % covered: {report['met']} of")).to_be_visible()
    shares = page.get_by_role("table", name="Dimensions").get_by_role("row")
    expect(shares).to_have_count(len(report["dimensions"]) + 1)
    expect(shares.filter(has_text=transitions["title"])).to_contain_text(f"{transitions['percent']:g} %")

    page.get_by_text("transitions", exact=True).click()
    rows = page.get_by_role("table", name="Not covered").get_by_role("row")
    expect(rows).to_have_count(len(transitions["missing"]) + 1)
    expect(rows.filter(has_text=PREPARE)).to_have_count(0)
    page.get_by_text("Covered", exact=True).last.click()
    met = page.get_by_role("table", name="Covered", exact=True).get_by_role("row")
    expect(met).to_have_count(2)
    expect(met.nth(1)).to_contain_text(PREPARE)
    expect(page).to_have_url(re.compile("of=transitions&shown=met"))

    page.get_by_text("operations", exact=True).click()
    expect(met.filter(has_text="list_packages").get_by_role("cell").nth(1)).to_have_text("3")
    session.get(PACKAGES)
    page.get_by_role("button", name="Refresh").click()
    expect(met.filter(has_text="list_packages").get_by_role("cell").nth(1)).to_have_text("4")
