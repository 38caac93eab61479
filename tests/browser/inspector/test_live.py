"""Live traffic can be started, paused and stopped on the clock page."""

from __future__ import annotations

from playwright.sync_api import expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage


def test_live_traffic_is_controlled_on_the_clock_page(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("clock")
    expect(page.get_by_text("No live traffic in this world.")).to_be_visible()
    page.get_by_label("Orders per hour").fill("120")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Orders are placed, packed")).to_be_visible()
    assert oms.world.schedule.rate.orders_per_hour == 120
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Live traffic is paused.")).to_be_visible()
    assert oms.clock.next_event() is None
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert oms.clock.next_event() is not None
    for label in ("Ticking", "100 ×"):  # the page shows the choice after the response of the server
        page.get_by_label(label, exact=True).click()
        expect(page.get_by_label(label, exact=True)).to_be_checked()
    expect(page.get_by_text("The clock runs at 100 × speed").first).to_be_visible()
    assert (oms.clock.mode, oms.clock.speed) == ("ticking", 100)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("No live traffic in this world.")).to_be_visible()
    assert oms.world.schedule.rate.orders_per_hour is None
