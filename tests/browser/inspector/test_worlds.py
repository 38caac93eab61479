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
    expect(page.get_by_text("No packages match.")).to_be_visible()


def test_an_unknown_world_is_an_error(inspector: MonitoredPage) -> None:
    inspector.page.goto(f"{inspector.url}/w/nowhere/__admin/ui/")
    expect(inspector.page.get_by_role("alert").filter(has_text="nowhere").first).to_be_visible()
