"""The OpenAPI pages work in a browser, and request files from the emulator only."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from emulator import Emulator

OPERATION = "[id$=-get_package]"


@pytest.fixture
def oms() -> Iterator[Emulator]:
    with Emulator("demo") as emulator:
        yield emulator


@pytest.fixture
def requested_urls(page: Page) -> list[str]:
    """Return the list of URLs that the browser requests."""
    found: list[str] = []

    def note(request: Request) -> None:
        found.append(request.url)

    page.on("request", note)
    return found


def test_an_operation_can_be_tried(oms: Emulator, page: Page, requested_urls: list[str]) -> None:
    """With a built-in token `get_package` returns a package. The browser requests nothing from other hosts."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    package = oms.session().get("/api/v1/oms/packages/").json()["results"][0]

    page.goto(f"{oms.url}/__admin/docs")
    expect(page.locator(".info .title")).to_contain_text("Akinon OMS, emulated")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").first.fill("Token full-access")
    page.locator(".auth-container button[type=submit]").first.click()
    page.locator(".btn-done").first.click()

    page.locator(".opblock-tag", has_text="Package Services (guide)").click()
    operation = page.locator(OPERATION)
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("pk").fill(str(package["id"]))
    operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table")
    expect(live.locator("tbody td.response-col_status").first).to_contain_text("200")
    expect(live).to_contain_text(package["number"])

    assert f"{oms.url}/api/v1/oms/packages/{package['id']}/" in requested_urls
    assert {urlsplit(url).netloc for url in requested_urls if not url.startswith(("data:", "blob:"))} == {
        urlsplit(oms.url).netloc
    }
    assert errors == []


@pytest.mark.parametrize(("entry", "part"), [("OMS API", "oms"), ("Control API of the emulator", "control")])
def test_every_operation_is_shown(entry: str, part: str, oms: Emulator, page: Page) -> None:
    """The opened tags of a document show each of its operations and webhooks, and no error."""
    page.goto(f"{oms.url}/__admin/docs?urls.primaryName={entry}")
    tags = page.locator(".opblock-tag")
    expect(tags.first).to_be_visible()
    for at in range(tags.count()):
        tags.nth(at).click()
    document = oms.session().get(f"/__admin/openapi.json?part={part}").json()
    shown = sum(len(item) for item in [*document["paths"].values(), *document.get("webhooks", {}).values()])
    expect(page.locator(".opblock")).to_have_count(shown)
    expect(page.locator(".errors-wrapper")).to_have_count(0)


def test_control_api_is_a_second_entry_of_the_menu(oms: Emulator, page: Page) -> None:
    page.goto(f"{oms.url}/__admin/docs")
    expect(page.locator(".opblock-tag", has_text="Package Services (guide)")).to_be_visible()
    expect(page.locator(".opblock-tag", has_text="control")).to_have_count(0)
    page.locator("#select").select_option(label="Control API of the emulator")
    expect(page.locator(".opblock-tag", has_text="control")).to_be_visible()


def test_redoc_shows_the_document_offline(oms: Emulator, page: Page) -> None:
    """Redoc shows each tag. The policy of the page blocks requests to other hosts, such as that for Redoc's logo."""
    errors: list[str] = []
    answered: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda response: answered.append(response.url))
    page.goto(f"{oms.url}/__admin/docs/redoc")
    expect(page.locator("h1", has_text="Akinon OMS, emulated")).to_be_visible()
    document = oms.session().get("/__admin/openapi.json?part=oms").json()
    for tag in document["tags"]:
        expect(page.locator("[role=menuitem]", has_text=tag["name"]).first).to_be_attached()
    assert errors == []
    hosts = {urlsplit(url).netloc for url in answered if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(oms.url).netloc}
