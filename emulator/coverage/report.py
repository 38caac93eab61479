"""A report of coverage: of each dimension what was met how often, what was not, and what was met beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from emulator.core.coverage import DIMENSIONS
from emulator.coverage.counts import Counts, CoverageProblem, check_target, write_text
from emulator.coverage.graphs import Graph, default_graph
from emulator.coverage.universe import ANY, EVERYWHERE, dimensions_named, universe

Json = dict[str, Any]


class Row(NamedTuple):
    """A name, and how often it was met."""

    name: str
    times: int


@dataclass(frozen=True)
class Dimension:
    """One dimension. `rows` are all that can be met; `beside` what was met too: it says nothing of completeness."""

    name: str
    rows: tuple[Row, ...]
    beside: tuple[Row, ...] = ()

    @property
    def title(self) -> str:
        return DIMENSIONS[self.name]

    @property
    def total(self) -> int:
        return len(self.rows)

    @property
    def missing(self) -> list[str]:
        return [row.name for row in self.rows if not row.times]

    @property
    def met(self) -> int:
        return self.total - len(self.missing)

    @property
    def percent(self) -> float:
        return percent(self.met, self.total)


@dataclass(frozen=True)
class Report:
    """What was met, of all that could be."""

    counts: Counts
    graphs: tuple[Graph, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def met(self) -> int:
        return sum(dimension.met for dimension in self.dimensions)

    @property
    def total(self) -> int:
        return sum(dimension.total for dimension in self.dimensions)

    @property
    def percent(self) -> float:
        """How much was met, all dimensions together; 100.0 is everything, never almost everything."""
        return percent(self.met, self.total)

    @property
    def missing(self) -> dict[str, list[str]]:
        """What was not met, by dimension."""
        return {dimension.name: dimension.missing for dimension in self.dimensions if dimension.missing}

    def reaches(self, least: float) -> bool:
        """Tell whether at least so many percent were met, exactly."""
        return self.met * 100 >= least * self.total

    def narrowed(self, *, only: Sequence[str] = (), operations: Sequence[str] = ()) -> Report:
        """Give the report of some dimensions (`only=["operations", "transitions"]`), or of some operations
        (`["list_*", "!reference_*"]`) and of what they can meet. `CoverageProblem`, a `ValueError`, names the known.
        """
        return report(self.counts, only, operations)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the report: `.json` to be merged by `oms-emulator coverage`, `.txt`, `.html`, or `.xml` for JUnit."""
        from emulator.coverage.rendering import SUFFIXES, rendered  # noqa: PLC0415 - renders reports

        suffix = Path(path).suffix
        if suffix not in SUFFIXES:
            raise CoverageProblem(f"cannot tell the form of {path}; known suffixes: {', '.join(SUFFIXES)}")
        if suffix == ".json":
            check_target(path)
        write_text(path, rendered(self, SUFFIXES[suffix]).encode())


def percent(met: int, total: int) -> float:
    """Give a percentage with one digit, rounded down."""
    return met * 1000 // total / 10 if total else 100.0


def report(counts: Counts, only: Sequence[str] = (), operations: Sequence[str] = ()) -> Report:
    """Give the report of counts; see `Report.narrowed` for `only` and `operations`."""
    graphs = counts.graphs or (default_graph(),)
    asked, known = universe(graphs, operations), universe(graphs)
    found = (dimension(name, asked[name], known[name], counts.met[name]) for name in dimensions_named(only))
    return Report(counts, graphs, tuple(each for each in found if each.total))


def dimension(name: str, asked: Sequence[str], known: Sequence[str], met: Mapping[str, int]) -> Dimension:
    """Give what was met of the names that are asked for, and what was met that is not known."""
    counts, counted = (folded(asked, met), {*known, *everywhere(met)}) if name == "statuses" else (met, {*known})
    beside = tuple(Row(each, count) for each, count in met.items() if each not in counted)
    return Dimension(name, tuple(Row(each, counts.get(each, 0)) for each in asked), beside)


def everywhere(met: Iterable[str]) -> Iterator[str]:
    """Give the statuses among these that any operation may answer."""
    return (name for name in met if int(name.split()[-1]) in EVERYWHERE)


def folded(asked: Iterable[str], met: Mapping[str, int]) -> Mapping[str, int]:
    """Give the counts of statuses: what any operation may answer was met if one of those asked for answered so."""
    operations = {name.split()[0] for name in asked}
    found = Counter(met)
    for name in everywhere(met):
        operation, status = name.split()
        if operation in operations and operation != ANY:
            found[f"{ANY} {status}"] += met[name]
    return found


def as_document(report: Report) -> Json:
    """Give a report as JSON-ready values, as `schemas/own/coverage.json` describes them."""
    return {
        "percent": report.percent,
        "met": report.met,
        "total": report.total,
        "dimensions": {each.name: of_dimension(each, report.counts.met[each.name]) for each in report.dimensions},
        "graphs": list(report.graphs),
    }


def of_dimension(dimension: Dimension, met: Mapping[str, int]) -> Json:
    return {
        "title": dimension.title,
        "percent": dimension.percent,
        "met": dimension.met,
        "total": dimension.total,
        "missing": dimension.missing,
        "counts": dict(met),
    }
