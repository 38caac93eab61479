"""The first picture of a large world waits for nothing that it does not need (how soon it comes: `benchmarks`)."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import Watched

PACKAGES = 36_404
ROWS = 50
FILES = 30
"""How many files the frame and the list may be made of: each is a way to the server."""


def test_the_first_rows_wait_for_nothing_else(page: Page) -> None:
    """One short list of as many packages as there are rows; what may be chosen of them is asked for after that."""
    with Emulator("demo", packages=PACKAGES) as oms:
        watched = Watched(page, oms.url)
        page.goto(f"{oms.url}/__admin/ui/#/packages")
        page.wait_for_function("() => performance.getEntriesByName('rows-painted').length")
        expect(page.get_by_role("table", name="Packages").get_by_role("row")).to_have_count(ROWS + 1)
        expect(page.get_by_text("36,404 packages").first).to_be_visible()
        expect(page.get_by_label("Search by").get_by_role("option").nth(1)).to_be_attached()

        paths = [urlsplit(url).path for url in watched.asked]
        assert [url for url in watched.asked if "/api/" in url] == [
            f"{oms.url}/api/v1/oms/packages/short/?limit={ROWS}"
        ]
        before = paths[: paths.index("/api/v1/oms/packages/short/")]
        assert {path for path in before if "/ui/" not in path} <= {"/__admin/health", "/__admin/worlds"}
        assert len([path for path in paths if "/ui/" in path]) <= FILES
        assert {"/__admin/graph", "/__admin/fidelity"} <= set(paths)
        assert watched.complaints == []
