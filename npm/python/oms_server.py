"""The HTTP server: requests of the main thread go to the WSGI application. It answers as waitress does."""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn
from wsgiref.handlers import format_date_time

import oms_host  # a module of npm/lib/worker.mjs
from pyodide.ffi import to_js
from waitress.parser import split_uri

from emulator.state.runtime import Runtime
from emulator.web.fault_injection import DETACH, Close, Wait
from emulator.web.server import server_url

if TYPE_CHECKING:
    from oms_node import NodeRuntime

LOG = logging.getLogger("emulator")
INTERNAL_ERROR = b"Internal Server Error\r\n\r\nThe server encountered an unexpected internal server error"
ENVIRON = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "oms-emulator",
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}
UNPREFIXED = {"CONTENT_LENGTH": "CONTENT_LENGTH", "CONTENT_TYPE": "CONTENT_TYPE"}


class ResponseTaken(BaseException):
    """A response with a fault is sent by actions."""


class MessageServer:
    """An HTTP server of the host, which passes requests and responses on as messages. It answers as waitress does."""

    environ: dict[str, Any]

    def __init__(self, runtime: Runtime, app: Any, url: str) -> None:
        self.runtime, self.app, self.url = runtime, app, url
        self._streams: dict[int, Response] = {}

    def start(self) -> None:
        """Do nothing. The host listens already."""

    def close_sockets(self) -> None:
        """Do nothing. No process is forked."""

    def respond(self, id_: int, text: str, body: bytes) -> None:
        head = json.loads(text)
        environ = self._build_environ(head, body)
        response = Response(id_, head[2], environ.get("HTTP_CONNECTION", "").lower())
        environ[DETACH] = response.detach
        try:
            chunks = self.app(environ, response.start)
            response.send(head[0], chunks)
        except ResponseTaken:
            self._streams[id_] = response
            self._send_actions(id_, response)
        except Exception:
            LOG.exception("a request failed")
            response.start("500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")])
            response.send(head[0], [INTERNAL_ERROR])

    def _build_environ(self, head: list[Any], body: bytes) -> dict[str, Any]:
        method, target, version, raw, address, port = head
        parts: Any = split_uri(target.encode("latin-1"))  # types-waitress declares bytes for the path
        path, query = parts[2], parts[3]
        headers: dict[str, str] = {}
        for name, value in zip(raw[::2], raw[1::2], strict=True):
            if "_" not in name:
                key = name.upper().replace("-", "_")
                headers[key] = f"{headers[key]}, {value}" if key in headers else value
        if headers.pop("TRANSFER_ENCODING", None):
            headers["CONTENT_LENGTH"] = str(len(body))
        environ = self.environ | {
            "wsgi.errors": sys.stderr,
            "REMOTE_ADDR": address,
            "REMOTE_HOST": address,
            "REMOTE_PORT": str(port),
            "REQUEST_METHOD": method,
            "SERVER_PROTOCOL": f"HTTP/{version}",
            "PATH_INFO": "/" + path.lstrip("/") if path.startswith("/") else path,
            "REQUEST_URI": target,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(body),
        }
        for key, value in headers.items():
            environ.setdefault(UNPREFIXED.get(key) or f"HTTP_{key}", value)
        return environ

    def forget(self, id_: int) -> None:
        """End a response whose client is gone."""
        response = self._streams.pop(id_, None)
        if response is not None:
            response.close()

    def _send_actions(self, id_: int, response: Response) -> None:
        """Carry out the actions of a response up to the next wait."""
        for action in response.actions:
            if isinstance(action, Wait):
                self.runtime.call_later(action.seconds, lambda: self._continue(id_))
                return
            if isinstance(action, Close):
                oms_host.post("reset" if action.by_reset else "close", id_, "", None)
                self._streams.pop(id_, None)
                return
            response.write_head()
            if action:
                oms_host.post("write", id_, "", to_js(action))
        response.write_head()
        oms_host.post("end", id_, "", None)
        self._streams.pop(id_, None)

    def _continue(self, id_: int) -> None:
        response = self._streams.get(id_)
        if response is not None:
            self._send_actions(id_, response)


class NodeServer(MessageServer):
    """The HTTP server of the main thread."""

    runtime: NodeRuntime

    def __init__(self, runtime: NodeRuntime, app: Any, host: str, port: int) -> None:
        super().__init__(runtime, app, server_url(host, port))
        self.environ = ENVIRON | {"SERVER_PORT": str(port), "SERVER_NAME": host}

    def stop(self) -> None:
        self.runtime.ask("stop", {})
        self.runtime.server = None


class Response:
    """One response, with the headers that waitress sends."""

    def __init__(self, id_: int, version: str, connection: str) -> None:
        self.id, self.version, self.connection = id_, version, connection
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.actions: Iterator[Any] = iter(())
        self.is_head_written = False

    def start(self, status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        self.status, self.headers = status, headers

    def detach(self, actions: Iterator[Any]) -> NoReturn:
        self.actions = actions
        raise ResponseTaken

    def close(self) -> None:
        """Close the generator of the actions."""
        close = getattr(self.actions, "close", None)
        if close is not None:
            close()

    def send(self, method: str, chunks: Iterable[bytes]) -> None:
        body = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        length = len(body) if method != "HEAD" else None
        oms_host.post("answer", self.id, self._head(length), to_js(body) if body else None)

    def write_head(self) -> None:
        """Send the status and the headers once, if the application started the response."""
        if not self.is_head_written and self.status:
            self.is_head_written = True
            oms_host.post("head", self.id, self._head(None), None)

    def _head(self, length: int | None) -> str:
        code, _, reason = self.status.partition(" ")
        has_body = code not in ("204", "304")
        headers = [("-".join(part.capitalize() for part in name.split("-")), value) for name, value in self.headers]
        names = {name for name, _ in headers}
        if not has_body:
            headers = [header for header in headers if header[0] != "Content-Length"]
        elif length is not None and "Content-Length" not in names:
            headers.append(("Content-Length", str(length)))
        if self.connection == "close" or (self.version == "1.0" and self.connection != "keep-alive"):
            headers.append(("Connection", "close"))
        elif self.version == "1.0":
            headers.append(("Connection", "Keep-Alive"))
        headers.append(("Via" if "Server" in names else "Server", "oms-emulator"))
        if "Date" not in names:
            headers.append(("Date", format_date_time(time.time())))
        headers.sort(key=lambda header: header[0])
        return json.dumps([int(code), reason, [text for header in headers for text in header]])
