"""HTTPS: a certificate, and a proxy in this process that decrypts connections for a plain server on loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from weakref import finalize

from certifi import where

from emulator.state.clock import machine_now
from emulator.state.runtime import Server
from emulator.web.context import Environ
from emulator.web.server import RESET_ON_CLOSE, bind_sockets, server_url

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

LIFETIME = timedelta(days=365)
"""Validity of a certificate that is made at the start. Browsers reject longer ones."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
ANY_ADDRESS = ("", "0.0.0.0", "::")
BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Environment variables with a file or folder of the trusted authorities, as `verify` uses them."""
PEM_ADVICE = "a certificate and its key in PEM format are expected, which belong together"
CHUNK_BYTES = 64 * 1024
SHUTDOWN_SECONDS = 0.5
"""Time that a client has to confirm the end of a connection."""


class Certificate(NamedTuple):
    """The files of a certificate."""

    chain: Path
    key: Path | None
    """None: `chain` contains the key."""
    trusted: Path
    """The certificate that clients must trust."""

    def context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server. Raise `ValueError` for files that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.chain, self.key)
        except OSError as error:
            files = " and ".join(str(file) for file in (self.chain, self.key) if file is not None)
            reason = PEM_ADVICE if isinstance(error, ssl.SSLError) else error.strerror or error
            raise ValueError(f"cannot use the certificate in {files}: {reason}") from None
        return context

    def create_server(
        self, create_plain: Callable[[WSGIApplication, str, int], Server], app: WSGIApplication, host: str, port: int
    ) -> Server:
        """Bind a port for HTTPS, with a plain server behind it. Raise `OSError` if it cannot be bound."""
        return TlsServer(create_plain, app, (host, port), self.context())


def find_certificate(
    owner: object, chain: str | PathLike[str] | None, key: str | PathLike[str] | None, names: Iterable[str]
) -> Certificate:
    """Return the certificate in the files, or a new one. A new one is deleted with its owner.

    Raise `ValueError` for a key without a certificate, and if the library that makes certificates is missing.
    """
    if chain is None:
        if key is not None:
            raise ValueError("a key (tls_key) needs its certificate (tls_cert)")
        folder = Path(mkdtemp(prefix="oms-emulator-"))
        finalize(owner, shutil.rmtree, folder, ignore_errors=True)
        return make_certificate(folder, [*LOOPBACK_NAMES, *(name for name in names if name not in ANY_ADDRESS)])
    return Certificate(Path(chain), None if key is None else Path(key), Path(chain))


def make_certificate(folder: Path, names: Iterable[str]) -> Certificate:
    """Create a certificate for these names, and an authority that signed it and nothing else."""
    try:
        import trustme
    except ImportError:
        raise ValueError("a certificate is made with the extra tls: pip install 'oms-emulator[tls]'") from None
    authority = trustme.CA()
    issued = authority.issue_cert(*dict.fromkeys(names), not_after=machine_now() + LIFETIME)
    certificate = Certificate(folder / "server.pem", None, folder / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate.chain))
    authority.cert_pem.write_to_path(str(certificate.trusted))
    return certificate


def trusting_context() -> ssl.SSLContext:
    """Return TLS settings that verify the target: with the authorities of the environment, or those of certifi."""
    bundle = Path(next(filter(None, map(os.environ.get, BUNDLES)), where()))
    try:
        if bundle.is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise ValueError(f"cannot read the trusted authorities in {bundle}: {error.strerror or error}") from None


@contextmanager
def trusted_by_clients(certificate: Path) -> Iterator[dict[str, str]]:
    """Yield environment variables that make Node, OpenSSL and requests trust a certificate besides the usual ones.

    The files that they name are deleted at the end of the context.
    """
    variables = {"NODE_EXTRA_CA_CERTS": str(certificate)}
    with TemporaryDirectory(prefix="oms-emulator-") as folder:
        for name in BUNDLES:
            usual = Path(os.environ.get(name, ""))
            parts = [usual if usual.is_file() else Path(where()), certificate]
            bundle = Path(folder, f"{name.lower()}.pem")
            bundle.write_bytes(b"\n".join(part.read_bytes() for part in parts))
            variables[name] = str(bundle)
        yield variables


def authority_context(file: Path, host: str) -> ssl.SSLContext:
    """Return TLS settings with a certificate for the host, signed by the authority in the file.

    A missing file is created, with a new authority. Raise `ValueError` for a file without certificate and key.
    """
    try:
        import trustme
    except ImportError:
        raise ValueError("--ca needs the extra tls: pip install 'oms-emulator[tls]'") from None
    if not file.exists():
        created = trustme.CA()
        file.touch(0o600)
        file.write_bytes(created.private_key_pem.bytes() + created.cert_pem.bytes())
    content = file.read_bytes()
    try:
        authority = trustme.CA.from_pem(content, content)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} must contain the certificate and the key of an authority: {error}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    authority.issue_cert(host).configure_cert(context)
    return context


class TlsServer:
    """A server for HTTPS. The plain server behind it listens on a free port of loopback."""

    def __init__(
        self,
        create_server: Callable[[WSGIApplication, str, int], Server],
        app: WSGIApplication,
        address: tuple[str, int],
        context: ssl.SSLContext,
    ) -> None:
        """Bind the ports. Raise `OSError` if a port cannot be bound."""
        self._context = context
        self._sockets = bind_sockets(*address)
        self._port = self._sockets[0].getsockname()[1]
        self._clients: dict[str, tuple[str, int]] = {}
        """Port of a connection to the plain server -> address of its client."""
        self._relays: set[asyncio.Task[None]] = set()
        self._app = app
        self._server = create_server(self._answer, LOOPBACK_NAMES[1], 0)
        self._plain_port = int(self._server.url.rpartition(":")[2])
        self.url = server_url(address[0], self._port).replace("http", "https", 1)
        self._ready, self._stopping = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="TLS", daemon=True)

    def start(self) -> None:
        self._server.start()
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Finish the responses in progress, then close the ports and all connections."""
        self._server.stop()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def close_sockets(self) -> None:
        """Close the ports in this process. A forked process has no thread that uses them."""
        for bound in self._sockets:
            bound.close()
        self._server.close_sockets()

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with the scheme and the addresses of the encrypted connection."""
        client = self._clients.get(str(environ.get("REMOTE_PORT")))
        if client is not None:
            environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
        environ["wsgi.url_scheme"], environ["SERVER_PORT"] = "https", str(self._port)
        return self._app(environ, start_response)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        servers = [
            await asyncio.start_server(self._relay, sock=each, **self._listen_options()) for each in self._sockets
        ]
        self._ready.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
        await asyncio.sleep(0)  # the tasks of new connections start
        if self._relays:
            await asyncio.wait(self._relays)  # the plain server has closed its side of each

    def _listen_options(self) -> dict[str, Any]:
        return {"ssl": self._context, "ssl_shutdown_timeout": SHUTDOWN_SECONDS}

    def _connected(self, port: str, writer: asyncio.StreamWriter) -> None:
        """Register the client of a connection to the plain server."""
        self._clients[port] = writer.get_extra_info("peername")

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass the bytes of a connection on, until one side closes it."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._relays.add(task)
        try:
            with suppress(OSError):
                await self._connect(reader, writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        finally:
            self._relays.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes = b"") -> None:
        """Relay a connection. `first` are bytes of the client that were read before."""
        plain_reader, plain_writer = await asyncio.open_connection(LOOPBACK_NAMES[1], self._plain_port)
        port = str(plain_writer.get_extra_info("sockname")[1])
        self._connected(port, writer)
        plain_writer.write(first)
        requests, responses = (
            asyncio.ensure_future(copy(*pair)) for pair in ((reader, plain_writer), (plain_reader, writer))
        )
        await asyncio.wait((requests, responses), return_when=asyncio.FIRST_COMPLETED)
        requests.cancel()
        responses.cancel()
        _, end = await asyncio.gather(requests, responses, return_exceptions=True)
        del self._clients[port]
        plain_writer.close()
        if isinstance(end, ConnectionResetError):
            reset(writer)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until the end of the stream."""
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by a reset, without the message that ends a TLS connection."""
    connection: Any = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
