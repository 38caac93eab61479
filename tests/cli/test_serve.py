"""`oms-emulator serve` as a user meets it: a real process, its lines, its signals and its exit codes."""

from __future__ import annotations

import errno
import io
import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from emulator.cli import main
from tests.support.receivers import run_receiver

LIST = "/api/v1/oms/packages/"
Serve = Callable[..., "subprocess.Popen[str]"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "emulator.cli", *arguments]


def environment(extra: dict[str, str]) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("OMS_EMULATOR_")}
    plain.pop("PYTEST_XDIST_WORKER", None)  # the server is not a worker
    return plain | {"PYTHONWARNINGS": "error", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | extra


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a process; whatever still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **extra: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("serve", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(extra),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str]) -> str:
    """Wait for the line that says where the emulator answers."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready: http://127.0.0.1:"), line
    return line.removeprefix("ready: ").rstrip("\n")


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def refused(*arguments: str, **extra: str) -> str:
    """Run a command that must fail: exit code 2, nothing on stdout, one line on stderr, which is given."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=30, check=False, env=environment(extra)
    )
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("oms-emulator: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        ((), signal.SIGTERM, 0),
        (("-q",), signal.SIGINT, 130),
        (("-v", "--log-format", "json"), signal.SIGTERM, 0),
        (("--server", "granian"), signal.SIGINT, 130),
        (("--server", "granian", "-v", "--log-format", "json"), signal.SIGTERM, 0),
    ],
    ids=["plain and SIGTERM", "quiet and Ctrl-C", "verbose in JSON", "granian and Ctrl-C", "granian in JSON"],
)
def test_server_prints_its_url_answers_and_stops(serve: Serve, arguments: Any, number: Any, code: int) -> None:
    """Nothing but the line is printed on stdout, and only what was asked for on stderr."""
    process = serve("--port", "0", *arguments)
    url = ready(process)
    assert requests.get(f"{url}/__admin/health", timeout=10).json()["scenario"] == "demo"
    answer = requests.get(f"{url}{LIST}", headers={"Authorization": "Token full-access"}, timeout=10)
    assert answer.json()["count"] == 200
    assert answer.json()["next"] == f"{url}{LIST}?page=2"
    returned, out, err = ended(process, number)
    assert (returned, out) == (code, "")
    if "-v" in arguments:
        lines = [json.loads(line) for line in err.splitlines()]
        assert [(line["request_id"], line["method"], line["path"], line["status"]) for line in lines] == [
            (None, "GET", "/__admin/health", 200),
            ("00000001", "GET", LIST, 200),
        ]
    else:
        assert err == ""


@pytest.mark.parametrize("server", ["waitress", "granian"])
def test_state_file_continues_on_either_server(serve: Serve, server: str, tmp_path: Path) -> None:
    """The first server is granian. Its metrics count the request."""
    state = str(tmp_path / "worlds.db")
    first = serve("--port", "0", "--server", "granian", "--state", state, "--packages", "3")
    url = ready(first)
    assert requests.post(f"{url}/__admin/packages", json={}, timeout=10).status_code == 201
    answer = requests.get(f"{url}{LIST}", headers={"Authorization": "Token full-access"}, timeout=10)
    assert answer.json()["count"] == 4
    metrics = requests.get(f"{url}/__admin/metrics", timeout=10).text
    assert 'operation="list_packages",status="200"} 1' in metrics
    assert ended(first, signal.SIGTERM) == (0, "", "")
    second = serve("--port", "0", "--server", server, "--state", state, "--packages", "3")
    again = requests.get(f"{ready(second)}{LIST}", headers={"Authorization": "Token full-access"}, timeout=10)
    assert again.json()["count"] == 4
    assert ended(second, signal.SIGTERM) == (0, "", "")


def test_options_choose_the_world(serve: Serve) -> None:
    process = serve("--port", "0", "--scenario", "demo", "--packages", "12", "--seed", "3")
    url = ready(process)
    health = requests.get(f"{url}/__admin/health", timeout=10).json()
    assert (health["scenario"], health["seed"]) == ("demo", 3)
    answer = requests.get(f"{url}{LIST}", headers={"Authorization": "Token full-access"}, timeout=10)
    assert answer.json()["count"] == 12


