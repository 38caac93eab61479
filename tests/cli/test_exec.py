"""`oms-emulator exec -- CMD`: a command with an emulator beside it, as a CI job runs it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from emulator import Emulator
from emulator.cli.serve import exec_, serve
from emulator.coverage.counts import read_counts
from tests.cli.test_serve import command, environment

Run = Callable[..., "subprocess.Popen[str]"]
TIMEOUT = 60
ASKS = """
import json, os, sys, requests
url = os.environ["OMS_URL"]
guide = requests.get(url + "/api/v1/oms/packages/", headers={"Authorization": "Token " + os.environ["OMS_TOKEN"]})
reference = requests.get(url + "/packages/", headers={"Authorization": "Bearer " + os.environ["OMS_JWT"]})
health = requests.get(url + "/__admin/health").json()
print(json.dumps([url, guide.status_code, reference.status_code, guide.json()["count"], health["seed"]]))
sys.exit(7)
"""
WAITS = """
import queue, signal, sys
told, end = [], queue.SimpleQueue()

def tell(number, _):
    told.append(number)
    if number == signal.SIGTERM:
        end.put(None)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, tell)
print("waiting", flush=True)
end.get()
print(",".join(map(str, told)), flush=True)
sys.exit(3)
"""


@pytest.fixture
def run() -> Iterator[Run]:
    """Start `exec` on a Python program; whatever still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *options: str, **settings: object) -> subprocess.Popen[str]:
        whole = command("exec", *options, "--", sys.executable, "-c", program)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment(UNBUFFERED)}
        process: subprocess.Popen[str] = subprocess.Popen(whole, **(pipes | settings))  # type: ignore[call-overload]
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            for pid in [*children_of(process), process.pid]:
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the child processes of a running `exec`. They keep its pipes open after it exits."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in found.read_text().split()] if found.exists() else []


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    with killed_if_late(process):
        return process.stdout.readline().strip()


def test_the_command_finds_an_emulator_and_its_exit_code_is_ours(run: Run) -> None:
    """Both surfaces answer; the command's output is all there is; the port is free again afterwards."""
    out, err = (process := run(ASKS)).communicate(timeout=TIMEOUT)
    url, guide, reference, count, _ = json.loads(out)
    assert (process.returncode, guide, reference, count, err) == (7, 200, 200, 200, "")
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1"),
        ({"NO_PROXY": "a.test, b.test", "no_proxy": "b.test"}, "a.test,b.test,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_the_command_reaches_the_emulator_without_the_proxy(run: Run, before: dict[str, str], after: str) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1")
    told = f'assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == {after!r}'
    process = run(ASKS.replace("url =", f"{told}\nurl =", 1), env=environment(UNBUFFERED) | proxies | before)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, json.loads(out)[1:4]) == (7, [200, 200, 200]), err


def test_options_are_those_of_serve(run: Run) -> None:
    out, _ = run(ASKS, "--scenario", "demo", "--packages", "12", "--seed", "5").communicate(timeout=TIMEOUT)
    assert json.loads(out)[3:] == [12, 5]
    assert [each.name for each in exec_.params if each.name != "command"] == [each.name for each in serve.params]
    assert {each.name: each.default for each in exec_.params}["port"] == 0
    assert {each.name: each.default for each in serve.params}["port"] == 8080


TRUSTS = """
import json, os, shutil, subprocess, urllib.request, requests
url = os.environ["OMS_URL"] + "/__admin/health"
calls = [lambda: requests.get(url).status_code, lambda: urllib.request.urlopen(url).status]
if node := shutil.which("node"):
    script = "fetch(process.argv[1]).then(answer => process.stdout.write(String(answer.status)))"
    calls.append(lambda: int(subprocess.run([node, "-e", script, url], capture_output=True, check=True).stdout))
size = os.path.getsize(os.environ["REQUESTS_CA_BUNDLE"]) > os.path.getsize(os.environ["NODE_EXTRA_CA_CERTS"])
print(json.dumps([url.partition(":")[0], {call() for call in calls} == {200}, size]))
"""


@pytest.mark.parametrize("bundle", ["", "/dev/null"], ids=["no bundle", "own bundle"])
def test_the_command_trusts_the_certificate(run: Run, bundle: str) -> None:
    """Python and Node call the server. They still trust the certificates that they trusted before."""
    variables = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), bundle)
    out, err = run(TRUSTS, "--tls", env=environment(UNBUFFERED | variables)).communicate(timeout=TIMEOUT)
    assert (json.loads(out), err) == (["https", True, True], "")


