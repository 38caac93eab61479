"""Fixtures: a headless Chromium, and pages of another origin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.browsers import CHROMIUM

CHROMIUM_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


PATIENCE = 120_000
"""Milliseconds after which a wait fails, which ends a test that hangs. A busy machine shows Swagger in a minute."""

expect.set_options(timeout=PATIENCE)


class EmptyPageHandler(BaseHTTPRequestHandler):
    """Answers each GET with an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Do not log."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start one browser for this folder; stop it afterwards, because Django fails while its event loop runs."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Return a page with an empty browser profile."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Start a server that is not the emulator and return its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPageHandler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def foreign_page(page: Page, origin: str) -> Page:
    """Return a page of an origin that is not the emulator's."""
    page.goto(origin)
    return page
