"""The first rows of a large world wait for one request. `benchmarks` measures the time."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage, wait_until

PACKAGES = 36_404
ROWS = 50
FILES = 30
"""Maximum number of files of the page; each is a request."""


def test_the_first_rows_wait_for_one_request(page: Page) -> None:
    """It is a short list with as many packages as rows. The choices of the filters are requested later."""
    with Emulator("demo", packages=PACKAGES) as oms:
        monitored = MonitoredPage(page, oms.url)
        page.goto(f"{oms.url}/__admin/ui/#/packages")
        wait_until(page, "performance.getEntriesByName('rows-painted').length > 0")
        expect(page.get_by_role("table", name="Packages").get_by_role("row")).to_have_count(ROWS + 1)
        expect(page.get_by_text("36,404 packages").first).to_be_visible()
        expect(page.get_by_label("Search by").get_by_role("option").nth(1)).to_be_attached()

        paths = [urlsplit(url).path for url in monitored.requested_urls]
        # the page repeats the request if the stream opens later than two seconds after it
        assert {url for url in monitored.requested_urls if "/api/" in url} == {
            f"{oms.url}/api/v1/oms/packages/short/?limit={ROWS}"
        }
        before = paths[: paths.index("/api/v1/oms/packages/short/")]
        assert {path for path in before if "/ui/" not in path} <= {"/__admin/events", "/__admin/worlds"}
        assert len([path for path in paths if "/ui/" in path]) <= FILES
        assert {"/__admin/graph", "/__admin/fidelity"} <= set(paths)
        assert monitored.errors == []
