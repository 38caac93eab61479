"""The example receivers: their own tests pass, and events of a server that runs reach them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emulator import Emulator
from tests.support.ports import free_port

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SECRET = "a secret"
NODE = shutil.which("node")
without_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
FLASK = [sys.executable, str(EXAMPLES / "receiver-flask" / "receiver.py")]
JS = [NODE or "node", str(EXAMPLES / "receiver-node" / "receiver.mjs")]


def ran(command: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        command, cwd=EXAMPLES / folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_flask_receivers_own_tests_pass() -> None:
    done = ran(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "."], "receiver-flask"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@without_node
def test_the_node_receivers_own_tests_pass() -> None:
    done = ran([str(NODE), "--test"], "receiver-node")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [FLASK, pytest.param(JS, marks=without_node)], ids=["flask", "node"])
def test_events_of_a_server_reach_the_receiver(command: list[str]) -> None:
    """Its signature is verified there; an event that comes before the receiver is up is tried again."""
    port = free_port()
    environment = {**os.environ, "SECRET_KEY": SECRET, "PYTHONUNBUFFERED": "1"}
    with (
        Emulator("empty", clock="ticking") as oms,
        subprocess.Popen(
            [*command, str(port)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as receiver,
    ):
        try:
            retry = {"choice": "fixed", "kwargs": {"seconds": 1}}
            oms.hooks.add(f"http://127.0.0.1:{port}/hook", "package.created", secret_key=SECRET, retry=retry)
            oms.package()
            assert receiver.stdout is not None
            lines = iter(receiver.stdout.readline, "")
            assert next(line for line in lines if line.startswith("package.created "))
        finally:
            receiver.terminate()
            receiver.wait(20)
