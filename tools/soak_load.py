"""Soak test: worlds, mixed load and races on a server (`make soak-load`).

- The memory after many worlds were created, read and deleted is at most 1.3 times the memory after 50.
- The memory of a mixed load is flat: after the warm-up it grows by at most 10 percent.
- Of 200 commands that move one package at once, exactly one succeeds, in each of many races.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PACKAGES, FIRST_WORLDS, CALLERS, CLIENTS, SAMPLES = 2_000, 50, 200, 4, 12
MAX_WORLD_GROWTH, MAX_LOAD_GROWTH = 1.3, 1.1
WARM_UP_ACTIONS = 40_000
"""Number of actions until the caches and the journals are full."""
ACTIONS_BEFORE_RESET = 200
LIST = "/api/v1/oms/packages/"
TRANSITIONS = (1021, 1025)
"""Blocks a package, and unblocks it."""


class Server:
    """A server in a separate process, whose memory is measured."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, urlsplit(url)

    def client(self) -> Client:
        return Client(HTTPConnection(self.url.hostname or "", self.url.port, timeout=120))

    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * 4096 / 1e6


class Client:
    """A connection that stays open."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection

    def send(self, method: str, path: str, document: Any = None) -> tuple[int, bytes]:
        """Return the status and the body. Raise `RuntimeError` for a bug of the server."""
        body = None if document is None else json.dumps(document)
        headers = {"Authorization": "Token full-access", "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers if body else {"Authorization": "Token full-access"})
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 500:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return response.status, answer


@contextmanager
def running_server(packages: int = PACKAGES) -> Iterator[Server]:
    """Start a server with this number of packages, and stop it at the end."""
    command = [sys.executable, "-m", "emulator.cli", "serve", "--port", "0", "--packages", str(packages), "-q"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline() if process.stdout else ""
        yield Server(process, ready.removeprefix("ready:").strip())
    finally:
        process.terminate()
        process.wait(30)


def use_world(client: Client, name: str, rng: random.Random) -> None:
    """Create a world, read and write in it, and delete it."""
    world = f"/w/{name}"
    client.send("PUT", f"/__admin/worlds/{name}", {})
    ids = [each["id"] for each in json.loads(client.send("GET", f"{world}{LIST}short/?limit=100")[1])["results"]]
    for page in range(1, 6):
        client.send("GET", f"{world}{LIST}?limit=20&page={page}")
    for pk in rng.sample(ids, 5):
        client.send("POST", f"{world}{LIST}{pk}/set_remote_id/", {"remote_id": str(pk)})
        client.send("GET", f"{world}{LIST}{pk}/")
    client.send("GET", f"{world}{LIST}?limit=100")
    client.send("DELETE", f"/__admin/worlds/{name}")


def soak_worlds(server: Server, count: int) -> bool:
    """Create, read and delete worlds. Return whether the memory stays within its limit."""
    client, rng, first = server.client(), random.Random(1), 0.0  # noqa: S311 - repeatable
    for number in range(1, count + 1):
        use_world(client, f"world-{number}", rng)
        if number == FIRST_WORLDS:
            first = server.megabytes()
        if number % max(count // 5, 1) == 0:
            sys.stdout.write(f"  {number:5} worlds: {server.megabytes():.1f} MB\n")
    growth = server.megabytes() / first
    sys.stdout.write(f"worlds: {growth:.3f} x the memory after {FIRST_WORLDS} worlds (at most {MAX_WORLD_GROWTH})\n")
    return growth <= MAX_WORLD_GROWTH


def mix_requests(server: Server, seed: int, is_over: threading.Event, actions_done: list[int]) -> None:
    """Read, write, fail and create worlds until the time is over. Add one to `actions_done[seed]` for each action."""
    client, rng, world = server.client(), random.Random(seed), f"client-{seed}"  # noqa: S311 - repeatable
    client.send("PUT", f"/__admin/worlds/{world}", {})
    prefix = f"/w/{world}"
    ids = [each["id"] for each in json.loads(client.send("GET", f"{prefix}{LIST}short/?limit=100")[1])["results"]]
    actions: list[Callable[[], object]] = [
        lambda: client.send("GET", f"{prefix}{LIST}?limit=20&page={rng.randrange(1, 100)}"),
        lambda: client.send("GET", f"{prefix}{LIST}{rng.choice(ids)}/?x={'y' * rng.randrange(50_000)}"),
        lambda: client.send("GET", f"{prefix}/nowhere/{rng.random()}"),
        lambda: [client.send("POST", command_path(prefix, rng.choice(ids)), command(each)) for each in TRANSITIONS],
        lambda: client.send("POST", f"{prefix}/__admin/packages", {"state": "Packed"}),
        lambda: client.send("PUT", f"{prefix}/__admin/snapshots/one", {}),
        lambda: client.send("GET", f"{prefix}/whisperer/hook_events/"),
        lambda: use_world(client, f"{world}-other", rng),
    ]
    while not is_over.is_set():
        rng.choices(actions, (40, 20, 5, 10, 3, 1, 5, 1))[0]()
        actions_done[seed] += 1
        if actions_done[seed] % ACTIONS_BEFORE_RESET == 0:
            client.send("POST", f"{prefix}/__admin/reset")


def command_path(prefix: str, pk: int) -> str:
    return f"{prefix}{LIST}{pk}/command/"


def command(transition: int) -> dict[str, Any]:
    return {"transition": transition, "input_parameters": {}}


def soak_load(server: Server, minutes: float) -> bool:
    """Send a mixed load. Return whether the memory stays flat after the warm-up.

    The warm-up takes a sixth of the time, and longer on a machine that is too slow to fill the caches by then.
    """
    is_over, failures, actions_done = threading.Event(), Counter[str](), [0] * CLIENTS

    def run(seed: int) -> None:
        try:
            mix_requests(server, seed, is_over, actions_done)
        except Exception as error:  # noqa: BLE001 - reported at the end
            failures[repr(error)] += 1

    threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(minutes * 60 / 6)
    while sum(actions_done) < WARM_UP_ACTIONS and not failures:
        time.sleep(1)
    memory, actions = [server.megabytes()], [sum(actions_done)]
    for _ in range(SAMPLES):
        time.sleep(minutes * 60 / SAMPLES)
        memory.append(server.megabytes())
        actions.append(sum(actions_done))
    is_over.set()
    for thread in threads:
        thread.join(120)
    growth = max(memory) / memory[0]
    samples = (f"{count}: {size:.0f}" for count, size in zip(actions, memory, strict=True))
    sys.stdout.write(f"  MB after actions: {', '.join(samples)}\n")
    sys.stdout.write(f"load of {minutes:g} minutes: {growth - 1:+.1%} memory, {sum(failures.values())} failures\n")
    for failure in failures:
        sys.stdout.write(f"  {failure}\n")
    return growth <= MAX_LOAD_GROWTH and not failures


def soak_races(server: Server, races: int) -> bool:
    """Send the same command from many clients at once. Return whether each race has one winner."""
    clients = [server.client() for _ in range(CALLERS)]
    outcomes = Counter[int]()
    for race in range(races):
        if race % ACTIONS_BEFORE_RESET == 0:
            clients[0].send("POST", "/__admin/reset")
        _, answer = clients[0].send("POST", "/__admin/packages", {"state": "Waiting"})
        outcomes[run_race(clients, json.loads(answer)["id"])] += 1
    sys.stdout.write(f"races of {CALLERS}: {outcomes[1]} of {races} have one winner\n")
    return outcomes == {1: races}


def run_race(clients: list[Client], pk: int) -> int:
    """Return the number of callers whose command succeeded."""
    start, statuses = threading.Barrier(len(clients), timeout=60), list[int]()

    def call(client: Client) -> None:
        start.wait()
        statuses.append(client.send("POST", command_path("", pk), command(TRANSITIONS[0]))[0])

    threads = [threading.Thread(target=call, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses.count(204) if len(statuses) == len(clients) else -1


def main() -> int:
    """Run the three parts, each on a new server. Return 0 if all stay within their limits."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--worlds", type=int, default=1_000)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--races", type=int, default=1_000)
    options = arguments.parse_args()
    results = []
    for part, amount in ((soak_worlds, options.worlds), (soak_load, options.minutes), (soak_races, options.races)):
        with running_server() as server:
            results.append(not amount or part(server, amount))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
