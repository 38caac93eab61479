"""Coverage counts: taken from an emulator, added up, and stored in coverage files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import orjson

from emulator.core.files import FileError, check_folder, replace_file
from emulator.core.json_text import JsonObject
from emulator.core.records import State, Transition
from emulator.core.schemas import find_problem
from emulator.domain import installation
from emulator.domain.state_graph import (
    COMMAND,
    STATE_GRAPHS,
    states_of_kind,
    transition_name,
    transition_summary,
    transitions_from,
)
from emulator.state.journal import DIMENSIONS, Coverage
from emulator.state.store import BaseDataset, Snapshot, TableDataset

Graph: TypeAlias = JsonObject
"""The states and transitions of an installation, as a coverage file has them."""
SCHEMA = "coverage"
FILE_PATTERN = "coverage*.json"
"""The files of a folder that must be coverage files. Its other JSON files are read if they have `RUN_KEY`."""
RUN_KEY = "run"
"""Key of the files that a process writes. A report that merges files does not have it."""
REQUIRED_KEYS = {"dimensions", "graphs"}
"""The keys that a coverage file has at least."""
RUN_FILE_KEYS = REQUIRED_KEYS | {RUN_KEY}
"""Those of a file that a process wrote. A report that merges such files would count them twice."""


class CoverageError(ValueError):
    """A coverage file cannot be read or written, or a report has no such part. The message is one line."""


@dataclass(frozen=True)
class Counts:
    """The number of hits of each name, and the state graphs of the installations that were used."""

    hits: Mapping[str, Mapping[str, int]]
    """Dimension -> name -> number of hits."""
    graphs: tuple[Graph, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        hits = {
            name: dict(sorted((Counter(self.hits.get(name)) + Counter(other.hits.get(name))).items()))
            for name in DIMENSIONS
        }
        graphs = {sort_key(graph): graph for graph in (*self.graphs, *other.graphs)}
        return Counts(hits, tuple(graph for _, graph in sorted(graphs.items())))


def sort_key(graph: Graph) -> bytes:
    """Return the graph's JSON with sorted keys. It is the same for equal graphs."""
    return orjson.dumps(graph, option=orjson.OPT_SORT_KEYS)


NO_COUNTS = Counts({dimension: {} for dimension in DIMENSIONS})


def counts_of(coverage: Coverage) -> Counts:
    """Return what an emulator has counted so far."""
    graphs = tuple(graph_of(name, base) for name, base in dict(coverage.bases).items())
    return NO_COUNTS + Counts(coverage.counts(), graphs)


def merge_counts(parts: Iterable[Counts]) -> Counts:
    """Return the sum of the counts of several runs. Their order does not matter."""
    return sum(parts, NO_COUNTS)


def read_counts(paths: Iterable[str | PathLike[str]]) -> Counts:
    """Return the sum of the counts in files and folders. Of a folder, its coverage files are read.

    Raise `CoverageError` if a file is missing or is not a coverage file.
    """
    return merge_counts(read_file(file) for path in paths for file in files_of(Path(path)))


def files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [file for file in path.glob("*.json") if file.match(FILE_PATTERN) or read_keys(file) >= RUN_FILE_KEYS]
    if not files:
        raise CoverageError(f"there is no {FILE_PATTERN} in {path}")
    return sorted(files)


def read_file(path: Path) -> Counts:
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise CoverageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise CoverageError(f"{path} is not JSON: {error}") from None
    if (wrong := find_problem(SCHEMA, document)) is not None:
        raise CoverageError(f"{path} is not a coverage file: {wrong}")
    hits = {name: dimension["counts"] for name, dimension in document["dimensions"].items()}
    return NO_COUNTS + Counts(hits, tuple(document["graphs"]))


def counts_path(path: str | PathLike[str]) -> Path:
    """Return the file that this process writes its counts to. In a folder, each process has a file.

    The file in a folder is named after the process id, or after the worker of pytest-xdist.
    Raise `CoverageError` if the file cannot be written, as far as this can be known before.
    """
    target = Path(path)
    if target.is_dir():
        target /= f"coverage-{os.environ.get('PYTEST_XDIST_WORKER') or os.getpid()}.json"
    return check_target(target)


def check_target(path: str | PathLike[str]) -> Path:
    """Return the path if it is free or is a coverage file. Raise `CoverageError` otherwise."""
    target = Path(path)
    try:
        check_folder(target)
    except FileError as error:
        raise CoverageError(str(error)) from None
    if target.exists() and not is_coverage_file(target):
        raise CoverageError(f"{target} exists and is not a coverage file; remove it, or choose another name")
    return target


def is_coverage_file(path: Path) -> bool:
    """Return whether the file is empty or holds counts."""
    try:
        return not path.read_bytes().strip() or read_keys(path) >= REQUIRED_KEYS
    except OSError:
        return False


def read_keys(path: Path) -> set[str]:
    """Return the keys of the JSON object in a regular file. Without such an object, return an empty set."""
    try:
        document = orjson.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError):
        return set()
    return set(document) if isinstance(document, dict) else set()


def write_text(path: str | PathLike[str], text: bytes) -> None:
    """Write a report. A regular file is replaced atomically, a pipe or device is written to.

    Raise `CoverageError` if this fails.
    """
    target = Path(path)
    try:
        if target.is_file() or not target.exists():
            replace_file(target, text)
        else:
            target.write_bytes(text)
    except OSError as error:
        raise CoverageError(f"cannot write {path}: {error.strerror or error}") from None


def clear_counts(folder: str | PathLike[str]) -> None:
    """Create the folder, or delete the coverage files of an earlier run in it. Other files stay.

    Raise `CoverageError` if the folder cannot be created.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CoverageError(f"cannot create the folder {folder}: {error.strerror or error}") from None
    for file in Path(folder).glob(FILE_PATTERN):
        if is_coverage_file(file):
            file.unlink(missing_ok=True)


def graph_of(name: str, base: BaseDataset | None = None) -> Graph:
    """Return the graphs of packages and of transfer orders, from a base or from the installation of this name."""
    view = Snapshot(base or TableDataset(installation.load_installation(name)), {})
    graph: Graph = {"installation": name}
    for part, (kind, enum_class) in STATE_GRAPHS.items():
        states = states_of_kind(view, kind, enum_class)
        transitions = [transition_row(view, transition) for transition in transitions_from(view, states)]
        graph[part] = {"states": [state_row(state) for state in states], "transitions": transitions}
    return graph


def default_graph() -> Graph:
    return graph_of(installation.DEFAULT)


def state_row(state: State) -> JsonObject:
    return {"id": state.id, "name": state.name, "value": state.enum_value}


def transition_row(view: Snapshot, transition: Transition) -> JsonObject:
    return {"name": transition_name(view, transition), **transition_summary(transition)}


def command_transitions(graph: Graph, part: str) -> list[JsonObject]:
    """Return the transitions that commands of the API run, without those of carrier, planner and operator."""
    return [transition for transition in graph[part]["transitions"] if transition["actor"] == COMMAND]
