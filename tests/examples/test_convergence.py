"""The example receivers have the right records after each of 1,000 histories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from tests.support.shops import added_packages, state_of

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NODE_RECEIVER = Path(__file__).with_name("records.mjs")
SECRET = "a secret"
HISTORIES = 1_000


def states(oms: WorldHandle) -> dict[int, str]:
    return {id_: state_of(oms, id_)["name"] for id_ in added_packages(oms)}


class FlaskClient:
    """The application of the example in Flask, which is created again for each history."""

    def __init__(self) -> None:
        self.packages: dict[int, Any] = {}

    def reset(self) -> None:
        self.packages.clear()
        self._app = import_module("receiver").create_app(SECRET, self.packages)

    def receive(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        return self._app({**environ, "PATH_INFO": "/hook"}, start_response)

    def view(self, oms: WorldHandle) -> tuple[object, object]:
        return {id_: each["state"]["name"] for id_, each in self.packages.items()}, states(oms)


def test_receiver_in_flask_converges(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES / "receiver-flask")
    client, oms = FlaskClient(), Emulator("empty")
    count = oms.converges(
        client.receive,
        client.view,
        HISTORIES,
        reset=client.reset,
        secret_key=SECRET,
        save=tmp_path / "failure.json",
    )
    assert count == HISTORIES
    assert capsys.readouterr().out.count("package.created ") >= HISTORIES
    sys.modules.pop("receiver")


@pytest.fixture
def node_url() -> Iterator[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    environment = {**os.environ, "SECRET_KEY": SECRET}
    with subprocess.Popen([node, str(NODE_RECEIVER)], env=environment, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            yield f"http://127.0.0.1:{int(receiver.stdout.readline())}"
        finally:
            receiver.terminate()


def test_receiver_in_node_converges_over_http(node_url: str, tmp_path: Path) -> None:
    session, received = requests.Session(), []

    def view(oms: WorldHandle) -> tuple[object, object]:
        received.append(session.get(f"{node_url}/packages").json())
        return {int(id_): state for id_, state in received[-1].items()}, states(oms)

    count = Emulator("empty").converges(
        f"{node_url}/hook",
        view,
        HISTORIES,
        reset=lambda: session.post(f"{node_url}/reset").raise_for_status(),
        secret_key=SECRET,
        save=tmp_path / "failure.json",
    )
    session.close()
    assert count == HISTORIES
    assert sum(map(len, received)) >= HISTORIES
