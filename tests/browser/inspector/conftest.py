"""Fixtures: a server, and inspector pages that record browser errors and requested URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from emulator import Emulator
from tests.browser.conftest import PATIENCE

PAGES = (
    "overview",
    "packages",
    "transfers",
    "create",
    "journal",
    "webhooks",
    "faults",
    "clock",
    "stories",
    "shop",
    "scenarios",
    "coverage",
    "fidelity",
)
DETAILS = ("package", "shipped", "transfer", "exchange", "story", "parcel", "unknown")
"""Names of the pages of one record."""
WIDTHS, THEMES = (1280, 768, 390), ("light", "dark")
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"

WAIT = """() => new Promise((resolve, reject) => {
  const end = performance.now() + PATIENCE
  const check = () => CONDITION
    ? resolve()
    : performance.now() > end ? reject(new Error("false after PATIENCE milliseconds")) : requestAnimationFrame(check)
  requestAnimationFrame(check)
})"""


def wait_until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true in a page, at least for the next frame, which sends scroll events.

    `Page.wait_for_function` evaluates strings in the page, which its content security policy forbids.
    """
    page.evaluate(WAIT.replace("CONDITION", condition).replace("PATIENCE", str(PATIENCE)))


class MonitoredPage:
    """A page of the browser that records errors and requested URLs."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.requested_urls: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self.record_error)
        page.on("request", lambda request: self.requested_urls.append(request.url))

    def record_error(self, line: ConsoleMessage) -> None:
        """Record console errors, except the notice of a 4xx response, which the page shows."""
        refused = line.text.startswith("Failed to load resource") and "status of 4" in line.text
        if line.type == "error" and not (refused and "/ui/" not in line.location["url"]):
            self.errors.append(f"{line.text} ({line.location['url']})")

    def open(self, where: str = "overview", world: str = "") -> Page:
        """Open a page of the inspector and wait until it is loaded."""
        address = f"{self.url}{world}/__admin/ui/#/{where}"
        if self.page.url.partition("?")[0] != address.partition("?")[0]:
            self.page.evaluate("document.querySelector('main h1')?.setAttribute('data-left', '')")
        self.page.goto(address)
        expect(self.page.locator("main h1:not([data-left])")).to_be_visible()
        expect(self.page.get_by_text("Loading …")).to_have_count(0)
        return self.page

    def foreign_hosts(self) -> set[str]:
        """Return the requested hosts other than the server."""
        hosts = {
            urlsplit(url).netloc for url in self.requested_urls if not url.startswith(("data:", "blob:", "about:"))
        }
        return hosts - {urlsplit(self.url).netloc}


@pytest.fixture
def oms() -> Iterator[Emulator]:
    with Emulator("demo") as emulator:
        yield emulator


Opener = Callable[..., MonitoredPage]


@pytest.fixture
def opener(chromium: Browser, oms: Emulator) -> Iterator[Opener]:
    """Return a function that opens pages of any size and theme. Afterwards check for errors and foreign hosts."""
    opened: list[MonitoredPage] = []

    def new(width: int = 1280, theme: str = "light") -> MonitoredPage:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # light or dark
            permissions=["clipboard-read", "clipboard-write"],
            reduced_motion="reduce",
        )
        opened.append(MonitoredPage(context.new_page(), oms.url))
        return opened[-1]

    yield new
    for monitored in opened:
        assert monitored.foreign_hosts() == set()
        assert monitored.errors == []
        monitored.page.context.close()


@pytest.fixture
def inspector(opener: Opener) -> MonitoredPage:
    """Return a page for the inspector on a wide screen."""
    return opener()