def count_thread_heaps(process_id: int) -> int:
    """Return the number of glibc's heaps of threads: a mapped part, and reserved memory up to 64 MB."""
    sizes: list[tuple[str, int]] = []
    for line in Path(f"/proc/{process_id}/maps").read_text().splitlines():
        limits, permissions, *_ = line.split()
        start, end = (int(each, 16) for each in limits.split("-"))
        sizes.append((permissions, end - start))
    return sum(
        (used, reserved) == ("rw-p", "---p") and size + rest == 64 * 1024**2
        for (used, size), (reserved, rest) in pairwise(sizes)
    )


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for each thread")
def test_all_threads_allocate_from_one_heap(serve: Serve) -> None:
    process = serve("--port", "0")
    url = ready(process)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{url}/__admin/health", timeout=30).status_code, range(32)))
    assert answers == [200] * 32
    assert count_thread_heaps(process.pid) == 0


@pytest.mark.parametrize(
    ("flags", "status"), [((), None), (("--allow-webhook-host", "0.0.0.0"), 200)], ids=["unasked", "allowed"]
)
def test_hook_on_another_host_is_called_only_if_allowed(
    serve: Serve, flags: tuple[str, ...], status: int | None
) -> None:
    """0.0.0.0 stands for elsewhere: it is not this machine's loopback, and still leads here."""
    url = ready(serve("--port", "0", "--scenario", "empty", *flags))
    with requests.Session() as client, run_receiver() as receiver:
        client.headers["Authorization"] = "Token full-access"
        hook = {
            "target_url": receiver.url.replace("127.0.0.1", "0.0.0.0"),
            "event_type": "package.created",
            "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
        }
        assert client.post(f"{url}/whisperer/hooks/", json=hook, timeout=10).status_code == 201
        assert client.post(f"{url}/__admin/packages", json={}, timeout=10).status_code == 201
        client.post(f"{url}/__admin/hooks/flush", timeout=10)
        deliveries = client.get(f"{url}/__admin/hooks/deliveries", timeout=10).json()["results"]
        (delivery,) = [each for each in deliveries if each["url"] == hook["target_url"]]
    assert (delivery["status"], len(receiver.requests)) == (status, int(status is not None))
    assert ("--allow-webhook-host 0.0.0.0" in delivery["response"]) == (status is None)


def test_limits_and_faults_are_options(serve: Serve) -> None:
    flags = ("--limit", "full-access:read=2/hour", "--limit", "read-only:read=1/day", "--allow-fault-header")
    url = ready(serve("--port", "0", *flags))
    headers = {"Authorization": "Token full-access"}
    asked = requests.get(f"{url}{LIST}", headers=headers | {"X-Emulator-Fault": "503"}, timeout=10)
    assert (asked.status_code, asked.headers["X-Emulator-Fault"]) == (503, "status")
    assert [requests.get(f"{url}{LIST}", headers=headers, timeout=10).status_code for _ in range(3)] == [
        200,
        200,
        429,
    ]
    assert "is not a rate; use a number per" in refused("serve", "--port", "0", "--limit", "full-access:read=often")


def test_environment_variables_set_options_and_flags_take_precedence(serve: Serve) -> None:
    twins = {"OMS_EMULATOR_SCENARIO": "empty", "OMS_EMULATOR_SEED": "4", "OMS_EMULATOR_PORT": "0"}
    process = serve("--seed", "5", **twins)
    health = requests.get(f"{ready(process)}/__admin/health", timeout=10).json()
    assert (health["scenario"], health["seed"]) == ("empty", 5)


def test_every_option_has_an_environment_variable() -> None:
    from emulator.cli.serve import serve as command_  # noqa: PLC0415 - the object, not the process

    options = {option.name: option.envvar for option in command_.params if len(option.opts[0]) > 2}
    assert options == {name: f"OMS_EMULATOR_{str(name).upper()}" for name in options}


