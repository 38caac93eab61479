"""The recording proxy forwards what it gets, and changes only links and the headers of a connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
import waitress.buffers

from emulator import Emulator
from emulator.web.recording_proxy import RecordingProxy, create_proxy_server
from emulator.web.server import HttpServer
from emulator.worlds.loading.recording import RecordedExchange


class Proxied(NamedTuple):
    """A service that returns what it got, and a proxy in front of it."""

    target: str
    url: str
    exchanges: list[RecordedExchange]

    def send(self, method: str, uri: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request to the proxy with exactly this URI."""
        address = urlsplit(self.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, uri, body, names, encode_chunked=names.get("Transfer-Encoding") == "chunked")
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """Return the request as JSON, with links to this service, and rows of a requested length at the start or end."""
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    base = f"http://{environ['HTTP_HOST']}"
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = {
        "next": f"{base}{environ['PATH_INFO']}?page=2",
        "previous": None,
        "url": f"{base}/kept",
        "method": environ["REQUEST_METHOD"],
        "uri": environ["REQUEST_URI"],
        "length": len(content),
        "headers": {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_TYPE"))},
    }
    rows = {"results": "x" * int(query.get("rows", 0))}
    text = json.dumps(rows | body if query.get("at") == "start" else body | rows).encode()
    headers = [("Location", f"{base}/there/"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    start_response("200 Fine", [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


@pytest.fixture
def proxied() -> Iterator[Proxied]:
    exchanges: list[RecordedExchange] = []
    real = HttpServer(echo, "127.0.0.1", 0)
    real.start()
    server = create_proxy_server(RecordingProxy(real.url, exchanges.append, allow_writes=True), "127.0.0.1", 0, None)
    server.start()
    yield Proxied(real.url, server.url, exchanges)
    server.stop()
    real.stop()


URIS = {
    "/api/v1/oms/packages/": "/api/v1/oms/packages/",
    "/a%20b/%C3%BC?q=%26&q=1&empty=": "/a%20b/%C3%BC?q=%26&q=1&empty=",
    "/no-slash": "/no-slash",
}


@pytest.mark.parametrize("uri", URIS)
def test_the_uri_is_kept(uri: str, proxied: Proxied) -> None:
    for sent in (uri, proxied.target + uri):
        status, _, content = proxied.send("GET", sent)
        assert (status, json.loads(content)["uri"]) == (200, URIS[uri])
    path, _, query = uri.partition("?")
    assert proxied.exchanges[0].query == query
    assert path.isascii() == (proxied.exchanges[0].path == path) or "%" in path


def test_links_of_a_page_and_redirects_lead_to_the_proxy(proxied: Proxied) -> None:
    """The recorded body, and all other bytes, are those of the service."""
    _, headers, content = proxied.send("GET", "/list/")
    body = json.loads(content)
    assert (body["next"], body["previous"]) == (f"{proxied.url}/list/?page=2", None)
    assert (headers["location"], body["url"]) == (f"{proxied.url}/there/", f"{proxied.target}/kept")
    assert json.loads(proxied.exchanges[0].content)["next"] == f"{proxied.target}/list/?page=2"


@pytest.mark.parametrize("place", ["start", "end"])
@pytest.mark.parametrize("rows", [0, 15_000, 17_000, 32_000, 40_000, 900_000])
def test_links_of_a_page_of_any_length_lead_to_the_proxy(rows: int, place: str, proxied: Proxied) -> None:
    """The links come before or after the rows."""
    _, headers, content = proxied.send("GET", f"/list/?rows={rows}&at={place}")
    body, recorded = json.loads(content), json.loads(proxied.exchanges[0].content)
    assert int(headers["content-length"]) == len(content)
    assert body == recorded | {"next": f"{proxied.url}/list/?page=2"}


def test_headers_of_the_connection_are_not_forwarded(proxied: Proxied) -> None:
    headers = {"Authorization": "Token t", "Accept": "text/x", "X_Own": "1", "Proxy_Authorization": "Basic eA=="}
    _, _, content = proxied.send("GET", "/", **headers, Connection="keep-alive", TE="trailers")
    sent = json.loads(content)["headers"]
    assert {sent[name] for name in ("HTTP_AUTHORIZATION", "HTTP_ACCEPT", "HTTP_X_OWN")} == {"Token t", "text/x", "1"}
    assert sent["HTTP_HOST"] == urlsplit(proxied.target).netloc
    assert not sent.keys() & {"HTTP_PROXY_AUTHORIZATION", "HTTP_TE", "HTTP_CONNECTION"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"{}", {"Content_Type": "application/json"}), ([b"ab", b"cd"], {"Transfer_Encoding": "chunked"})],
)
def test_bodies_are_forwarded(body: Any, headers: dict[str, str], proxied: Proxied) -> None:
    _, _, content = proxied.send("POST", "/write/", body, **headers)
    assert json.loads(content)["length"] == len(b"".join([body] if isinstance(body, bytes) else body))
    assert proxied.exchanges[0].body == b"".join([body] if isinstance(body, bytes) else body)


def test_head_has_the_length_of_the_body(proxied: Proxied) -> None:
    status, headers, content = proxied.send("HEAD", "/")
    assert (status, content) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.medium
def test_large_bodies_stay_in_memory(proxied: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the setting, waitress would write them to a temporary file, with their secrets."""
    size = 3 * 1024 * 1024

    real, files = waitress.buffers.TempfileBasedBuffer.__init__, []

    def count(*arguments: Any) -> None:
        files.append(arguments)
        real(*arguments)

    monkeypatch.setattr(waitress.buffers.TempfileBasedBuffer, "__init__", count)
    exchanges: list[RecordedExchange] = []
    oms = Emulator("empty")
    with oms:
        proxy = RecordingProxy(oms.url, exchanges.append, allow_writes=True)
        server = create_proxy_server(proxy, "127.0.0.1", 0, None)
        server.start()
        Proxied(oms.url, server.url, exchanges).send("POST", "/odd/", b"x" * size)
        server.stop()
    assert len(exchanges[0].body) == size
    assert not files


REFUSED = {
    ("GET", "http://other.test/"): 403,
    ("GET", "http://127.0.0.1:1/"): 403,
    ("CONNECT", "other.test:443"): 501,
}


@pytest.mark.parametrize(("method", "uri"), REFUSED)
def test_other_hosts_are_refused(method: str, uri: str, proxied: Proxied) -> None:
    assert proxied.send(method, uri)[0] == REFUSED[method, uri]
    assert proxied.exchanges == []


def test_a_target_that_does_not_answer_is_a_502() -> None:
    exchanges: list[RecordedExchange] = []
    server = create_proxy_server(RecordingProxy("http://127.0.0.1:1", exchanges.append), "127.0.0.1", 0, None)
    server.start()
    status, _, content = Proxied("", server.url, exchanges).send("GET", "/secret-path/?token=secret")
    server.stop()
    assert (status, exchanges, b"secret" in content) == (502, [], False)
