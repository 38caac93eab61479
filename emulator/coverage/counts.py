"""Counts of what was met: taken from an emulator, read from files, and added to those of other runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import orjson

from emulator.core.coverage import DIMENSIONS, Coverage
from emulator.core.files import replace_whole
from emulator.core.schemas import problem
from emulator.coverage.graphs import Graph, graph_of

SCHEMA = "coverage"
FILES = "coverage*.json"
"""What is read of a folder."""


class CoverageProblem(ValueError):
    """A file of counts that cannot be read or written, or a report that nobody can give; one line says why."""


@dataclass(frozen=True)
class Counts:
    """What was met how often, and the state graphs of the installations in which."""

    met: Mapping[str, Mapping[str, int]]
    """Dimension -> name -> how often."""
    graphs: tuple[Graph, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        met = {
            name: dict(sorted((Counter(self.met.get(name)) + Counter(other.met.get(name))).items()))
            for name in DIMENSIONS
        }
        graphs = {canonical(graph): graph for graph in (*self.graphs, *other.graphs)}
        return Counts(met, tuple(graph for _, graph in sorted(graphs.items())))


def canonical(graph: Graph) -> bytes:
    """Give a graph's text: equal graphs have equal ones, whoever wrote them."""
    return orjson.dumps(graph, option=orjson.OPT_SORT_KEYS)


def counted(coverage: Coverage) -> Counts:
    """Give what an emulator counted so far."""
    graphs = tuple(graph_of(name, base) for name, base in dict(coverage.bases).items())
    return NOTHING + Counts(coverage.counts(), graphs)


def merged(parts: Iterable[Counts]) -> Counts:
    """Give what several runs met together, whatever their order."""
    return sum(parts, NOTHING)


NOTHING = Counts({dimension: {} for dimension in DIMENSIONS})


def read_counts(paths: Iterable[str | PathLike[str]]) -> Counts:
    """Give what the files hold together; of a folder, its `coverage*.json`. `CoverageProblem` names the one that is
    none, or is not there.
    """
    return merged(read_one(file) for path in paths for file in files_of(Path(path)))


def files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob(FILES))
    if not found:
        raise CoverageProblem(f"no {FILES} is in {path}")
    return found


def read_one(path: Path) -> Counts:
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise CoverageProblem(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise CoverageProblem(f"{path} is no JSON: {error}") from None
    if (wrong := problem(SCHEMA, document)) is not None:
        raise CoverageProblem(f"{path} is no coverage file: {wrong}")
    met = {dimension: found["counts"] for dimension, found in document["dimensions"].items()}
    return NOTHING + Counts(met, tuple(document["graphs"]))


def check_target(path: str | PathLike[str]) -> Path:
    """Give the path if a coverage file can be written there, over nothing or over another one, as far as that can be
    told before. `CoverageProblem` otherwise.
    """
    target = Path(path)
    if target.is_dir():
        raise CoverageProblem(f"cannot write {target}: it is a folder")
    if not target.absolute().parent.is_dir():
        raise CoverageProblem(f"cannot write {target}: there is no folder {target.absolute().parent}")
    if target.exists() and not is_own(target):
        raise CoverageProblem(f"{target} exists and is no coverage file; remove it, or name another")
    return target


def is_own(path: Path) -> bool:
    """Tell whether a file is empty, or one of counts."""
    try:
        text = path.read_bytes()
        document: Any = orjson.loads(text) if text.strip() else {"dimensions": {}, "graphs": []}
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.keys() >= {"dimensions", "graphs"}


def write_text(path: str | PathLike[str], text: bytes) -> None:
    """Put a report in place at once; pipes and devices are written to. `CoverageProblem` if it cannot be written."""
    target = Path(path)
    try:
        if target.is_file() or not target.exists():
            replace_whole(target, text)
        else:
            target.write_bytes(text)
    except OSError as error:
        raise CoverageProblem(f"cannot write {path}: {error.strerror or error}") from None
