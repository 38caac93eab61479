"""A server with an inspector, and a page on it that minds what its browser complains of and whom it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from emulator import Emulator

PAGES = (
    "overview",
    "packages",
    "transfers",
    "journal",
    "webhooks",
    "faults",
    "clock",
    "scenarios",
    "coverage",
    "fidelity",
)
DETAILS = ("package", "shipped", "transfer", "exchange")
"""Pages of single records."""
WIDTHS, THEMES = (1280, 390), ("light", "dark")
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"


class Watched:
    """A browser's page, with what it complained of and whom it asked."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self.listen)
        page.on("request", lambda request: self.asked.append(request.url))

    def listen(self, line: ConsoleMessage) -> None:
        """Keep what is an error, but for the browser's own note of a refusal: refusals are what is shown."""
        refused = line.text.startswith("Failed to load resource") and "status of 4" in line.text
        if line.type == "error" and not (refused and "/ui/" not in line.location["url"]):
            self.complaints.append(f"{line.text} ({line.location['url']})")

    def open(self, where: str = "overview", world: str = "") -> Page:
        """Go to a page of the inspector, and wait until all that it asks for is there."""
        self.page.goto(f"{self.url}{world}/__admin/ui/#/{where}")
        expect(self.page.locator("main h1")).to_be_visible()
        expect(self.page.get_by_text("Loading …")).to_have_count(0)
        return self.page

    def strangers(self) -> set[str]:
        """Give the hosts other than the server's that were asked."""
        hosts = {urlsplit(url).netloc for url in self.asked if not url.startswith(("data:", "blob:", "about:"))}
        return hosts - {urlsplit(self.url).netloc}


@pytest.fixture
def oms() -> Iterator[Emulator]:
    with Emulator("demo") as emulator:
        yield emulator


Opener = Callable[..., Watched]


@pytest.fixture
def opener(chromium: Browser, oms: Emulator) -> Iterator[Opener]:
    """Give pages of any size and theme; after the test none may have complained or asked another server."""
    opened: list[Watched] = []

    def new(width: int = 1280, theme: str = "light") -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # light or dark
            permissions=["clipboard-read", "clipboard-write"],
            reduced_motion="reduce",
        )
        opened.append(Watched(context.new_page(), oms.url))
        return opened[-1]

    yield new
    for watched in opened:
        assert watched.strangers() == set()
        assert watched.complaints == []
        watched.page.context.close()


@pytest.fixture
def inspector(opener: Opener) -> Watched:
    """The inspector on a wide screen."""
    return opener()
