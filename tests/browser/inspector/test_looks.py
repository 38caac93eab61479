"""Every page can be used by everybody: narrow or wide, light or dark, seen or read aloud."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import PAGES, SCREENSHOTS, Opener

GRAVE = ("serious", "critical")


def waiting(oms: Emulator) -> int:
    """Give the newest package that waits."""
    page = oms.session().get("/api/v1/oms/packages/short/", params={"state__enum_value": "100", "limit": 1})
    return int(page.json()["results"][0]["id"])


def some_life(oms: Emulator) -> dict[str, str]:
    """Let something happen, so that no page is empty; give the details that are pages too."""
    pk = waiting(oms)
    session = oms.session()
    session.post(f"/api/v1/oms/packages/{pk}/command/", json={"slug": "no-such", "input_parameters": {}})
    refused = session.get("/__admin/requests", params={"limit": 1}).json()["results"][0]["id"]
    transfer = session.get("/api/v1/oms/transfer_orders/", params={"limit": 1}).json()["results"][0]["id"]
    session.put("/__admin/snapshots/morning")
    session.put("/__admin/worlds/tryout", json={"world": "default"})
    return {"package": f"packages/{pk}", "transfer": f"transfers/{transfer}", "exchange": f"journal/{refused}"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_fit_for_everybody(width: int, theme: str, oms: Emulator, opener: Opener) -> None:
    """Axe finds nothing serious, nothing is wider than the screen, and a picture is kept to look at."""
    details = some_life(oms)
    watched = opener(width, theme)
    found: list[str] = []
    for name, where in {**{name: name for name in PAGES}, **details}.items():
        page = watched.open(where)
        if name == "overview":
            expect(page.locator(".canvas .node").last).to_be_visible()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}.png", full_page=True)
        found += [f"{name}: {line}" for line in grave(page)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{name}: is {wide} pixels wide")
    assert found == []


def grave(page: Page) -> list[str]:
    """Give what axe finds that is serious or worse, with where."""
    response: dict[str, Any] = Axe().run(page).response
    return [
        f"{each['impact']}: {each['id']} at {node['target']}: {node['html'][:120]}"
        for each in response["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


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


@pytest.mark.parametrize("name", PAGES)
def test_a_page_tells_where_one_is(name: str, opener: Opener) -> None:
    """Its heading, its title and its place among the pages say the same."""
    page = opener().open(name)
    heading = page.locator("main h1").inner_text()
    assert page.title() == f"{heading} · OMS emulator"
    expect(page.locator("nav [aria-current=page]")).to_have_text(heading)
