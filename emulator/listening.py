"""waitress, bound to a port, and kept from closing the connection after each answer without a body."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# It warns whenever more calls wait than it has idle threads: usual for tests in parallel, and no user's business.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

THREADS = 32
"""More than the work needs: a slow answer on purpose must not hold up the others."""
LARGEST_REQUEST = 32 * 1024 * 1024
LOOP_SECONDS = 1.0
"""How long the loop sleeps at most when nothing happens; whatever happens wakes it."""


class KeptAliveTask(WSGITask):
    """waitress closes the connection after every 204: it looks for a length, which a 204 must not have."""

    _keeps_alive = False

    def build_response_header(self) -> bytes:
        headers: dict[str, str] = getattr(self.request, "headers", {})
        asked_to_close = headers.get("CONNECTION", "").lower() == "close"
        self._keeps_alive = not self.has_body and self.version == "1.1" and not asked_to_close
        try:
            return bytes(super().build_response_header())
        finally:
            self._keeps_alive = False

    def set_close_on_finish(self) -> None:
        if not self._keeps_alive:
            super().set_close_on_finish()


class Channel(HTTPChannel):
    task_class = KeptAliveTask


def listen(app: WSGIApplication, host: str, port: int) -> Any:
    """Give a server that is bound and runs when told to; port 0 takes a free one. `OSError` if it cannot be had."""
    server: Any = create_server(
        app,
        sockets=[bound(host, port)],
        threads=THREADS,
        max_request_body_size=LARGEST_REQUEST,
        ident="oms-emulator",
    )
    server.channel_class = Channel
    return server


def bound(host: str, port: int) -> socket.socket:
    """Give a socket at one address of the host, or nothing that stays open: waitress would bind all of them."""
    found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError:
        taken.close()
        raise
    return taken


class Serving:
    """A server that answers in threads from `start` to `stop`."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        self._server = listen(app, host, port)
        self.url = url_of(host, self._server.effective_port)
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._run, name=f"emulator {self.url}", daemon=True)

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """Let the answers that are being made be sent, then close the port and every connection."""
        self._server.task_dispatcher.shutdown()
        self._stopping.set()
        self._server.pull_trigger()
        self._loop.join()
        wasyncore.close_all(self._server._map)  # noqa: SLF001 - waitress gives no other way to its sockets

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=LOOP_SECONDS, map=self._server._map, count=1)  # noqa: SLF001


def url_of(host: str, port: int) -> str:
    """Give the URL to show for an address: everywhere is shown as this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
