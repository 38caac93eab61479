"""Dialogs, confirmations, focus, the history of the browser, toasts and tables."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from emulator import Emulator
from emulator.core.records import Package
from tests.browser.inspector.conftest import MonitoredPage, Opener, wait_until
from tests.browser.inspector.test_pages import PACKAGES, current_detail, newest_package_in_state


def test_a_dialog_is_in_the_middle_of_the_page(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_role("button", name="Refuse Package").click()
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert abs((box["y"] + box["height"] / 2) - 450) < 5
    assert abs((box["x"] + box["width"] / 2) - 640) < 12


def world_sizes(oms: Emulator) -> tuple[int, int, int]:
    """Return the numbers of packages, exchanges and armed faults."""
    return len(oms.world.records.ids(Package)), len(oms.world.journal), len(oms.world.faults.armed)


@pytest.mark.parametrize(
    ("where", "button", "confirm"),
    [
        ("overview", "Reset world", "Reset world"),
        ("journal", "Clear", "Clear journal"),
        ("faults", "Disarm all", "Disarm all faults"),
    ],
)
def test_a_destructive_action_asks_first(
    where: str, button: str, confirm: str, oms: Emulator, inspector: MonitoredPage
) -> None:
    """Escape changes nothing. The confirmation runs the action."""
    oms.faults.add("get_package", status=503, times=1)
    oms.package(state="Waiting")
    oms.session().get(PACKAGES)
    before = world_sizes(oms)
    page = inspector.open(where)
    page.get_by_role("button", name=button, exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert world_sizes(oms) == before
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=confirm, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert world_sizes(oms) != before


def test_a_disarmed_fault_can_be_armed_again(oms: Emulator, inspector: MonitoredPage) -> None:
    oms.faults.add("get_package", status=503, times=2)
    page = inspector.open("faults")
    page.get_by_role("button", name="Disarm 1").click()
    expect(page.get_by_text("No faults are armed.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("row").filter(has_text="get_package")).to_contain_text("503")
    assert [fault.times for fault in oms.world.faults.armed] == [2]


def test_the_focus_stays_useful_after_a_command(oms: Emulator, inspector: MonitoredPage) -> None:
    """The button of the next step disappears with the state. The next one gets the focus."""
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}")
    step = page.locator("[data-next-step]")
    expect(step).to_be_visible()
    step.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".title .state")).to_have_text("Preparing")
    expect(page.locator("[data-next-step]")).to_be_focused()


def test_back_keeps_the_filter_and_the_position(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("packages?state=47")
    rows = page.get_by_role("table", name="Packages").get_by_role("row")
    expect(rows).to_have_count(51)
    page.evaluate("scrollTo(0, 400)")
    wait_until(page, "scrollY === 400")
    rows.nth(15).get_by_role("link").dispatch_event("click")  # `click` may scroll first
    expect(page.locator("main h1")).to_contain_text("Package ")
    wait_until(page, "scrollY === 0")
    page.go_back()
    expect(page.get_by_role("combobox", name="State", exact=True)).to_have_value("47")
    wait_until(page, "scrollY === 400")
    rows.nth(15).get_by_role("link").click()
    page.get_by_role("link", name="← Packages").click()
    expect(page).to_have_url(re.compile(r"#/packages\?state=47$"))


def test_a_package_page_shows_a_change_of_another_client(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "600")
    page = inspector.open(f"packages/{package['id']}")
    expect(page.locator(".title .state")).to_have_text("Shipped")
    oms.carrier(package["id"], "delivered")
    expect(page.locator(".title .state")).to_have_text("Delivered")
    expect(page.get_by_role("listitem").filter(has_text="Delivered from Shipped").first).to_be_visible()


def test_the_journal_shows_all_exchanges(oms: Emulator, inspector: MonitoredPage) -> None:
    session = oms.session()
    for _ in range(130):
        session.get("/api/v1/oms/packages/6501/")
    page = inspector.open("journal")
    rows = page.get_by_role("table", name="Exchanges").get_by_role("row")
    expect(rows).to_have_count(101)
    page.get_by_role("button", name="Show 30 more").click()
    expect(rows).to_have_count(131)


def test_few_toasts_are_shown_at_once(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("clock")
    for _ in range(4):
        page.get_by_role("button", name="+1 day").click()
    expect(page.locator(".toast")).to_have_text([re.compile("2023-04-09 09:00:00")])


@pytest.mark.parametrize("width", [1100, 768])
def test_a_table_stays_a_table_on_a_medium_screen(width: int, oms: Emulator, opener: Opener) -> None:
    page = opener(width=width).open("packages")
    row = page.get_by_role("table", name="Packages").get_by_role("row").nth(1)
    assert row.evaluate("each => getComputedStyle(each).display") == "table-row"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_tab_names_the_world_and_the_package(oms: Emulator, inspector: MonitoredPage) -> None:
    oms.branch("tryout")
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}", "/w/tryout")
    expect(page).to_have_title(f"{package['number']} · Packages · tryout · OMS emulator")
    assert current_detail(oms, package)["number"] == package["number"]
