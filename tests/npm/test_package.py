"""The npm package behaves as the Python package does, without Python. The gates start real servers."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from tests.cli.test_exec import CTRL_C, killed_if_late, own_terminal, until
from tests.npm.conftest import ROOT, Command, Served
from tests.transports.conditions import HttpRequest
from tests.transports.corpus import corpus
from tests.transports.transports import TransportResponse, socket_to

pytestmark = pytest.mark.gate

AUTH = {"Authorization": "Token full-access"}
START = "2026-01-01T09:00:00Z"
TIMES = re.compile(rb'"(uptime_seconds|uptime|started_at)":("[^"]*"|[\d.]+)')
"""Values of the process, which differ in every run."""
TICKING = re.compile(rb"2023-04-05T09:00:\d\d\.\d+Z")
"""Times of a world that the corpus creates, whose clock ticks."""

REFUSED_METHODS = {"MADEUP"}
"""Methods that the HTTP parser of Node answers with a 400 before the emulator gets them."""


@pytest.fixture(scope="module")
def server(npm_command: Command) -> Iterator[Served]:
    with npm_command.serve() as served:
        yield served


def test_verify_finds_no_deviation(server: Served, python_command: Command) -> None:
    jwt = python_command.run("token", "full-access").stdout.strip()
    done = python_command.run("verify", server.url, "--allow-writes", "--jwt", jwt, "--format", "json")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert json.loads(done.stdout)["checks"]["verified"] > 600


def test_export_reads_a_world_of_a_server(server: Served, npm_command: Command, python_command: Command) -> None:
    requests.put(f"{server.url}/__admin/worlds/frozen", timeout=60).raise_for_status()
    requests.put(f"{server.url}/w/frozen/__admin/clock", json={"mode": "frozen", "now": START}, timeout=60)
    arguments = ("export", "--url", server.url, "--world", "frozen")
    expected, done = (command.run(*arguments) for command in (python_command, npm_command))
    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, "")


def test_contract_tests_pass(npm_command: Command, python_command: Command) -> None:
    jwt = python_command.run("token", "full-access").stdout.strip()
    with npm_command.serve() as served:
        options = ["--target", served.url, "--jwt", jwt, "--allow-writes", "-n", "0", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "contract_tests", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """Return a scenario whose payloads do not contain the address of the server."""
    path = tmp_path / "scenario.json"
    demo = json.loads((ROOT / "emulator/scenarios/demo.json").read_text("utf-8"))
    path.write_text(json.dumps(demo | {"base_url": "http://oms.example"}), "utf-8")
    return str(path)


def responses(command: Command, scenario: str) -> Iterator[tuple[HttpRequest, TransportResponse]]:
    """Yield the requests of the corpus with the responses of a server whose clock is frozen.

    Send what is due before a request reads hooks, so that no response depends on the speed of a delivery.
    Leave out the charset whose error message differs between Python 3.11 and 3.14.
    """
    options = ["--scenario", scenario, "--packages", "40", "--allow-fault-header", "--allow-host", "oms.test"]
    with command.serve(*options) as served, socket_to(served.url) as send:
        clock = {"mode": "frozen", "now": START}
        requests.put(f"{served.url}/__admin/clock", json=clock, timeout=60).raise_for_status()
        for request in corpus(*first_ids(served.url)):
            if request.method not in REFUSED_METHODS and "punycode" not in request.headers.get("Content-Type", ""):
                if request.target.startswith(("/whisperer/", "/__admin/hooks")):
                    requests.post(f"{served.url}/__admin/hooks/flush", timeout=60).raise_for_status()
                yield request, send(request)


def first_ids(url: str) -> tuple[int, int]:
    """Return the ids of a package and a transfer order."""
    paths = ("packages", "transfer_orders")
    lists = [requests.get(f"{url}/api/v1/oms/{path}/", headers=AUTH, timeout=60).json() for path in paths]
    return lists[0]["results"][3]["id"], lists[1]["results"][3]["id"]


def masked(response: TransportResponse) -> TransportResponse:
    body = TICKING.sub(b"now", TIMES.sub(rb'"\1":0', response.body))
    return response._replace(body=body)


def test_corpus_has_the_same_bytes(npm_command: Command, python_command: Command, scenario: str) -> None:
    """Everything except the Date header and the uptime is equal."""
    expected = list(responses(python_command, scenario))
    differences = [
        f"{request.method} {request.target} {request.headers}: {response} instead of {right}"
        for (request, right), (_, response) in zip(expected, responses(npm_command, scenario), strict=True)
        if masked(response) != masked(right)
    ]
    shown = "\n".join(each[:1500] for each in differences[:10])
    assert not differences, f"{len(differences)} of {len(expected)} differ:\n{shown}"
    assert len(expected) >= 600


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["serve", "--help"],
        ["scenarios"],
        ["routes"],
        ["openapi"],
        ["token", "nonsense"],
        ["serve", "--scenario", "nonsense"],
        ["serve", "--port", "x"],
        ["exec", "--", "no-such-command"],
        ["exec", "--", sys.executable, "-c", "import os; print(os.environ['OMS_TOKEN']); raise SystemExit(7)"],
        ["verify", "http://127.0.0.1:9"],
    ],
    ids=" ".join,
)
def test_command_has_the_same_output_and_exit_code(
    npm_command: Command, python_command: Command, arguments: list[str]
) -> None:
    expected, done = python_command.run(*arguments), npm_command.run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (expected.returncode, expected.stdout, expected.stderr)


def test_unknown_command_lists_the_commands_and_init(npm_command: Command, python_command: Command) -> None:
    """The package adds the command `init`."""
    expected, done = python_command.run("nonsense"), npm_command.run("nonsense")
    assert (done.returncode, done.stdout) == (expected.returncode, expected.stdout)
    assert done.stderr == expected.stderr.removesuffix(".\n") + ", init.\n"


def test_help_lists_the_command_of_the_npm_package_too(npm_command: Command, python_command: Command) -> None:
    lines = npm_command.run("--help").stdout.splitlines(keepends=True)
    own = [line for line in lines if line.startswith("  init ")]
    assert len(own) == 1
    assert "".join(line for line in lines if line not in own) == python_command.run("--help").stdout


REFUSED = {
    "serve --state worlds.db": "a state file needs the Python package: this runtime has no threads to write it",
    "serve --watch --port 0 --scenario scenario.json": "this needs the Python package: can't start new thread",
    "serve --server granian": "the server granian needs the Python package: this runtime has no threads",
    "serve --tls": "HTTPS needs the Python package: this runtime has no sockets",
    "exec --tls-cert c.pem --tls-key k.pem -- true": "HTTPS needs the Python package: this runtime has no sockets",
    "record --target http://oms.test -o recorded.json": "recording needs the Python package",
    "mutate -- true": "running tests again needs the Python package",
    "mcp": "the MCP server needs the Python package",
}
"""A command that this package does not have, and its error."""


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_needs_the_python_package_is_refused_in_one_line(
    npm_command: Command, scenario: str, arguments: str
) -> None:
    done = npm_command.run(*arguments.replace("scenario.json", scenario).split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"oms-emulator: {REFUSED[arguments]}\n")
    assert not (npm_command.folder / "worlds.db").exists()


def test_error_has_the_name_of_its_class(installed: Path) -> None:
    code = """
        import { ControlError, setupEmulator } from "oms-emulator";
        const oms = await setupEmulator({ packages: 5 });
        const error = await oms.makePackage({ stat: 1 }).catch((each) => each);
        console.log(error instanceof ControlError, error.name, error.status);
        await oms.stop();
    """
    command = ["node", "--input-type=module", "-e", code]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
    assert done.stdout == "true ControlError 400\n", done.stderr


def test_init_replaces_only_files_that_it_has_written(npm_command: Command, tmp_path: Path) -> None:
    other = tmp_path / "oms-emulator" / "README.md"
    other.parent.mkdir()
    other.write_text("a clone", "utf-8")
    done = npm_command.run("init", str(tmp_path))
    message = f"oms-emulator: {other.parent} exists, and `init` did not write it\n"
    assert (done.returncode, done.stderr, other.exists()) == (2, message, True)
    for _ in range(2):
        assert npm_command.run("init", str(tmp_path / "public")).returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signal_stops_the_server_with_its_exit_code(npm_command: Command, number: int, code: int) -> None:
    with npm_command.serve() as served:
        served.process.send_signal(number)
        assert served.process.wait(60) == code


IN_A_TERMINAL = {
    "serve": (["serve", "--port", "0"], "inspector: ", "", 130),
    "exec": (["exec", "--", sys.executable, "-c", CTRL_C], "waiting True True", "times 1 typed", 5),
}
"""Arguments, what the terminal shows before and after Ctrl-C and a line, and the exit code."""


@pytest.mark.parametrize("name", IN_A_TERMINAL)
def test_command_in_a_terminal_ends_with_ctrl_c(npm_command: Command, name: str) -> None:
    arguments, shown, answer, code = IN_A_TERMINAL[name]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*npm_command.words, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - the test has no other thread
    )
    os.close(theirs)
    with os.fdopen(ours, "r+b", buffering=0) as terminal, killed_if_late(process):
        until(terminal, shown.encode())
        terminal.write(b"\x03typed\n")
        if answer:
            until(terminal, answer.encode())
        assert process.wait(60) == code


def test_webhook_arrives_while_its_receiver_calls_the_emulator(server: Served) -> None:
    """The receiver reads the package before it responds, so the emulator must answer while it waits."""
    received: list[tuple[int, str | None]] = []
    has_arrived = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            page = requests.get(f"{server.url}/api/v1/oms/packages/?limit=1", headers=AUTH, timeout=60)
            received.append((page.status_code, self.headers["X-Whisperer-Signature"]))
            self.send_response(202)
            self.end_headers()
            has_arrived.set()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        hook = {
            "target_url": f"http://127.0.0.1:{receiver.server_port}/",
            "event_type": "package.created",
            "secret_key": "key",
            "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
        }
        created = requests.post(f"{server.url}/whisperer/hooks/", json=hook, headers=AUTH, timeout=60)
        assert created.status_code == 201, created.text
        assert requests.post(f"{server.url}/__admin/packages", json={"state": "Waiting"}, timeout=60).ok
        assert has_arrived.wait(60), "the webhook is sent without a flush"
        requests.post(f"{server.url}/__admin/hooks/flush", timeout=60)
        receiver.shutdown()
    deliveries = requests.get(f"{server.url}/__admin/hooks/deliveries", timeout=60).json()["results"]
    delivery = next(each for each in deliveries if each["url"] == hook["target_url"])
    assert received[0][0] == 200
    assert (received[0][1] or "").startswith("sha256=")
    assert (delivery["status"], delivery["delivered"]) == (202, True)


def test_live_traffic_generates_orders(npm_command: Command) -> None:
    """The clock runs faster than the machine's. The rate is one that a busy machine can process."""
    with npm_command.serve("--live", "360") as served:
        listing = f"{served.url}/api/v1/oms/packages/?limit=1"
        before = requests.get(listing, headers=AUTH, timeout=60).json()["count"]
        requests.put(f"{served.url}/__admin/clock", json={"speed": 20}, timeout=60).raise_for_status()
        for _ in range(2000):
            if requests.get(listing, headers=AUTH, timeout=60).json()["count"] > before:
                return
        pytest.fail("no order arrives")
