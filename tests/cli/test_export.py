"""Worlds into files and back, by the command line: `export`, `--import`, `--export-on-exit`, `--state`."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.state.journal import DEFAULT_JOURNAL_SIZE
from emulator.worlds.registry import IDLE_SECONDS, MAX_WORLDS
from tests.cli.test_serve import Serve, command, ended, environment, ready, refused, serve

__all__ = ["serve"]  # the fixture

AUTH = {"Authorization": "Token full-access"}
SMALL = ("--port", "0", "--packages", "3")


def export(*arguments: str) -> bytes:
    done = subprocess.run(command("export", *arguments), capture_output=True, check=False, env=environment({}))
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout


def write(url: str) -> None:
    assert requests.post(f"{url}/__admin/packages", json={"state": "Packed"}, timeout=10).status_code == 201


def freeze(url: str) -> None:
    assert requests.put(f"{url}/__admin/clock", json={"mode": "frozen"}, timeout=10).status_code == 200


def packages(url: str) -> Any:
    return requests.get(f"{url}/api/v1/oms/packages/", headers=AUTH | {"Host": "oms.test"}, timeout=10).content


def called_for(file: Path) -> list[str]:
    """Return the requests of a file's steps. Steps that follow automatically from calls have none."""
    return [step["request"] for step in json.loads(file.read_bytes())["steps"] if "request" in step]


def test_a_server_s_world_goes_into_a_file_and_another_server_has_it(serve: Serve, tmp_path: Path) -> None:
    """Printed or written, of any world; `--import` and `--scenario` make the same world of it."""
    url = ready(serve(*SMALL))
    requests.put(f"{url}/__admin/worlds/mine", json={}, timeout=10).raise_for_status()
    write(f"{url}/w/mine")
    freeze(f"{url}/w/mine")
    file = tmp_path / "mine.json"
    assert export("--url", url, "--world", "mine", "-o", str(file)) == b""
    assert export("--url", f"{url}/", "--world", "mine") == file.read_bytes()
    assert len(called_for(file)) == 1
    assert json.loads(export("--url", url))["steps"] == []
    again = ready(serve("--port", "0", "--import", str(file)))
    assert packages(again) == packages(f"{url}/w/mine").replace(b"/w/mine/", b"/")
    other = ready(serve("--port", "0", OMS_EMULATOR_SCENARIO=str(file)))
    assert packages(other) == packages(again)


def test_a_state_file_s_world_goes_into_a_file_without_a_server(serve: Serve, tmp_path: Path) -> None:
    state = tmp_path / "state"
    process = serve(*SMALL, "--state", str(state))
    url = ready(process)
    write(url)
    freeze(url)
    online = export("--url", url)
    in_use = refused("export", "--state", str(state))
    assert "in use by another process" in in_use
    assert ended(process, signal.SIGTERM)[0] == 0
    before = state.read_bytes()
    assert export("--state", str(state)) == online
    assert state.read_bytes() == before
    assert "has no world 'x'; it has default" in refused("export", "--state", str(state), "--world", "x")


