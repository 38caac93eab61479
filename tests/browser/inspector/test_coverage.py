"""Coverage: what callers met, and what they did not, as the control API counts it."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from emulator import Emulator
from tests.browser.inspector.conftest import Watched

REPORT = {
    "percent": 37.5,
    "met": 3,
    "total": 8,
    "dimensions": {
        "operations": {
            "title": "operations called",
            "percent": 50.0,
            "met": 1,
            "total": 2,
            "missing": ["get_transfer"],
            "counts": {"list_packages": 7},
        },
        "transitions": {
            "title": "transitions taken",
            "percent": 33.3,
            "met": 2,
            "total": 6,
            "missing": ["one", "two", "three", "four"],
            "counts": {"prepare": 1, "pack": 2},
        },
    },
    "graphs": [],
}


def test_what_was_met_and_what_was_not(oms: Emulator, inspector: Watched) -> None:
    """Each dimension has its share; its rows are shown by choice, and the choice is in the address."""

    def answer(route: Route) -> None:
        route.fulfill(json=REPORT)

    inspector.page.route("**/__admin/coverage", answer)
    page = inspector.open("coverage")
    expect(page.get_by_role("heading", name="37.5 % met: 3 of 8")).to_be_visible()
    shares = page.get_by_role("table", name="Dimensions").get_by_role("row")
    expect(shares.nth(2)).to_contain_text("33.3 %")
    page.get_by_text("transitions", exact=True).click()
    rows = page.get_by_role("table", name="Not met").get_by_role("row")
    expect(rows).to_have_count(5)
    page.get_by_text("Met", exact=True).last.click()
    expect(page.get_by_role("table", name="Met", exact=True).get_by_role("row").nth(2)).to_contain_text("pack")
    expect(page).to_have_url(re.compile("of=transitions&shown=met"))
