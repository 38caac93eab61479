"""The npm package in Chromium: the emulator runs in a worker, and no request reaches the network."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.npm.conftest import ROOT, Command

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


class WebServer(NamedTuple):
    """A server of static files. It records its requests."""

    url: str
    requests: list[str]
    bodies: list[Any]

    @property
    def calls(self) -> list[str]:
        """The requests that are not for files of the package, which a browser may check for a new version."""
        return [each for each in self.requests if "/assets/" not in each and "-sw.mjs" not in each]


class StaticFiles(SimpleHTTPRequestHandler):
    """Serves a folder, and accepts webhooks."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.bodies.append((json.loads(body), self.headers["X-Whisperer-Signature"]))
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b"accepted")

    def log_message(self, *_: object) -> None:
        server: Any = self.server
        server.requests.append(self.requestline)


@pytest.fixture(scope="module")
def folder(npm_command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    public = tmp_path_factory.mktemp("public")
    done = npm_command.run("init", str(public))
    assert done.returncode == 0, done.stderr
    (public / "index.html").write_text("<!doctype html><title>Shop</title>", "utf-8")
    return public


@pytest.fixture
def web(folder: Path) -> Iterator[WebServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(StaticFiles, directory=str(folder))) as server:
        recorder: Any = server
        recorder.requests, recorder.bodies = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield WebServer(f"http://127.0.0.1:{server.server_port}", recorder.requests, recorder.bodies)
        server.shutdown()


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


def test_stop_gives_the_page_its_fetch_back(context: BrowserContext, web: WebServer) -> None:
    page, _ = start(context, web, serviceWorker=False)
    page.evaluate("() => oms.stop()")
    assert page.evaluate(CALL, ["GET", "/api/v1/oms/packages/", None])[0] == 404
    assert web.calls[0].startswith("GET /oms-emulator/api/v1/oms/packages/")


def test_playground_shows_the_inspector_and_the_documentation(context: BrowserContext, installed: Path) -> None:
    """The playground is below a path, as on a host of static pages."""
    handler = functools.partial(StaticFiles, directory=str(ROOT / "dist"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        recorder: Any = server
        recorder.requests = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/playground/?scenario=live-demo&seed=5")
        expect(page.locator("#status")).to_contain_text("/playground/oms-emulator", timeout=120_000)
        expect(page.frame_locator("iframe").locator("main h1")).to_have_text("Overview")
        page.click("text=API")
        expect(page.frame_locator("iframe").locator(".opblock").first).to_be_visible()
        server.shutdown()
