"""`oms-emulator verify`: exit codes, formats, what goes to which stream, and what cannot be verified."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import junitparser
import pytest
import trustme

from emulator import Emulator
from emulator.cli import main
from emulator.contract import CHECKS
from emulator.contract.checks import OPERATIONS
from emulator.contract.findings import KINDS, Kind
from emulator.core import schemas
from emulator.core.json_text import escape_unprintable
from tests.contract.differences import Differing, differs, having, lacking, serving
from tests.contract.saboteur import record


@pytest.fixture(scope="module")
def oms():
    """Return a server with an empty world, which is verified quickly."""
    with Emulator("empty") as oms:
        yield oms


@pytest.fixture(scope="module")
def differing():
    """Return a server whose package lacks its number and has a key with unprintable characters."""
    oms = Emulator("demo", packages=3)
    changes = [
        differs("get_package", "a key missing", lacking("number")),
        differs("get_package_short", "a strange key", having(**{"\x1b[31m/\ud800\x00": "\x07"})),
        differs("reference_get_package", "a strange value", record(lambda row: row | {"number": {"\x1b": 1}})),
    ]
    with serving(Differing(oms.app, changes)) as url:
        yield url, oms.jwt()


def verify(capsys, *args):
    with pytest.raises(SystemExit) as ended:
        main(["verify", *args])
    return ended.value.code, *capsys.readouterr()


# --- the report --------------------------------------------------------------------------------------------------


def test_a_server_that_keeps_the_contract(oms, capsys):
    """0; the report on stdout, a line for each operation on stderr."""
    code, out, err = verify(capsys, oms.url, "--jwt", oms.jwt())
    assert code == 0
    assert out.startswith(f"{oms.url}: {len(OPERATIONS)} operations, ")
    assert "0 drifted" in out
    assert sorted(line.partition(":")[0] for line in err.splitlines()) == sorted(OPERATIONS)


def test_a_server_of_this_machine_is_not_behind_the_proxy(oms, capsys, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for url in (oms.url, oms.url.replace("127.0.0.1", "localhost")):
        code, out, _ = verify(capsys, url)
        assert (code, "0 drifted" in out) == (0, True)


def test_a_terminal_gets_a_counter(oms, capsys, monkeypatch):
    """It counts up in one line, which is gone at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, _, err = verify(capsys, oms.url)
    assert f"{len(CHECKS)}/{len(CHECKS)} " in err
    assert "\n" not in err
    assert err.endswith("\r\033[K")


def test_without_a_jwt_the_reference_is_not_verified(oms, capsys):
    """Each of its operations says why; the guide's are verified."""
    code, out, _ = verify(capsys, oms.url)
    lines = out.splitlines()
    rows = [at for at, line in enumerate(lines) if "  reference_" in line]
    assert code == 0
    assert len(rows) == 20
    for at in rows:
        assert lines[at].startswith("not verified")
        assert "no JWT was given" in lines[at + 1]


def test_a_jwt_may_be_given_as_a_token(oms, capsys):
    """Its form tells it from the guide's token; both may be given."""
    for args in (["--token", oms.jwt()], ["--token", oms.jwt(), "--token", "full-access"]):
        code, out, _ = verify(capsys, oms.url, *args)
        assert (code, "no JWT" in out) == (0, False)


def test_drift_as_text(differing, capsys):
    """3; kind, place, what was seen, what the contract says and where, and the request."""
    url, jwt = differing
    code, out, _ = verify(capsys, url, "--jwt", jwt)
    lines = out.splitlines()
    at = lines.index("get_package: GET /api/v1/oms/packages/<pk>/")
    assert code == 3
    assert lines[at + 1] == "  missing       /number is missing, must be a string"
    assert "package.json (Package Services (guide), Package Detail) · GET /api/v1/oms/packages/" in lines[at + 2]
    assert out.isprintable() or all(character.isprintable() or character == "\n" for character in out)


