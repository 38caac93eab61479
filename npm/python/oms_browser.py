"""The emulator in a worker of a browser. Requests arrive as messages, and webhooks are sent by the browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

import oms_host  # a module of npm/browser/worker.mjs
from oms_server import ENVIRON, MessageServer
from oms_timers import Timers
from pyodide.ffi import to_js
from requests.utils import check_header_validity, get_encoding_from_headers

from emulator.client.emulator import Emulator
from emulator.state.outbox import NoResponse, WebhookResponse
from emulator.state.runtime import install_runtime
from emulator.worlds.webhooks.http_client import MAX_BODY_BYTES, HttpClient

FORBIDDEN_HEADERS = {"host", "user-agent", "accept-encoding", "connection", "content-length"}
"""Headers that a browser sets itself."""


class BrowserServer(MessageServer):
    """Answers requests below the path of a URL, whose port belongs to a web server."""

    def __init__(self, runtime: BrowserRuntime, app: Any, url: str) -> None:
        parts = urlsplit(url)
        super().__init__(runtime, app, url)
        self.environ = ENVIRON | {
            "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
            "SERVER_NAME": parts.hostname or "",
            "SCRIPT_NAME": parts.path,
            "wsgi.url_scheme": parts.scheme,
        }

    def stop(self) -> None:
        """Do nothing. No port is open."""


class BrowserRuntime:
    """Calls functions later with the timers of the browser."""

    def __init__(self, url: str) -> None:
        self.url, self.timers = url, Timers()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        self.timers.add(seconds, function)
        self.run_timers()

    def run_timers(self) -> None:
        """Schedule the next call of `run_timers`."""
        oms_host.schedule(0)

    def run_until(self, _: Callable[[], bool]) -> NoReturn:
        raise RuntimeError("a worker cannot wait")

    def create_server(self, app: Any, _: str, __: int) -> BrowserServer:
        return BrowserServer(self, app, self.url)

    def run_command(self, _: Sequence[str], __: Mapping[str, str]) -> NoReturn:
        raise OSError("a browser runs no commands")


class Running:
    """The emulator of this worker."""

    emulator: Emulator | None = None
    server: BrowserServer
    runtime: BrowserRuntime


def send_hook(client: HttpClient, url: str, headers: Mapping[str, Any], body: bytes) -> WebhookResponse:
    """POST a webhook with the browser, which follows redirects. Raise `NoResponse` if there is no response."""
    client._check_host(url, "")  # noqa: SLF001 - this function replaces the method of the class
    if url.startswith(f"{Running.runtime.url}/"):
        raise NoResponse(f"the hook calls {url}, which is the emulator itself")
    sent = {name: value for name, value in headers.items() if value is not None}
    for header in sent.items():
        check_header_validity(header)
    allowed = {name: value for name, value in sent.items() if name.lower() not in FORBIDDEN_HEADERS}
    try:
        status, content_type, content = oms_host.send_hook(url, json.dumps(allowed), to_js(body), client.timeout)
    except Exception as error:  # noqa: BLE001 - any error of the browser
        raise NoResponse(
            f"the browser cannot reach {url}, or its server does not allow requests of pages: {error}"
        ) from None
    received = content.to_bytes()[:MAX_BODY_BYTES]
    encoding = get_encoding_from_headers({"content-type": content_type}) or "utf-8"
    return WebhookResponse(int(status), received, received.decode(encoding, "replace"))


def start(text: str) -> None:
    """Start an emulator with the options of a page. Stop the former one."""
    document = json.loads(text)
    url, options = document["url"], document["options"]
    if isinstance(options.get("scenario"), dict):
        options["scenario"] = json.dumps(options["scenario"])
    runtime = BrowserRuntime(url)
    install_runtime(runtime)
    HttpClient.post = send_hook  # type: ignore[assignment, method-assign]
    names = {"clock": "ticking", "demo_receiver": True, "allow_hosts": [urlsplit(url).hostname]}
    emulator = Emulator(**(names | options))
    if Running.emulator is not None:
        Running.emulator.close()
    emulator.start()
    emulator._dispatcher.deliverer.hosts.set_own_port(None)  # noqa: SLF001 - the port belongs to a web server
    assert isinstance(emulator._server, BrowserServer)  # noqa: S101, SLF001 - of `create_server`
    Running.emulator, Running.server, Running.runtime = emulator, emulator._server, runtime  # noqa: SLF001


def respond(id_: int, head: str, body: Any) -> None:
    """Answer a request."""
    Running.server.respond(id_, head, body.to_bytes() if body is not None else b"")


def forget(id_: int) -> None:
    """End the response to a request that the page has cancelled."""
    Running.server.forget(id_)


def run_timers() -> None:
    """Call the functions whose time has come, and schedule the next call."""
    wait = Running.runtime.timers.run()
    if wait is not None:
        oms_host.schedule(max(wait, 0) * 1000)
