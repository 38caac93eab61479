"""`serve` and `exec` send the recorded deliveries of a scenario file again, if the file says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from tests.cli.test_serve import command, environment
from tests.support.receivers import Receiver, run_receiver

pytestmark = pytest.mark.slow


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as started:
        yield started


@pytest.fixture
def history(receiver: Receiver, tmp_path: Path) -> Path:
    """Return a scenario file with a hook of the receiver, and with a package whose event was sent twice."""
    oms, file = Emulator("empty"), tmp_path / "history.json"
    for hook in oms.session().get("/whisperer/hooks/").json()["results"]:  # those of the scenario
        oms.session().delete(f"/whisperer/hooks/{hook['id']}/")
    oms.hooks.add(receiver.url, "package.created")
    oms.hooks.disturb("duplicate", "package.created")
    oms.package(state="Waiting")
    oms.hooks.flush()
    oms.save(file)
    receiver.requests.clear()
    return file


def run_exec(file: Path, *options: str) -> str:
    """Run a command that does nothing. Return what was logged."""
    done = subprocess.run(
        command("exec", "--scenario", str(file), *options, "--", sys.executable, "-c", ""),
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


def set_redeliver(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "redeliver": True}))


def test_the_deliveries_are_sent_before_the_command_runs(history: Path, receiver: Receiver) -> None:
    set_redeliver(history)
    assert "sent 2 deliveries again, 2 were accepted" in run_exec(history)
    first, again = (json.loads(each.body)["event"] for each in receiver.requests)
    assert first == again


def test_nothing_is_sent_without_the_key(history: Path, receiver: Receiver) -> None:
    assert run_exec(history) == ""
    assert receiver.requests == []


def test_worlds_of_a_state_file_are_not_repeated(history: Path, receiver: Receiver, tmp_path: Path) -> None:
    set_redeliver(history)
    assert run_exec(history, "--state", str(tmp_path / "worlds.db")) == ""
    assert receiver.requests == []


def test_a_receiver_that_is_not_there_is_reported(history: Path, receiver: Receiver) -> None:
    set_redeliver(history)
    text = history.read_text().replace(receiver.url, "http://127.0.0.1:9/")
    history.write_text(text)
    assert "sent 2 deliveries again, 0 were accepted" in run_exec(history)
