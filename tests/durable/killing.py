"""A server under load, killed without warning, again and again; and what must be there when it comes back."""

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
from emulator.core.records import KINDS, WebhookEvent
from emulator.core.rows import packed
from emulator.core.store import REMOVED, Root
from emulator.inworld import InWorld
from emulator.loading import open_world
from emulator.rules.scenarios import from_document
from tests.cli.test_serve import command, environment, ready
from tests.support.reads import everything, over_http
from tests.support.traffic import SKU

PACKAGES = 4
WORLDS = ("default", "other")
MOST_WRITES = 100
"""After how many acknowledged writes a server is killed, at most."""
MOMENT = 0.05
"""Seconds later, at most: between two writes, amid one, amid a commit."""
LONGEST_START = 1.5
"""Seconds after which a server is killed that starts, at most: some are ready by then."""
KILLED_AT_START = 4
"""One of so many servers is killed while it starts."""
KILLS_OF_A_FILE = 6
"""After so many a new file is begun: replaying a large world takes long, and finds no more."""
TOKEN = {"Authorization": "Token full-access", "Content-Type": "application/json"}


def prefix(world: str) -> str:
    return "" if world == "default" else f"/w/{world}"


class Writing(threading.Thread):
    """A client that writes until nobody answers; knows what was acknowledged."""

    def __init__(
        self, url: str, world: str, seed: int, written: threading.Semaphore, write: Callable[[Writing], Any]
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.world, self.dice, self.write = url, world, Random(seed), write
        self.acknowledged: list[str] = []
        """Ids of the requests of writes that were answered with success."""
        self.problems: list[str] = []
        self.written = written
        """Released for each of them."""

    def run(self) -> None:
        with over_http(self.url) as self.ask:
            try:
                while True:
                    self.write(self)
            except (OSError, http.client.HTTPException):
                pass  # killed, as it was meant to be

    def send(self, method: str, path: str, document: Any = None) -> None:
        body = None if document is None else json.dumps(document).encode()
        answer = self.ask(method, prefix(self.world) + path, body, TOKEN)
        if answer.status >= 500:
            self.problems.append(f"{method} {path}: {answer.status} {answer.body!r}")
        if answer.status < 300:
            self.acknowledged.append(answer.headers["X-Emulator-Request-Id"])
            self.written.release()


def commands(client: Writing) -> None:
    """Take a package out of work, and back."""
    listed = f"{prefix(client.world)}/api/v1/oms/packages/short/?limit=1&sort=id"
    pk = client.ask("GET", listed, None, TOKEN).json["results"][0]["id"] + client.dice.randrange(PACKAGES)
    for transition in (1021, 1025) * 4:
        client.send("POST", f"/api/v1/oms/packages/{pk}/command/", {"transition": transition, "input_parameters": {}})
        client.send("POST", f"/api/v1/oms/packages/{pk}/set_remote_id/", {"remote_id": f"{client.dice.random()}"})


def orders(client: Writing) -> None:
    client.send("POST", "/__admin/orders", {"lines": [{"sku": SKU, "quantity": client.dice.randrange(1, 3)}]})
    client.send("PUT", f"/__admin/stock/1/{SKU}", {"quantity": client.dice.randrange(99)})


def control_writes(client: Writing) -> None:
    client.send("POST", "/__admin/packages", {"state": client.dice.choice(["Waiting", "Packed", "Shipped"])})
    for _ in range(5):
        client.send("PATCH", "/__admin/stock_locations/1", {"max_quota": client.dice.randrange(9, 99)})


class Opening(Writing):
    """A client that makes and deletes worlds, two at a time."""

    def __init__(self, url: str, seed: int, written: threading.Semaphore) -> None:
        super().__init__(url, "default", seed, written, Opening.turn)
        self.there: dict[str, bool | None] = {}
        """World -> whether it is there; None while nobody knows."""

    def turn(self) -> None:
        for name in ("one", "two"):
            if not self.there.get(name):
                self.change(name, "PUT", {"world": "other"}, is_there=True)
            else:
                self.change(name, "DELETE", None, is_there=False)

    def change(self, name: str, method: str, document: Any, *, is_there: bool) -> None:
        self.there[name] = None
        body = None if document is None else json.dumps(document).encode()
        answer = self.ask(method, f"/__admin/worlds/{name}", body, TOKEN)
        if answer.status not in {200, 201, 204, 404}:
            self.problems.append(f"{method} {name}: {answer.status} {answer.body!r}")
        self.there[name] = is_there


class Naming(Writing):
    """A client that takes snapshots, each under a name of its own."""

    def __init__(self, url: str, world: str, seed: int, written: threading.Semaphore) -> None:
        super().__init__(url, world, seed, written, Naming.turn)
        self.taken: list[str] = []

    def turn(self) -> None:
        name = f"s{self.dice.getrandbits(64)}"
        answer = self.ask("PUT", f"{prefix(self.world)}/__admin/snapshots/{name}", None, TOKEN)
        if answer.status == 201:
            self.taken.append(name)
        else:
            self.problems.append(f"snapshot: {answer.status} {answer.body!r}")
        self.send("PATCH", "/__admin/stock_locations/1", {"max_quota": self.dice.randrange(9, 99)})


@contextmanager
def serving(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a server on a state file; it is gone at the end, without warning."""
    options = ("--port", "0", "--packages", str(PACKAGES), "--state", str(file), "-q")
    process = subprocess.Popen(
        command("serve", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment({})
    )
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        _, said = process.communicate()
        assert said == "", said


@contextmanager
def reopened(file: Path) -> Iterator[Emulator]:
    """Open the file of a server that was killed, as the next one does."""
    with closing(Emulator("demo", packages=PACKAGES, state=file)) as oms:
        yield oms


def steps_of(oms: InWorld) -> list[str]:
    return [step["request"] for step in map(json.loads, oms.world.steps) if "request" in step]


class Life(NamedTuple):
    """What clients did to a server until it was killed."""

    before: Mapping[str, list[str]]
    clients: list[Writing]

    @property
    def acknowledged(self) -> int:
        return sum(len(client.acknowledged) for client in self.clients)


def load_and_kill(process: subprocess.Popen[str], before: Mapping[str, list[str]], dice: Random) -> Life:
    """Put a server under load, and kill it at a random moment."""
    url, written = ready(process), threading.Semaphore(0)
    clients = [
        *(Writing(url, world, dice.randrange(99), written, commands) for world in WORLDS * 2),
        *(Writing(url, world, dice.randrange(99), written, orders) for world in WORLDS),
        Writing(url, "other", dice.randrange(99), written, control_writes),
        *(Naming(url, world, dice.getrandbits(64), written) for world in WORLDS),
        Opening(url, dice.randrange(99), written),
    ]
    for client in clients:
        client.start()
    for _ in range(dice.randrange(MOST_WRITES)):
        assert written.acquire(timeout=60), "nothing is written any more"
    time.sleep(dice.uniform(0, MOMENT))  # not a wait for something: the moment of death is the dice's
    os.kill(process.pid, signal.SIGKILL)
    for client in clients:
        client.join(30)
    assert [problem for client in clients for problem in client.problems] == []
    return Life(before, clients)


def start_and_kill(process: subprocess.Popen[str], before: Mapping[str, list[str]], dice: Random) -> Life:
    """Kill a server at a random moment while it starts."""
    time.sleep(dice.uniform(0, LONGEST_START))  # the dice's moment, as above
    os.kill(process.pid, signal.SIGKILL)
    return Life(before, [])


def check(life: Life, oms: Emulator, dice: Random) -> None:
    """Compare what is on the file of a server that was killed with what clients know."""
    for client in life.clients:
        if isinstance(client, Opening):
            check_worlds(oms, client)
    for name in life.before:
        clients = [each for each in life.clients if each.world == name]
        check_steps(oms.in_world(name), life.before[name], clients)
        check_snapshots(oms.in_world(name), clients)
        check_replay(oms.in_world(name), dice)


def check_worlds(oms: Emulator, opening: Opening) -> None:
    """Every world that was said to be there is, and none that was said to be gone."""
    for name, expected in opening.there.items():
        assert expected is None or expected == (name in oms.worlds), (name, expected)


def check_steps(oms: InWorld, before: list[str], clients: list[Writing]) -> None:
    """What was there before is, each acknowledged write is, and of the others one at most of each client."""
    now = steps_of(oms)
    assert now[: len(before)] == before
    new = now[len(before) :]
    assert len(set(new)) == len(new)
    acknowledged = {id_ for client in clients for id_ in client.acknowledged}
    assert acknowledged <= set(new), f"lost: {sorted(acknowledged - set(new))}"
    assert len(new) - len(acknowledged) <= len(clients)


def check_snapshots(oms: InWorld, clients: list[Writing]) -> None:
    """Each acknowledged snapshot is there."""
    taken = {name for client in clients if isinstance(client, Naming) for name in client.taken}
    assert taken <= set(oms.world.snapshots), f"lost: {sorted(taken - set(oms.world.snapshots))}"


def check_replay(oms: InWorld, dice: Random) -> None:
    """The world has the records that its own export has when it is replayed: no half of a write is there. So has one
    of its snapshots.
    """
    document = oms.export()
    assert records(replayed(document)) == records(oms.world.root)
    if oms.world.snapshots:
        moment = oms.world.snapshots[dice.choice(list(oms.world.snapshots))]
        until = document | {"steps": document["steps"][: len(moment.steps)]}
        assert records(replayed(until)) == records(moment.root)


def replayed(document: Mapping[str, Any]) -> Root:
    return open_world(from_document(document, "replayed"), "frozen").root


def records(root: Root) -> dict[str, Any]:
    """Give all that is a world's own among its records, and which wait."""
    found: dict[str, Any] = {
        name: {id_: packed(record) for id_, record in root.maps.get(kind, {}).items() if record is not REMOVED}
        for name, kind in KINDS.items()
    }
    ids = {f"{name} ids": list(root.ids(kind)) for name, kind in KINDS.items() if kind in root.maps}
    return found | ids | {"queued": list(root.queued(WebhookEvent))}


def check_answers(oms: InWorld) -> None:
    """The world answers every GET as its own export does that is replayed."""
    oms.clock.freeze()
    other = Emulator("empty")
    other.worlds.put(oms.name, from_document(oms.export(), "replayed"))
    assert everything(oms) == everything(other.in_world(oms.name))


class Soaked(NamedTuple):
    """What a soak came to."""

    kills: int
    at_start: int
    acknowledged: int


def soak(folder: Path, kills: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Soaked:
    """Kill so many servers; give what came of it. `AssertionError` where a write was lost, or a half one is there."""
    acknowledged = at_start = 0
    dice, before = Random(seed), dict[str, list[str]]()
    for kill in range(kills):
        file, turn = folder / f"{kill // KILLS_OF_A_FILE}.db", kill % KILLS_OF_A_FILE
        before = begun(file) if turn == 0 else before
        is_starting = kill % KILLED_AT_START == KILLED_AT_START - 1
        with serving(file) as process:
            life = (start_and_kill if is_starting else load_and_kill)(process, before, dice)
        with reopened(file) as oms:
            check(life, oms, Random(kill))
            before = {world: steps_of(oms.in_world(world)) for world in WORLDS}
            if turn == KILLS_OF_A_FILE - 1:
                check_answers(oms.in_world(WORLDS[kill // KILLS_OF_A_FILE % 2]))
        acknowledged, at_start = acknowledged + life.acknowledged, at_start + is_starting
        tell(f"kill {kill + 1} of {kills}: {acknowledged} writes acknowledged, none lost")
    return Soaked(kills, at_start, acknowledged)


def begun(file: Path) -> dict[str, list[str]]:
    """Begin a file with two worlds; give the steps of each."""
    with reopened(file) as oms:
        oms.in_world("other", seed=2)
        return {world: [] for world in WORLDS}
