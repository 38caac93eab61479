"""The scenarios in a file, as text, and digests that reveal a changed start."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import orjson

from emulator.core.records import KINDS
from emulator.domain.fault_rules import fault_from_document, fault_scenario_document
from emulator.domain.installation import display_name
from emulator.domain.scenario_files import scenario_document, scenario_from_document
from emulator.state.clock import CLOCK_MODES, ClockMode, TrafficRate, format_time
from emulator.state.faults import ArmedFault
from emulator.state.persistence import WorldState
from emulator.state.record_codec import encode_record
from emulator.state.scenario import Scenario
from emulator.state.store import BaseDataset

SAMPLE_COUNT = 20
MAX_COMPARED = 300
"""Kinds with more records than this are compared by samples."""


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
    same = replace(scenario, description="", installation=absolute_path(scenario.installation))
    return hashlib.blake2b(scenario_text(same), digest_size=16).hexdigest()


def absolute_path(installation: str) -> str:
    """Return an installation's name, or the absolute path of its file."""
    return str(Path(installation).absolute()) if installation.endswith(".json") else installation


def scenario_identity(scenario: Scenario) -> dict[str, Any]:
    """Return what a state file stores about the scenario that it was made for."""
    return {
        "scenario": scenario.name,
        "installation": display_name(absolute_path(scenario.installation)),
        "packages": scenario.packages,
        "seed": scenario.seed,
        "digest": scenario_digest(scenario),
    }


DIFFERENCES = {
    "scenario": "was made for scenario {then!r}, not for {now!r}",
    "installation": "was made for installation {then!r}, not for {now!r}",
    "packages": "was made for {then:,} packages, not for {now:,}",
    "seed": "was made for seed {then}, not for {now}",
    "digest": "was made for another version of the scenario: its clock, language, answers or steps differ",
}


def first_difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return the first difference of two identities in words, or None."""
    for key, told in DIFFERENCES.items():
        if then.get(key) != now[key]:
            return told.format(then=then.get(key), now=now[key])
    return None


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
    """Return the text of a state."""
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
    found = orjson.loads(text)
    if found["mode"] not in CLOCK_MODES:
        raise ValueError(f"unknown clock {found['mode']!r}")
    return WorldState(
        mode=cast("ClockMode", found["mode"]),
        now=datetime.fromisoformat(found["now"]),
        speed=float(found["speed"]),
        rate=TrafficRate(*found["pace"]),
        calls={caller: [datetime.fromisoformat(at) for at in times] for caller, times in found["calls"].items()},
        next_request=int(found["requests"]),
        next_fault=int(found["next_fault"]),
    )


def faults_text(faults: Iterable[ArmedFault]) -> str:
    """Return the text of armed faults with their counts."""
    return orjson.dumps([fault_scenario_document(fault) for fault in faults]).decode()


def parse_faults(text: str) -> list[ArmedFault]:
    """Parse armed faults. Raise `ValueError`, `KeyError` or `TypeError` if the text is not valid."""
    return [fault_from_document(document) for document in orjson.loads(text)]


def counts_text(fault: ArmedFault) -> str:
    """Return the text of one fault without the requests that it has seen, which are stored one by one."""
    return orjson.dumps(fault_scenario_document(fault) | {"seen": {}}).decode()
