"""Every page is accessible on narrow and wide screens, in light and dark mode, and for screen readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from emulator import Emulator
from tests.browser.inspector.active_world import fill_world
from tests.browser.inspector.conftest import DETAILS, PAGES, SCREENSHOTS, THEMES, WIDTHS, MonitoredPage, Opener

SEVERE = ("serious", "critical")
SIZES = [(width, theme) for width in WIDTHS for theme in THEMES]
AXE_SIZES = ((1280, "light"), (768, "light"), (390, "dark"))
AXE = """async () => {
    for (const text of document.querySelectorAll("pre"))
        for (const rest of [...text.childNodes].slice(100)) rest.remove();
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.map(({id, impact, nodes}) =>
        ({id, impact, nodes: nodes.map(({target, html}) => [target.join(" "), html.slice(0, 120)])}));
}"""
"""Runs axe, and first shortens long texts, because they would take most of the time."""


@pytest.fixture(scope="module")
def active_oms() -> Iterator[Emulator]:
    """Start an emulator for all tests of this module."""
    with Emulator("demo") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def details(active_oms: Emulator) -> dict[str, str]:
    """Fill the world and return the pages of single records."""
    return fill_world(active_oms)


@pytest.mark.parametrize("name", [*PAGES, *DETAILS])
def test_a_page_is_accessible(name: str, active_oms: Emulator, details: dict[str, str], chromium: Browser) -> None:
    """At each width and in each theme no content is wider than the screen, and axe finds no severe violation.

    Axe checks each width and each theme once, because no rule depends on both.
    """
    context = chromium.new_context(reduced_motion="reduce")
    monitored = MonitoredPage(context.new_page(), active_oms.url)
    page = monitored.open(details.get(name, name))
    if name == "overview":
        expect(page.locator(".canvas .node").last).to_be_visible()
    expect(page.get_by_role("note").filter(has_text="does not support")).to_have_count(0)
    found = [line for width, theme in SIZES for line in width_problems(page, name, width, theme)]
    page.evaluate(Axe().axe_script)
    found += [line for width, theme in AXE_SIZES for line in accessibility_problems(page, width, theme)]
    assert found == []
    assert monitored.errors == []
    context.close()


def set_viewport(page: Page, width: int, theme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)


def width_problems(page: Page, name: str, width: int, theme: str) -> list[str]:
    """Write a screenshot, and return a problem if the page is wider than the screen."""
    set_viewport(page, width, theme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}.jpg", full_page=True, type="jpeg", quality=70)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"{width} {theme}: {wide} pixels wide"] if wide > width else []


def accessibility_problems(page: Page, width: int, theme: str) -> list[str]:
    """Return the severe violations at this width and in this theme."""
    set_viewport(page, width, theme)
    return [f"{width} {theme}: {line}" for line in severe_violations(page)]


def severe_violations(page: Page) -> list[str]:
    """Return the serious and critical violations that axe finds, with their elements."""
    violations: list[dict[str, Any]] = page.evaluate(AXE)
    return [
        f"{each['impact']}: {each['id']} at {target}: {html}"
        for each in violations
        if each["impact"] in SEVERE
        for target, html in each["nodes"]
    ]


def test_problems_are_found(active_oms: Emulator, chromium: Browser) -> None:
    """The check above finds low contrast and a page that is too wide."""
    context = chromium.new_context()
    page = MonitoredPage(context.new_page(), active_oms.url).open("clock")
    page.evaluate(Axe().axe_script)
    page.evaluate("""() => {
        const heading = document.querySelector("main h1");
        Object.assign(heading.style, {color: "#ddd", background: "#fff", minWidth: "2000px"});
    }""")
    assert "color-contrast at h1" in " ".join(accessibility_problems(page, 390, "light"))
    assert "pixels wide" in " ".join(width_problems(page, "broken", 390, "light"))
    (SCREENSHOTS / "broken-390-light.jpg").unlink()
    context.close()


def test_the_selected_theme_is_kept(opener: Opener) -> None:
    """The dark theme stays after a reload. `auto` selects the theme of the system again."""
    page = opener(theme="light").open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_label("Theme").select_option("dark")
    assert page.evaluate(ground) != light
    page.reload()
    expect(page.locator("main h1")).to_be_visible()
    assert page.evaluate(ground) != light
    page.get_by_label("Theme").select_option("auto")
    assert page.evaluate(ground) == light


def test_heading_title_and_navigation_agree(inspector: MonitoredPage) -> None:
    for name in PAGES:
        page = inspector.open(name)
        current = page.locator("nav [aria-current=page]")
        expect(current).to_have_attribute("href", f"#/{name}")
        heading = current.inner_text()
        expect(page.locator("main h1")).to_have_text(heading)
        expect(page).to_have_title(f"{heading} · OMS emulator")
