"""The results of a coverage report, dimension by dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from emulator.coverage.counts import Counts, Graph
from emulator.state.counters import DIMENSIONS


class NameHits(NamedTuple):
    """A name and its number of hits."""

    name: str
    hits: int


@dataclass(frozen=True)
class Dimension:
    """One dimension. `rows` are the names that are required, `extra` are other names that were hit."""

    name: str
    rows: tuple[NameHits, ...]
    extra: tuple[NameHits, ...] = ()

    @property
    def title(self) -> str:
        return DIMENSIONS[self.name]

    @property
    def total(self) -> int:
        return len(self.rows)

    @property
    def missing(self) -> list[str]:
        return [row.name for row in self.rows if not row.hits]

    @property
    def covered(self) -> int:
        return self.total - len(self.missing)

    @property
    def percent(self) -> float:
        return percent(self.covered, self.total)


@dataclass(frozen=True)
class Results:
    """The counts, the state graphs they refer to, and the dimensions of the report."""

    counts: Counts
    graphs: tuple[Graph, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def covered(self) -> int:
        return sum(dimension.covered for dimension in self.dimensions)

    @property
    def total(self) -> int:
        return sum(dimension.total for dimension in self.dimensions)

    @property
    def percent(self) -> float:
        """The covered share of all dimensions together. It is 100.0 only if everything is covered."""
        return percent(self.covered, self.total)

    @property
    def missing(self) -> dict[str, list[str]]:
        """Dimension -> the names that are not covered."""
        return {dimension.name: dimension.missing for dimension in self.dimensions if dimension.missing}

    def reaches(self, minimum: float) -> bool:
        """Return whether at least this percentage is covered. The comparison is exact."""
        return self.covered * 100 >= minimum * self.total


def percent(covered: int, total: int) -> float:
    """Return a percentage with one decimal, rounded down."""
    return covered * 1000 // total / 10 if total else 100.0
