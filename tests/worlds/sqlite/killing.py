"""Kill a server under load with SIGKILL, repeatedly, and check the state file after each restart."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from emulator.core.records import KINDS, WebhookEvent
from emulator.domain.scenario_files import scenario_from_document
from emulator.state.record_codec import encode_record
from emulator.state.store import REMOVED, Snapshot
from emulator.worlds.loading.scenarios import open_world
from tests.cli.test_serve import command, environment, ready
from tests.support.reads import HOST, http_sender, read_everything
from tests.support.traffic import SKU

PACKAGES = 4
WORLDS = ("default", "other")
MAX_WRITES = 100
"""Maximum number of acknowledged writes before a server is killed."""
MAX_KILL_DELAY = 0.05
"""Maximum number of seconds after the last of these writes. The kill can interrupt a write or a commit."""
MAX_START_DELAY = 1.5
"""Maximum number of seconds before a starting server is killed. Some servers are ready by then."""
START_KILL_INTERVAL = 4
"""One server in this many is killed while it starts."""
KILLS_PER_FILE = 6
"""After this many kills a new file is started, because replaying a large world takes long."""
TOKEN = {"Authorization": "Token full-access", "Content-Type": "application/json"}


def prefix(world: str) -> str:
    return "" if world == "default" else f"/w/{world}"


class WritingClient(threading.Thread):
    """A client that writes until the server is killed, and records the acknowledged writes."""

    def __init__(
        self, url: str, world: str, seed: int, write_count: threading.Semaphore, write: Callable[[WritingClient], Any]
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.world, self.rng, self.write = url, world, Random(seed), write
        self.acknowledged: list[str] = []
        """Request ids of the writes that were answered with success."""
        self.problems: list[str] = []
        self.write_count = write_count
        """Released for each acknowledged write."""

    def run(self) -> None:
        with http_sender(self.url) as self.ask:
            try:
                while True:
                    self.write(self)
            except (OSError, http.client.HTTPException):
                pass  # the server was killed

    def send(self, method: str, path: str, document: Any = None) -> None:
        body = None if document is None else json.dumps(document).encode()
        answer = self.ask(method, prefix(self.world) + path, body, TOKEN)
        if answer.status >= 500:
            self.problems.append(f"{method} {path}: {answer.status} {answer.body!r}")
        if answer.status < 300:
            self.acknowledged.append(answer.headers["X-Emulator-Request-Id"])
            self.write_count.release()


def commands(client: WritingClient) -> None:
    """Block a package and unblock it."""
    listed = f"{prefix(client.world)}/api/v1/oms/packages/short/?limit=1&sort=id"
    pk = client.ask("GET", listed, None, TOKEN).json["results"][0]["id"] + client.rng.randrange(PACKAGES)
    for transition in (1021, 1025) * 4:
        client.send("POST", f"/api/v1/oms/packages/{pk}/command/", {"transition": transition, "input_parameters": {}})
        client.send("POST", f"/api/v1/oms/packages/{pk}/set_remote_id/", {"remote_id": f"{client.rng.random()}"})


def orders(client: WritingClient) -> None:
    client.send("POST", "/__admin/orders", {"lines": [{"sku": SKU, "quantity": client.rng.randrange(1, 3)}]})
    client.send("PUT", f"/__admin/stock/1/{SKU}", {"quantity": client.rng.randrange(99)})


def control_writes(client: WritingClient) -> None:
    client.send("POST", "/__admin/packages", {"state": client.rng.choice(["Waiting", "Packed", "Shipped"])})
    for _ in range(5):
        client.send("PATCH", "/__admin/stock_locations/1", {"max_quota": client.rng.randrange(9, 99)})


class WorldsClient(WritingClient):
    """A client that creates and deletes two worlds."""

    def __init__(self, url: str, seed: int, write_count: threading.Semaphore) -> None:
        super().__init__(url, "default", seed, write_count, WorldsClient.write_once)
        self.exists: dict[str, bool | None] = {}
        """World -> whether it exists; None while a request is pending."""

    def write_once(self) -> None:
        for name in ("one", "two"):
            if not self.exists.get(name):
                self.change_world(name, "PUT", {"world": "other"}, will_exist=True)
            else:
                self.change_world(name, "DELETE", None, will_exist=False)

    def change_world(self, name: str, method: str, document: Any, *, will_exist: bool) -> None:
        self.exists[name] = None
        body = None if document is None else json.dumps(document).encode()
        answer = self.ask(method, f"/__admin/worlds/{name}", body, TOKEN)
        if answer.status not in {200, 201, 204, 404}:
            self.problems.append(f"{method} {name}: {answer.status} {answer.body!r}")
        self.exists[name] = will_exist


class SnapshotClient(WritingClient):
    """A client that takes snapshots with unique names."""

    def __init__(self, url: str, world: str, seed: int, write_count: threading.Semaphore) -> None:
        super().__init__(url, world, seed, write_count, SnapshotClient.write_once)
        self.acknowledged_snapshots: list[str] = []

    def write_once(self) -> None:
        name = f"s{self.rng.getrandbits(64)}"
        answer = self.ask("PUT", f"{prefix(self.world)}/__admin/snapshots/{name}", None, TOKEN)
        if answer.status == 201:
            self.acknowledged_snapshots.append(name)
        else:
            self.problems.append(f"snapshot: {answer.status} {answer.body!r}")
        self.send("PATCH", "/__admin/stock_locations/1", {"max_quota": self.rng.randrange(9, 99)})


@contextmanager
def serving(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a server on a state file, and kill it at the end."""
    options = ("--port", "0", "--packages", str(PACKAGES), "--state", str(file), "-q", "--allow-host", HOST)
    process = subprocess.Popen(
        command("serve", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment({})
    )
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
        assert errors == "", errors


@contextmanager
def reopened(file: Path) -> Iterator[Emulator]:
    """Open the state file of a killed server, as the next server does."""
    with closing(Emulator("demo", packages=PACKAGES, state=file)) as oms:
        yield oms


def steps_of(oms: WorldHandle) -> list[str]:
    return [step["request"] for step in map(json.loads, oms.world.steps) if "request" in step]


class Run(NamedTuple):
    """What the clients did until the server was killed."""

    before: Mapping[str, list[str]]
    clients: list[WritingClient]

    @property
    def acknowledged(self) -> int:
        return sum(len(client.acknowledged) for client in self.clients)


def load_and_kill(process: subprocess.Popen[str], before: Mapping[str, list[str]], rng: Random) -> Run:
    """Put a server under load and kill it at a random time."""
    url, write_count = ready(process), threading.Semaphore(0)
    clients = [
        *(WritingClient(url, world, rng.randrange(99), write_count, commands) for world in WORLDS * 2),
        *(WritingClient(url, world, rng.randrange(99), write_count, orders) for world in WORLDS),
        WritingClient(url, "other", rng.randrange(99), write_count, control_writes),
        *(SnapshotClient(url, world, rng.getrandbits(64), write_count) for world in WORLDS),
        WorldsClient(url, rng.randrange(99), write_count),
    ]
    for client in clients:
        client.start()
    for _ in range(rng.randrange(MAX_WRITES)):
        assert write_count.acquire(timeout=60), "the server no longer acknowledges writes"
    time.sleep(rng.uniform(0, MAX_KILL_DELAY))  # the random time of the kill, not a wait for a condition
    os.kill(process.pid, signal.SIGKILL)
    for client in clients:
        client.join(30)
    assert [problem for client in clients for problem in client.problems] == []
    return Run(before, clients)


def start_and_kill(process: subprocess.Popen[str], before: Mapping[str, list[str]], rng: Random) -> Run:
    """Kill a server at a random time while it starts."""
    time.sleep(rng.uniform(0, MAX_START_DELAY))  # the random time of the kill, as above
    os.kill(process.pid, signal.SIGKILL)
    return Run(before, [])


def check(run: Run, oms: Emulator, rng: Random) -> None:
    """Compare the state file of a killed server with what the clients know."""
    for client in run.clients:
        if isinstance(client, WorldsClient):
            check_worlds(oms, client)
    for name in run.before:
        clients = [client for client in run.clients if client.world == name]
        check_steps(oms.in_world(name), run.before[name], clients)
        check_snapshots(oms.in_world(name), clients)
        check_replay(oms.in_world(name), rng)


def check_worlds(oms: Emulator, client: WorldsClient) -> None:
    """Every world whose creation was acknowledged exists, and every deleted one does not."""
    for name, expected in client.exists.items():
        assert expected is None or expected == (name in oms.worlds), (name, expected)


def check_steps(oms: WorldHandle, before: list[str], clients: list[WritingClient]) -> None:
    """Earlier and acknowledged writes exist, and at most one unacknowledged write of each client."""
    now = steps_of(oms)
    assert now[: len(before)] == before
    new = now[len(before) :]
    assert len(set(new)) == len(new)
    acknowledged = {id_ for client in clients for id_ in client.acknowledged}
    assert acknowledged <= set(new), f"lost: {sorted(acknowledged - set(new))}"
    assert len(new) - len(acknowledged) <= len(clients)


def check_snapshots(oms: WorldHandle, clients: list[WritingClient]) -> None:
    """Every acknowledged snapshot exists."""
    expected = {
        name for client in clients if isinstance(client, SnapshotClient) for name in client.acknowledged_snapshots
    }
    assert expected <= set(oms.world.snapshots), f"lost: {sorted(expected - set(oms.world.snapshots))}"


def check_replay(oms: WorldHandle, rng: Random) -> None:
    """Check that the records of the world and of a snapshot equal those of the replayed export.

    Therefore no write was stored partially.
    """
    document = oms.export()
    assert records(replay(document)) == records(oms.world.records)
    if oms.world.snapshots:
        snapshot = oms.world.snapshots[rng.choice(list(oms.world.snapshots))]
        document_of_snapshot = document | {"steps": document["steps"][: len(snapshot.steps)]}
        assert records(replay(document_of_snapshot)) == records(snapshot.records)


def replay(document: Mapping[str, Any]) -> Snapshot:
    return open_world(scenario_from_document(document, "replayed")).records


def records(root: Snapshot) -> dict[str, Any]:
    """Return the records that belong to the world, their ids, and the queued events."""
    contents: dict[str, Any] = {
        name: {id_: encode_record(record) for id_, record in root.maps.get(kind, {}).items() if record is not REMOVED}
        for name, kind in KINDS.items()
    }
    ids = {f"{name} ids": list(root.ids(kind)) for name, kind in KINDS.items() if kind in root.maps}
    return contents | ids | {"queued": list(root.due_items(WebhookEvent))}


def check_answers(oms: WorldHandle) -> None:
    """Every GET has the same answer in the world and in its replayed export."""
    oms.clock.freeze()
    other = Emulator("empty")
    other.worlds.create(oms.name, scenario_from_document(oms.export(), "replayed"))
    assert read_everything(oms) == read_everything(other.in_world(oms.name))


class SoakResult(NamedTuple):
    """Counts of a soak run."""

    kills: int
    at_start: int
    acknowledged: int


def soak(folder: Path, kills: int, seed: int, report: Callable[[str], None] = lambda _: None) -> SoakResult:
    """Kill servers and return the counts. Raise `AssertionError` if a write was lost or stored partially."""
    acknowledged = at_start = 0
    rng, before = Random(seed), dict[str, list[str]]()
    for kill in range(kills):
        file, kill_of_file = folder / f"{kill // KILLS_PER_FILE}.db", kill % KILLS_PER_FILE
        before = start_file(file) if kill_of_file == 0 else before
        is_starting = kill % START_KILL_INTERVAL == START_KILL_INTERVAL - 1
        with serving(file) as process:
            run = (start_and_kill if is_starting else load_and_kill)(process, before, rng)
        with reopened(file) as oms:
            check(run, oms, Random(kill))
            before = {world: steps_of(oms.in_world(world)) for world in WORLDS}
            if kill_of_file == KILLS_PER_FILE - 1:
                check_answers(oms.in_world(WORLDS[kill // KILLS_PER_FILE % 2]))
        acknowledged, at_start = acknowledged + run.acknowledged, at_start + is_starting
        report(f"kill {kill + 1} of {kills}: {acknowledged} writes acknowledged, none lost")
    return SoakResult(kills, at_start, acknowledged)


def start_file(file: Path) -> dict[str, list[str]]:
    """Start a file with two worlds and return the steps of each."""
    with reopened(file) as oms:
        oms.in_world("other", seed=2)
        return {world: [] for world in WORLDS}
