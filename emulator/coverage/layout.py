"""Where the states of a graph are drawn: in layers from top to bottom, with few crossings, after Sugiyama."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

Pair = tuple[int, int]
Spot = tuple[int, ...]
"""A state as (id,), or where an edge passes a layer as (upper id, lower id, layer)."""
SWEEPS = 16


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Layout:
    """The centres of states, and the bends of the edges between them, from the upper to the lower state."""

    states: Mapping[int, Point]
    bends: Mapping[Pair, Sequence[Point]]
    reversed: frozenset[Pair]
    """Edges that lead upwards, by (source, destination)."""
    width: float
    height: float


@dataclass
class Layers:
    """Spots by layer, in their order from left to right, with their neighbours above and below."""

    rows: list[list[Spot]]
    above: dict[Spot, list[Spot]] = field(default_factory=lambda: defaultdict(list))
    below: dict[Spot, list[Spot]] = field(default_factory=lambda: defaultdict(list))


def laid_out(states: Sequence[int], edges: Mapping[Pair, int], *, box: Point, gap: Point, lane: float) -> Layout:
    """Place states. `edges` says how many lines run between two of them; `box` is a state's size, `gap` what is
    between two, `lane` the width of a line.
    """
    upwards = frozenset(back_edges(states, list(edges)))
    downs = {(pair[1], pair[0]) if pair in upwards else pair: 0 for pair in edges}
    for pair, lines in edges.items():
        downs[(pair[1], pair[0]) if pair in upwards else pair] += lines
    layer = layers_of(states, list(downs))
    layers = spots_in(states, downs, layer)
    untangle(layers)
    widths = {
        spot: box.x if len(spot) == 1 else lane * downs[spot[0], spot[1]] for row in layers.rows for spot in row
    }
    x = columns(layers, widths, gap.x)
    left = min((x[spot] - widths[spot] / 2 for spot in x), default=0.0)
    at = {
        spot: Point(x[spot] - left, number * (box.y + gap.y) + box.y / 2)
        for number, row in enumerate(layers.rows)
        for spot in row
    }
    bends = {pair: [at[*pair, number] for number in range(layer[pair[0]] + 1, layer[pair[1]])] for pair in downs}
    right = max((at[spot].x + widths[spot] / 2 for spot in at), default=0.0)
    height = len(layers.rows) * (box.y + gap.y) - gap.y
    return Layout({state: at[state,] for state in states}, bends, upwards, right, height)


def back_edges(states: Sequence[int], edges: Sequence[Pair]) -> list[Pair]:
    """Give edges without which there is no cycle: those that lead back to where a walk in order came from."""
    after: dict[int, list[int]] = defaultdict(list)
    for source, destination in edges:
        after[source].append(destination)
    found: list[Pair] = []
    done: set[int] = set()
    path: list[int] = []

    def walk(state: int) -> None:
        path.append(state)
        for following in after[state]:
            if following in path:
                found.append((state, following))
            elif following not in done:
                walk(following)
        done.add(path.pop())

    for state in states:
        if state not in done:
            walk(state)
    return found


def layers_of(states: Sequence[int], downs: Sequence[Pair]) -> dict[int, int]:
    """Give each state's layer: below all from which an edge leads to it, and no further above its followers than
    need be.
    """
    layer = dict.fromkeys(states, 0)
    for _ in states:
        for upper, lower in downs:
            layer[lower] = max(layer[lower], layer[upper] + 1)
    for _ in states:
        for state in states:
            followers = [layer[lower] for upper, lower in downs if upper == state]
            if followers and not any(lower == state for _, lower in downs):
                layer[state] = min(followers) - 1
    return layer


def spots_in(states: Sequence[int], downs: Mapping[Pair, int], layer: Mapping[int, int]) -> Layers:
    """Put states and the places where edges pass into layers."""
    layers = Layers([[] for _ in range(max(layer.values(), default=-1) + 1)])
    for state in states:
        layers.rows[layer[state]].append((state,))
    for upper, lower in downs:
        chain: list[Spot] = [(upper,)]
        for number in range(layer[upper] + 1, layer[lower]):
            chain.append((upper, lower, number))
            layers.rows[number].append(chain[-1])
        chain.append((lower,))
        for one, other in pairwise(chain):
            layers.below[one].append(other)
            layers.above[other].append(one)
    return layers


def untangle(layers: Layers) -> None:
    """Order each layer by where its neighbours are; keep the order that had the fewest crossings."""
    best, fewest = [list(row) for row in layers.rows], crossings(layers)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        sides = layers.above if down else layers.below
        for number in range(1, len(layers.rows)) if down else range(len(layers.rows) - 2, -1, -1):
            order = {spot: at for at, spot in enumerate(layers.rows[number - 1 if down else number + 1])}
            here = {spot: at for at, spot in enumerate(layers.rows[number])}
            layers.rows[number].sort(key=lambda spot: middle([order[each] for each in sides[spot]], here[spot]))
        if (now := crossings(layers)) < fewest:
            best, fewest = [list(row) for row in layers.rows], now
    layers.rows[:] = best


def middle(places: Sequence[int], present: int) -> float:
    return sum(places) / len(places) if places else present


def crossings(layers: Layers) -> int:
    found = 0
    for upper, lower in pairwise(layers.rows):
        order = {spot: at for at, spot in enumerate(lower)}
        ends = [order[each] for spot in upper for each in sorted(layers.below[spot], key=order.__getitem__)]
        found += sum(one > other for at, one in enumerate(ends) for other in ends[at + 1 :])
    return found


def columns(layers: Layers, widths: Mapping[Spot, float], gap: float) -> dict[Spot, float]:
    """Give where each spot is from left to right: near its neighbours, and apart from those beside it."""
    x = {spot: 0.0 for row in layers.rows for spot in row}
    for sweep in range(2 * SWEEPS):
        rows = layers.rows if sweep % 2 == 0 else layers.rows[::-1]
        for row in rows:
            wanted = [nearby(spot, layers, x) for spot in row]
            apart = [0.0]
            for one, other in pairwise(row):
                apart.append(apart[-1] + (widths[one] + widths[other]) / 2 + gap)
            for spot, place in zip(row, ascending([w - a for w, a in zip(wanted, apart, strict=True)]), strict=True):
                x[spot] = place + apart[row.index(spot)]
    return x


def nearby(spot: Spot, layers: Layers, x: Mapping[Spot, float]) -> float:
    """Give where a spot would be at best: between its neighbours; an edge's course is rather straight."""
    beside = [x[each] for side in (layers.above, layers.below) for each in side[spot]]
    return sum(beside) / len(beside) if beside else x[spot]


def ascending(wanted: Sequence[float]) -> list[float]:
    """Give the numbers nearest to these that nowhere descend: what descends is averaged."""
    blocks: list[tuple[float, int]] = []
    for value in wanted:
        mean, size = value, 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (mean * size + before * count) / (size + count), size + count
        blocks.append((mean, size))
    return [mean for mean, size in blocks for _ in range(size)]
