"""The HTTP server: waitress with connections that stay open after a 204, and responses that wait without a thread."""

from __future__ import annotations

import logging
import select
import socket
import struct
import sys
from collections.abc import Generator
from errno import EADDRINUSE
from sched import scheduler
from typing import TYPE_CHECKING, Any, NoReturn

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.server import create_server
from waitress.task import WSGITask
from waitress.utilities import BadRequest

from emulator.state.clock import machine_seconds
from emulator.web.context import Environ
from emulator.web.fault_injection import DETACH, STREAM, Close, SendAction, Wait
from emulator.web.worker_threads import WorkerPool

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# waitress warns whenever more requests wait than it has idle threads. That is usual for tests in parallel.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

MAX_THREADS = 32
"""Suspended responses hold no thread: see `TaskSuspended`."""
MAX_REQUEST_BYTES = 32 * 1024 * 1024
MAX_CHUNK_HEADER_BYTES = 1_024
MAX_TRAILER_BYTES = 64 * 1024
"""Longest trailer of a chunked body. waitress limits neither this nor the header of a chunk."""
MAX_CONNECTIONS = 10_000
"""The default of waitress is 100. Connections with a delayed response count."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Value of SO_LINGER: on, with a timeout of zero. The connection is reset when it is closed."""
LOCALHOST, LOOPBACK_ADDRESSES = "localhost", ("127.0.0.1", "::1")
PORT_ATTEMPTS = 20
"""Number of free ports of the IPv4 address that are tried on the IPv6 address."""
HAS_POLL = hasattr(select, "poll")
LOOP_TIMEOUT = 1.0
"""Longest wait of the leader in seconds. Any event ends it earlier."""


class KeepAliveTask(WSGITask):
    """A response that keeps the connection open after a 204. waitress closes it, because a 204 has no length."""

    _keeps_alive = False

    def build_response_header(self) -> bytes:
        headers: dict[str, str] = getattr(self.request, "headers", {})
        is_close_requested = headers.get("CONNECTION", "").lower() == "close"
        self._keeps_alive = not self.has_body and self.version == "1.1" and not is_close_requested
        try:
            return bytes(super().build_response_header())
        finally:
            self._keeps_alive = False

    def set_close_on_finish(self) -> None:
        if not self._keeps_alive:
            super().set_close_on_finish()


class TaskSuspended(BaseException):
    """A task releases its thread and continues later. Not an `Exception`: waitress catches those inside the task."""

    def __init__(self, task: Task, seconds: float) -> None:
        super().__init__(seconds)
        self.task, self.seconds = task, seconds


class Task(KeepAliveTask):
    """A response that may have a fault. It is then sent by actions, and no thread waits between them."""

    _actions: Generator[SendAction] | None = None
    _is_stream = False

    def get_environment(self) -> Environ:
        environ: Environ = super().get_environment()
        self.environ = None  # otherwise the garbage collector would have to free every request
        environ[DETACH], environ[STREAM] = self._detach, self._stream
        return environ

    def _stream(self, actions: Generator[SendAction]) -> NoReturn:
        self._is_stream = True
        self._detach(actions)

    def _detach(self, actions: Generator[SendAction]) -> NoReturn:
        self._actions = actions
        raise TaskSuspended(self, 0)

    def service(self) -> None:
        if self._actions is None:
            super().service()
            return
        try:
            if self._is_stream and self._is_disconnected():
                self._actions.close()
                self.close_on_finish = True
            else:
                self._send(self._actions)
        except OSError:
            self.close_on_finish = True

    def _is_disconnected(self) -> bool:
        """Return whether the client closed the connection. waitress notices it only when it sends."""
        try:
            return self.channel.socket is None or not self.channel.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def _send(self, actions: Generator[SendAction]) -> None:
        """Carry out the actions up to the next wait."""
        for action in actions:
            if isinstance(action, Wait):
                raise TaskSuspended(self, action.seconds)
            if isinstance(action, Close):
                if action.by_reset and self.channel.socket is not None:
                    self.channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self.close_on_finish = True
                return
            self.write(action)
        self.finish()


class RequestParser(HTTPRequestParser):
    """A parser that refuses with a 400 what waitress fails to convert, and what it buffers without a limit."""

    def received(self, data: bytes) -> int:
        try:
            consumed = int(super().received(data))
        except (ValueError, OverflowError):  # such as the URL http://[::1 or a length of 5,000 digits
            self.headers_finished, consumed = True, len(data)
            self._refuse("Malformed request")
        if isinstance(self.body_rcv, ChunkedReceiver) and not self.completed and is_excessive(self.body_rcv):
            self._refuse("Invalid chunk")
        return consumed

    def _refuse(self, reason: str) -> None:
        self.error, self.completed = BadRequest(reason), True


