"""waitress, bound to a port; kept from closing connections after a 204, and able to wait without a thread."""

from __future__ import annotations

import logging
import select
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

from emulator.state.clock import machine_seconds
from emulator.state.persistence import THREAD_LOCAL
from emulator.web.fault_injection import DETACH, Close, SendAction, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# It warns whenever more calls wait than it has idle threads: usual for tests in parallel, and no user's business.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

MAX_THREADS = 32
"""At most; what waits on purpose holds none of them: see `TaskSuspended`."""
MAX_REQUEST_BYTES = 32 * 1024 * 1024
MAX_CONNECTIONS = 10_000
"""waitress takes no more than 100 unless told, and those whose answers are held count."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time."""
HAS_POLL = hasattr(select, "poll")
LOOP_TIMEOUT = 1.0
"""How long the loop sleeps at most when nothing happens; whatever happens wakes it."""


class KeepAliveTask(WSGITask):
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


class TaskSuspended(BaseException):
    """A task releases its thread and continues later. Not an `Exception`: waitress catches those below the thread."""

    def __init__(self, task: Task, seconds: float) -> None:
        super().__init__(seconds)
        self.task, self.seconds = task, seconds


class Task(KeepAliveTask):
    """A response that may have a fault: it is then sent by actions, and no thread waits between them."""

    _actions: Iterator[SendAction] | None = None

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[DETACH] = self._detach
        return environ

    def _detach(self, actions: Iterator[SendAction]) -> NoReturn:
        self._actions = actions
        raise TaskSuspended(self, 0)

    def service(self) -> None:
        if self._actions is None:
            super().service()
            return
        try:
            self._send(self._actions)
        except OSError:
            self.close_on_finish = True

    def _send(self, actions: Iterator[SendAction]) -> None:
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


class Channel(HTTPChannel):
    """A connection whose tasks can be suspended."""

    server: Any

    _suspended: Task | None = None

    def task_class(self, channel: HTTPChannel, request: Any) -> Task:  # type: ignore[override]  # what waitress calls
        """Return the suspended task, or a new one."""
        suspended, self._suspended = self._suspended, None
        return suspended or Task(channel, request)

    def writable(self) -> bool:
        """Tell whether the loop is to send something: not what a thread is sending now.

        Or else it would be told at once, again and again, that it could, and keep the interpreter from that thread.
        """
        if not self.outbuf_lock.acquire(blocking=False):
            return False
        self.outbuf_lock.release()
        return bool(super().writable())

    def service(self) -> None:
        try:
            super().service()
        except TaskSuspended as suspended:
            self._suspended = suspended.task
            self.server.later.call_after(suspended.seconds, self._resume)

    def _resume(self) -> None:
        self.server.add_task(self)


class DelayedCalls:
    """Does things after a while, in one thread that starts when there is something to wait for."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._counted = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def call_after(self, seconds: float, do: Callable[[], None]) -> None:
        with self._changed:
            heappush(self._due, (machine_seconds() + seconds, next(self._counted), do))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="emulator later", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Do nothing more of what waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (do := self._next_call()) is not None:
            do()

    def _next_call(self) -> Callable[[], None] | None:
        """Wait for what is due next; None when told to stop."""
        with self._changed:
            while not self._stopped:
                wait = self._due[0][0] - machine_seconds() if self._due else None
                if wait is not None and wait <= 0:
                    return heappop(self._due)[2]
                self._changed.wait(wait)
        return None


def build_server(app: WSGIApplication, host: str, port: int) -> Any:
    """Give a server that is bound and runs when told to; port 0 takes a free one. `OSError` if it cannot be had."""
    server: Any = create_server(
        app,
        sockets=[bind_socket(host, port)],
        threads=MAX_THREADS,
        _dispatcher=WorkerPool(MAX_THREADS),  # type: ignore[arg-type]  # of a dispatcher, what servers call
        max_request_body_size=MAX_REQUEST_BYTES,
        connection_limit=MAX_CONNECTIONS,
        ident="oms-emulator",
    )
    server.channel_class = Channel
    server.later = DelayedCalls()
    return server


def bind_socket(host: str, port: int) -> socket.socket:
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


class HttpServer:
    """A server that answers in threads from `start` to `stop`."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        self._server = build_server(app, host, port)
        self._workers: WorkerPool = self._server.task_dispatcher
        self.url = server_url(host, self._server.effective_port)
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._run, name=f"emulator {self.url}", daemon=True)

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """Let the answers that are being made be sent, then close the port and every connection."""
        self._server.later.stop()
        self._workers.shutdown()
        self._stopping.set()
        self._server.pull_trigger()
        self._loop.join()
        wasyncore.close_all(self._server._map)  # noqa: SLF001 - waitress gives no other way to its sockets

    def _run(self) -> None:
        while not self._stopping.is_set():
            # poll, unlike select, takes any number of connections
            timeout = LONG_TASK_SECONDS if self._workers.has_waiting_tasks() else LOOP_TIMEOUT
            wasyncore.loop(timeout=timeout, use_poll=HAS_POLL, map=self._server._map, count=1)  # noqa: SLF001
            self._workers.start_waiting_tasks()


