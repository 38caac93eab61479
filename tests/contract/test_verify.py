"""`oms-emulator verify`: exit codes, and what goes to which stream."""

import json
import socket
import threading
from contextlib import contextmanager

import pytest

from emulator import Emulator
from emulator.cli import main
from emulator.contract import CHECKS
from emulator.listening import listen
from tests.contract.saboteur import Saboteur, record


@pytest.fixture(scope="module")
def url():
    with Emulator("demo") as oms:
        yield oms.url


@contextmanager
def spoiled():
    """Answer on a port without one key of a package."""
    app = Saboteur(Emulator("demo").app, "/api/v1/oms/packages/<pk>/", record(without_number))
    server = listen(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        server.task_dispatcher.shutdown()
        thread.join()


def without_number(package):
    return {key: value for key, value in package.items() if key != "number"}


@contextmanager
def refusing():
    """Give an address that refuses connections: the port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def verify(capsys, *args):
    with pytest.raises(SystemExit) as ended:
        main(["verify", *args])
    return ended.value.code, *capsys.readouterr()


def test_a_server_that_keeps_the_contract(url, capsys):
    """0; the report on stdout, a line for each check on stderr."""
    code, out, err = verify(capsys, url)
    assert code == 0
    assert out.startswith(f"{url}: {len(CHECKS)} checks, ")
    assert "0 with drift" in out
    assert len(err.splitlines()) == len(CHECKS)


def test_writes_on_demand(capsys):
    """With leave everything is verified."""
    with Emulator("demo") as oms:
        code, out, _ = verify(capsys, oms.url, "--allow-writes")
        expected = f"{oms.url}: {len(CHECKS)} checks, {len(CHECKS)} passed, 0 with drift, 0 not verified\n"
    assert (code, out) == (0, expected)


def test_json(url, capsys):
    """The report as JSON, and nothing else on stdout."""
    code, out, _ = verify(capsys, url, "--json")
    report = json.loads(out)
    assert (code, report["target"], len(report["checks"])) == (0, url, len(CHECKS))


def test_nothing_verified(url, capsys):
    """1 and the reason."""
    code, out, _ = verify(capsys, url, "--token", "nobody")
    assert code == 1
    assert "401, the token is refused" in out


def test_drift(capsys):
    """3; kind, place and request of what drifted."""
    with spoiled() as url:
        code, out, _ = verify(capsys, url)
    assert code == 3
    assert "  missing      /number is missing, must be a string  (GET /api/v1/oms/packages/" in out


def test_nobody_there(capsys):
    """2 and one line."""
    with refusing() as url:
        code, out, err = verify(capsys, url)
    assert (code, out, err) == (2, "", f"oms-emulator: {url} does not answer: Connection refused\n")


@pytest.mark.parametrize("args", [["127.0.0.1:8080"], ["http://"], ["http://[::1"], [], ["http://x", "--odd"]])
def test_bad_usage(args, capsys):
    """2 and one line."""
    code, out, err = verify(capsys, *args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
