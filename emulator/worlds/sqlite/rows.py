"""The rows of a state file: how scenarios, states, faults and snapshots are written to it and read from it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, count, repeat
from pathlib import Path
from typing import NamedTuple

import orjson

from emulator.core.json_text import JsonObject
from emulator.core.records import KINDS
from emulator.domain.fault_rules import fault_from_document, fault_scenario_document
from emulator.domain.installation import display_name
from emulator.domain.scenario_files import scenario_document, scenario_from_document
from emulator.state.clock import CLOCK_MODES, TrafficRate, format_time
from emulator.state.faults import ArmedFault
from emulator.state.persistence import WorldState
from emulator.state.record_codec import encode_record
from emulator.state.scenario import Scenario
from emulator.state.store import BaseDataset
from emulator.worlds.sqlite.history import BranchRow, SnapshotRow, TransactionChanges, encode_changes

SAMPLE_COUNT, MAX_COMPARED = 20, 300
"""Kinds with more records than this are compared by samples."""
ON_CONFLICT_UPDATE = "ON CONFLICT DO UPDATE SET"
"""Updates an existing row, which keeps its position."""
WORLD_TABLES = ("snapshots", "faults", "seen")
"""Tables whose rows belong to one world each."""


class StoredWorld(NamedTuple):
    """A world, in one row of `worlds` and rows of other tables."""

    id: int
    name: str
    scenario: Scenario
    branch: int
    state: WorldState
    faults: Sequence[ArmedFault]
    snapshots: list[SnapshotRow]


def scenario_text(scenario: Scenario) -> bytes:
    """Return the text of a scenario with its steps."""
    document = scenario_document(scenario)
    if scenario.now is not None:
        document["now"] = format_time(scenario.now)
    for key, lines in (("faults", scenario.faults), ("steps", scenario.steps)):
        document[key] = orjson.Fragment(b"[" + b",".join(lines) + b"]")
    document["calls"] = dict(scenario.calls)
    return orjson.dumps(document)


def parse_scenario(text: bytes, request: str | None) -> Scenario:
    """Parse the text of a scenario. Raise `ValueError` if it is not valid."""
    document = orjson.loads(text)
    return replace(scenario_from_document(document, document["name"]), request=request)


def scenario_digest(scenario: Scenario) -> str:
    """Return a digest that is equal for scenarios with equal starts."""
    normalized = replace(scenario, description="", installation=absolute_path(scenario.installation))
    return hashlib.blake2b(scenario_text(normalized), digest_size=16).hexdigest()


def absolute_path(installation: str) -> str:
    """Return an installation's name, or the absolute path of its file."""
    return str(Path(installation).absolute()) if installation.endswith(".json") else installation


def scenario_identity(scenario: Scenario) -> JsonObject:
    """Return what a state file stores about the scenario that it was made for."""
    return {
        "scenario": scenario.name,
        "installation": display_name(absolute_path(scenario.installation)),
        "packages": scenario.packages,
        "seed": scenario.seed,
        "live": 0 if scenario.live is None else scenario.live[0],
        "limits": ", ".join(f"{role}:{scope}={rate}" for role, scope, rate in scenario.limits) or "none",
        "digest": scenario_digest(scenario),
    }


DIFFERENCES = {
    "scenario": "was made for scenario {then!r}, not for {now!r}",
    "installation": "was made for installation {then!r}, not for {now!r}",
    "packages": "was made for {then:,} packages, not for {now:,}",
    "seed": "was made for seed {then}, not for {now}",
    "live": "was made for {then:g} orders per hour (--live {then:g}), not for {now:g}",
    "limits": "was made for other rate limits (--limit): {then}; not for {now}",
    "digest": "was made for another version of the scenario: its clock, language, answers or steps differ",
}


LATER_KEYS = frozenset(("live", "limits"))
"""Keys of an identity that older state files do not have. Their digests cover the same values."""


def first_difference(then: JsonObject, now: JsonObject) -> str | None:
    """Return the first difference of two identities in words, or None."""
    compared = (key for key in DIFFERENCES if key in then or key not in LATER_KEYS)
    different = (key for key in compared if then.get(key) != now[key])
    return next((DIFFERENCES[key].format(then=then.get(key), now=now[key]) for key in different), None)


