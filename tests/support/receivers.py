"""A webhook receiver on a real port, with the behaviour that a test selects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class ReceivedRequest(NamedTuple):
    """A request as it was received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[BaseHTTPRequestHandler, ReceivedRequest], None]


def respond_with(status: int = 200, body: bytes = b"ok", **headers: str) -> Behaviour:
    """Return a behaviour that responds at once."""

    def behave(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


class Receiver:
    """The received requests in order, and the URL of the receiver."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[ReceivedRequest] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # otherwise the body waits for the acknowledgement of the head

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                got = ReceivedRequest(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                with receiver.arrived:
                    receiver.requests.append(got)
                    receiver.arrived.notify_all()
                receiver.behaviour(self, got)

            do_POST = do_GET = handle_any  # noqa: N815 - the names that the library calls

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """Ignore errors: some tests close the connection early."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def wait_for(self, count: int, timeout: float = 30) -> list[ReceivedRequest]:
        """Wait until this number of requests has been received."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, timeout), (
                f"{len(self.requests)} of {count} requests"
            )
            return list(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def run_receiver(behaviour: Behaviour | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver(behaviour or respond_with())
    try:
        yield receiver
    finally:
        receiver.close()
