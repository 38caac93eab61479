"""Threads and forks: locks while bodies are read, unique ids, refused worlds, branches, and forked processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.core.errors import Conflict, InvalidDocument
from emulator.core.files import replace_file
from emulator.state.faults import ArmedFault, Faults
from emulator.state.persistence import Snapshots

CONTROL_WRITES = ("reset", "undo", "orders", "packages", "faults", "clock", "live", "hooks/flush", "carrier")


class StalledBody(BytesIO):
    """A body that records whether its reader has the lock of a world while it waits for the client."""

    def __init__(self, body: bytes, oms: Emulator) -> None:
        super().__init__(body)
        self.oms, self.held = oms, False

    def read(self, size: int | None = -1, /) -> bytes:
        with ThreadPoolExecutor(1) as other:
            free = other.submit(self.oms.world.lock.acquire, timeout=0.01).result()
            if free:
                other.submit(self.oms.world.lock.release).result()
        self.held |= not free
        return super().read(size)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((route.method, route.path.replace("<", "").replace(">", "")) for route in ROUTES if route.method != "GET"),
        *(("POST", f"/__admin/{name}") for name in CONTROL_WRITES),
    ],
)
def test_no_lock_is_held_while_a_body_is_read(method: str, path: str) -> None:
    oms = Emulator("demo")
    package, body = oms.package(state="Packed"), b'{"transition": 1, "input_parameters": {}}'
    for name in ("pk", "log_id", "webhook_event_id"):
        path = path.replace(f"/{name}/", f"/{package['id']}/")
    stalled = StalledBody(body, oms)
    scheme = "Token full-access" if path.startswith(("/api/v1", "/whisperer")) else f"Bearer {oms.jwt()}"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": scheme,
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.url_scheme": "http",
        "wsgi.input": stalled, "wsgi.errors": sys.stderr,
    }  # fmt: skip
    b"".join(oms._emulator_app(environ, lambda *_: lambda _: None))
    assert not stalled.held


def test_faults_that_are_armed_at_once_have_different_ids() -> None:
    """Each thread reads the next id before any other adds its fault, unless both are one step."""
    faults, threads = Faults(), 16
    barrier = threading.Barrier(threads, timeout=1)

    def build(id_: int) -> ArmedFault:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.02)  # all threads meet here if ids are allocated without the lock
        return ArmedFault(id_, "status")

    with ThreadPoolExecutor(threads) as pool:
        ids = [fault.id for fault in pool.map(lambda _: faults.add(build), range(threads))]
    assert sorted(ids) == [fault.id for fault in faults.armed] == list(range(1, threads + 1))


def test_fault_with_the_id_of_another_is_refused() -> None:
    faults = Faults()
    faults.add(lambda _: ArmedFault(7, "status"))
    with pytest.raises(InvalidDocument, match="fault 7 is already armed"):
        faults.add(lambda _: ArmedFault(7, "status"))


def test_refused_world_writes_nothing() -> None:
    oms = Emulator("live-demo", clock="ticking", live=3_600, max_worlds=1)
    try:
        with pytest.raises(Conflict):
            oms.in_world("other")
        assert {world.name for world, _ in oms._scheduler._tasks.values()} <= {"default"}
    finally:
        oms.close()


def test_branch_has_the_receivers_of_its_origin() -> None:
    oms = Emulator("empty")
    received: list[Any] = []
    oms.hooks.add(received.append, "package.created")
    other = oms.branch("other")
    other.package(state="Packed")
    other.hooks.flush()
    assert len(received) == 1
    other.hooks.add(lambda _: 503, "package.created")
    assert len(oms.world.outbox.receivers) == 1


def test_reset_world_has_own_snapshots() -> None:
    oms = Emulator("empty")
    before = oms.world
    before.take_snapshot("one")
    oms.reset()
    before.take_snapshot("two")
    assert (list(oms.world.snapshots), list(before.snapshots)) == (["one"], ["one", "two"])
    assert isinstance(oms.world.snapshots, Snapshots)


def test_writing_a_file_never_changes_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> int:
        raise AssertionError("the umask of the process was changed")

    monkeypatch.setattr(os, "umask", fail)
    replace_file(tmp_path / "file", b"text")


@pytest.mark.slow
def test_second_start_returns_the_running_server() -> None:
    with Emulator("empty") as oms:
        server = oms._server
        assert oms.start() == oms.url
        assert oms._server is server


FORK = """
import os, sys, time
from emulator import Emulator

oms = Emulator("empty", clock="ticking", delivery="background", live=1, state=sys.argv[1] or None,
               server=sys.argv[2])
received = []
oms.hooks.add(lambda delivery: received.append(delivery), "package.created")
url = oms.start()
oms.session().get("/api/v1/oms/packages/").raise_for_status()
oms.package(state="Packed")
oms.hooks.flush()
child = os.fork()
if child == 0:
    os.close(0)
    if sys.argv[1]:
        try:
            oms.package(state="Packed")
        except ValueError as error:
            assert "in use by the process that was forked" in str(error), error
            oms.close()
            os._exit(0)
        os._exit(3)
    oms.package(state="Packed")
    oms.hooks.flush()
    assert oms._server is None and len(received) == 2, received
    import requests
    assert requests.get(oms.start() + "/__admin/health").ok
    oms.close()
    time.sleep(600 if sys.argv[3] else 0)
    os._exit(0)
_, status = (0, 0) if sys.argv[3] else os.waitpid(child, 0)
oms.package(state="Packed")
oms.hooks.flush()
import requests
assert requests.get(url + "/__admin/health").ok and len(received) == 2
oms.close()
if sys.argv[3]:
    import signal
    try:
        requests.get(url, timeout=20)
    except requests.ConnectionError as error:
        assert "refused" in str(error), error
    else:
        raise AssertionError("the port is open")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("has_state", [False, True], ids=["memory", "state file"])
@pytest.mark.parametrize("server", ["waitress", "granian"])
def test_forked_process_has_own_threads(tmp_path: Path, has_state: bool, server: str) -> None:
    """A fork while no thread works. The state file belongs to the parent."""
    run_fork(str(tmp_path / "state") if has_state else "", server)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("server", ["waitress", "granian"])
def test_forked_process_does_not_keep_the_port(server: str) -> None:
    """The parent closes its port while the child lives."""
    run_fork("", server, "child lives on")


def run_fork(state: str, server: str, lives_on: str = "") -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, state, server, lives_on]
    subprocess.run(command, check=True, timeout=60)
