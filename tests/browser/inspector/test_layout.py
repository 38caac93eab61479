"""Layout, empty states and ways out: no content leaves its card, and no page is a dead end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from emulator import Emulator
from tests.browser.inspector.active_world import fill_world
from tests.browser.inspector.conftest import MonitoredPage, Opener
from tests.browser.inspector.test_failures import FAILURES, fail

WIDTHS = (1280, 1024, 768, 390, 320)
WIDE_CONTENT = """() => {
  const found = [];
  for (const box of document.querySelectorAll(".card, .totals > div, .alert-bar")) {
    const edge = box.getBoundingClientRect().right - parseFloat(getComputedStyle(box).paddingRight);
    for (const each of box.querySelectorAll("*")) {
      const { right, width } = each.getBoundingClientRect();
      if (width && right > edge + 2 && !each.closest("svg, pre, .canvas, .sr, .shelf, thead"))
        found.push(`${each.tagName} ${each.textContent.trim().slice(0, 30)} is ${Math.round(right - edge)} too wide`);
    }
  }
  return found;
}"""
TOPS = """() => [...document.querySelectorAll("main .bar")]
    .map((bar) => [...bar.querySelectorAll(".field > :is(select, input)")]
      .map((each) => Math.round(each.getBoundingClientRect().top)))
    .filter((tops) => new Set(tops).size > 1)"""


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[Emulator, dict[str, str]]]:
    """Start a large world with data for every page."""
    with Emulator("demo", packages=36_000) as oms:
        yield oms, fill_world(oms)


@pytest.mark.parametrize("name", ["overview", "packages", "journal", "webhooks", "faults", "scenarios", "parcel"])
def test_content_stays_in_its_card(name: str, large: tuple[Emulator, dict[str, str]], chromium: Browser) -> None:
    oms, details = large
    context = chromium.new_context(reduced_motion="reduce")
    page = MonitoredPage(context.new_page(), oms.url).open(details.get(name, name))
    if name == "overview":
        expect(page.get_by_label("Packages by group of states")).to_contain_text("36,001")
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width}: {line}" for line in page.evaluate(WIDE_CONTENT)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{width}: the page is too wide")
    assert found == []
    context.close()


@pytest.mark.parametrize("where", ["packages", "journal", "webhooks"])
def test_the_fields_of_a_form_are_in_line(where: str, inspector: MonitoredPage) -> None:
    page = inspector.open(where)
    expect(page.locator("main .bar select").first).to_be_visible()
    assert page.evaluate(TOPS) == []


def test_the_search_button_is_beside_the_filters(inspector: MonitoredPage) -> None:
    page = inspector.open("packages")
    button, value = page.get_by_role("button", name="Search", exact=True), page.get_by_role("searchbox", name="Value")
    expect(page.get_by_label("Search by").get_by_role("option")).not_to_have_count(1)
    assert abs(button.evaluate("each => each.offsetTop") - value.evaluate("each => each.offsetTop")) < 5


def test_a_card_has_no_title_without_a_value(oms: Emulator, opener: Opener) -> None:
    """A delivered event has no action."""
    oms.hooks.add(lambda _: 200)
    oms.package(state="Waiting")
    oms.hooks.flush()
    page = opener(width=390).open("webhooks")
    row = page.get_by_role("table", name="Deliveries").get_by_role("row").filter(has_text="200 delivered").first
    expect(row).to_be_visible()
    expect(row.locator("td[data-title=Actions]")).to_be_hidden()


def test_the_clock_controls_do_not_cover_their_button(opener: Opener) -> None:
    page = opener(width=390).open("clock")
    button = page.get_by_role("button", name="Clock controls")
    button.click()
    controls, opener_box = page.locator("#clock-controls").bounding_box(), button.bounding_box()
    assert controls is not None
    assert opener_box is not None
    assert controls["y"] >= opener_box["y"] + opener_box["height"]
    assert controls["x"] > 0


def test_the_menu_opens_on_the_presenter_page_of_a_narrow_screen(opener: Opener) -> None:
    page = opener(width=390).open("stories/what-goes-wrong/2?presenter=1")
    expect(page.get_by_role("link", name="Clock", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Clock", exact=True).click()
    expect(page.locator("main h1")).to_have_text("Clock")


# Empty states and ways out


@pytest.mark.parametrize(
    ("where", "text", "absent"),
    [
        ("packages", "This world has no packages. Place an order", "Clear filters"),
        ("transfers", "This world has no transfer orders. Place an order", "Clear filters"),
        ("packages?state=35", "No packages match. Clear filters", "This world has no"),
        ("webhooks", "No deliveries.", "0 deliveries"),
    ],
)
def test_an_empty_list_says_why(where: str, text: str, absent: str, page: Page) -> None:
    with Emulator("empty") as oms:
        MonitoredPage(page, oms.url).open(where)
        expect(page.get_by_role("main").get_by_text(text)).to_be_visible()
        expect(page.get_by_role("main").get_by_text(absent)).to_have_count(0)


def test_a_shop_without_products_says_so(inspector: MonitoredPage) -> None:
    none = {"products": [], "locations": [], "carriers": [], "cities": []}
    inspector.page.route("**/__admin/catalog", lambda route: route.fulfill(json=none))
    expect(inspector.open("shop").get_by_text("This world has no products for this country.")).to_be_visible()


def test_a_page_after_the_last_one_has_a_way_back(inspector: MonitoredPage) -> None:
    page = inspector.open("packages?page=99")
    expect(page.get_by_role("alert").get_by_text("Invalid page.")).to_be_visible()
    page.get_by_role("link", name="Show all packages").click()
    expect(page.get_by_text("200 packages").first).to_be_visible()


def test_an_unknown_story_has_a_heading(inspector: MonitoredPage) -> None:
    page = inspector.open("stories/no-such/1")
    expect(page.locator("main h1")).to_have_text("Story")
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("no-such")


def test_a_page_whose_module_does_not_arrive_has_its_heading(page: Page, oms: Emulator) -> None:
    monitored = MonitoredPage(page, oms.url)
    monitored.open("packages")
    fail(page, "/pages/clock.js")
    page.get_by_role("link", name="Clock", exact=True).click()
    expect(page.get_by_text("This page opens as soon as it does.")).to_be_visible()
    expect(page.locator("main h1")).to_have_text("Clock")


def test_the_search_says_that_the_server_did_not_search(page: Page, oms: Emulator) -> None:
    MonitoredPage(page, oms.url).open("clock")
    fail(page, "/__admin/(graph|shipments)", **FAILURES["error"])
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search").fill("attempted")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The server failed. Records and states were not searched.")).to_be_visible()
    expect(dialog.get_by_text("No results.")).to_have_count(0)


def test_delivery_faults_alone_can_be_disarmed(oms: Emulator, inspector: MonitoredPage) -> None:
    """The page does not say that no faults are armed, and its button disarms faults of both kinds."""
    oms.session().post("/__admin/hooks/disturbances", json={"kind": "drop", "times": 3})
    page = inspector.open("faults")
    expect(page.get_by_text("drop, next 3 of all events")).to_be_visible()
    expect(page.get_by_text("No faults are armed.")).to_have_count(0)
    oms.faults.add("get_package", status=503)
    expect(page.get_by_role("row").filter(has_text="get_package")).to_be_visible()
    page.get_by_role("button", name="Disarm all").click()
    page.get_by_role("dialog").get_by_role("button", name="Disarm all faults").click()
    expect(page.get_by_text("No faults are armed.")).to_be_visible()
    assert (oms.world.faults.armed, oms.world.outbox.faults) == ((), ())


def test_the_properties_of_a_scenario_are_readable(page: Page) -> None:
    with Emulator("demo", packages=2_000) as oms:
        MonitoredPage(page, oms.url).open("scenarios")
        facts = page.locator("section", has=page.get_by_role("heading", name="Current scenario"))
        for name, value in (("Packages", "2,000"), ("Clock", "2023-04-05 09:00:00"), ("Error style", "documented")):
            expect(facts.locator("dl > div").filter(has=page.get_by_text(name, exact=True))).to_contain_text(value)


def test_a_replay_without_a_server_says_so(page: Page, oms: Emulator) -> None:
    request = oms.session().get("/api/v1/oms/packages/short/?limit=1").headers["X-Emulator-Request-Id"]
    MonitoredPage(page, oms.url).open(f"journal/{request}")
    fail(page, "/packages/short/")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator(".toast")).to_contain_text("The server does not respond")


def test_a_real_clock_offers_no_advance(oms: Emulator, inspector: MonitoredPage) -> None:
    """The server would refuse it. The page says why."""
    page = inspector.open("clock")
    page.get_by_text("Real", exact=True).click()
    expect(page.get_by_text("A real clock cannot be advanced.")).to_be_visible()
    for name in ("+1 hour", "Advance to next event", "Advance to time"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    page.get_by_text("Frozen", exact=True).click()
    expect(page.get_by_role("button", name="+1 hour", exact=True)).to_be_enabled()


def test_a_search_of_behaviours_without_results_can_be_cleared(inspector: MonitoredPage) -> None:
    page = inspector.open("fidelity?part=states&text=no-such-behaviour")
    expect(page.get_by_text("No behaviours match.")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("table", name="states").get_by_role("row")).not_to_have_count(0)
