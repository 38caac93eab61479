"""Make the two screenshots of the documentation (`docs/images/*.png`). Run it with `python -m tools.pictures`."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from emulator import Emulator

FOLDER = Path(__file__).parent.parent / "docs" / "images"
SIZE = {"width": 1280, "height": 1000}


def main() -> None:
    """Write both screenshots: the overview in the light theme, a package in the dark theme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with Emulator("demo", packages=2000) as oms, sync_playwright() as playwright:
        found = oms.session().get("/api/v1/oms/packages/short/", params={"state__enum_value": "500", "limit": 1})
        package = found.json()["results"][0]["id"]
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        pages = (
            ("overview", "overview", "light", "svg .node >> nth=0"),
            ("package", f"packages/{package}", "dark", ".timeline"),
        )
        for name, where, theme, ready in pages:
            page = browser.new_page(viewport=SIZE, color_scheme=theme)  # light or dark
            page.goto(f"{oms.url}/__admin/ui/#/{where}")
            page.locator(ready).wait_for()
            page.get_by_text("Loading …").wait_for(state="detached")
            page.screenshot(path=FOLDER / f"inspector-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