def is_excessive(body: ChunkedReceiver) -> bool:
    """Return whether a chunked body has a size that no buffer can have, or framing without an end."""
    sizes = (body.chunk_remainder, len(body.control_line), len(body.trailer))
    limits = (sys.maxsize, MAX_CHUNK_HEADER_BYTES, MAX_TRAILER_BYTES)
    return any(size > limit for size, limit in zip(sizes, limits, strict=True))


class Channel(HTTPChannel):
    """A connection whose responses can be suspended."""

    parser_class = RequestParser
    server: Any
    _suspended: Task | None = None

    def task_class(self, channel: HTTPChannel, request: Any) -> Task:  # type: ignore[override]  # what waitress calls
        """Return the suspended task, or a new one."""
        suspended, self._suspended = self._suspended, None
        return suspended or Task(channel, request)

    def del_channel(self, map: Any = None) -> None:  # noqa: A002 - the name in waitress
        """Close the files of an incomplete body and of unread responses, which waitress leaves to the collector."""
        if self.request is not None:
            self.request.close()
        with self.outbuf_lock:
            for buffer in self.outbufs:
                buffer.close()
        super().del_channel(map)

    def service(self) -> None:
        try:
            super().service()
        except TaskSuspended as suspended:
            self._suspended = suspended.task
            self.server.delayed_calls.enter(suspended.seconds, 0, self.server.add_task, (self,))
            self.server.pull_trigger()


class HttpServer:
    """A server that responds in threads, from `start` to `stop`."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        """Bind the port. Port 0 binds a free one. Raise `OSError` if the port cannot be bound."""
        self._sockets: dict[int, Any] = {}
        self._workers = WorkerPool(self._poll, self._wake, MAX_THREADS)
        self._delayed_calls = scheduler(machine_seconds)
        for bound in bind_sockets(host, port):
            server: Any = create_server(
                app,
                map=self._sockets,
                sockets=[bound],
                threads=MAX_THREADS,
                _dispatcher=self._workers,  # type: ignore[arg-type]  # it has the methods that servers call
                max_request_body_size=MAX_REQUEST_BYTES,
                connection_limit=MAX_CONNECTIONS,
                clear_untrusted_proxy_headers=False,  # the guard and --behind-proxy judge them
                ident="oms-emulator",
                inbuf_overflow=sys.maxsize,  # keep bodies in memory: recorded ones must not be in temporary files
                outbuf_overflow=sys.maxsize,
            )
            server.channel_class, server.delayed_calls = Channel, self._delayed_calls
            server.pull_trigger = self._workers.wake_leader
        self._trigger = server.trigger  # that of any server wakes the leader
        self.url = server_url(host, server.effective_port)

    def start(self) -> None:
        self._workers.start()

    def stop(self) -> None:
        """Finish the responses in progress, then close the port and all connections."""
        self._workers.shutdown()
        self.close_sockets()

    def close_sockets(self) -> None:
        """Close the port and all connections in this process."""
        wasyncore.close_all(self._sockets)

    def _poll(self) -> None:
        """Continue delayed responses, or read the requests that arrive, and send what connections can take."""
        wait = self._delayed_calls.run(blocking=False)
        if not self._workers.has_tasks:
            # `poll` has no limit on the number of connections, unlike `select`.
            timeout = LOOP_TIMEOUT if wait is None else wait
            wasyncore.loop(timeout=timeout, use_poll=HAS_POLL, map=self._sockets, count=1)

    def _wake(self) -> None:
        self._trigger.pull_trigger()


def bind_sockets(host: str, port: int) -> list[socket.socket]:
    """Return a socket for the host. `localhost` gets one for each of its addresses, with the same port."""
    if host.lower() != LOCALHOST:
        return [bind_socket(host, port)]
    for _ in range(PORT_ATTEMPTS):
        first = bind_socket(LOOPBACK_ADDRESSES[0], port)
        try:
            return [first, bind_socket(LOOPBACK_ADDRESSES[1], first.getsockname()[1])]
        except OSError as error:
            if error.errno != EADDRINUSE:
                return [first]  # a machine without IPv6
            first.close()
            if port:
                raise
    raise OSError(EADDRINUSE, "no port is free on both addresses of localhost")


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to one address of the host. waitress would bind all addresses."""
    entries = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = min(entries, key=lambda entry: entry[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def server_url(host: str, port: int) -> str:
    """Return the URL to show for an address. The address of all interfaces is shown as loopback."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
