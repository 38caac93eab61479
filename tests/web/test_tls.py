"""HTTPS: the certificate that is made at the start, certificates from files, and the connections."""

from __future__ import annotations

import gc
import http.client
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import trustme
from flask import request

from emulator import Emulator

LIST = "/api/v1/oms/packages/"


@pytest.fixture(scope="module")
def oms() -> Iterator[Emulator]:
    with Emulator("demo", tls=True, host="localhost", allow_hosts=["oms.example"]) as oms:
        yield oms


def session(oms: Emulator) -> requests.Session:
    """Return a session that trusts the certificate of an emulator, whatever the environment says."""
    client = requests.Session()
    client.trust_env = False
    client.verify = str(oms.certificate)
    client.headers.update(oms.auth)
    return client


def connection(oms: Emulator, server_hostname: str = "localhost") -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(oms.certificate))
    plain = http.client.HTTPConnection("127.0.0.1", urlsplit(oms.url).port or 0, timeout=20)
    plain.connect()
    return context.wrap_socket(plain.sock, server_hostname=server_hostname)


@pytest.mark.medium
def test_clients_that_trust_the_certificate_get_https_links(oms: Emulator) -> None:
    assert oms.url.startswith("https://localhost:")
    with session(oms) as client:
        for _ in range(3):  # on one connection
            answer = client.get(f"{oms.url}{LIST}?page=2")
        assert answer.json()["next"] == f"{oms.url}{LIST}?page=3"
        created = client.post(f"{oms.url}/__admin/packages", json={})
        assert created.status_code == 201
        assert client.post(f"{oms.url}/__admin/nowhere", data=b"x" * 3_000_000).status_code == 404


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "oms.example"])
def test_the_certificate_is_for_the_names_of_the_server(oms: Emulator, name: str) -> None:
    with connection(oms, name) as client:  # it checks the name
        begin, end = (ssl.cert_time_to_seconds(client.getpeercert()[key]) for key in ("notBefore", "notAfter"))
    assert datetime.fromtimestamp(end, UTC) <= datetime.now(UTC) + timedelta(days=398), "Browsers refuse longer ones"
    assert begin < end


@pytest.mark.medium
def test_untrusting_clients_and_plain_http_are_refused_and_the_server_continues(oms: Emulator) -> None:
    stranger = requests.Session()
    stranger.trust_env = False
    with stranger, pytest.raises(requests.exceptions.SSLError):
        stranger.get(oms.url, timeout=20)
    with stranger, pytest.raises(requests.ConnectionError):
        stranger.get(oms.url.replace("https", "http"), timeout=20)
    with session(oms) as client:
        assert client.get(oms.url + LIST).status_code == 200


@pytest.mark.parametrize("kind", ["reset", "lost_request", "truncated"])
def test_faults_end_the_encrypted_connection(oms: Emulator, kind: str) -> None:
    oms.faults.add(kind=kind, times=1)
    with session(oms) as client:
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            client.get(oms.url + LIST, timeout=20)
        assert client.get(oms.url + LIST).status_code == 200


@pytest.mark.medium
def test_the_application_sees_the_address_of_the_client() -> None:
    """The address is that of the connection to the TLS port, so that other machines are not taken for this one."""
    with Emulator("empty", tls=True) as oms, connection(oms) as client:
        seen: list[tuple[str, str, str]] = []
        app = oms.app

        @app.before_request
        def look() -> None:
            environ = request.environ
            seen.append((environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["SERVER_PORT"]))

        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while client.recv(4096):
            pass
        address, port = client.getsockname()[:2]
        assert seen == [(address, str(port), str(client.getpeername()[1]))]


@pytest.mark.medium
def test_stop_closes_open_connections_and_the_certificate_is_deleted_with_the_emulator() -> None:
    oms = Emulator("empty", tls=True)
    file = oms.certificate
    oms.start()
    with connection(oms) as client:
        oms.close()
        assert client.recv(1) == b""
    assert file.exists()
    del oms
    gc.collect()
    assert not file.parent.exists()


@pytest.mark.medium
def test_a_certificate_from_files(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    with Emulator("empty", host="localhost", tls_cert=cert, tls_key=str(key)) as oms:
        assert oms.certificate == cert
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        with session(oms) as client:
            client.verify = str(tmp_path / "ca.pem")
            assert client.get(f"{oms.url}/__admin/health").status_code == 200


def test_errors_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ValueError, match=r"cannot use the certificate in .*none\.pem: No such file"):
        Emulator("empty", tls_cert=tmp_path / "none.pem")
    with pytest.raises(
        ValueError,
        match=r"cannot use the certificate in .*text\.pem: a certificate and its key in PEM",
    ):
        Emulator("empty", tls_cert=tmp_path / "text.pem")
    with pytest.raises(ValueError, match=r"a key \(tls_key\) needs its certificate"):
        Emulator("empty", tls_key=tmp_path / "none.pem")
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ValueError, match=r"pip install 'oms-emulator\[tls\]'"):
        Emulator("empty", tls=True)
