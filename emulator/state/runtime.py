"""The runtime: what replaces threads, sockets and processes on a host without them, such as WebAssembly in Node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Server(Protocol):
    """An HTTP server."""

    url: str

    def start(self) -> None: ...

    def stop(self) -> None:
        """Close the port and all connections."""

    def close_sockets(self) -> None:
        """Close the sockets that a forked process inherited."""


class Runtime(Protocol):
    """The services of a host that runs all Python code in one thread."""

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function once, from the event loop. A later call for the same function replaces this one."""

    def run_until(self, is_done: Callable[[], bool]) -> object:
        """Run the event loop: handle requests and timers until the condition is true."""

    def create_server(self, app: WSGIApplication, host: str, port: int) -> Server:
        """Bind a port. Raise `OSError` if it cannot be bound."""

    def run_command(self, command: Sequence[str], variables: Mapping[str, str]) -> int:
        """Run a command with additional environment variables, and return its exit code as a shell does.

        Raise `OSError` if it cannot be started.
        """


class Installed:
    """The runtime of this process. None: threads, sockets and processes of the operating system."""

    runtime: Runtime | None = None


def current_runtime() -> Runtime | None:
    return Installed.runtime


def install_runtime(runtime: Runtime | None) -> None:
    """Use a runtime for all emulators that are created afterwards."""
    Installed.runtime = runtime
