"""The connections of urllib3 and `requests`, over sockets of the main thread."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import oms_host  # a module of npm/lib/worker.mjs
from oms_errors import as_connection_error
from pyodide.ffi import to_js
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, connection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

if TYPE_CHECKING:
    from oms_node import NodeRuntime

READ_BYTES = 65_536


class NodeSocket(io.RawIOBase):
    """A connected socket of the main thread, with the methods that `http.client` and urllib3 call."""

    def __init__(self, runtime: NodeRuntime, host: str, port: int, timeout: float | None, *, secure: bool) -> None:
        self._runtime, self._timeout = runtime, timeout
        self._received = bytearray()
        self._is_connected = self._is_ended = self._is_closing = False
        self.reader_count = 0
        self._error: OSError | None = None
        self._id = runtime.add_listener(self._on_message)
        oms_host.post("connect", self._id, json.dumps({"host": host, "port": port, "secure": secure}), None)
        self._wait(lambda: self._is_connected)

    def _on_message(self, kind: str, text: str, data: bytes) -> None:
        if kind == "connected":
            self._is_connected = True
        elif kind == "data":
            self._received += data
        elif kind == "end":
            self._is_ended = True
        else:
            self._error = as_connection_error(text)

    def _wait(self, is_done: Callable[[], bool]) -> None:
        """Run the event loop until the condition is true. Raise `TimeoutError` or the error of the connection."""
        if not self._runtime.run_until(lambda: is_done() or self._error is not None, self._timeout):
            raise TimeoutError("timed out")
        if not is_done() and self._error is not None:
            raise self._error

    @property
    def has_input(self) -> bool:
        """Whether a read would return at once."""
        self._runtime.run_until(lambda: False, 0)
        return bool(self._received or self._is_ended or self._error)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._wait(lambda: bool(self._received) or self._is_ended)
        size = min(len(buffer), len(self._received))
        buffer[:size] = self._received[:size]
        del self._received[:size]
        return size

    def recv(self, size: int) -> bytes:
        return self.read(size) or b""

    recv_into = readinto

    def makefile(self, _: str = "rb", *__: Any, **___: Any) -> io.BufferedReader:
        return io.BufferedReader(SocketReader(self), READ_BYTES)

    def sendall(self, data: Any) -> None:
        if self._error is not None:
            raise self._error
        oms_host.post("send", self._id, "", to_js(bytes(data)))

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        return self._timeout

    def setsockopt(self, *_: Any) -> None:
        """Do nothing. The main thread sets the options."""

    def shutdown(self, _: int = 0) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket, or let its last reader do so. `http.client` closes it before it reads the body."""
        self._is_closing = True
        if not self.closed and self.reader_count == 0:
            oms_host.post("disconnect", self._id, "", None)
            self._runtime.listeners.pop(self._id, None)
            super().close()

    def release_reader(self) -> None:
        self.reader_count -= 1
        if self._is_closing:
            self.close()


class SocketReader(io.RawIOBase):
    """Reads from a socket. Closing it leaves the socket open, as closing the file of a socket does."""

    def __init__(self, sock: NodeSocket) -> None:
        self._socket = sock
        sock.reader_count += 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._socket.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._socket.release_reader()


class HTTPConnection(connection.HTTPConnection):
    """A connection over a socket of the main thread. Error messages contain the name of the class."""

    runtime: NodeRuntime
    is_secure = False

    def _new_conn(self) -> Any:
        self.is_verified = self.is_secure
        try:
            return NodeSocket(self.runtime, self._dns_host, self.port, self.timeout, secure=self.is_secure)
        except TimeoutError as error:
            reason = f"Connection to {self.host} timed out. (connect timeout={self.timeout})"
            raise ConnectTimeoutError(self, reason) from error
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error

    @property
    def is_connected(self) -> bool:
        sock: Any = self.sock
        return sock is not None and not sock.has_input


class HTTPSConnection(HTTPConnection):
    """A connection whose certificate the main thread verifies."""

    is_secure = True
    default_port = 443  # type: ignore[misc]  # as in urllib3

    def __init__(self, *args: Any, **options: Any) -> None:
        names = (
            "assert_hostname",
            "assert_fingerprint",
            "server_hostname",
            "ssl_context",
            "ca_certs",
            "ca_cert_dir",
            "ca_cert_data",
            "cert_reqs",
            "cert_file",
            "key_file",
            "key_password",
            "ssl_minimum_version",
            "ssl_maximum_version",
            "ssl_version",
        )
        super().__init__(*args, **{name: value for name, value in options.items() if name not in names})

    def set_cert(self, *_: Any, **__: Any) -> None:
        """Do nothing. Node has its own certificates."""


def connect_with(runtime: NodeRuntime) -> None:
    """Make urllib3, and thus `requests`, and `http.client` connect through the main thread."""

    def create_connection(address: tuple[str, int], timeout: Any = None, *_: Any, **__: Any) -> NodeSocket:
        return NodeSocket(runtime, *address, timeout if isinstance(timeout, (int, float)) else None, secure=False)

    socket.create_connection = create_connection  # type: ignore[assignment]
    HTTPConnection.runtime = runtime
    HTTPConnectionPool.ConnectionCls = HTTPConnection
    HTTPSConnectionPool.ConnectionCls = HTTPSConnection  # type: ignore[assignment]