def test_drift_as_json(differing, capsys):
    """The document fits its schema; nothing else is on stdout."""
    url, jwt = differing
    code, out, _ = verify(capsys, url, "--jwt", jwt, "--format", "json")
    report = json.loads(out)
    assert schemas.find_problem("verify-report", report) is None
    row = next(row for row in report["results"] if row["operation"] == "get_package")
    assert (code, row["outcome"], row["surface"]) == (3, "drifted", "guide")
    (found,) = row["findings"]
    assert found | {"request": ""} == {
        "kind": "missing",
        "pointer": "/number",
        "seen": "is missing",
        "contract": "must be a string",
        "source": "package.json (Package Services (guide), Package Detail)",
        "request": "",
    }
    assert found["request"].startswith("GET /api/v1/oms/packages/")
    assert report["checks"]["drifted"] == 3


def test_drift_as_junit(differing, capsys):
    """CI's own reader takes it: suites are operations, cases are checks, what was not verified is skipped."""
    url, jwt = differing
    code, out, _ = verify(capsys, url, "--jwt", jwt, "--format", "junit")
    report = junitparser.JUnitXml.fromstring(out.encode())
    suites = {suite.name: suite for suite in report}
    cases = [(suite.name, case) for suite in report for case in suite]
    assert code == 3
    assert [f"{case.classname}.{case.name}" for _, case in cases] == [check.name for check in CHECKS]
    failed = {(name, case.name): case.result[0] for name, case in cases if case.is_failure}
    assert failed.keys() == {(f"{name}", "shape") for name in ("get_package", "get_package_short")} | {
        ("reference_get_package", "shape")
    }
    assert failed["get_package", "shape"].type == "missing"
    assert "/number is missing, must be a string" in failed["get_package", "shape"].message
    skipped = sum(case.is_skipped for _, case in cases)
    assert (report.tests, report.failures, report.errors, report.skipped) == (len(CHECKS), 3, 0, skipped)
    assert suites["command_package"].skipped == 11


def test_junit_report_is_valid_by_its_schema(oms, capsys):
    """Elements and attributes are those that readers agree on, in the order that they want."""
    _, out, _ = verify(capsys, oms.url, "--format", "junit")
    root = ElementTree.fromstring(out.encode())  # noqa: S314 - our own report
    shapes = {(element.tag, *sorted(element.attrib)) for element in root.iter()}
    counts = ("errors", "failures", "name", "skipped", "tests")
    assert shapes == {
        ("testsuites", *counts),
        ("testsuite", *counts),
        ("testcase", "classname", "name"),
        ("skipped", "message"),
    }


@pytest.mark.parametrize(("form", "start"), [("text", "http://"), ("json", "{"), ("junit", "<?xml")])
def test_a_report_in_a_file(oms, capsys, tmp_path, form, start):
    """The file has the report, over what was there; stdout has one line."""
    path = tmp_path / "report"
    path.write_text("old")
    code, out, _ = verify(capsys, oms.url, "--format", form, "--output", str(path))
    assert code == 0
    assert path.read_text("utf-8").startswith(start)
    assert out.endswith(f"; written to {path}\n")
    assert len(out.splitlines()) == 1


def test_every_kind_of_drift_is_explained():
    """In the report itself, and in the page about it."""
    page = (Path(schemas.__file__).parents[2] / "docs" / "how-to" / "verify.md").read_text("utf-8")
    for kind in Kind:
        assert f"| `{kind}` | {KINDS[kind]} |" in page


def test_what_cannot_be_shown_is_written_out():
    """No control character, no half of a pair."""
    assert (
        escape_unprintable("a\x1b\x00\x7f\x9f\ud800\ufffe\né😀")
        == "a\\u001b\\u0000\\u007f\\u009f\\ud800\\ufffe\\u000aé😀"
    )


# --- what cannot be verified -------------------------------------------------------------------------------------


