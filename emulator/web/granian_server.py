"""The HTTP server granian (extra `fast`). It answers in threads of this process, as waitress does.

The entry points of granian start worker processes, or refuse WSGI applications. The worlds are in this process, so
this module starts granian's worker in a thread. No other module uses names that granian does not document.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from http import HTTPStatus
from io import BytesIO
from itertools import chain
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakSet

from granian import _futures, _granian

from emulator.state.clock import machine_seconds
from emulator.state.persistence import THREAD_LOCAL
from emulator.web.context import Environ
from emulator.web.fault_injection import STREAM, WAIT, SendAction, Wait
from emulator.web.guard import JOINS_UNDERSCORES
from emulator.web.server import MAX_CONNECTIONS, MAX_REQUEST_BYTES, bind_sockets, server_url
from emulator.web.worker_threads import Leadership

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from emulator.web.tls import Certificate

new_scheduler: Callable[..., Any] = vars(_futures)["_new_cbscheduler"]
NATIVE: Any = _granian
"""The stubs of granian do not describe the arguments that its worker has."""
MAX_THREADS = 128
"""Number of requests that are in progress at once. A delayed response holds its thread."""
IDLE_SECONDS = 10 * 365 * 24 * 3600
"""Seconds without a request after which granian would end the leading thread. It must not happen."""
POLL_SECONDS = 0.001
BACKLOG = 1024
STOP_SECONDS = 5.0
"""Longest duration of a stop. It waits for the responses in progress."""
MIN_TLS = "tls1.2"
SERVER_HEADER = ("Server", "oms-emulator")
CONSTANT_ENVIRON: Environ = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    JOINS_UNDERSCORES: True,
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": False,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


class GranianServer:
    """A server that responds in threads, from `start` to `stop` or to the exit of the interpreter.

    It has a worker for each address of the host. If a thread of granian ran Python while the interpreter exits, the
    process would abort.
    """

    def __init__(self, app: WSGIApplication, host: str, port: int, certificate: Certificate | None = None) -> None:
        """Bind the port. Port 0 binds a free one. Raise `OSError` if the port cannot be bound."""
        self._sockets = bind_sockets(host, port)
        url = server_url(host, self._sockets[0].getsockname()[1])
        self.url = url if certificate is None else url.replace("http", "https", 1)
        self._stopping = Event()
        self._handlers = [RequestHandler(app, self._stopping) for _ in self._sockets]
        pairs = zip(self._sockets, self._handlers, strict=True)
        self._workers = [Worker(bound, handler, certificate) for bound, handler in pairs]

    def start(self) -> None:
        atexit.register(self._stop_at_exit, os.getpid())
        for worker in self._workers:
            worker.thread.start()

    def _stop_at_exit(self, pid: int) -> None:
        """Stop, but not in a process that was forked: it has none of the threads."""
        if os.getpid() == pid:
            self.stop()

    def stop(self) -> None:
        """Finish the responses in progress, then close the port and all connections. No response is delayed."""
        atexit.unregister(self._stop_at_exit)
        self._stopping.set()
        until = machine_seconds() + STOP_SECONDS
        for worker in self._workers:
            worker.signal.set()
        for worker, handler in zip(self._workers, self._handlers, strict=True):
            handler.leadership.end(until - machine_seconds())
            worker.thread.join(max(until - machine_seconds(), 0))
            handler.wait_for_threads(until)
        for bound in self._sockets:
            with suppress(OSError):
                bound.shutdown(socket.SHUT_RDWR)  # a forked process has a copy of the worker's socket
        self.close_sockets()

    def close_sockets(self) -> None:
        """Close the port in this process."""
        for bound in self._sockets:
            bound.close()


class Worker:
    """A worker of granian in a thread, for one socket."""

    def __init__(self, bound: socket.socket, handler: RequestHandler, certificate: Certificate | None) -> None:
        bound.listen(BACKLOG)
        bound.setblocking(False)
        self._holder = NATIVE.SocketHolder(bound.dup().detach(), False, BACKLOG)  # the worker closes its copy
        self._handler, self._certificate = handler, certificate
        self.signal, self._stopped = NATIVE.WorkerSignal(), Event()
        self.signal.add_cb(self._stopped.set)
        self.thread = Thread(target=self._run, name="emulator granian", daemon=True)

    def _run(self) -> None:
        worker = NATIVE.WSGIWorker(
            1,
            (None, self._holder),
            None,
            blocking_threads=1,
            py_threads=MAX_THREADS,
            py_threads_idle_timeout=IDLE_SECONDS,
            backpressure=MAX_CONNECTIONS,
            metrics=(None, NATIVE.MetricsAggregator(1)),
            **tls_options(self._certificate),
        )
        loop = asyncio.new_event_loop()  # only asked for its methods; it never runs
        try:
            worker.serve_str(new_scheduler(loop, self._handler, impl_asyncio=True), loop, self.signal)
            self._stopped.wait()
            del worker
        finally:
            loop.close()


def tls_options(certificate: Certificate | None) -> dict[str, object]:
    """Return the arguments of granian's worker for HTTPS."""
    if certificate is None:
        return {}
    chain, key = str(certificate.chain), str(certificate.key or certificate.chain)
    return {"ssl_enabled": True, "ssl_cert": chain, "ssl_key": key, "ssl_protocol_min": MIN_TLS, "ssl_crl": []}


