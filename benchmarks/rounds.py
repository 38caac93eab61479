"""How two sides are compared: one figure of each per round, close together in time, the first to go alternating.

A shared machine drifts by more than most bars allow, so a figure says something only beside the other side's
figure of the same moment. Hence A B, B A, … in short slices, medians over all rounds, and the spread beside them.
Servers are started afresh for each *group* of rounds and alternate while both stay up: fresh, because a process
keeps its luck (memory layout, hash seed) for life, and medians over several processes do not; both up,
because starting between slices would put seconds between the two halves of a round. The idle one costs nothing.
Nothing is pinned to a processor: users do not, and on two processors it would starve the load generator.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median


class MeasurementFailedError(Exception):
    """A figure that would not mean what its row says."""


@dataclass(frozen=True)
class Plan:
    """How long to look: `groups` of fresh servers, `rounds` in each, `seconds` of load per slice."""

    groups: int = 4
    rounds: int = 4
    seconds: float = 1.0
    warm_up: float = 0.3
    connections: int = 16


FULL = Plan()
QUICK = Plan(groups=1, rounds=2, seconds=0.5, warm_up=0.2)


@dataclass(frozen=True)
class Round:
    """Both sides' figures of one moment."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


@dataclass(frozen=True)
class Bound:
    """What the ratio ours / theirs must keep to."""

    sign: str
    limit: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.limit if self.sign == "≥" else ratio <= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}" if self.limit else "printed"


def at_least(limit: float) -> Bound:
    return Bound("≥", limit)


def at_most(limit: float) -> Bound:
    return Bound("≤", limit)


PRINTED = at_least(0)
"""Of what is measured to judge another bar by."""


@dataclass(frozen=True)
class Bar:
    """One row: the ratio ours / theirs of what `measure` yields, and the bound it must keep.

    An absolute limit (microseconds, say) is a bar too: `theirs` is the limit itself, the bound is ≤ 1.
    """

    name: str
    ours: str
    theirs: str
    unit: str
    bound: Bound
    measure: Callable[[Plan], Iterator[Round]]


@dataclass(frozen=True)
class Result:
    """What a bar came to, or why it could not be measured."""

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
        """Of the medians: what the bound judges."""
        return self.ours / self.theirs

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of a single round."""
        ratios = [round_.ratio for round_ in self.rounds]
        return min(ratios), max(ratios)

    @property
    def met(self) -> bool:
        return self.bar.bound.met(self.ratio)


def interleaved(count: int, ours: Callable[[], float], theirs: Callable[[], float]) -> Iterator[Round]:
    """That many rounds, ours first in the first, theirs first in the second, and so on."""
    for number in range(count):
        if number % 2:
            second = theirs()
            yield Round(ours(), second)
        else:
            first = ours()
            yield Round(first, theirs())
