"""The main task without a mouse: from the first page to a command, its dialog, and back."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import Opener, Watched
from tests.browser.inspector.test_work import package_in, present

STEPS = 120
"""More than any page has stops before what is looked for."""


def tab_to(page: Page, target: str, keys: str = "Tab") -> None:
    """Press Tab until what is focused has this name; fail if one comes to the page's end before."""
    seen = []
    for _ in range(STEPS):
        page.keyboard.press(keys)
        name = page.evaluate("(document.activeElement.ariaLabel || document.activeElement.innerText || '').trim()")
        if re.search(target, name):
            return
        seen.append(name[:40])
    raise AssertionError(f"nothing named {target!r} takes the focus; {seen}")


def focus(page: Page) -> Any:
    return page.evaluate("document.activeElement.tagName")


def test_a_package_is_refused_without_a_mouse(oms: Emulator, inspector: Watched) -> None:
    """To the list by the navigation, into a package, through a command's dialog with Escape and with Enter."""
    package = package_in(oms, "100")
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
    tab_to(page, "^Send command$")
    page.keyboard.press("Enter")
    expect(page.locator(".title .state")).to_have_text("Requires replan")
    assert present(oms, package)["state"]["name"] == "Requires replan"


def test_one_may_skip_to_the_page(inspector: Watched) -> None:
    """The first stop leads past the navigation."""
    page = inspector.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_state_of_the_picture_is_reached(inspector: Watched) -> None:
    """Each state takes the focus, tells its moves, and leads to its list."""
    page = inspector.open()
    expect(page.get_by_label("State graph of packages").locator("a").first).to_be_visible()
    tab_to(page, "^Shipped: ")
    expect(page.locator(".transitions").first).to_contain_text("Delivery attempted → Attempted Delivery carrier")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/packages\?state=42"))


def test_the_menu_of_a_narrow_screen(opener: Opener) -> None:
    """It says whether it is open, and closes when one has chosen."""
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