def test_several_run_side_by_side(run: Run) -> None:
    processes = [run(ASKS) for _ in range(3)]
    urls = {json.loads(process.communicate(timeout=TIMEOUT)[0])[0] for process in processes}
    assert len(urls) == 3


def test_signals_are_passed_on_once_and_the_end_is_the_commands(run: Run) -> None:
    process = run(WAITS)
    assert line_of(process) == "waiting"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out.strip(), err) == (3, str(int(signal.SIGTERM)), "")


def test_a_signal_to_the_process_group_reaches_the_command_once(run: Run) -> None:
    """As a CI runner ends a job."""
    process = run(WAITS, start_new_session=True)
    assert line_of(process) == "waiting"
    os.killpg(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out.strip()) == (3, str(int(signal.SIGTERM)))


def test_a_command_that_a_signal_ends_has_the_exit_code_of_shells(run: Run) -> None:
    process = run("import time; print('x', flush=True); time.sleep(600)")
    assert line_of(process) == "x"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + signal.SIGTERM


ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
ENDS = """
import os, resource, signal, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signal.signal(signal.SIGINT, signal.SIG_DFL)
print("waiting", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", ENDING)
def test_exit_code_of_a_killed_command_is_128_plus_the_signal(run: Run, number: signal.Signals) -> None:
    """And nothing is printed about it."""
    process = run(ENDS)
    assert line_of(process) == "waiting"
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (128 + number, "", "")


UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
"""A signal handler may interrupt another one that prints, which a buffered stream refuses with a RuntimeError."""
TIDIES = """
import os, signal

