"""The HTML coverage report in a browser: accessible in light and dark mode, and complete without other files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from emulator import Emulator
from emulator.coverage.counts import counts_of
from emulator.coverage.report import build_report, render
from emulator.web.app import register_graph

PACKAGES = "/api/v1/oms/packages/"

TAKEN, REFUSED = (
    "package__complete_packaging__waiting__packed-all-items",
    "package__ship_package__packed-all-items__shipped",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a suite with one accepted transition and two rejected ones."""
    oms = Emulator("demo")
    package = oms.package(state="Waiting")["id"]
    for slug, status in ((REFUSED, 400), (TAKEN, 204), (TAKEN, 400)):
        body = {"slug": slug, "input_parameters": {}}
        assert oms.session().post(f"{PACKAGES}{package}/command/", json=body).status_code == status
    register_graph(oms.world)
    target = tmp_path_factory.mktemp("coverage") / "coverage.html"
    target.write_text(render(build_report(counts_of(oms.world.coverage)), "html"), "utf-8")
    return target


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page: Page, file: Path, scheme: Literal["light", "dark"]) -> None:
    """Contrast, headings, landmarks and tables follow the rules in both themes."""
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_status_of_a_transition_differs_in_text_and_colour(page: Page, file: Path) -> None:
    """The reader does not need to see colours."""
    page.goto(file.as_uri())
    cells = [
        page.locator("tr", has_text=name).locator(".status").first for name in (TAKEN, REFUSED, "renew_transfer")
    ]
    assert [cell.inner_text() for cell in cells] == ["✓ taken", "✗ only refused", "– not reached"]
    assert len({cell.evaluate("cell => getComputedStyle(cell).color") for cell in cells}) == 3


def test_it_requests_nothing_and_fits_a_small_screen(page: Page, file: Path) -> None:
    """The browser requests the page alone and reports no error."""
    requested: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda line: messages.append(line.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    assert (requested, messages) == ([file.as_uri()], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