def test_a_restart_on_a_state_file_continues(serve: Serve, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    process = serve(*SMALL, "--state", state)
    url = ready(process)
    write(url)
    freeze(url)
    before = packages(url)
    assert ended(process, signal.SIGINT)[:2] == (130, "")
    assert packages(ready(serve(*SMALL, OMS_EMULATOR_STATE=state))) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"])
def test_a_server_exports_when_a_signal_stops_it(serve: Serve, tmp_path: Path, number: Any, code: int) -> None:
    file = tmp_path / "last.json"
    process = serve(*SMALL, "--export-on-exit", str(file))
    url = ready(process)
    write(url)
    assert not file.exists()
    assert ended(process, number) == (code, "", "")
    assert len(called_for(file)) == 1
    again = serve("--port", "0", "--import", str(file), "--export-on-exit", str(file))
    write(ready(again))
    assert ended(again, number) == (code, "", "")
    assert len(called_for(file)) == 2
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_foreign_file_is_never_overwritten_without_force(serve: Serve, tmp_path: Path) -> None:
    """`serve` says so before it starts, not when all is done."""
    foreign = tmp_path / "notes.json"
    foreign.write_text('{"mine": true}')
    assert "exists and is not a scenario file" in refused("serve", *SMALL, "--export-on-exit", str(foreign))
    url = ready(serve(*SMALL))
    assert "exists and is not a scenario file" in refused("export", "--url", url, "-o", str(foreign))
    assert foreign.read_text() == '{"mine": true}'
    process = serve(*SMALL, "--export-on-exit", str(foreign), "--force")
    ready(process)
    assert ended(process, signal.SIGTERM)[0] == 0
    assert json.loads(foreign.read_bytes())["name"] == "demo"
    foreign.write_text('{"mine": true}')
    export("--url", url, "-o", str(foreign), "--force")
    assert json.loads(foreign.read_bytes())["name"] == "demo"


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "two starts": (("serve", "--scenario", "demo", "--import", "x.json"), "cannot be used together"),
    "no file to start from": (("serve", "--import", "/nowhere/x"), "cannot read scenario file /nowhere/x"),
    "a state in no folder": (("serve", "--state", "/nowhere/x"), "cannot make state file /nowhere/x"),
    "a state that is a folder": (("serve", "--state", "/"), "state file / is not a file but a folder"),
    "an export in no folder": (("serve", "--export-on-exit", "/nowhere/x"), "there is no folder /nowhere"),
    "an export to a folder": (("serve", "--export-on-exit", "/"), "it is a folder"),
    "no worlds": (("serve", "--max-worlds", "0"), "0 is not in the range"),
    "two sources": (("export", "--url", "http://x", "--state", "x"), "cannot be used together"),
    "no state file": (("export", "--state", "/nowhere/x"), "there is no state file /nowhere/x"),
    "no address": (("export", "--url", "x"), "'x' is not an address"),
    "no server at the address": (
        ("export", "--url", "http://127.0.0.1:1"),
        "cannot reach an oms-emulator at http://127.0.0.1:1",
    ),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_invalid_options_give_a_one_line_error(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments)


def test_a_file_of_another_scenario_is_refused_in_one_line(serve: Serve, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    process = serve(*SMALL, "--state", state)
    ready(process)
    ended(process, signal.SIGTERM)
    assert "was made for 3 packages, not for 200" in refused("serve", "--port", "0", "--state", state)
    assert "was made for scenario 'demo', not for 'empty'" in refused(
        "serve", "--scenario", "empty", "--state", state
    )


def test_unknown_world_is_named(serve: Serve) -> None:
    assert "no world is named 'x'" in refused("export", "--url", ready(serve(*SMALL)), "--world", "x")


def test_flag_takes_precedence_over_an_excluded_environment_variable(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"name": "mine"}')
    one = ready(serve("--port", "0", "--import", str(file), OMS_EMULATOR_SCENARIO="demo"))
    other = ready(serve("--port", "0", "--scenario", "empty", OMS_EMULATOR_IMPORT=str(file)))
    named = [requests.get(f"{url}/__admin/health", timeout=10).json()["scenario"] for url in (one, other)]
    assert named == ["mine", "empty"]


def test_limits_are_those_of_the_options(serve: Serve) -> None:
    url = ready(serve(*SMALL, "--max-worlds", "2", "--journal-size", "1"))
    assert requests.put(f"{url}/__admin/worlds/a", json={}, timeout=10).status_code == 201
    assert requests.put(f"{url}/__admin/worlds/b", json={}, timeout=10).status_code == 409
    packages(url), packages(url)
    assert requests.get(f"{url}/__admin/requests", timeout=10).json()["count"] == 1


def test_the_defaults_that_help_prints_are_those_of_python() -> None:
    from emulator.cli.serve import serve as command_  # noqa: PLC0415 - the object, not the process

    defaults = {option.name: option.default for option in command_.params}
    assert defaults["max_worlds"] == MAX_WORLDS
    assert defaults["world_idle"] == IDLE_SECONDS
    assert defaults["journal_size"] == DEFAULT_JOURNAL_SIZE
