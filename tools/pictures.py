"""Make the screenshots of the documentation (`docs/images/*.png`). Run it with `python -m tools.pictures`."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from emulator import Emulator

FOLDER = Path(__file__).parent.parent / "docs" / "images"
SIZE = {"width": 1280, "height": 1000}


def main() -> None:
    """Write the overview and the graph in the light theme, and a package in the dark theme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with Emulator("demo", packages=2000, demo_receiver=True) as oms, sync_playwright() as playwright:
        found = oms.session().get("/api/v1/oms/packages/short/", params={"state__enum_value": "500", "limit": 1})
        package = found.json()["results"][0]["id"]
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        fill(oms)
        pages = (
            ("overview", "overview", "light", "svg .node >> nth=0"),
            ("package", f"packages/{package}", "dark", ".feed"),
            ("graph", "overview", "light", "svg .node >> nth=0"),
        )
        for name, where, theme, ready in pages:
            page = browser.new_page(viewport=SIZE, color_scheme=theme)  # light or dark
            page.goto(f"{oms.url}/__admin/ui/#/{where}")
            page.locator(ready).wait_for()
            page.get_by_text("Loading …").first.wait_for(state="detached")
            shown = (
                page.locator("section.card").filter(has=page.locator(".canvas")).first if name == "graph" else page
            )
            shown.screenshot(path=FOLDER / f"inspector-{name}.png")
        browser.close()


def fill(oms: Emulator) -> None:
    """Run a morning: orders are packed and shipped, some requests are refused, webhooks are delivered."""
    session = oms.session()
    url = "/api/v1/oms/packages/"
    for number in range(9):
        oms.clock.advance(minutes=11 + number)
        pk = oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])["packages"][0]
        for name in ("complete_packaging__", "ship_package__")[: number % 3]:
            commands = session.get(f"{url}{pk}/").json()["commands"]
            slug = next(each["slug"] for each in commands if f"__{name}" in each["slug"])
            session.post(f"{url}{pk}/command/", json={"slug": slug, "input_parameters": {}}).raise_for_status()
            oms.clock.advance(minutes=3)
        if number % 4 == 1:
            session.post(f"{url}{pk}/command/", json={"slug": "package__unknown", "input_parameters": {}})
        if number % 3 == 2:
            oms.carrier(pk, "delivered")
        oms.hooks.flush()


if __name__ == "__main__":
    main()
