"""Hooks can be registered, and deliveries inspected and retried, on the webhooks page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage
from tests.browser.inspector.test_pages import newest_package_in_state


class Receiver(ThreadingHTTPServer):
    """Answers deliveries with `status`."""

    status = 500

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class ReceiverHandler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"heard")

    def log_message(self, *_: Any) -> None:
        """Do not log."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(("127.0.0.1", 0), ReceiverHandler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_failed_delivery_is_shown_and_retried(oms: Emulator, inspector: MonitoredPage, receiver: Receiver) -> None:
    """The page shows the payload, the response and the time of the next attempt. A retry delivers the event."""
    page = inspector.open("webhooks")
    page.get_by_label("Target URL").fill(receiver.url)
    page.get_by_role("combobox", name="Event").select_option("package.status.transitioned")
    page.get_by_role("button", name="Subscribe").click()
    expect(
        page.get_by_role("table", name="Subscriptions").get_by_role("row").filter(has_text=receiver.url)
    ).to_be_visible()

    package = newest_package_in_state(oms, "100")
    session = oms.session()
    body = {"slug": "package__prepare_package_command__waiting__preparing", "input_parameters": {}}
    session.post(f"/api/v1/oms/packages/{package['id']}/command/", json=body)
    page.get_by_role("button", name="Send due events").click()
    rows = page.get_by_role("table", name="Deliveries").get_by_role("row").filter(has_text=receiver.url)
    expect(rows.filter(has_text="not delivered").first).to_contain_text("500")
    expect(page.get_by_text("Due at")).to_be_visible()

    rows.first.get_by_role("button", name="package.status.transitioned").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("region", name="payload")).to_contain_text(package["number"])
    expect(dialog.get_by_text("heard")).to_be_visible()
    page.keyboard.press("Escape")

    receiver.status = 200
    rows.first.get_by_role("button", name="Retry").click()
    expect(rows.filter(has_text="200 delivered").first).to_be_visible()
    hook = page.get_by_role("table", name="Subscriptions").get_by_role("row").filter(has_text=receiver.url)
    hook.get_by_role("button", name="Disable").click()
    expect(hook).to_contain_text("no")


def test_the_error_of_a_duplicate_hook_is_shown(oms: Emulator, inspector: MonitoredPage, receiver: Receiver) -> None:
    page = inspector.open("webhooks")
    for _ in range(2):
        page.get_by_label("Target URL").fill(receiver.url)
        page.get_by_role("button", name="Subscribe").click()
        expect(
            page.get_by_role("table", name="Subscriptions").get_by_role("row").filter(has_text=receiver.url)
        ).to_be_visible()
    expect(page.get_by_role("alert").get_by_text("Webhook already registered")).to_be_visible()
