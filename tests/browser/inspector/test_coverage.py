"""Coverage: what callers met, and what they did not, as the control API counts it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from emulator import Emulator
from tests.browser.inspector.conftest import Watched
from tests.browser.inspector.lively import PACKAGES, newest

PREPARE = "package__prepare_package_command__waiting__preparing"


def test_what_was_met_and_what_was_not(oms: Emulator, inspector: Watched) -> None:
    """Each dimension has its share; its rows are shown by choice, and the choice is in the address."""
    session = oms.session()
    for _ in range(3):
        session.get(PACKAGES)
    session.post(f"{PACKAGES}{newest(oms, '100')}/command/", json={"slug": PREPARE, "input_parameters": {}})
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