class Chunks:
    """The chunks of a response, as granian reads them: by `__next__` and `close`."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        iterator = iter(chunks)
        self.first = next(iterator, b"")
        self._chunks, self._iterator = chunks, chain((self.first,), iterator)

    def __next__(self) -> bytes:
        return next(self._iterator)

    def close(self) -> None:
        if (close := getattr(self._chunks, "close", None)) is not None:
            close()


class ResponseStart:
    """The `start_response` of one request."""

    __slots__ = ("headers", "status")

    def __call__(self, status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        self.status, self.headers = int(status[:3]), [*headers, SERVER_HEADER]
        return refuse_write


def refuse_write(_: bytes) -> object:
    raise NotImplementedError("granian cannot write a response before the application returns")


class StreamDetached(BaseException):
    """Carries a stream of events out of the application. Not an `Exception`: the application may catch those."""

    def __init__(self, actions: Generator[SendAction]) -> None:
        super().__init__("a stream")
        self.actions = actions


def detach_stream(actions: Generator[SendAction]) -> NoReturn:
    raise StreamDetached(actions)


class RequestHandler:
    """The function that granian calls for each request, in a thread of its pool.

    granian starts a thread whenever a request waits, and Python runs one thread at a time. So each thread waits here
    after its request until it is the leader, which alone takes requests while they are short.
    """

    def __init__(self, app: WSGIApplication, stopping: Event) -> None:
        self._app, self._stopping = app, stopping
        self.leadership = Leadership()
        self._threads = WeakSet[Callable[[], None]]()
        """A function of each thread that had a request. The thread drops it when it ends."""
        self._constant_environ = CONSTANT_ENVIRON | {WAIT: self._wait, STREAM: detach_stream}

    def __call__(self, protocol: Any, environ: Environ) -> None:
        if THREAD_LOCAL.release_worker_slot is None:
            THREAD_LOCAL.release_worker_slot = partial(self.leadership.release)
            self._threads.add(THREAD_LOCAL.release_worker_slot)
        self.leadership.begin_task()
        try:
            self._respond(protocol, environ)
        finally:
            is_leader = self.leadership.end_task()
        if not is_leader:
            self.leadership.wait_to_lead()

    def wait_for_threads(self, until: float) -> None:
        """Wait until granian's threads have ended, but not longer than until this time of `machine_seconds`."""
        while self._threads and machine_seconds() < until:
            Event().wait(POLL_SECONDS)

    def _respond(self, protocol: Any, environ: Environ) -> None:
        environ |= self._constant_environ
        if not environ["HTTP_HOST"]:  # the request has no such header
            del environ["HTTP_HOST"]
        has_body = "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ
        if has_body and (refusal := receive_body(environ)) is not None:
            protocol.response_bytes(refusal, [("Connection", "close")], refusal.phrase.encode())
            return
        start = ResponseStart()
        try:
            chunks = self._app(environ, start)
        except StreamDetached as detached:
            arguments = (protocol, start, self._stream(detached.actions))
            Thread(target=respond_in_chunks, args=arguments, name="emulator stream", daemon=True).start()
            return
        if type(chunks) is list:
            protocol.response_bytes(start.status, start.headers, b"".join(chunks))
        else:
            respond_in_chunks(protocol, start, chunks)

    def _wait(self, seconds: float) -> None:
        self.leadership.release()
        self._stopping.wait(seconds)

    def _stream(self, actions: Generator[SendAction]) -> Iterator[bytes]:
        """Yield the messages of a stream. A stream has a separate thread, and `EventStream` limits their number."""
        with closing(actions):
            for action in actions:
                if isinstance(action, bytes):
                    yield action
                elif isinstance(action, Wait) and self._stopping.wait(action.seconds):
                    return


def respond_in_chunks(protocol: Any, start: ResponseStart, body: Iterable[bytes]) -> None:
    """Send a response. Send it at once if its first chunk is the whole body.

    granian sends the headers and each chunk in separate packets. The second one waits for the client's delayed
    acknowledgement of the first one, usually for 40 milliseconds.
    """
    chunks = Chunks(body)
    if ("Content-Length", str(len(chunks.first))) not in start.headers:
        protocol.response_iter(start.status, start.headers, chunks)
        return
    chunks.close()
    protocol.response_bytes(start.status, start.headers, chunks.first)


def receive_body(environ: Environ) -> HTTPStatus | None:
    """Read the body, and give a chunked one a length, as waitress does. Return the status of a refusal, or None.

    granian ends the body where the client disconnects. Only a body with a length shows that it is incomplete.
    """
    coding = environ.pop("HTTP_TRANSFER_ENCODING", "").lower()
    if coding not in ("", "chunked"):
        return HTTPStatus.NOT_IMPLEMENTED
    if coding:
        body = environ["wsgi.input"].read(MAX_REQUEST_BYTES + 1)
        length = len(body)
    else:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = b"" if length > MAX_REQUEST_BYTES else environ["wsgi.input"].read(length)
    if length > MAX_REQUEST_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if len(body) < length:
        return HTTPStatus.BAD_REQUEST
    environ["CONTENT_LENGTH"], environ["wsgi.input"] = str(length), BytesIO(body)
    return None
