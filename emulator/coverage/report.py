"""Coverage reports: built from counts, narrowed, and written to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

from emulator.coverage.counts import (
    Counts,
    CoverageError,
    check_target,
    counts_of,
    counts_path,
    default_graph,
    write_text,
)
from emulator.coverage.formats import SUFFIXES, render
from emulator.coverage.inventory import ANY_OPERATION, SHARED_STATUSES, inventory, select_dimensions
from emulator.coverage.results import Dimension, NameHits, Results
from emulator.state.counters import Coverage


class Report(Results):
    """A coverage report."""

    def narrowed(self, *, only: Sequence[str] = (), operations: Sequence[str] = ()) -> Report:
        """Return the report of some dimensions (`only=["operations"]`) or operations (`["list_*", "!reference_*"]`).

        Raises `CoverageError`, a `ValueError`, for an unknown name.
        """
        return build_report(self.counts, only, operations)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the report in the format of the file's suffix: `.json`, `.txt`, `.html`, or `.xml` for JUnit.

        `oms-emulator coverage` reads and merges `.json` files.
        """
        suffix = Path(path).suffix
        if suffix not in SUFFIXES:
            raise CoverageError(f"the suffix of {path} is unknown; known suffixes: {', '.join(SUFFIXES)}")
        if suffix == ".json":
            check_target(path)
        write_text(path, render(self, SUFFIXES[suffix]).encode())


def build_report(counts: Counts, only: Sequence[str] = (), operations: Sequence[str] = ()) -> Report:
    """Build the report of counts. `Report.narrowed` describes `only` and `operations`."""
    graphs = counts.graphs or (default_graph(),)
    required, known = inventory(graphs, operations), inventory(graphs)
    dimensions = (
        build_dimension(name, required[name], known[name], counts.hits[name]) for name in select_dimensions(only)
    )
    return Report(counts, graphs, tuple(dimension for dimension in dimensions if dimension.total))


def build_dimension(name: str, required: Sequence[str], known: Sequence[str], hits: Mapping[str, int]) -> Dimension:
    """Return the hits of the required names, and of the names that are not known at all."""
    counts, expected = hits, {*known}
    if name == "statuses":
        counts, expected = with_shared_statuses(required, hits), {*known, *shared_statuses(hits)}
    extra = tuple(NameHits(each, count) for each, count in hits.items() if each not in expected)
    return Dimension(name, tuple(NameHits(each, counts.get(each, 0)) for each in required), extra)


def shared_statuses(names: Iterable[str]) -> Iterator[str]:
    """Yield the names of statuses that every operation can answer."""
    return (name for name in names if int(name.split()[-1]) in SHARED_STATUSES)


def with_shared_statuses(required: Iterable[str], hits: Mapping[str, int]) -> Mapping[str, int]:
    """Add the hits of shared statuses at the required operations to the entry for any operation."""
    operations = {name.split()[0] for name in required} - {ANY_OPERATION}
    counts = Counter(hits)
    for name in shared_statuses(hits):
        operation, status = name.split()
        if operation in operations:
            counts[f"{ANY_OPERATION} {status}"] += hits[name]
    return counts


def write_counts(path: str | PathLike[str], coverage: Coverage) -> Path:
    """Write what an emulator counted to a coverage file and return the file's path. See `counts_path`."""
    target = counts_path(path)
    write_text(target, render(build_report(counts_of(coverage)), "json").encode())
    return target
