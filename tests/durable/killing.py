"""A server under load, killed without warning, again and again; and what must be there when it comes back."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from emulator import Emulator
from emulator.rules.scenarios import from_document
from tests.cli.test_serve import command, environment, ready
from tests.support.reads import Ask, everything, over_http
from tests.support.traffic import SKU

PACKAGES = 4
WORLDS = ("default", "other")
LONGEST_LIFE = 0.5
"""Seconds that a server is under load before it is killed, at most."""
KILLS_OF_A_FILE = 4
"""After so many a new file is begun: comparing all answers of a large world takes long, and finds no more."""
TOKEN = {"Authorization": "Token full-access", "Content-Type": "application/json"}


def prefix(world: str) -> str:
    return "" if world == "default" else f"/w/{world}"


class Writing(threading.Thread):
    """A client that writes until nobody answers; knows what was acknowledged."""

    def __init__(self, url: str, world: str, seed: int, write: Callable[[Writing], Any]) -> None:
        super().__init__(daemon=True)
        self.url, self.world, self.dice, self.write = url, world, Random(seed), write
        self.acknowledged: list[str] = []
        """Ids of the requests of writes that were answered with success."""
        self.problems: list[str] = []

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


def commands(client: Writing) -> None:
    """Take the first package out of work, and back."""
    pk = packages_of(client.ask, client.world)[-1]
    for transition in (1021, 1025):
        body = {"transition": transition, "input_parameters": {}}
        client.send("POST", f"/api/v1/oms/packages/{pk}/command/", body)
        client.send("POST", f"/api/v1/oms/packages/{pk}/set_remote_id/", {"remote_id": f"{client.dice.random()}"})


def packages_of(ask: Ask, world: str) -> list[int]:
    answer = ask("GET", f"{prefix(world)}/api/v1/oms/packages/short/?limit=100&sort=-id", None, TOKEN)
    return [package["id"] for package in answer.json["results"]]


def orders(client: Writing) -> None:
    client.send("POST", "/__admin/orders", {"lines": [{"sku": SKU, "quantity": client.dice.randrange(1, 3)}]})
    client.send("PUT", f"/__admin/stock/1/{SKU}", {"quantity": client.dice.randrange(99)})


def control_writes(client: Writing) -> None:
    client.send("POST", "/__admin/packages", {"state": client.dice.choice(["Waiting", "Packed", "Shipped"])})
    for _ in range(5):
        client.send("PATCH", "/__admin/stock_locations/1", {"max_quota": client.dice.randrange(9, 99)})


class Opening(Writing):
    """A client that makes and deletes worlds, two at a time."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(url, "default", seed, Opening.turn)
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


@contextmanager
def serving(file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server on a state file; it is gone at the end, without warning."""
    options = ("--port", "0", "--packages", str(PACKAGES), "--state", str(file), "-q")
    process = subprocess.Popen(
        command("serve", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment({})
    )
    try:
        yield process, ready(process)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        _, said = process.communicate()
        assert said == "", said


def steps_of(ask: Ask, world: str) -> list[str]:
    answer = ask("GET", f"{prefix(world)}/__admin/export", None, TOKEN)
    assert answer.status == 200, answer
    return [step["request"] for step in answer.json["steps"] if "request" in step]


class Life(NamedTuple):
    """What clients did to a server until it was killed."""

    before: dict[str, list[str]]
    clients: list[Writing]


def load_and_kill(process: subprocess.Popen[str], url: str, ask: Ask, dice: Random) -> Life:
    """Put a server under load, and kill it at a random moment."""
    before = {world: steps_of(ask, world) for world in WORLDS}
    clients = [
        *(Writing(url, world, dice.randrange(99), commands) for world in WORLDS),
        Writing(url, "default", dice.randrange(99), orders),
        Writing(url, "other", dice.randrange(99), control_writes),
        Opening(url, dice.randrange(99)),
    ]
    for client in clients:
        client.start()
    time.sleep(dice.uniform(0.01, LONGEST_LIFE))  # not a wait for something: the moment of death is the dice's
    os.kill(process.pid, signal.SIGKILL)
    for client in clients:
        client.join(30)
    assert [problem for client in clients for problem in client.problems] == []
    return Life(before, clients)


def check(life: Life, ask: Ask) -> None:
    """Compare what a server has on the file of one that was killed with what clients know."""
    check_worlds(ask, life.clients[-1])
    for world in WORLDS:
        check_steps(ask, world, life.before[world], [each for each in life.clients if each.world == world])
        check_replay(ask, world)


def check_worlds(ask: Ask, opening: Writing) -> None:
    """Every world that was said to be there is, and none that was said to be gone."""
    assert isinstance(opening, Opening)
    there = {each["name"] for each in ask("GET", "/__admin/worlds", None, TOKEN).json["results"]}
    for name, expected in opening.there.items():
        assert expected is None or expected == (name in there), (name, expected, there)


def check_steps(ask: Ask, world: str, before: list[str], clients: list[Writing]) -> None:
    """What was there before is, each acknowledged write is, and of the others one at most of each client."""
    now = steps_of(ask, world)
    assert now[: len(before)] == before
    new = now[len(before) :]
    assert len(set(new)) == len(new)
    acknowledged = {id_ for client in clients for id_ in client.acknowledged}
    assert acknowledged <= set(new), f"lost: {sorted(acknowledged - set(new))}"
    assert len(new) - len(acknowledged) <= len(clients)


def check_replay(ask: Ask, world: str) -> None:
    """The world answers every GET as its own export does that is replayed: no half of a write is there."""
    frozen = json.dumps({"mode": "frozen"}).encode()
    assert ask("PUT", f"{prefix(world)}/__admin/clock", frozen, TOKEN).status == 200
    document = ask("GET", f"{prefix(world)}/__admin/export", None, TOKEN).json
    replayed = Emulator("empty")
    replayed.worlds.put(world, from_document(document, "replayed"))
    expected = everything(replayed.in_world(world))
    assert everything(replayed.in_world(world), ask) == expected


def soak(folder: Path, kills: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> int:
    """Kill so many servers; give how many writes were acknowledged before. AssertionError where one was lost."""
    acknowledged, dice = 0, Random(seed)
    for first in range(0, kills, KILLS_OF_A_FILE):
        file = folder / f"{first}.db"
        life = first_life(file, dice)
        for kill in range(first + 1, min(first + KILLS_OF_A_FILE, kills) + 1):
            with serving(file) as (process, url), over_http(url) as ask:
                check(life, ask)
                acknowledged += sum(len(client.acknowledged) for client in life.clients)
                tell(f"kill {kill} of {kills}: {acknowledged} writes acknowledged, none lost")
                if kill % KILLS_OF_A_FILE and kill < kills:
                    life = load_and_kill(process, url, ask, dice)
    return acknowledged


def first_life(file: Path, dice: Random) -> Life:
    """Begin a file with two worlds."""
    with serving(file) as (process, url), over_http(url) as ask:
        body = json.dumps({"seed": 2, "packages": PACKAGES}).encode()
        assert ask("PUT", "/__admin/worlds/other", body, TOKEN).status == 201
        return load_and_kill(process, url, ask, dice)