def server_url(host: str, port: int) -> str:
    """Give the URL to show for an address: everywhere is shown as this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


LOG = logging.getLogger("emulator")
MAX_RUNNING = 2
"""How many threads work at once, while none takes long. Python runs one of them at a time; each further one makes all
slower: they take the interpreter from each other, and what each has in the processor's caches."""
LONG_TASK_SECONDS = 0.005
"""Seconds from which on a thread's work takes long: it does not count, and another one may work beside it."""


class WorkerPool:
    """Stands for waitress's dispatcher of tasks. The thread that rested last works first: it is still warm."""

    def __init__(self, most: int, long: float = LONG_TASK_SECONDS) -> None:
        self.max_threads, self.long_task_seconds = most, long
        self._queue: deque[Any] = deque()
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._idle: list[threading.Lock] = []
        """What idle threads wait for."""
        self._started_at: dict[int, float] = {}
        """Thread that works -> since when."""
        self._threads = self._waking = 0
        self.stopped = False
        """No task is begun any more."""

    def set_thread_count(self, count: int) -> None:
        """Do nothing: waitress says so once more what it was told."""

    def add_task(self, task: Any) -> None:
        """Take a task; a thread does it when its turn comes."""
        with self._lock:
            self._queue.append(task)
            self._start_task()

    def has_waiting_tasks(self) -> bool:
        """Tell whether tasks wait for a turn, so that `relieve` is to be called every few milliseconds."""
        return bool(self._queue)

    def start_waiting_tasks(self) -> None:
        """Let other threads work beside those that take long."""
        with self._lock:
            self._start_task()

    def release(self) -> None:
        with self._lock:
            self._started_at.pop(threading.get_ident(), None)
            self._start_task()

    def acquire(self) -> None:
        with self._lock:
            self._started_at[threading.get_ident()] = machine_seconds()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """End the threads, each after its task; what nobody began is dropped."""
        with self._lock:
            self.stopped = True
            while self._idle:
                self._idle.pop().release()
            if not self._ended.wait_for(lambda: not self._threads, timeout):
                LOG.warning("%d requests are still being answered", self._threads)
            left = [self._queue.popleft() for _ in range(len(self._queue))] if cancel_pending else []
        for task in left:
            task.cancel()
        return bool(left)

    def _start_task(self) -> None:
        """Let one more thread work, if tasks wait and fewer work than may."""
        if len(self._queue) <= self._waking or self._waking + self._running_count() >= MAX_RUNNING:
            return
        if self._idle:
            self._waking += 1
            self._idle.pop().release()
        elif self._threads < self.max_threads:
            self._waking += 1
            self._threads += 1
            threading.Thread(target=self._run, name=f"emulator answers {self._threads}", daemon=True).start()

    def _running_count(self) -> int:
        """Give how many threads work, and did not begin long ago."""
        since = machine_seconds() - self.long_task_seconds
        return sum(began > since for began in self._started_at.values())

    def _run(self) -> None:
        THREAD_LOCAL.turns = self
        turn = threading.Lock()
        turn.acquire()
        is_called = True
        while (task := self._next_task(turn, is_called=is_called)) is not None or not self.stopped:
            is_called = task is None
            if task is None:
                turn.acquire()
                continue
            try:
                task.service()
            except BaseException:
                LOG.exception("a connection failed")
        with self._lock:
            self._threads -= 1
            self._ended.notify_all()

    def _next_task(self, turn: threading.Lock, *, is_called: bool) -> Any | None:
        """Give the next task; None where there is none for this thread, which then waits to be called."""
        with self._lock:
            self._waking -= is_called
            self._started_at.pop(threading.get_ident(), None)
            if self.stopped:
                return None
            if self._queue and (is_called or self._waking + self._running_count() < MAX_RUNNING):
                self._started_at[threading.get_ident()] = machine_seconds()
                return self._queue.popleft()
            self._idle.append(turn)
            return None