def stop(*_):
    print("tidied up", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    print("going on", flush=True)

signal.signal(signal.SIGTSTP, stop)
"""


@contextmanager
def killed_if_late(process: subprocess.Popen[Any]) -> Iterator[None]:
    too_late = threading.Timer(TIMEOUT, process.kill)
    too_late.start()
    try:
        yield
    finally:
        too_late.cancel()


def stopped(process: subprocess.Popen[str]) -> int:
    """Wait until a process stops; give the signal that stopped it."""
    with killed_if_late(process):
        _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    return os.WSTOPSIG(status)


def test_a_stop_stops_the_command_and_us_and_both_go_on(run: Run) -> None:
    """As a job control does it that sends signals to us alone; the command may tidy up before it stops."""
    process = run(TIDIES + WAITS, start_new_session=True)
    assert line_of(process) == "waiting"
    for _ in range(2):
        process.send_signal(signal.SIGTSTP)
        assert line_of(process) == "tidied up"
        assert stopped(process) == signal.SIGSTOP
        process.send_signal(signal.SIGCONT)
        assert line_of(process) == "going on"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out.strip()) == (3, str(int(signal.SIGTERM)))


def test_coverage_is_written_when_the_command_has_ended(run: Run, tmp_path: Path) -> None:
    """Coverage is written after a normal exit and after a signal, to a file or to a new file in a folder."""
    (folder := tmp_path / "counts").mkdir()
    first = run(ASKS, "--coverage", str(tmp_path / "one.json"))
    first.communicate(timeout=TIMEOUT)
    second = run(ASKS.replace("sys.exit(7)", "os.kill(os.getpid(), 15)"), "--coverage", str(folder))
    second.communicate(timeout=TIMEOUT)
    assert (first.returncode, second.returncode) == (7, 128 + signal.SIGTERM)
    assert [file.name for file in folder.iterdir()] == [f"coverage-{second.pid}.json"]
    one, other = read_counts([tmp_path / "one.json"]), read_counts([folder])
    assert one.hits["operations"] == {"list_packages": 1, "reference_list_packages": 1}
    assert one == other


def test_what_serve_writes_at_its_end_is_written(run: Run, tmp_path: Path) -> None:
    """The world as the command left it, as a scenario file and in a state file."""
    writes = """
import os, requests
url = os.environ["OMS_URL"] + "/api/v1/oms/packages/"
headers = {"Authorization": "Token " + os.environ["OMS_TOKEN"]}
pk = requests.get(url, headers=headers).json()["results"][0]["id"]
print(pk, requests.post(f"{url}{pk}/set_remote_id/", json={"remote_id": "R-7"}, headers=headers).status_code)
"""
    exported, state = tmp_path / "world.json", tmp_path / "state.db"
    process = run(writes, "--export-on-exit", str(exported), "--state", str(state), "--packages", "12")
    pk, status = process.communicate(timeout=TIMEOUT)[0].split()
    assert (process.returncode, status) == (0, "204")
    for oms in (Emulator(exported), Emulator("demo", packages=12, state=state)):
        assert oms.session().get(f"/api/v1/oms/packages/{pk}/").json()["remote_id"] == "R-7"
        oms.close()


CTRL_C = """
import os, queue, signal, sys
told = queue.SimpleQueue()

def tell(*_):
    told.put(1)

signal.signal(signal.SIGINT, tell)
print("waiting", sys.stdin.isatty(), os.tcgetpgrp(0) == os.getpgrp(), flush=True)
told.get()
typed = input()
print("times", 1 + told.qsize(), typed, flush=True)
sys.exit(5)
"""


def test_ctrl_c_in_a_terminal_reaches_the_command_once(run: Run) -> None:
    """The command has the terminal: it gets Ctrl-C, can read what is typed, and decides how all ends."""
    ours, theirs = pty.openpty()
    process = run(CTRL_C, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=own_terminal)
    os.close(theirs)
    with os.fdopen(ours, "r+b", buffering=0) as terminal, killed_if_late(process):
        assert until(terminal, b"waiting") == b"waiting True True"
        terminal.write(b"\x03typed\n")
        assert until(terminal, b"times") == b"times 1 typed"
        assert process.wait(TIMEOUT) == 5


READS = """
import os, sys
print("began", flush=True)
while (line := input()) != "end":
    print("got", line, flush=True)
sys.exit(9)
"""


BASH = shutil.which("bash")


@pytest.mark.skipif(BASH is None, reason="the shell whose job control is used is bash")
def test_a_shells_job_control_is_obeyed(run: Run, tmp_path: Path) -> None:
    """Ctrl-Z stops all; `bg` leaves the terminal to the shell; after `fg` the command reads what is typed."""
    program = tmp_path / "reads.py"
    program.write_text(READS)
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        [str(BASH), "--norc", "--noprofile", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment({}) | {"PS1": "", "HISTFILE": ""},
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - the pool of another test's threads is gone
    )
    os.close(theirs)
    with os.fdopen(ours, "r+b", buffering=0) as terminal, killed_if_late(shell):

        def typed(text: str, start: str) -> str:
            terminal.write(text.encode())
            return until(terminal, start.encode()).decode()

        whole = " ".join(command("exec", "--", sys.executable, str(program)))
        typed(f"stty -echo; {whole}\n", "began")
        assert typed("one\n", "got") == "got one"
        assert "Stopped" in typed("\x1a", "[1]+")
        assert typed("echo the shell $((1 + 1))\n", "the shell 2") == "the shell 2"
        assert "Stopped" in typed("bg; wait %1 2>/dev/null; jobs\n", "[1]+  Stopped"), "it may not read there"
        terminal.write(b"fg\n")
        assert typed("two\n", "got") == "got two"
        assert typed("end\necho code $?\n", "code") == "code 9"
        terminal.write(b"exit\n")
        assert shell.wait(TIMEOUT) == 0


def own_terminal() -> None:
    """Make the standard input the terminal of the new session."""
    import fcntl  # noqa: PLC0415 - between fork and exec
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def until(terminal: object, start: bytes) -> bytes:
    """Read lines until one contains this text. The terminal also shows what is typed."""
    seen: list[bytes] = []
    while True:
        try:
            line = terminal.readline()  # type: ignore[attr-defined]
        except OSError:  # all processes have closed the terminal
            line = b""
        assert line, f"the end came before {start!r}, after {b''.join(seen)!r}"
        seen.append(line)
        found = line.strip()
        if start in found:
            return bytes(found[found.index(start) :])


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [("no-such-command", 127, "command not found"), ("./no/such", 127, "command not found")],
)
def test_missing_command_gives_a_one_line_error(name: str, code: int, said: str) -> None:
    done = subprocess.run(
        command("exec", "--", name), capture_output=True, text=True, env=environment({}), timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"oms-emulator: {name}: {said}\n")


def test_file_that_is_not_a_program_gives_a_one_line_error(tmp_path: Path) -> None:
    file = tmp_path / "plain"
    file.write_text("text")
    whole = command("exec", "--", str(file))
    done = subprocess.run(whole, capture_output=True, text=True, env=environment({}), timeout=TIMEOUT, check=False)
    assert (done.returncode, done.stderr) == (126, f"oms-emulator: {file}: Permission denied\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exec",), "Missing argument 'COMMAND...'"),
        (("exec", "--scenario", "dmeo", "--", "true"), "unknown scenario 'dmeo'. Did you mean demo?"),
        (("exec", "--prot", "1", "--", "true"), "No such option"),
    ],
)
def test_wrong_usage_gives_a_one_line_error_and_runs_no_command(arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment({}), timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
