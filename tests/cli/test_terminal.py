"""The server on a terminal: its first lines, the access log, help texts and suggestions."""

from __future__ import annotations

import gc
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
import pytest
import requests
from click.testing import CliRunner

from emulator import Emulator, cli
from emulator.cli import main, terminal
from emulator.cli.serve import exec_, serve
from tests.cli.test_exec import killed_if_late, until
from tests.cli.test_serve import command, environment, refused

LIST = "/api/v1/oms/packages/"
TOKEN = {"Authorization": "Token full-access"}


@contextmanager
def terminal_of(*arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Run a command in a new terminal. Stop it at the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(variables),
        start_new_session=True,
    )
    os.close(theirs)
    with os.fdopen(ours, "r+b", buffering=0) as screen, killed_if_late(process):
        try:
            yield process, screen
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def text_after(screen: IO[bytes], start: str) -> str:
    """Return the rest of the next line that contains this text."""
    return until(screen, start.encode()).decode().removeprefix(start)


def test_a_terminal_shows_the_inspector_a_token_and_each_request() -> None:
    with terminal_of("serve", "--port", "0") as (_, screen):
        url = text_after(screen, "ready: ")
        assert text_after(screen, "inspector: ") == f"{url}/__admin/ui/"
        name, _, value = text_after(screen, "header to paste: ").partition(": ")
        assert requests.get(f"{url}{LIST}?page=2", headers={name: value}, timeout=10).status_code == 200
        requests.get(f"{url}/api/v1/oms/packags/", timeout=10)
        assert text_after(screen, f"GET {LIST}?page=2 200 ").endswith(" ms")
        assert text_after(screen, "GET /api/v1/oms/packags/ 404 ").endswith(
            f" ms; hint: nearest: list_packages, GET {LIST}"
        )


@pytest.mark.parametrize("flags", [("-q",), ("-q", "-v")])
def test_a_quiet_server_logs_no_request(flags: tuple[str, ...]) -> None:
    with terminal_of("serve", "--port", "0", *flags) as (process, screen):
        url = text_after(screen, "ready: ")
        until(screen, b"header to paste")
        requests.get(f"{url}{LIST}", timeout=10)
        process.send_signal(signal.SIGTERM)
        with pytest.raises((AssertionError, OSError)):  # the terminal ends without another line
            until(screen, b"GET")


def test_json_lines_have_the_fields_of_a_request() -> None:
    with terminal_of("serve", "--port", "0", "--log-format", "json") as (_, screen):
        url = text_after(screen, "ready: ")
        requests.get(f"{url}{LIST}?page=x", headers=TOKEN, timeout=10)
        line = json.loads(until(screen, b'{"time"'))
    assert (line["method"], line["path"], line["query"], line["status"]) == ("GET", LIST, "page=x", 404)
    assert (line["request_id"], line["level"], line["logger"]) == ("00000001", "info", "emulator.access")
    assert line["milliseconds"] > 0
    assert line["hint"]


def test_an_unknown_environment_variable_is_reported() -> None:
    with terminal_of("serve", "--port", "0", OMS_EMULATOR_PROT="1") as (_, screen):
        line = text_after(screen, "WARNING ")
    assert line == "the environment variable OMS_EMULATOR_PROT has no effect. Did you mean OMS_EMULATOR_PORT?"


