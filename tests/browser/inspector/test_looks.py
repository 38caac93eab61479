"""Every page can be used by everybody: narrow or wide, light or dark, seen or read aloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import DETAILS, PAGES, SCREENSHOTS, THEMES, WIDTHS, Opener, Watched
from tests.browser.inspector.lively import filled

GRAVE = ("serious", "critical")
SIZES = [(width, theme) for width in WIDTHS for theme in THEMES]
SEARCHED = tuple(zip(WIDTHS, THEMES, strict=True))
AXE = """async () => {
    for (const text of document.querySelectorAll("pre"))
        for (const rest of [...text.childNodes].slice(100)) rest.remove();
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.map(({id, impact, nodes}) =>
        ({id, impact, nodes: nodes.map(({target, html}) => [target.join(" "), html.slice(0, 120)])}));
}"""

"""A long text's later parts look like its first ones, and would take most of the time."""


@pytest.fixture(scope="module")
def lively() -> Iterator[Emulator]:
    """A world in which something happened on every page, for all of these tests."""
    with Emulator("demo") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def details(lively: Emulator) -> dict[str, str]:
    """Where the pages of single records are."""
    return filled(lively)


@pytest.mark.parametrize("name", [*PAGES, *DETAILS])
def test_a_page_is_fit_for_everybody(name: str, lively: Emulator, details: dict[str, str], chromium: Browser) -> None:
    """At each width, light and dark, nothing is wider than the screen, and a picture is kept; axe is content.

    Axe looks at each width and each theme once: they have no rule in common.
    """
    context = chromium.new_context(reduced_motion="reduce")
    watched = Watched(context.new_page(), lively.url)
    page = watched.open(details.get(name, name))
    if name == "overview":
        expect(page.locator(".canvas .node").last).to_be_visible()
    expect(page.get_by_role("note").filter(has_text="does not support")).to_have_count(0)
    found = [line for width, theme in SIZES for line in too_wide(page, name, width, theme)]
    page.evaluate(Axe().axe_script)
    found += [line for width, theme in SEARCHED for line in unfit(page, width, theme)]
    assert found == []
    assert watched.complaints == []
    context.close()


def look(page: Page, width: int, theme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)


def too_wide(page: Page, name: str, width: int, theme: str) -> list[str]:
    """Keep a picture of a page at a width, light or dark; say so if it is wider."""
    look(page, width, theme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}.jpg", full_page=True, type="jpeg", quality=70)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"{width} {theme}: is {wide} pixels wide"] if wide > width else []


def unfit(page: Page, width: int, theme: str) -> list[str]:
    """Give what of a page is unfit for some people, at a width, light or dark."""
    look(page, width, theme)
    return [f"{width} {theme}: {line}" for line in grave(page)]


def grave(page: Page) -> list[str]:
    """Give what axe finds that is serious or worse, with where."""
    violations: list[dict[str, Any]] = page.evaluate(AXE)
    return [
        f"{each['impact']}: {each['id']} at {target}: {html}"
        for each in violations
        if each["impact"] in GRAVE
        for target, html in each["nodes"]
    ]


def test_what_is_wrong_is_found(lively: Emulator, chromium: Browser) -> None:
    """The check above sees pale words, and a page that is too wide."""
    context = chromium.new_context()
    page = Watched(context.new_page(), lively.url).open("clock")
    page.evaluate(Axe().axe_script)
    page.evaluate("""() => {
        const heading = document.querySelector("main h1");
        Object.assign(heading.style, {color: "#ddd", background: "#fff", minWidth: "2000px"});
    }""")
    assert "color-contrast at h1" in " ".join(unfit(page, 390, "light"))
    assert "pixels wide" in " ".join(too_wide(page, "broken", 390, "light"))
    (SCREENSHOTS / "broken-390-light.jpg").unlink()
    context.close()


def test_the_chosen_theme_stays(opener: Opener) -> None:
    """Who chooses dark on a light system has it dark after a reload too, and the system's again by choice."""
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


def test_a_page_tells_where_one_is(inspector: Watched) -> None:
    """Its heading, its title and its place among the pages say the same."""
    for name in PAGES:
        page = inspector.open(name)
        current = page.locator("nav [aria-current=page]")
        expect(current).to_have_attribute("href", f"#/{name}")
        heading = current.inner_text()
        expect(page.locator("main h1")).to_have_text(heading)
        assert page.title() == f"{heading} · OMS emulator"
