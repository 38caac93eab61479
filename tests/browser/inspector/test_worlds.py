"""The inspector shows the worlds of the documented samples, an empty world, and an error for an unknown world."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from emulator import Emulator
from emulator.domain.scenario_files import bundled_scenarios
from tests.browser.inspector.conftest import MonitoredPage

LISTS = {"packages": "/api/v1/oms/packages/", "transfers": "/api/v1/oms/transfer_orders/"}
DOCUMENTED = sorted(name for name in bundled_scenarios() if name.startswith("documented/"))


@pytest.mark.parametrize("part", range(4))
def test_every_documented_world_is_shown(part: int, oms: Emulator, inspector: MonitoredPage) -> None:
    """Lists and details are shown without errors, although samples lack keys and contain unusual values."""
    session = oms.session()
    for name in DOCUMENTED[part::4]:
        assert session.put("/__admin/scenario", json={"name": name}).status_code == 200
        inspector.open()
        for where, path in LISTS.items():
            found = session.get(path, params={"limit": 25}).json()["results"]
            page = inspector.open(where)
            expect(page.get_by_role("table").get_by_role("row")).to_have_count(len(found) + bool(found))
            for record in found[:3]:
                page = inspector.open(f"{where}/{record['id']}")
                expect(page.locator("h1")).to_contain_text(record["number"])
                expect(page.get_by_role("region", name="Guide: detail")).to_be_visible()
                assert inspector.errors == [], f"{name}: {where} {record['id']}"


def test_an_empty_world_is_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    oms.session().put("/__admin/scenario", json={"name": "empty"})
    page = inspector.open("packages")
    expect(page.get_by_text("This world has no packages.")).to_be_visible()


def test_an_unknown_world_offers_a_way_out(inspector: MonitoredPage) -> None:
    """The page names the world, opens the default world, and can create the missing one."""
    page = inspector.page
    page.goto(f"{inspector.url}/w/nowhere/__admin/ui/#/journal")
    expect(page.locator("main h1")).to_have_text("World nowhere does not exist")
    expect(page.get_by_role("link", name="Open the default world")).to_have_attribute(
        "href", f"{inspector.url}/__admin/ui/".replace(inspector.url, "")
    )
    page.get_by_role("button", name="Create world nowhere").click()
    expect(page.locator("main h1")).to_have_text("Journal")


def test_a_deleted_world_is_noticed(oms: Emulator, inspector: MonitoredPage) -> None:
    oms.in_world("shortlived")
    page = inspector.open("packages", "/w/shortlived")
    oms.session().delete("/__admin/worlds/shortlived")
    expect(page.locator("main h1")).to_have_text("World shortlived does not exist")


def test_an_unknown_page_is_not_the_overview(inspector: MonitoredPage) -> None:
    page = inspector.open("pakages")
    expect(page.locator("main h1")).to_have_text("Page not found")
    page.locator("main").get_by_role("link", name="Packages").click()
    expect(page.locator("main h1")).to_have_text("Packages")
