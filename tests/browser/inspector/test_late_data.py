"""Data that arrives late does not disturb the user: it keeps what is typed, the focus and the newest choice."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage
from tests.browser.inspector.test_pages import PACKAGES, newest_package_in_state

FRAMES = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 50))))"
"""Passed when the effects of the previous rendering have run."""


class HeldRequests:
    """Holds the requests of a page whose URL matches, until they are released."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.is_released, self.routes = page, False, list[Route]()
        page.route(re.compile(url), self.handle)

    def handle(self, route: Route) -> None:
        if self.is_released:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self) -> None:
        """Wait until a request is held."""
        while not self.routes:
            self.page.evaluate(FRAMES)

    def release(self) -> None:
        """Send the held requests, and hold no others."""
        self.is_released = True
        for route in self.routes:
            route.continue_()


# What is typed


def test_a_typed_filter_of_the_journal_is_kept_when_an_exchange_arrives(
    oms: Emulator, inspector: MonitoredPage
) -> None:
    page = inspector.open("journal")
    page.get_by_label("Status").fill("400")
    oms.session().get(PACKAGES)
    expect(page.get_by_role("table", name="Exchanges").get_by_role("row")).to_have_count(2)
    expect(page.get_by_label("Status")).to_have_value("400")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_label("Status")).to_have_value("")