def base_digest(base: BaseDataset) -> str:
    """Return a digest of the records of a base. It changes with the installation file and the generator."""
    digest = hashlib.blake2b(digest_size=16)
    for name, kind in KINDS.items():
        ids = base.ids(kind)
        digest.update(f"{name} {len(ids)} {base.next_id(kind)}\n".encode())
        for id_ in sample_ids(ids):
            digest.update(encode_record(base.get(kind, id_)))
    return digest.hexdigest()


def sample_ids(ids: Sequence[int]) -> Sequence[int]:
    """Return all of a few ids, or samples of many, from the first to the last."""
    if len(ids) <= MAX_COMPARED:
        return ids
    return [ids[at * (len(ids) - 1) // (SAMPLE_COUNT - 1)] for at in range(SAMPLE_COUNT)]


def state_text(state: WorldState) -> str:
    document = {
        "mode": state.mode,
        "now": state.now,
        "requests": state.next_request,
        "calls": state.calls,
        "speed": state.speed,
        "pace": list(state.rate),
        "next_fault": state.next_fault,
    }
    return orjson.dumps(document).decode()


def parse_state(text: str) -> WorldState:
    """Parse the text of a state. Raise `ValueError`, `KeyError` or `TypeError` if it is not valid."""
    document = orjson.loads(text)
    if document["mode"] not in CLOCK_MODES:
        raise ValueError(f"unknown clock {document['mode']!r}")
    return WorldState(
        mode=document["mode"],
        now=datetime.fromisoformat(document["now"]),
        speed=float(document["speed"]),
        rate=TrafficRate(*document["pace"]),
        calls={caller: [datetime.fromisoformat(at) for at in times] for caller, times in document["calls"].items()},
        next_request=int(document["requests"]),
        next_fault=int(document["next_fault"]),
    )


def counts_text(fault: ArmedFault) -> str:
    """Return the text of one fault without its request counts, which have rows in the table `seen`."""
    return orjson.dumps(fault_scenario_document(fault) | {"seen": {}}).decode()


def put_steps(key: int, lines: Sequence[bytes], changes: TransactionChanges, connection: sqlite3.Connection) -> None:
    """Insert the steps of one transaction, from a key on. The first step has the changed records of all."""
    texts = chain([encode_changes(changes)], repeat(b""))
    connection.executemany("INSERT INTO steps VALUES (?, ?, ?)", zip(count(key), lines, texts, strict=False))


def put_state(world: int, state: WorldState, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE worlds SET now = ? WHERE id = ?", (state_text(state), world))


def put_branch(world: int, row: BranchRow, faults: Sequence[ArmedFault], connection: sqlite3.Connection) -> None:
    """Continue a world on a new branch, with these faults."""
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", row)
    connection.execute("UPDATE worlds SET course = ? WHERE id = ?", (row[0], world))
    put_faults(world, faults, connection)


def put_faults(world: int, faults: Sequence[ArmedFault], connection: sqlite3.Connection) -> None:
    for table in ("faults", "seen"):
        connection.execute(f"DELETE FROM {table} WHERE world = ?", (world,))  # noqa: S608 - ours
    texts = [(fault.id, counts_text(fault)) for fault in faults]
    put_counts(
        world, texts, [(fault.id, *seen) for fault in faults for seen in fault.request_counts.items()], connection
    )


def put_counts(
    world: int,
    texts: Iterable[tuple[int, str]],
    seen: Iterable[tuple[int, str, int]],
    connection: sqlite3.Connection,
) -> None:
    """Insert or replace the documents of faults, and the number of times that they have seen a request."""
    insert = "INSERT INTO faults (world, id, document) VALUES (?, ?, ?)"
    update = f"{insert} {ON_CONFLICT_UPDATE} document = excluded.document"
    connection.executemany(update, [(world, *row) for row in texts])
    connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", [(world, *row) for row in seen])


def put_snapshot(world: int, row: SnapshotRow, connection: sqlite3.Connection) -> None:
    faults = orjson.dumps([fault_scenario_document(fault) for fault in row.faults]).decode()
    values = (world, row.name, row.branch, row.step_count, state_text(row.state), faults)
    insert = "INSERT INTO snapshots (world, name, course, upto, now, faults) VALUES (?, ?, ?, ?, ?, ?)"
    changes = ", ".join(f"{column} = excluded.{column}" for column in ("course", "upto", "now", "faults"))
    connection.execute(f"{insert} {ON_CONFLICT_UPDATE} {changes}", values)


def put_world(world: StoredWorld, start_digest: str, branch: BranchRow, connection: sqlite3.Connection) -> None:
    """Insert a new world, replacing the one of its name. `start_digest` is that of its base."""
    scenario, digest = world.scenario, scenario_digest(world.scenario)
    scenario_row = (digest, scenario_text(scenario), scenario.request, start_digest)
    connection.execute("INSERT OR IGNORE INTO scenarios VALUES (?, ?, ?, ?)", scenario_row)
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", branch)
    delete_world(world.name, connection)
    values = (world.id, world.name, digest, world.branch, state_text(world.state))
    connection.execute("INSERT INTO worlds VALUES (?, ?, ?, ?, ?)", values)
    put_faults(world.id, world.faults, connection)
    for snapshot in world.snapshots:
        put_snapshot(world.id, snapshot, connection)


def delete_world(name: str, connection: sqlite3.Connection) -> None:
    for table in WORLD_TABLES:
        delete = f"DELETE FROM {table} WHERE world IN (SELECT id FROM worlds WHERE name = ?)"  # noqa: S608 - ours
        connection.execute(delete, (name,))
    connection.execute("DELETE FROM worlds WHERE name = ?", (name,))


def delete_orphans(connection: sqlite3.Connection) -> None:
    """Delete the rows that belong to no world."""
    for table in WORLD_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE world NOT IN (SELECT id FROM worlds)")  # noqa: S608 - ours
    connection.execute("DELETE FROM scenarios WHERE digest NOT IN (SELECT scenario FROM worlds)")


def read_worlds(connection: sqlite3.Connection, start: Scenario | None = None) -> Iterator[StoredWorld]:
    """Yield the worlds of a file, the oldest first. Worlds of the scenario `start` share its object."""
    shared: Mapping[str, Scenario] = {} if start is None else {scenario_digest(start): start}
    scenarios = {
        digest: shared.get(digest) or parse_scenario(text, request)
        for digest, text, request in connection.execute("SELECT digest, document, request FROM scenarios")
    }
    faults, snapshots = read_faults(connection), read_snapshots(connection)
    rows = connection.execute("SELECT id, name, scenario, course, now FROM worlds ORDER BY id")
    for id_, name, digest, branch, state in rows:
        yield StoredWorld(id_, name, scenarios[digest], branch, parse_state(state), faults[id_], snapshots[id_])


def has_start(connection: sqlite3.Connection, scenario: Scenario, base: BaseDataset) -> bool:
    """Return whether a stored scenario starts with these records."""
    query = "SELECT start FROM scenarios WHERE digest = ?"
    row: tuple[str] | None = connection.execute(query, (scenario_digest(scenario),)).fetchone()
    return row == (base_digest(base),)


def read_faults(connection: sqlite3.Connection) -> dict[int, list[ArmedFault]]:
    """Return the armed faults by world, with their request counts."""
    counts: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for world, fault, request, times in connection.execute("SELECT world, fault, request, times FROM seen"):
        counts[world, fault][request] = int(times)
    faults: dict[int, list[ArmedFault]] = defaultdict(list)
    for world, text in connection.execute("SELECT world, document FROM faults ORDER BY position"):
        armed = fault_from_document(orjson.loads(text))
        armed.request_counts = counts[world, armed.id]
        faults[world].append(armed)
    return faults


def read_snapshots(connection: sqlite3.Connection) -> dict[int, list[SnapshotRow]]:
    snapshots: dict[int, list[SnapshotRow]] = defaultdict(list)
    query = "SELECT world, name, course, upto, now, faults FROM snapshots ORDER BY position"
    for world, name, branch, step_count, state, text in connection.execute(query):
        faults = [fault_from_document(document) for document in orjson.loads(text)]
        snapshots[world].append(SnapshotRow(name, branch, step_count, parse_state(state), faults))
    return snapshots