def test_open_opens_the_inspector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command starts the browser once the server answers."""
    opened: list[tuple[str, int]] = []
    monkeypatch.setattr(click, "launch", lambda url: opened.append((url, requests.get(url, timeout=10).status_code)))
    with pytest.raises(SystemExit):
        exec_.main(["--open", "--", "true"], "exec", standalone_mode=False)
    ((url, status),) = opened
    assert (url.endswith("/__admin/ui/"), status) == (True, 200)


def test_a_server_for_https_prints_the_certificate() -> None:
    with terminal_of("serve", "--port", "0", "--tls") as (_, screen):
        url = text_after(screen, "ready: ")
        file = text_after(screen, "certificate to trust: ")
        with requests.Session() as client:
            client.trust_env, client.verify = False, file
            assert client.get(f"{url}/__admin/health", timeout=10).json()["status"] == "ok"
    assert not Path(file).exists()


@pytest.mark.parametrize("each", [serve, exec_], ids=lambda each: each.name)
def test_every_option_is_in_a_group_and_the_help_has_examples(each: click.Command) -> None:
    text = CliRunner().invoke(main, [str(each.name), "--help"]).output
    groups = {line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")}
    assert groups == {"Address", "Data", "Worlds and behaviour", "Permissions", "Output", "Other"}
    assert text.partition("Other:\n")[2].count("--") == 1 + text.partition("Examples:")[2].count("--")
    assert f"oms-emulator {each.name}" in text.partition("Examples:")[2]


def test_the_version_has_a_short_option() -> None:
    assert CliRunner().invoke(main, ["-V"]).output == CliRunner().invoke(main, ["--version"]).output


def test_garbage_is_not_collected_while_a_command_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[bool] = []
    monkeypatch.setattr(cli, "resolve_name", lambda _: states.append(gc.isenabled()))
    assert gc.isenabled()
    cli.COMMANDS["serve"]
    assert (states, gc.isenabled()) == ([False], True)


def test_the_list_of_commands_shows_the_help_of_each() -> None:
    summaries = {name: summary for name, (_, summary) in cli.COMMAND_TABLE.items()}
    assert {name: cli.COMMANDS[name].get_short_help_str(1000) for name in cli.COMMANDS.data} == summaries


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = "import sys; sys.argv = ['x', '--help']; from emulator.cli import main; main()"
    check = (
        "import atexit, sys; atexit.register(lambda: print(*(each for each in sys.modules if 'emulator' in each)))"
    )
    done = subprocess.run([sys.executable, "-c", f"{check}; {code}"], check=True, capture_output=True, text=True)
    assert "serve" in done.stdout
    assert set(done.stdout.splitlines()[-1].split()) <= {
        "emulator",
        "emulator.cli",
        "emulator.core",
        "emulator.core.version",
    }


SUGGESTED = {
    ("srve",): "serve",
    ("serve", "--prot", "1"): "--port",
    ("serve", "--log-format", "jsn"): "json",
    ("serve", "--scenario", "dmeo"): "demo",
    ("serve", "--port", "0", "--installation", "defualt"): "default",
    ("serve", "--port", "0", "--limit", "full-acess:read=1/min"): "full-access",
    ("token", "full-acess"): "full-access",
    ("installation", "lnt"): "lint",
    ("installation", "lint", "defualt"): "default",
    ("verify", "http://127.0.0.1:1", "--format", "jsn"): "json",
}


@pytest.mark.parametrize(("arguments", "name"), SUGGESTED.items(), ids=map(" ".join, SUGGESTED))
def test_a_refused_name_gets_a_suggestion(arguments: tuple[str, ...], name: str) -> None:
    line = refused(*arguments)
    assert "id you mean" in line
    assert name in line.partition("id you mean")[2]


@pytest.mark.parametrize(
    ("typed", "offered"), [("serve --wa", "--watch"), ("ser", "serve"), ("token full", "full-access")]
)
def test_shells_can_complete(typed: str, offered: str) -> None:
    """The environment is that of the completion script for bash."""
    words = ["oms-emulator", *typed.split()]
    variables = {
        "_OMS_EMULATOR_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = CliRunner().invoke(main, [], prog_name="oms-emulator", env=variables)
    assert f"plain,{offered}" in done.output.splitlines()


def test_an_import_shows_its_progress_on_a_terminal_alone(tmp_path: Path) -> None:
    page = Emulator("demo", packages=5).session().get(LIST).json()
    (file := tmp_path / "list.json").write_text(json.dumps({"path": LIST, "body": page}))
    arguments = ("import", str(file), "-o", str(tmp_path / "scenario.json"))
    with terminal_of(*arguments) as (_, screen):
        assert "5/5" in text_after(screen, "checking documents")
    done = subprocess.run(command(*arguments, "--force"), capture_output=True, env=environment({}), check=True)
    assert b"checking documents" not in done.stdout + done.stderr


def slow_terminal(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Treat each start as slow, on a terminal. Return an event that is set when the start is reported."""
    reported = threading.Event()
    monkeypatch.setattr(terminal, "SLOW_SECONDS", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(click, "echo", lambda text, **_: print(text) or reported.set())
    return reported


def test_a_slow_start_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reported = slow_terminal(monkeypatch)
    with terminal.slow_start("worlds.db"):
        assert reported.wait(10)
    assert capsys.readouterr().out == "opening worlds.db ...\n"


@pytest.mark.parametrize("kind", ["state file", "scenario file"])
def test_a_slow_start_shows_how_many_steps_are_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Emulator("empty", state=tmp_path / "worlds.db") as oms:
        for _ in range(200):
            oms.package()
        count = len(oms.world.steps)
        oms.save(tmp_path / "saved.json")
    reported = slow_terminal(monkeypatch)
    with terminal.slow_start("worlds.db"):
        assert reported.wait(10)
        start = {"state": tmp_path / "worlds.db"} if kind == "state file" else {}
        again = Emulator("empty" if start else tmp_path / "saved.json", **start)
        assert len(again.world.steps) == count
    again.close()
    shown = capsys.readouterr().err
    assert f"{count}/{count}" in shown
    assert "reading steps" in shown
    assert shown.count("\r") < 60, "the bar is not drawn for each step"


def test_a_start_without_a_terminal_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "SLOW_SECONDS", 0)
    with terminal.slow_start("busy-day"):
        Emulator("busy-day")
    assert capsys.readouterr() == ("", "")