@pytest.mark.parametrize(
    ("flags", "variables", "expected"),
    [
        ([], {}, False),
        (["--validate-responses"], {}, True),
        ([], {"OMS_EMULATOR_VALIDATE_RESPONSES": "1"}, True),
    ],
    ids=["default", "flag", "environment"],
)
def test_validation_of_responses_is_an_option(
    flags: list[str], variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emulator.cli import serve as module  # noqa: PLC0415 - the module, not the process

    passed: list[bool] = []

    def emulator(*_: Any, validate_responses: bool, **__: Any) -> None:
        passed.append(validate_responses)
        raise ValueError("enough")

    monkeypatch.setattr(module, "Emulator", emulator)
    monkeypatch.setattr(module, "configure_logging", lambda *_, **__: None)
    monkeypatch.setattr(module, "stop_condition", lambda: None)
    assert CliRunner().invoke(module.serve, flags, env=variables).output == "Error: enough\n"
    assert passed == [expected]


def test_taken_port_gives_a_one_line_error(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused("serve", "--port", str(port), "--scenario", "empty")
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in line
    assert "--port 0 for a free one" in line


def test_a_start_that_fails_creates_no_state_file(serve: Serve, tmp_path: Path) -> None:
    steps = tmp_path / "steps.json"
    steps.write_text('{"name": "x", "steps": [{"operation": "command_package", "path": {"pk": 1}, "body": {}}]}')
    state = tmp_path / "state.db"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for flags in (
            ("--port", str(taken.getsockname()[1])),
            ("--port", "0", "--host", "unknown.invalid"),
            ("--port", "0", "--installation", "nope"),
            ("--port", "0", "--scenario", str(steps)),
        ):
            refused("serve", "--state", str(state), *flags)
            assert not state.exists(), flags


INTERRUPT = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from emulator.cli import main
main(["serve", "--port", "0"])
"""


@pytest.mark.parametrize("module", ["click", "orjson", "emulator.cli.serve", "emulator.client.emulator", "waitress"])
def test_ctrl_c_before_the_server_is_ready_ends_it(module: str) -> None:
    """Ctrl-C arrives while this module is imported."""
    interrupted = [sys.executable, "-c", INTERRUPT, module]
    done = subprocess.run(interrupted, capture_output=True, text=True, timeout=60, check=False, env=environment({}))
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


def test_a_file_that_is_imported_and_exported_may_not_exist_yet(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    flags = ("--port", "0", "--import", str(file), "--export-on-exit", str(tmp_path / "." / "world.json"))
    process = serve(*flags, "--packages", "3")
    url = ready(process)
    assert requests.post(f"{url}/__admin/packages", json={}, timeout=10).status_code == 201
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0
    assert f"{file} does not exist yet; starting from demo" in err
    assert len(err.splitlines()) == 1
    again = serve(*flags)
    answer = requests.get(f"{ready(again)}{LIST}", headers={"Authorization": "Token full-access"}, timeout=10)
    assert answer.json()["count"] == 4
    assert ended(again, signal.SIGTERM) == (0, "", "")
    file.unlink()
    other = ("--export-on-exit", str(tmp_path / "other.json"))
    assert "cannot read scenario file" in refused("serve", "--port", "0", "--import", str(file), *other)


UNREADABLE = (
    ("serve", "--port", "0", "--export-on-exit"),
    ("serve", "--port", "0", "--coverage"),
    ("serve", "--port", "0", "--state"),
    ("serve", "--port", "0", "--import"),
    ("serve", "--port", "0", "--scenario"),
    ("serve", "--port", "0", "--installation"),
    ("coverage",),
    ("installation", "lint"),
    ("export", "--state"),
    ("verify", "http://127.0.0.1:1", "-o"),
)


@pytest.mark.parametrize("arguments", UNREADABLE, ids=" ".join)
def test_file_in_an_unreadable_folder_gives_a_one_line_error(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses the folder as it does for a user without rights. The tests may run as root."""
    locked = str(tmp_path / "locked")

    def refuse(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **options: Any) -> Any:
            if str(path).startswith(locked):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path, *rest, **options)

        return call

    for name in ("stat", "lstat", "open", "scandir"):
        monkeypatch.setattr(os, name, refuse(getattr(os, name)))
    monkeypatch.setattr(io, "open", refuse(io.open))
    done = CliRunner().invoke(main, [*arguments, f"{locked}/in/x.json"])
    assert done.exit_code == 2, done.output
    assert len(done.output.splitlines()) == 1
    assert "Permission denied" in done.output
    assert f"{locked}/in" in done.output


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown scenario": (
        ("serve", "--scenario", "dmeo"),
        "unknown scenario 'dmeo'. Did you mean demo? Known: busy-day, demo, empty",
    ),
    "unknown option": (("serve", "--prot", "1"), "No such option"),
    "a port that is not a number": (("serve", "--port", "x"), "'x' is not a valid int"),
    "a port that is none": (("serve", "--port", "65536"), "65536 is not in the range"),
    "negative packages": (("serve", "--packages", "-1"), "-1 is not in the range"),
    "packages of a sample": (
        ("serve", "--scenario", "documented/package-list", "--packages", "5"),
        "its number of packages cannot be set",
    ),
    "a file that is not there": (
        ("serve", "--scenario", "/nowhere/x.json"),
        "cannot read scenario file /nowhere/x.json",
    ),
    "a log format": (("serve", "--log-format", "xml"), "'xml' is not one of 'text', 'json'"),
    "an argument too many": (("serve", "now"), "unexpected extra argument (now)"),
    "an unknown host": (("serve", "--host", "unknown.invalid", "--port", "0"), "cannot listen on unknown.invalid:0"),
    "an unknown host, with advice": (
        ("serve", "--host", "unknown.invalid", "--port", "0"),
        ". --host must be an address of this machine",
    ),
    "an unknown installation": (
        ("serve", "--port", "0", "--installation", "nope"),
        "oms-emulator: unknown installation 'nope'; known: default",
    ),
    "too many packages": (("serve", "--port", "0", "--packages", "99999999999"), "is not in the range"),
    "an address of another machine": (
        ("serve", "--host", "192.0.2.1", "--port", "0"),
        "cannot listen on 192.0.2.1:0",
    ),
    "unknown command": (("srve",), "No such command 'srve'"),
    "unknown command, with the known ones": (("check",), "Known: coverage, exec, export"),
    "unknown command of a group": (("installation", "check"), "Known: import, lint, diff"),
    "no host": (("serve", "--host", ""), "host must be a name or an address, such as 127.0.0.1 (got '')"),
    "a host of bytes": (("serve", "--host", "\udcff"), "host must be a name or an address"),
    "a URL as an allowed host": (("serve", "--allow-host", "http://oms"), "'http://oms' is not a host"),
    "a URL as a webhook host": (("serve", "--allow-webhook-host", "http://x/hook"), "'http://x/hook' is not a host"),
    "an installation that is not there": (
        ("serve", "--installation", "/nowhere/x.json"),
        "second, or a path of an existing .json file",
    ),
    "no number of seconds": (("serve", "--world-idle", "nan"), "'nan' is not a valid number"),
    "a number that is none": (("serve", "--live", "fast"), "'fast' is not a valid number"),
    "an integer that is none": (("serve", "--packages", "many"), "'many' is not a valid integer"),
    "an endless timeout": (
        ("verify", "http://127.0.0.1:1", "--timeout", "inf"),
        "inf is not in the range 0<x<=86400",
    ),
    "a long timeout": (("verify", "http://127.0.0.1:1", "--timeout", "1e20"), "is not in the range"),
    "an endless hang": (("sweep", "--hang-after", "inf", "--", "true"), "inf is not in the range 0<x<=86400"),
    "no host of a recording": (
        ("record", "--target", "http://127.0.0.1:1", "-o", "x.json", "--host", ""),
        "host must be a name or an address",
    ),
    "a world with a slash": (("export", "--world", "a/b"), "a world's name has 1 to 100 letters"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_invalid_options_give_a_one_line_error(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments)


@pytest.mark.parametrize(("name", "value"), [("PORT", "x"), ("SEED", "x"), ("PACKAGES", "-1"), ("SCENARIO", "x")])
def test_invalid_environment_variable_gives_a_one_line_error(name: str, value: str) -> None:
    refused("serve", **{f"OMS_EMULATOR_{name}": value})


FILES = {
    "not JSON": (b"{", "is not JSON"),
    "not text": (b"\xff\xfe", "is not JSON"),
    "no scenario": (b'{"packages": 5}', "/name"),
    "an unknown key": (b'{"name": "x", "colour": 1}', "/colour"),
    "an unknown installation": (b'{"name": "x", "installation": "y"}', "unknown installation 'y'; known: default"),
    "an answer from elsewhere": (b'{"name": "x", "answers": [{"path": "/x/", "body": {}}]}', "recorded answer /x/"),
}


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
def test_invalid_file_gives_a_one_line_error(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(content)
    line = refused("serve", "--scenario", str(file))
    assert said in line
    assert str(file) in line or "scenario x" in line


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.json").mkdir()
    assert "Is a directory" in refused("serve", "--scenario", str(tmp_path / "mine.json"))
