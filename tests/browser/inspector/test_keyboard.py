"""The inspector can be used with the keyboard alone."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage, Opener
from tests.browser.inspector.test_pages import current_detail, newest_package_in_state

STEPS = 120
"""Maximum number of Tab presses; no page needs more."""


def tab_to(page: Page, target: str, keys: str = "Tab") -> None:
    """Press Tab until the focused element has this name. Fail after `STEPS` presses."""
    seen = []
    for _ in range(STEPS):
        page.keyboard.press(keys)
        name = page.evaluate("(document.activeElement.ariaLabel || document.activeElement.innerText || '').trim()")
        if re.search(target, name):
            return
        seen.append(name[:40])
    raise AssertionError(f"no element named {target!r} got the focus; {seen}")


def focus(page: Page) -> Any:
    return page.evaluate("document.activeElement.tagName")


def test_a_command_can_be_sent_with_the_keyboard(oms: Emulator, inspector: MonitoredPage) -> None:
    """The way leads through the list, the page of a package and the dialog of the command."""
    package = newest_package_in_state(oms, "100")
    page = inspector.open()
    tab_to(page, "^Packages$")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Packages")
    expect(page.locator("h1")).to_be_focused()
    expect(page.get_by_role("link", name=package["number"])).to_be_visible()
    tab_to(page, f"^{package['number']}$")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(package["number"])
    expect(page.locator("h1")).to_be_focused()

    expect(page.get_by_role("button", name="Refuse Package")).to_be_visible()
    tab_to(page, "^Refuse Package")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Refuse Package")).to_be_focused()

    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("dialog select[name=denial_reason] option").first).to_be_attached()
    tab_to(page, "^Send command$")
    page.keyboard.press("Enter")
    expect(page.locator(".title .state")).to_have_text("Requires replan")
    assert current_detail(oms, package)["state"]["name"] == "Requires replan"


def test_the_first_link_skips_the_navigation(inspector: MonitoredPage) -> None:
    page = inspector.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_state_of_the_graph_can_be_focused_and_opened(inspector: MonitoredPage) -> None:
    """A focused state shows its transitions. Enter opens its list."""
    page = inspector.open()
    expect(page.get_by_label("State graph of packages").locator("a").first).to_be_visible()
    tab_to(page, "^Shipped: ")
    expect(page.locator(".transitions").first).to_contain_text("Delivery attempted → Attempted Delivery carrier")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/packages\?state=42"))


def test_the_menu_of_a_narrow_screen_opens_and_closes(opener: Opener) -> None:
    """`aria-expanded` says whether it is open. A choice closes it."""
    page = opener(width=390).open()
    menu = page.locator(".menu")
    expect(menu).to_have_attribute("aria-expanded", "false")
    tab_to(page, "^Menu$")
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    tab_to(page, "^Clock$")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Clock")
    expect(menu).to_have_attribute("aria-expanded", "false")
