"""The npm package in Chromium: the emulator runs in a worker, and no request reaches the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.npm.conftest import ROOT, Command, WebServer, serve_folder

pytestmark = [pytest.mark.gate]

START = """async (options) => {
    const { setupEmulator } = await import("/oms-emulator/assets/index.mjs");
    const began = performance.now();
    window.oms = await setupEmulator(options);
    const response = await fetch(oms.url + "/api/v1/oms/packages/", {headers: {Authorization: "Token full-access"}});
    return [response.status, (await response.json()).count, oms.url, performance.now() - began];
}"""
CALL = """async ([method, path, body]) => {
    const headers = {Authorization: "Token full-access", "Content-Type": "application/json"};
    const response = await fetch("/oms-emulator" + path, {method, headers, body: body && JSON.stringify(body)});
    const text = await response.text();
    return [response.status, text.startsWith("{") ? JSON.parse(text) : text, Object.fromEntries(response.headers)];
}"""
PACK = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
MODES = [{}, {"serviceWorker": False}]


@pytest.fixture(scope="module")
def folder(npm_command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    public = tmp_path_factory.mktemp("public")
    done = npm_command.run("init", str(public))
    assert done.returncode == 0, done.stderr
    (public / "index.html").write_text("<!doctype html><title>Shop</title>", "utf-8")
    return public


@pytest.fixture
def web(folder: Path) -> Iterator[WebServer]:
    with serve_folder(folder) as server:
        yield server


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    yield context
    context.close()


def start(context: BrowserContext, web: WebServer, **options: Any) -> tuple[Page, Any]:
    page = context.new_page()
    page.goto(f"{web.url}/index.html")
    result = page.evaluate(START, {"scenario": "demo", "seed": 7, "packages": 60, **options})
    web.requests.clear()
    return page, result


@pytest.mark.parametrize("options", MODES, ids=["service worker", "replaced fetch"])
def test_list_command_and_control_api_need_no_network(
    context: BrowserContext, web: WebServer, options: dict[str, Any]
) -> None:
    page, (status, count, url, _) = start(context, web, **options)
    assert (status, count, url) == (200, 60, f"{web.url}/oms-emulator")
    package = page.evaluate("() => oms.makePackage({state: 'Waiting'})")
    path = f"/api/v1/oms/packages/{package['id']}/"
    assert page.evaluate(CALL, ["POST", f"{path}command/", PACK])[0] == 204
    assert page.evaluate(CALL, ["GET", path, None])[1]["state"]["name"] == "Packed all items"
    status, error, headers = page.evaluate(CALL, ["POST", f"{path}command/", PACK])
    assert (status, list(error["error"])) == (400, ["transition"])
    assert "Packed all items" in headers["x-emulator-hint"]
    assert page.evaluate("() => oms.reset()") is None
    assert page.evaluate(CALL, ["GET", path, None])[0] == 404
    assert page.evaluate("async () => (await oms.world('other', {seed: 3})).url") == f"{url}/w/other"
    assert page.evaluate(CALL, ["GET", "/w/other/api/v1/oms/packages/?limit=1", None])[1]["next"].startswith(url)
    message = page.evaluate("() => oms.makePackage({state: 'Nowhere'}).catch(String)")
    assert "returned 400" in message
    assert web.calls == []


def test_webhook_arrives_at_a_server_of_the_host(context: BrowserContext, web: WebServer) -> None:
    page, _ = start(context, web)
    hook = {
        "target_url": f"{web.url}/hook",
        "event_type": "package.created",
        "secret_key": "key",
        "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    }
    assert page.evaluate(CALL, ["POST", "/whisperer/hooks/", hook])[0] == 201
    package = page.evaluate("() => oms.makePackage({state: 'Waiting'})")
    page.evaluate("() => oms.flushHooks()")
    ((event, signature),) = web.bodies
    assert package["number"] in json.dumps(event)
    assert signature.startswith("sha256=")
    deliveries = page.evaluate("() => oms.deliveries()")["results"]
    (delivery,) = [each for each in deliveries if each["url"] == hook["target_url"]]
    assert (delivery["status"], delivery["delivered"], delivery["response"]) == (202, True, "accepted")
    assert web.calls == ["POST /hook HTTP/1.1"]


def test_inspector_in_another_tab_shows_the_same_world(context: BrowserContext, web: WebServer) -> None:
    page, _ = start(context, web)
    package = page.evaluate("() => oms.makePackage({state: 'Waiting'})")
    inspector = context.new_page()
    inspector.goto(f"{page.evaluate('() => oms.inspector')}#/packages/{package['id']}")
    expect(inspector.locator("main h1")).to_contain_text(package["number"])
    page.evaluate(CALL, ["POST", f"/api/v1/oms/packages/{package['id']}/command/", PACK])
    expect(inspector.locator("main")).to_contain_text("Packed all items")  # without a reload
    page.reload()
    restarted = page.evaluate(START, {"scenario": "demo", "seed": 7, "packages": 60})
    assert restarted[1] == 61, "the inspector's tab keeps the world while the page is loaded again"


def test_inspector_of_another_world_opens_in_a_tab(context: BrowserContext, web: WebServer) -> None:
    """The page of a world has the files of the web server and the data of the emulator."""
    page, _ = start(context, web)
    inspector = context.new_page()
    inspector.goto(page.evaluate("async () => (window.other = await oms.world('other', {seed: 3})).inspector"))
    expect(inspector.locator("main h1")).to_have_text("Overview")
    package = page.evaluate("() => other.makePackage({state: 'Waiting'})")
    inspector.goto(f"{web.url}/oms-emulator/w/other/__admin/ui/index.html#/packages/{package['id']}")
    expect(inspector.locator("main h1")).to_contain_text(package["number"])
    inspector.goto(f"{web.url}/oms-emulator/w/other/__admin/health")
    assert json.loads(inspector.inner_text("body"))["world"] == "other"
    inspector.goto(f"{web.url}/oms-emulator/__admin/stories/what-goes-wrong/2/open")
    expect(inspector.locator("main h1")).to_have_text("2. The store refuses")


def test_stop_gives_the_page_its_fetch_back(context: BrowserContext, web: WebServer) -> None:
    page, _ = start(context, web, serviceWorker=False)
    page.evaluate("() => oms.stop()")
    assert page.evaluate(CALL, ["GET", "/api/v1/oms/packages/", None])[0] == 404
    assert web.calls[0].startswith("GET /oms-emulator/api/v1/oms/packages/")


@pytest.fixture
def playground(installed: Path) -> Iterator[str]:
    """Return the address of the playground, which is below a path, as on a host of static pages."""
    with serve_folder(ROOT / "dist") as server:
        yield f"{server.url}/playground/"


def test_link_of_the_playground_opens_a_scenario(context: BrowserContext, playground: str) -> None:
    page = context.new_page()
    page.goto(f"{playground}?scenario=live-demo&seed=5")
    expect(page.locator("#status")).to_contain_text("/playground/oms-emulator", timeout=120_000)
    expect(page.locator("select")).to_have_value("live-demo")
    frame = page.frame_locator("iframe")
    expect(frame.locator("main h1")).to_have_text("Overview")
    world = page.evaluate("() => oms.health()")
    assert (world["scenario"], world["seed"]) == ("live-demo", 5)
    page.click("text=API")
    expect(frame.locator(".opblock").first).to_be_visible()


def test_link_of_the_playground_opens_a_story(context: BrowserContext, playground: str) -> None:
    """The inspector shows the chapter in the world of the story, and its buttons open the other chapters."""
    page = context.new_page()
    page.goto(f"{playground}?story=a-day-in-the-warehouse&chapter=3")
    frame = page.frame_locator("iframe")
    expect(frame.locator("main h1")).to_have_text("3. Packed, with a label", timeout=120_000)
    expect(page.locator("#status")).to_have_text(f"API: {playground}oms-emulator/w/story-1")
    frame.get_by_role("button", name="Next →").click()
    expect(frame.locator("main h1")).to_have_text("4. The carrier takes it")
    frame.get_by_role("link", name="Show it").click()
    expect(frame.locator("main")).to_contain_text("Shipped")
    page.click("text=API")
    expect(frame.locator(".opblock").first).to_be_visible()


def test_link_to_an_unknown_story_shows_the_known_ones(context: BrowserContext, playground: str) -> None:
    page = context.new_page()
    page.goto(f"{playground}?story=nonsense")
    expect(page.locator("#status")).to_contain_text("a-day-in-the-warehouse", timeout=120_000)
