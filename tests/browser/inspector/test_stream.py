"""The inspector follows the world by one stream of server-sent events. An idle page sends no other request."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from emulator import Emulator
from emulator.web.admin.activity import STREAMS_KEY
from tests.browser.inspector.conftest import MonitoredPage, Opener
from tests.support.ports import free_port

TABS = 20


def paths_of(monitored: MonitoredPage) -> list[str]:
    return [urlsplit(url).path for url in monitored.requested_urls]


@pytest.mark.parametrize("where", ["overview", "packages", "journal", "webhooks", "faults", "clock"])
def test_an_idle_page_has_one_stream_and_sends_nothing_else(
    where: str, oms: Emulator, inspector: MonitoredPage
) -> None:
    inspector.page.clock.install()
    page = inspector.open(where)
    expect(page.locator(".connection")).to_have_text(re.compile("Live"))
    expect(page.locator("header time").first).to_be_visible()  # the first message of the stream
    page.clock.run_for(5_000)
    before = len(inspector.requested_urls)
    page.clock.run_for(120_000)
    assert inspector.requested_urls[before:] == []
    assert paths_of(inspector).count("/__admin/events") == 1


def test_the_overview_shows_activity_as_it_happens(oms: Emulator, inspector: MonitoredPage) -> None:
    """An entry names the package, its state and the status of the webhook. A refused request shows its reason."""
    page = inspector.open()
    feed = page.get_by_role("list", name="Activity")
    package = oms.package(state="Packed")
    oms.session().post(f"/api/v1/oms/packages/{package['id']}/command/", json={})
    tail = package["number"][-7:]
    expect(feed.get_by_role("listitem").filter(has_text=tail).filter(has_text="Packed all items")).to_be_visible()
    expect(feed.get_by_role("listitem").filter(has_text="This field is required").first).to_be_visible()
    oms.hooks.flush()
    expect(feed.get_by_role("listitem").filter(has_text=tail).filter(has_text="webhook").first).to_be_visible()


def test_twenty_tabs_share_one_stream(chromium: Browser, oms: Emulator) -> None:
    """Each tab shows a change, although a browser opens at most six connections to a server."""
    context = chromium.new_context(reduced_motion="reduce")
    tabs = [MonitoredPage(context.new_page(), oms.url) for _ in range(TABS)]
    for tab in tabs:
        tab.open("packages?limit=1")
        expect(tab.page.locator(".connection")).to_have_text(re.compile("Live"))
    assert len(oms.app.extensions[STREAMS_KEY]) == 1
    oms.clock.advance(days=1)
    for tab in tabs:
        expect(tab.page.locator("header time").first).to_have_text("2023-04-06 09:00:00")
    tabs[0].page.close()  # another tab reads the stream from now on
    oms.clock.advance(days=1)
    for tab in tabs[1:]:
        expect(tab.page.locator("header time").first).to_have_text("2023-04-07 09:00:00")
    assert sum(paths_of(tab).count("/__admin/events") for tab in tabs) == 2
    context.close()


def test_the_stream_survives_a_restart_of_the_server(page: Page) -> None:
    """A bar reports the lost connection. After the restart the page shows the new world without a reload."""
    port = free_port()
    first = Emulator("demo", port=port)
    first.start()
    MonitoredPage(page, first.url).open("packages")
    first.stop()
    expect(page.get_by_role("alert").filter(has_text="Connection lost, retrying")).to_be_visible()
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_text("dynamically imported")).to_have_count(0)
    expect(page.get_by_text("This page opens as soon as it does.")).to_be_visible()
    with Emulator("demo", packages=30, port=port):
        expect(page.locator("main h1")).to_have_text("Webhooks")
        expect(page.locator(".alert-bar.lost")).to_have_count(0)
        page.get_by_role("link", name="Packages", exact=True).click()
        expect(page.get_by_text("30 packages").first).to_be_visible()


def test_all_clocks_agree(oms: Emulator, opener: Opener) -> None:
    page = opener().open("overview")
    oms.clock.advance(days=2, hours=1)
    for where in ("overview", "clock"):
        page.goto(f"{oms.url}/__admin/ui/#/{where}")
        expect(
            page.get_by_text(re.compile("^2023-04-07 10:00:00( UTC)?$")).locator("visible=true")
        ).not_to_have_count(0)
        expect(page.get_by_text("2023-04-05 09:00:00 UTC")).to_have_count(0)
