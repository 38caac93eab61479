"""A failed request keeps the data on the page and what is typed. The page recovers when the server answers again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage
from tests.browser.inspector.test_late_data import HeldRequests
from tests.browser.inspector.test_pages import newest_package_in_state
from tests.support.ports import free_port

RETRY_MILLISECONDS = 2_000
FAILURES: dict[str, dict[str, Any]] = {
    "error": {"status": 500, "json": {"detail": "The server failed."}},
    "proxy": {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"},
    "throttled": {"status": 429, "json": {"detail": "Request was throttled."}},
    "not-json": {"status": 200, "content_type": "text/html", "body": "<h1>Starting</h1>"},
}
PAGES = [
    # page, the request that fails, the data that stays, and the field in which the user types
    ("faults", "/__admin/faults$", "No faults are armed.", "Detail"),
    ("clock", "/__admin/live$", "No live traffic in this world.", "Orders per hour"),
    ("webhooks", r"/hooks/\?limit", "https://integration.example.com/oms/package/created", "Target URL"),
    ("scenarios", "/__admin/snapshots$", "No snapshots.", "Snapshot name"),
    ("journal", "/__admin/requests", "exchange", "Path"),
    ("packages", "/packages/short/", "200 packages", "Value"),
]


@pytest.fixture
def bare(page: Page, oms: Emulator) -> MonitoredPage:
    """Return a page whose console errors are ignored, because the browser reports each failed request."""
    return MonitoredPage(page, oms.url)


def fail(page: Page, url: str, **answer: Any) -> None:
    """Answer all requests for a URL with an error, or abort them without an answer."""

    def handle(route: Route) -> None:
        route.fulfill(**answer) if answer else route.abort()

    page.route(re.compile(url), handle)


def change(oms: Emulator) -> None:
    """Change everything that the pages show."""
    session = oms.session()
    oms.package(state="Waiting")
    session.put("/__admin/snapshots/evening")
    session.put("/__admin/live", json={"orders_per_hour": 0})
    oms.faults.add("get_package", status=503)
    session.get("/api/v1/oms/packages/short/?limit=1")


@pytest.mark.parametrize(("where", "url", "data", "field"), PAGES)
def test_a_failed_reload_keeps_the_data_and_what_is_typed(
    where: str, url: str, data: str, field: str, oms: Emulator, bare: MonitoredPage
) -> None:
    """The error is beside the data. The next successful request removes it."""
    page = bare.open(where)
    expect(page.get_by_text(data).first).to_be_visible()
    typed = page.get_by_label(field, exact=True).first
    typed.evaluate("each => { each.dataset.mark = 'same' }")
    typed.fill("7")
    fail(page, url, **FAILURES["error"])
    change(oms)
    notice = page.locator(".stale").first
    expect(notice).to_contain_text("The server failed. The last data is shown.")
    expect(page.get_by_text(data).first).to_be_visible()
    expect(typed).to_have_value("7")
    page.unroute_all()
    notice.get_by_role("button", name="Retry").click()
    expect(page.locator(".stale")).to_have_count(0)
    expect(typed).to_have_value("7")
    expect(typed).to_have_attribute("data-mark", "same")


@pytest.mark.parametrize("failure", [*FAILURES, "aborted"])
def test_a_page_recovers_from_a_failure_of_any_kind(failure: str, oms: Emulator, bare: MonitoredPage) -> None:
    """The page repeats the request until it succeeds, without an action of the user and without a change."""
    bare.page.clock.install()
    page = bare.open("faults")
    fail(page, "/__admin/faults$", **FAILURES.get(failure, {}))
    oms.faults.add("get_package", status=503)
    expect(page.locator(".stale")).to_be_visible()
    expect(page.get_by_text("No faults are armed.")).to_be_visible()
    page.unroute_all()
    page.clock.run_for(RETRY_MILLISECONDS)
    expect(page.get_by_role("row").filter(has_text="get_package")).to_be_visible()
    expect(page.locator(".stale")).to_have_count(0)
    expect(page.locator(".connection")).to_contain_text("Live")


def test_a_first_failure_can_be_retried(bare: MonitoredPage) -> None:
    """Without data the page shows the error, and a button that requests the data again."""
    bare.page.clock.install()
    fail(bare.page, "/__admin/catalog$", **FAILURES["error"])
    page = bare.open("create")
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text("The server failed.")
    page.unroute_all()
    alert.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("button", name="Place order")).to_be_visible()


def test_a_refusal_replaces_the_data(oms: Emulator, bare: MonitoredPage) -> None:
    """A record that is gone is not shown any longer, and the request is not repeated."""
    package = oms.package(state="Waiting")
    page = bare.open(f"packages/{package['id']}")
    expect(page.get_by_role("heading", name="Package and order")).to_be_visible()
    oms.session().post("/__admin/undo")
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text("Not found")
    expect(alert.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("heading", name="Package and order")).to_have_count(0)


@pytest.mark.parametrize(
    ("where", "url", "action", "reason"),
    [
        ("create", "/__admin/graph$", "Create package", "The server failed."),
        ("webhooks", "/hooks/registry/$", "Subscribe", "The server failed."),
        ("packages/6700", "/__admin/graph$", "Undo last step", "The server failed."),
        ("packages/6700", "/__admin/fidelity$", "Undo last step", "The server failed."),
    ],
)
def test_a_form_without_its_choices_shows_why(
    where: str, url: str, action: str, reason: str, oms: Emulator, bare: MonitoredPage
) -> None:
    """It is not empty or disabled without a reason, and works after a retry."""
    fail(bare.page, url, **FAILURES["error"])
    page = bare.open(where)
    card = page.locator("section", has=page.get_by_role("button", name=action))
    expect(card.get_by_role("alert")).to_contain_text(reason)
    page.unroute_all()
    card.get_by_role("button", name="Retry").click()
    expect(card.get_by_role("alert")).to_have_count(0)
    expect(card.get_by_role("button", name=action)).to_be_enabled()


def test_a_form_survives_a_restart_of_the_server(page: Page) -> None:
    """An action without a server shows an error. After the restart the same form can be sent."""
    port = free_port()
    first = Emulator("demo", port=port)
    first.start()
    MonitoredPage(page, first.url).open("create")
    page.get_by_role("button", name="Add ").first.click()
    page.get_by_label("First name").fill("Ada")
    first.stop()
    page.get_by_role("button", name="Place order").click()
    expect(page.locator(".toast")).to_contain_text("The server does not respond.")
    expect(page.locator(".alert-bar.lost")).to_be_visible()
    with Emulator("demo", port=port):
        expect(page.locator(".alert-bar.lost")).to_have_count(0)
        expect(page.get_by_label("First name")).to_have_value("Ada")
        page.get_by_role("button", name="Place order").click()
        expect(page.locator("main h1")).to_contain_text("Package ")
        expect(page.get_by_text("Ada").first).to_be_visible()  # the name is also in the activity


def test_a_page_that_is_opened_without_a_server_recovers(page: Page) -> None:
    port = free_port()
    first = Emulator("demo", port=port)
    first.start()
    monitored = MonitoredPage(page, first.url)
    monitored.open("create")
    monitored.open("packages")
    first.stop()
    page.get_by_role("link", name="Create", exact=True).click()
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("The server does not respond.")
    with Emulator("demo", port=port):
        expect(page.get_by_role("button", name="Place order")).to_be_visible()


def test_choices_belong_to_the_new_scenario(oms: Emulator, inspector: MonitoredPage) -> None:
    """The page loads its choices again after the world was replaced."""
    page = inspector.open("create")
    expect(page.locator(".connection")).to_contain_text("Live")
    expect(page.locator("header time").first).to_be_visible()  # the first message of the stream
    expect(page.get_by_text("136 more products match.")).to_be_visible()
    oms.session().put("/__admin/scenario", json={"name": "empty"})
    expect(page.get_by_text("56 more products match.")).to_be_visible()


def test_one_failed_request_does_not_end_the_connection(bare: MonitoredPage) -> None:
    """The stream is still open, so the next answer shows that the server responds."""
    page = bare.open("coverage")
    expect(page.locator(".connection")).to_contain_text("Live")
    fail(page, "/__admin/coverage$")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".alert-bar.lost")).to_be_visible()
    page.unroute_all()
    page.locator(".stale").get_by_role("button", name="Retry").click()
    expect(page.locator(".alert-bar.lost")).to_have_count(0)


def test_a_name_stays_when_its_snapshot_is_not_taken(bare: MonitoredPage) -> None:
    page = bare.open("scenarios")
    fail(page, "/__admin/snapshots/noon$", **FAILURES["error"])
    name = page.get_by_label("Snapshot name")
    name.fill("noon")
    page.get_by_role("button", name="Take snapshot").click()
    expect(page.locator(".toast")).to_contain_text("The server failed.")
    expect(name).to_have_value("noon")
    page.unroute_all()
    page.get_by_role("button", name="Take snapshot").click()
    expect(page.get_by_role("button", name="Restore noon")).to_be_visible()
    expect(name).to_have_value("")


def test_a_form_is_sent_once_to_a_slow_server(oms: Emulator, inspector: MonitoredPage) -> None:
    """Further clicks are ignored until the response arrives."""
    page = inspector.open("faults")
    held = HeldRequests(page, "/__admin/faults$")
    button = page.get_by_role("button", name="Arm fault")
    for _ in range(3):
        button.click()
    held.release()
    expect(page.locator(".toast")).to_contain_text("Armed status")
    expect(page.locator("form[aria-busy]")).to_have_count(0)
    assert len(oms.world.faults.armed) == 1
    button.click()
    expect(page.get_by_role("table", name="Armed faults").get_by_role("row")).to_have_count(3)


def test_a_command_is_sent_once_to_a_slow_server(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_role("button", name="Refuse Package").click()
    expect(page.locator("dialog select[name=denial_reason] option").first).to_be_attached()
    held = HeldRequests(page, "/command/$")
    for _ in range(3):
        page.get_by_role("button", name="Send command").click()
    held.release()
    expect(page.locator(".title .state")).to_have_text("Requires replan")
    assert len(held.routes) == 1


@pytest.mark.parametrize(
    ("where", "filtered", "url", "found"),
    [
        ("packages", "packages?state=35", "packages/short/.*state=35", "9 packages"),
        ("journal", "journal?status=404", "/__admin/requests.*status=404", "1 exchange"),
    ],
)
def test_the_rows_of_the_previous_filter_are_marked(
    where: str, filtered: str, url: str, found: str, oms: Emulator, inspector: MonitoredPage
) -> None:
    """Until a slow server answers, the page does not show them as the result of the new filter."""
    oms.session().get("/api/v1/oms/packages/1/")
    oms.session().get("/api/v1/oms/packages/short/?limit=1")
    page = inspector.open(where)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    held = HeldRequests(page, url)
    page.evaluate(f"location.hash = '#/{filtered}'")
    expect(page.locator("main [aria-busy=true]")).to_contain_text("Loading …")
    held.release()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    expect(page.get_by_role("main").get_by_text(found).first).to_be_visible()


def test_the_default_filter_has_its_title_before_the_filters_arrive(inspector: MonitoredPage) -> None:
    page = inspector.page
    held = HeldRequests(page, "/__admin/fidelity$")
    page.goto(f"{inspector.url}/__admin/ui/#/packages")
    choice = page.get_by_label("Search by")
    expect(choice.locator("option:checked")).to_have_text("order number (starts with)")
    held.release()
    expect(choice.get_by_role("option")).not_to_have_count(1)
    expect(choice.locator("option:checked")).to_have_text("order number (starts with)")