def one_line(err):
    """Return the only line of stderr that is not progress."""
    lines = [line for line in err.splitlines() if line.startswith("oms-emulator: ")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


def wrapped(connection, context):
    return context.wrap_socket(connection, server_side=True) if context else connection


@contextmanager
def listening(answer=None, context=None):
    """Return an address that accepts connections and sends these bytes, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted, stop = threading.Event(), threading.Event()

        def serve():
            kept = []
            while not stop.is_set():
                try:
                    connection = server.accept()[0]
                except OSError:
                    break
                kept.append(connection)
                accepted.set()
                if answer is not None and not stop.is_set():
                    with suppress(OSError), wrapped(connection, context) as speaking:
                        speaking.recv(65536)
                        speaking.sendall(answer)
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", accepted
        finally:
            stop.set()
            socket.create_connection(server.getsockname()).close()
            thread.join()


@contextmanager
def refusing():
    """Return an address that refuses connections: the port is bound, but no server listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--token", "nobody"], "401, the token is refused: GET /api/v1/oms/packages/?limit=1"),
        (["--token", "no-access"], "403, the token may not do this: GET /api/v1/oms/packages/?limit=1"),
        (["--token", "nobody", "--jwt", "a.b.c"], "401, the JWT is refused: GET /packages/?limit=1"),
    ],
)
def test_wrong_credentials(oms, capsys, args, reason):
    """1 and the reason, in one line and in the report."""
    code, out, err = verify(capsys, oms.url, *args)
    assert code == 1
    assert reason in one_line(err)
    assert reason in out
    assert f"0 verified, 0 drifted, {len(CHECKS)} not verified" in out


def test_an_address_without_a_server(capsys):
    """1 and one line."""
    with refusing() as url:
        code, out, err = verify(capsys, url)
    assert (code, out, err) == (1, "", f"oms-emulator: {url} does not answer: Connection refused\n")


def test_a_server_that_never_answers(capsys):
    """1 after the time that was given."""
    with listening() as (url, _):
        code, out, err = verify(capsys, url, "--timeout", "0.2")
    assert (code, out, err) == (1, "", f"oms-emulator: {url} does not answer: timed out\n")


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nHi"
MOVED = b"HTTP/1.1 301 Moved\r\nLocation: https://oms.test/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HTML, "answers 200 with text/html, not JSON; is an OMS at this address?"),
        (MOVED, "redirects to https://oms.test/; is an OMS at this address?"),
    ],
)
def test_a_server_that_is_not_an_oms(capsys, answer, said):
    """1; what it answers instead."""
    with listening(answer) as (url, _):
        code, _, err = verify(capsys, url)
    assert code == 1
    assert said in one_line(err)


def test_a_server_that_speaks_something_else(capsys):
    """1 and one line."""
    with listening(b"220 mail.test ESMTP\r\n") as (url, _):
        code, out, err = verify(capsys, url)
    assert (code, out) == (1, "")
    assert "does not answer" in one_line(err)


def test_no_tls_there(capsys):
    """1 and one line: the server speaks HTTP, the address says HTTPS."""
    with listening(HTML) as (url, _):
        code, out, err = verify(capsys, url.replace("http:", "https:"))
    assert (code, out) == (1, "")
    assert "does not answer: wrong version number" in one_line(err)


def test_an_untrusted_certificate(capsys):
    """1 and one line; nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with listening(HTML, context) as (url, _):
        code, out, err = verify(capsys, url.replace("http:", "https:"))
    assert (code, out) == (1, "")
    assert "does not answer: certificate verify failed" in one_line(err)


def test_ctrl_c():
    """130 and one line, as soon as it is pressed."""
    with listening() as (url, accepted):
        command = [sys.executable, "-m", "emulator.cli", "verify", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            assert accepted.wait(30)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=30)
    said = f"oms-emulator: interrupted after 0 of {len(CHECKS)} checks\n"
    assert (running.returncode, out, err) == (130, "", said)


@pytest.mark.parametrize(
    "args",
    [
        ["127.0.0.1:8080"],
        ["http://"],
        ["http://[::1"],
        ["http://127.0.0.1:99999"],
        ["gopher://127.0.0.1"],
        [],
        ["http://x", "--odd"],
        ["http://x", "--format", "odd"],
        ["http://x", "--timeout", "0"],
        ["http://x", "--timeout", "soon"],
        ["http://x", "--token", "a", "--token", "b"],
        ["http://x", "--jwt", "a.b.c", "--token", "a.b.d"],
        ["http://x", "--token", "two words"],
        ["http://x", "--token", "line\nbreak"],
        ["http://x", "--output", "/"],
        ["http://x", "--output", "/no-such-folder/report"],
    ],
)
def test_bad_usage(args, capsys):
    """2 and one line, before anything is asked."""
    code, out, err = verify(capsys, *args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