def test_a_typed_page_number_is_kept_when_a_package_arrives(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("packages")
    expect(page.get_by_text("200 packages").first).to_be_visible()
    number = page.get_by_label("Page", exact=True).first
    number.fill("3")
    oms.package(state="Waiting")
    expect(page.get_by_text("201 packages").first).to_be_visible()
    expect(number).to_have_value("3")
    number.press("Enter")
    expect(page).to_have_url(re.compile("page=3"))


def test_a_typed_parameter_is_kept_when_the_package_changes(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "600")
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_title("package__update_shipment_info_of_package__shipped__shipped").click()
    number = page.locator("dialog input[name=tracking_number]")
    expect(number).to_have_value(package["tracking_number"])
    number.fill("4711")
    oms.carrier(package["id"], "delivered")
    expect(page.locator(".title .state")).to_have_text("Delivered")
    expect(number).to_have_value("4711")


def test_an_order_line_stays_while_its_quantity_is_typed(inspector: MonitoredPage) -> None:
    """An empty field is not the quantity 0."""
    page = inspector.open("create")
    page.get_by_role("button", name="Add ").first.click()
    quantity = page.get_by_role("spinbutton", name="Quantity of")
    quantity.fill("")
    quantity.fill("3")
    expect(quantity).to_have_value("3")


def test_two_choices_at_once_are_both_applied(inspector: MonitoredPage) -> None:
    """The second one does not replace the first one, which is in the address already."""
    page = inspector.open("packages")
    state = page.get_by_role("combobox", name="State", exact=True)
    expect(state.get_by_role("option")).not_to_have_count(1)
    page.get_by_role("searchbox", name="Value").fill("Unknown")
    state.evaluate(
        """(state) => {
          state.value = "35";
          state.dispatchEvent(new Event("change", { bubbles: true }));
          state.form.requestSubmit();
        }"""
    )
    expect(page).to_have_url(re.compile("state=35.*order__number=Unknown"))


def test_a_command_can_be_sent_once_its_parameters_are_known(oms: Emulator, inspector: MonitoredPage) -> None:
    """Its button opens the form. It does not send the command without parameters."""
    package = newest_package_in_state(oms, "100")
    page = inspector.page
    held = HeldRequests(page, "/__admin/fidelity$")
    page.goto(f"{inspector.url}/__admin/ui/#/packages/{package['id']}")
    held.wait()
    expect(page.locator(".next").get_by_text("Loading …")).to_be_visible()
    expect(page.get_by_role("region", name="Guide: detail")).to_be_visible()  # requested later than the graph
    page.evaluate(FRAMES)
    expect(page.get_by_role("button", name="Refuse Package")).to_have_count(0)
    held.release()
    page.get_by_role("button", name="Refuse Package").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_subscription_waits_for_the_choice_of_events(inspector: MonitoredPage) -> None:
    held = HeldRequests(inspector.page, "/hooks/registry/$")
    page = inspector.open("webhooks")
    subscribe = page.get_by_role("button", name="Subscribe")
    expect(subscribe).to_be_disabled()
    held.release()
    expect(subscribe).to_be_enabled()


# Focus


def test_the_focus_that_a_user_sets_on_a_new_page_is_kept(inspector: MonitoredPage) -> None:
    """The heading gets the focus when the page is shown, not after the next frame."""
    page = inspector.open()
    focused = page.evaluate(
        f"""async () => {{
          const focused = new Promise((resolve) => new MutationObserver((_, observer) => {{
            const field = document.querySelector("main input[name=path]");
            if (!field) return;
            observer.disconnect();
            field.focus();
            resolve();
          }}).observe(document.querySelector("main"), {{ childList: true, subtree: true }}));
          location.hash = "#/journal";
          await focused;
          await {FRAMES};
          return document.activeElement.name;
        }}"""
    )
    assert focused == "path"


def test_an_action_whose_button_disappears_leaves_the_focus_of_another_field(
    oms: Emulator, inspector: MonitoredPage
) -> None:
    oms.session().put("/__admin/live", json={"orders_per_hour": 60})
    page = inspector.open("clock")
    held = HeldRequests(page, "/__admin/live$")
    page.get_by_role("button", name="Stop").click()
    held.wait()
    rate = page.get_by_label("Orders per hour")
    rate.focus()
    held.release()
    expect(page.get_by_text("No live traffic in this world.")).to_be_visible()
    for _ in range(5):  # the action ends soon after its effect
        page.evaluate(FRAMES)
    expect(rate).to_be_focused()


def test_the_focus_that_a_user_sets_after_a_dialog_is_kept(inspector: MonitoredPage) -> None:
    page = inspector.open("clock")
    page.get_by_role("button", name="Find anything").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    focused = page.evaluate(
        f"""async () => {{
          document.querySelector("dialog button").click();
          await new Promise((resolve) => setTimeout(resolve));
          const gone = document.querySelector("dialog") === null;
          document.querySelector("main input[type=number]").focus();
          await {FRAMES};
          return [gone, document.activeElement.type];
        }}"""
    )
    assert focused == [True, "number"]


def test_the_heading_of_an_exchange_has_the_focus_before_its_data_arrives(
    oms: Emulator, inspector: MonitoredPage
) -> None:
    oms.session().get(PACKAGES)
    page = inspector.open("journal")
    held = HeldRequests(page, r"/__admin/requests/\d+")
    page.get_by_role("table", name="Exchanges").get_by_role("link").click()
    expect(page.locator("main h1")).to_be_focused()
    held.release()
    expect(page.locator("main h1")).to_have_text(f"GET {PACKAGES}")
    expect(page.locator("main h1")).to_be_focused()


# The newest choice


def test_a_late_reload_shows_the_newest_filter(oms: Emulator, inspector: MonitoredPage) -> None:
    """A change that is reported during a reload is loaded after it, with the filter of that time."""
    inspector.page.clock.install()
    page = inspector.open("packages")
    rows = page.get_by_role("table", name="Packages").get_by_role("row")
    expect(rows).to_have_count(51)
    expect(page.locator("header time").first).to_have_text("2023-04-05 09:00:00")
    held = HeldRequests(page, "packages/short/")
    oms.package(state="Waiting")
    held.wait()
    oms.package(state="Waiting")
    oms.clock.advance(hours=1)
    expect(page.locator("header time").first).to_have_text("2023-04-05 10:00:00")  # the stream reported the packages
    page.evaluate("location.hash = '#/packages?state=35'")
    page.evaluate(FRAMES)
    before = len(inspector.requested_urls)
    held.release()
    expect(rows).to_have_count(12)
    page.evaluate(FRAMES)
    page.clock.run_for(31_000)  # the longest pause before a reload
    page.evaluate(FRAMES)
    assert [url for url in inspector.requested_urls[before:] if "short/" in url and "state=35" not in url] == []
    expect(rows).to_have_count(12)


RELOADS = f"""async () => {{
  const {{ html, render }} = await import("./lib.js");
  const {{ useLoad }} = await import("./loading.js");
  const [answers, finished] = [[], []];
  let loaded;
  const Shown = () => {{
    loaded = useLoad(() => new Promise((resolve) => answers.push(resolve)), []);
    return html`<p>${{loaded.data}}</p>`;
  }};
  render(html`<${{Shown}} />`, document.createElement("div"));
  await {FRAMES};
  const older = loaded.reload().then(() => finished.push("older"));
  const newer = loaded.reload().then(() => finished.push("newer"));
  answers[1]("older");
  await {FRAMES};
  const before = [...finished];
  answers[2]("newer");
  await Promise.all([older, newer]);
  await {FRAMES};
  return [before, finished.length, loaded.data];
}}"""


def test_a_reload_ends_when_the_newest_response_is_shown(inspector: MonitoredPage) -> None:
    """An action that waits for its reload must not end while another reload is still to change the page."""
    assert inspector.open("clock").evaluate(RELOADS) == [[], 2, "newer"]


def test_enter_waits_for_the_hits_of_the_typed_text(inspector: MonitoredPage) -> None:
    page = inspector.open()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()
    page.get_by_role("combobox", name="Search").evaluate(
        """async (field) => {
          field.value = "webhooks";
          field.dispatchEvent(new Event("input", { bubbles: true }));
          await new Promise((resolve) => setTimeout(resolve));
          field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        }"""
    )
    expect(page.locator("main h1")).to_have_text("Webhooks")


def test_the_palette_finds_states_when_the_graph_arrives_late(inspector: MonitoredPage) -> None:
    page = inspector.open("clock")
    held = HeldRequests(page, "/__admin/graph$")
    page.keyboard.press("Control+k")
    with page.expect_response(re.compile("/__admin/shipments")):  # the search for records has begun
        page.get_by_role("combobox", name="Search").fill("attempted")
    held.release()
    expect(page.get_by_role("option").filter(has_text="Packages: Attempted Delivery")).to_be_visible()


def test_two_keys_turn_two_pages_of_a_story(oms: Emulator, inspector: MonitoredPage) -> None:
    """A key right after a chapter is shown counts from this chapter."""
    made: Any = oms.session().post("/__admin/stories/a-day-in-the-warehouse/1").json()
    world = made["path"].partition("/__admin")[0]
    page = inspector.open("stories/a-day-in-the-warehouse/1", world)
    page.evaluate(
        """() => {
          const press = () => dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
          new MutationObserver((_, observer) => {
            if (!document.querySelector("main h1")?.textContent.startsWith("2.")) return;
            observer.disconnect();
            press();
          }).observe(document.querySelector("main"), { childList: true, subtree: true, characterData: true });
          press();
        }"""
    )
    expect(page.locator("main h1")).to_contain_text("3. ")


def test_scrolling_ends_the_return_to_the_former_position(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("packages")
    rows = page.get_by_role("table", name="Packages").get_by_role("row")
    expect(rows).to_have_count(51)
    page.evaluate("scrollTo(0, 400)")
    page.evaluate(FRAMES)
    page.evaluate("location.hash = '#/clock'")
    expect(page.locator("main h1")).to_have_text("Clock")
    held = HeldRequests(page, "packages/short/")
    page.go_back()
    expect(page.locator("main h1")).to_have_text("Packages")
    held.wait()
    page.keyboard.press("Home")
    held.release()
    expect(rows).to_have_count(51)
    page.evaluate(FRAMES)
    assert page.evaluate("scrollY") == 0


# The stream


def test_a_second_tab_stays_connected(chromium: Browser, oms: Emulator) -> None:
    """It opens no stream, and gets the state of the first tab."""
    context = chromium.new_context()
    context.clock.install()
    tabs = [MonitoredPage(context.new_page(), oms.url).open("clock") for _ in range(2)]
    for tab in tabs:
        expect(tab.locator(".connection")).to_contain_text("Live")
        tab.clock.run_for(5_000)
        expect(tab.locator(".connection")).to_contain_text("Live")
    context.close()


NO_LONG_TIMERS = """
const start = window.setTimeout;
window.setTimeout = (run, delay, ...rest) => (delay >= 1000 ? 0 : start(run, delay, ...rest));
"""


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("overview", "1221P2"),
        ("packages", "200 packages"),
        ("packages/6700", "Package and order"),
        ("journal", "0 exchanges"),
        ("webhooks", "No events are scheduled."),
        ("faults", "drop, next 3 of all events"),
        ("clock", "2023-04-05 09:00:00 UTC"),
        ("stories/what-goes-wrong/2", "1221P2"),
    ],
)
def test_a_page_does_not_wait_for_its_stream(where: str, text: str, oms: Emulator, inspector: MonitoredPage) -> None:
    """It shows its data although the stream is silent and no timer ends a wait."""
    oms.session().post("/__admin/hooks/disturbances", json={"kind": "drop", "times": 3})
    inspector.page.add_init_script(NO_LONG_TIMERS)
    HeldRequests(inspector.page, "/__admin/events")
    page = inspector.open(where)
    expect(page.locator("main").get_by_text(text).first).to_be_visible()
    expect(page.locator("header .world")).to_contain_text("default")


def test_a_change_before_a_late_stream_is_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    """The page loads without the stream, and again when the stream opens."""
    held = HeldRequests(inspector.page, "/__admin/events")
    page = inspector.open("packages")
    expect(page.get_by_text("200 packages").first).to_be_visible()
    oms.package(state="Waiting")
    held.release()
    expect(page.get_by_text("201 packages").first).to_be_visible()


def test_a_flash_of_the_graph_ends_although_other_entries_arrive(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open()
    feed = page.get_by_role("list", name="Activity")
    expect(page.locator(".connection")).to_contain_text("Live")
    oms.carrier(newest_package_in_state(oms, "600")["id"], "delivered")
    expect(page.locator(".arrow-link.flash")).to_have_count(1)
    assert oms.session().post(f"{PACKAGES}1/command/", json={}).status_code == 404
    expect(feed.get_by_role("listitem").first).to_contain_text("404")
    expect(page.locator(".arrow-link.flash")).to_have_count(0)
