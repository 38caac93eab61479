"""The inspector shows any world: those of the documented samples, one that is empty, one that is not there."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from emulator import Emulator
from emulator.domain.scenario_files import bundled_scenarios
from tests.browser.inspector.conftest import Watched

LISTS = {"packages": "/api/v1/oms/packages/", "transfers": "/api/v1/oms/transfer_orders/"}
DOCUMENTED = sorted(name for name in bundled_scenarios() if name.startswith("documented/"))


@pytest.mark.parametrize("part", range(4))
def test_every_documented_world_is_shown(part: int, oms: Emulator, inspector: Watched) -> None:
    """Samples lack keys and hold odd values: lists and details are drawn all the same, without a complaint."""
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
                assert inspector.complaints == [], f"{name}: {where} {record['id']}"


def test_an_empty_world_is_shown(oms: Emulator, inspector: Watched) -> None:
    oms.session().put("/__admin/scenario", json={"name": "empty"})
    page = inspector.open("packages")
    expect(page.get_by_text("No packages match.")).to_be_visible()


def test_a_world_that_is_not_there_is_told_of(inspector: Watched) -> None:
    inspector.page.goto(f"{inspector.url}/w/nowhere/__admin/ui/")
    expect(inspector.page.get_by_role("alert").filter(has_text="nowhere").first).to_be_visible()
