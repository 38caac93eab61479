"""The runtime of Node: an event loop over messages of the main thread, which owns sockets, processes and signals."""

from __future__ import annotations

import errno
import json
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
import oms_host  # a module of npm/lib/worker.mjs
from oms_errors import as_error
from oms_start import import_requests
from oms_timers import Timers

from emulator.state.clock import machine_seconds
from emulator.state.runtime import install_runtime

if TYPE_CHECKING:
    from oms_server import NodeServer

INIT = click.Command("init", short_help="Copy the files for browsers to FOLDER.")
"""A command for the list of commands only. `npm/bin/oms-emulator.mjs` runs it."""


class NodeRuntime:
    """The event loop."""

    def __init__(self) -> None:
        self.inbox: deque[tuple[str, int, str, bytes]] = deque()
        self.timers = Timers()
        self.listeners: dict[int, Callable[[str, str, bytes], None]] = {}
        """Id of a connection, process or server -> the function that handles its messages."""
        self.server: NodeServer | None = None
        self._next_id = 0

    def add_listener(self, listener: Callable[[str, str, bytes], None]) -> int:
        self._next_id += 1
        self.listeners[self._next_id] = listener
        return self._next_id

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        self.timers.add(seconds, function)

    def run_until(self, is_done: Callable[[], bool], timeout: float | None = None) -> bool:
        """Run the event loop until a condition is true, or until the timeout. Return whether it is true."""
        until = None if timeout is None else machine_seconds() + timeout
        while not is_done():
            wait = self.timers.run()
            if self.inbox:
                self._handle(*self.inbox.popleft())
                continue
            if is_done():
                break
            if until is not None:
                remaining = until - machine_seconds()
                if remaining <= 0:
                    return False
                wait = remaining if wait is None else min(wait, remaining)
            oms_host.receive(self._deliver, -1 if wait is None else max(wait, 0) * 1000)
        return True

    def _deliver(self, kind: str, id_: int, text: str, data: Any) -> None:
        self.inbox.append((kind, id_, text, data.to_bytes() if hasattr(data, "to_bytes") else b""))

    def _handle(self, kind: str, id_: int, text: str, data: bytes) -> None:
        if kind == "request":
            if self.server is not None:
                self.server.respond(id_, text, data)
        elif kind == "closed":
            if self.server is not None:
                self.server.forget(id_)
        elif kind == "signal":
            number = getattr(signal, text)
            handler = signal.getsignal(number)
            if callable(handler):
                handler(number, None)
        elif (listener := self.listeners.get(id_)) is not None:
            listener(kind, text, data)

    def ask(self, kind: str, document: Mapping[str, Any]) -> str:
        """Send a message and wait for its answer. Raise `OSError` if the answer is an error."""
        answers: list[tuple[str, str]] = []
        id_ = self.add_listener(lambda kind, text, _: answers.append((kind, text)))
        oms_host.post(kind, id_, json.dumps(document), None)
        self.run_until(lambda: bool(answers))
        del self.listeners[id_]
        ((answer, text),) = answers
        if answer == "failed":
            raise as_error(text)
        return text

    def create_server(self, app: Any, host: str, port: int) -> NodeServer:
        from oms_server import NodeServer  # noqa: PLC0415 - other commands do not need it

        self.server = NodeServer(self, app, host, int(self.ask("listen", {"host": host, "port": port})))
        return self.server

    def run_command(self, command: Sequence[str], variables: Mapping[str, str]) -> int:
        try:
            result = json.loads(self.ask("spawn", {"command": list(command), "variables": dict(variables)}))
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise FileNotFoundError(*error.args) from None
            raise
        if result["signal"] is not None:
            return 128 + int(getattr(signal, result["signal"]))
        return int(result["code"])


def connect_requests(runtime: NodeRuntime) -> None:
    import_requests()
    from oms_client import connect_with  # noqa: PLC0415 - urllib3 loads slowly

    connect_with(runtime)


def run(args: Any) -> int:
    """Run a command of the command line, and return its exit code."""
    runtime = NodeRuntime()
    install_runtime(runtime)
    if any(name in args for name in ("serve", "exec", "verify", "export", "import")):
        connect_requests(runtime)
    from emulator.cli import COMMANDS, main  # noqa: PLC0415 - after the runtime is installed

    COMMANDS["init"] = "oms_node:INIT"
    try:
        main(args=list(args), prog_name="oms-emulator")
    except SystemExit as error:
        return exit_code(error.code)
    except (ImportError, RuntimeError) as error:
        if not is_missing_feature(error):
            raise
        print(f"oms-emulator: this needs the Python package: {error}", file=sys.stderr)
        return 2
    return 0


def is_missing_feature(error: Exception) -> bool:
    """Return whether the error is for a module or a thread that this Python does not have."""
    return isinstance(error, ImportError) or "start new thread" in str(error)


def exit_code(code: object) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(code, int) or code is None:
        return code or 0
    print(code, file=sys.stderr)
    return 1
