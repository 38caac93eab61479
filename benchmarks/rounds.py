"""Interleaved rounds: in each round both sides are measured shortly after each other, in alternating order.

The speed of a shared machine drifts by more than most bars allow. A figure is meaningful only beside the figure of
the other side at the same time. So the order is A B, B A, … in short slices. The result is the median over all
rounds, with the spread. Each *group* of rounds starts new servers, because memory layout and hash seed affect a
process for its whole life. Both servers of a group stay up, because a start between slices would separate the halves
of a round. The idle server uses no CPU time. No process is pinned to a processor: users do not pin, and on two
processors it would starve the load generator.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import starmap
from statistics import fmean, median
from typing import TypeVar

FigureT = TypeVar("FigureT")


class MeasurementFailedError(Exception):
    """The measurement is not valid."""


@dataclass(frozen=True)
class Plan:
    """The length of a measurement: `groups` of new servers, `rounds` in each, `seconds` of load per slice."""

    groups: int = 4
    rounds: int = 4
    seconds: float = 1.0
    warm_up: float = 0.3
    connections: int = 16


FULL = Plan()
QUICK = Plan(groups=1, rounds=2, seconds=0.5, warm_up=0.2)


@dataclass(frozen=True)
class Round:
    """The figures of both sides in one round."""

    ours: float
    theirs: float
    details: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Further figures of both sides, which explain the round."""

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


@dataclass(frozen=True)
class Bound:
    """The allowed ratio ours / theirs."""

    sign: str
    limit: float

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.limit if self.sign == "≥" else ratio <= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}" if self.limit else "printed"


def at_least(limit: float) -> Bound:
    return Bound("≥", limit)


def at_most(limit: float) -> Bound:
    return Bound("≤", limit)


PRINTED = at_least(0)
"""For a bar without a limit, which helps to judge another bar."""


@dataclass(frozen=True)
class Bar:
    """One row: the rounds of `measure`, and the bound of their ratio ours / theirs.

    An absolute limit (for example in microseconds) is a bar whose `theirs` is the limit and whose bound is ≤ 1.
    """

    name: str
    ours: str
    theirs: str
    unit: str
    bound: Bound
    measure: Callable[[Plan], Iterator[Round]]


@dataclass(frozen=True)
class Result:
    """The result of a bar, or the reason why it could not be measured."""

    bar: Bar
    rounds: tuple[Round, ...] = ()
    problem: str = ""

    @property
    def ours(self) -> float:
        return median(round_.ours for round_ in self.rounds)

    @property
    def theirs(self) -> float:
        return median(round_.theirs for round_ in self.rounds)

    @property
    def ratio(self) -> float:
        """The ratio of the medians, which is compared with the bound."""
        return self.ours / self.theirs

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a round."""
        ratios = [round_.ratio for round_ in self.rounds]
        return min(ratios), max(ratios)

    @property
    def details(self) -> dict[str, tuple[float, float]]:
        """The means of the details of the rounds."""
        names = self.rounds[0].details if self.rounds else {}
        sides = {name: zip(*(round_.details[name] for round_ in self.rounds), strict=True) for name in names}
        return {name: (fmean(ours), fmean(theirs)) for name, (ours, theirs) in sides.items()}

    @property
    def is_met(self) -> bool:
        return self.bar.bound.is_met(self.ratio)


def interleave(count: int, ours: Callable[[], float], theirs: Callable[[], float]) -> Iterator[Round]:
    """Measure this number of rounds. The side that is measured first alternates."""
    return starmap(Round, alternate(count, ours, theirs))


def alternate(
    count: int, ours: Callable[[], FigureT], theirs: Callable[[], FigureT]
) -> Iterator[tuple[FigureT, FigureT]]:
    """Call both sides this number of times, in alternating order."""
    for number in range(count):
        if number % 2:
            second = theirs()
            yield ours(), second
        else:
            first = ours()
            yield first, theirs()
