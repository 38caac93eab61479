"""A state graph as SVG: each transition a line that shows whether it was taken, only refused, or not met."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from emulator.core.printing import as_html
from emulator.coverage.layout import Layout, Pair, Point, laid_out

BOX, GAP, LANE, MARGIN = Point(168, 62), Point(26, 64), 11.0, 16.0
CHIP = 22
"""How far the marks of two transitions that stay in a state are apart."""
MOST_STATES = 120
"""More would be a picture of nothing."""
TAKEN, REFUSED, UNMET, OUTSIDE = "taken", "refused", "unmet", "outside"
SIGNS = {TAKEN: "✓", REFUSED: "✗", UNMET: "–"}
Move = Mapping[str, Any]


class Met(NamedTuple):
    """How often each transition was taken, and how often refused, by name."""

    taken: Mapping[str, int]
    refused: Mapping[str, int]

    def of(self, move: Move) -> str:
        """Give what became of a transition; carrier, planner and operator move without the API."""
        if move["actor"] != "command":
            return OUTSIDE
        name = move["name"]
        return TAKEN if self.taken.get(name) else REFUSED if self.refused.get(name) else UNMET


def drawn(part: Mapping[str, Any], met: Met, title: str) -> str:
    """Give the picture of a graph; nothing for one with too many states. An operator's moves are left out: they lead
    from nearly everywhere to one state.
    """
    states = {state["id"]: state for state in part["states"]}
    if not states or len(states) > MOST_STATES:
        return ""
    shown = [each for each in part["transitions"] if each["actor"] != "operator"]
    shown = [each for each in shown if each["source"] in states and each["destination"] in states]
    lines: dict[Pair, list[Move]] = defaultdict(list)
    staying: dict[int, list[Move]] = defaultdict(list)
    for move in shown:
        if move["source"] == move["destination"]:
            staying[move["source"]].append(move)
        else:
            lines[move["source"], move["destination"]].append(move)
    layout = laid_out(list(states), {pair: len(found) for pair, found in lines.items()}, box=BOX, gap=GAP, lane=LANE)
    parts = [
        *(line(way, move, met) for pair, moves in lines.items() for way, move in ways(layout, pair, lines, moves)),
        *(box(state, layout.states[id_], staying[id_], met) for id_, state in states.items()),
    ]
    return in_frame(parts, layout, title)


def in_frame(parts: Sequence[str], layout: Layout, title: str) -> str:
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    return (
        f'<svg class="graph" role="img" aria-label="{as_html(title)}" viewBox="{-MARGIN:g} {-MARGIN:g} {width:.0f} '
        f'{height:.0f}" width="{width:.0f}" height="{height:.0f}">\n' + "\n".join(parts) + "\n</svg>"
    )


def ways(layout: Layout, pair: Pair, lines: Mapping[Pair, Sequence[Move]], moves: Sequence[Move]) -> Any:
    """Give each transition between two states with its points, side by side with the others between the two."""
    upper, lower = (pair[1], pair[0]) if pair in layout.reversed else pair
    beside = len(lines.get((pair[1], pair[0]), ()))
    before = beside if pair in layout.reversed else 0
    for number, move in enumerate(moves):
        aside = (before + number - (len(moves) + beside - 1) / 2) * LANE
        ends = port(layout, lines, upper, lower, below=True), port(layout, lines, lower, upper, below=False)
        points = [Point(each.x + aside, each.y) for each in (ends[0], *passes(layout.bends[upper, lower]), ends[1])]
        yield (points[::-1] if pair in layout.reversed else points), move


def passes(bends: Sequence[Point]) -> list[Point]:
    """Give where lines pass layers: straight beside the states, they bend between two layers alone."""
    return [Point(bend.x, bend.y + half) for bend in bends for half in (-BOX.y / 2, BOX.y / 2)]


def port(layout: Layout, lines: Mapping[Pair, Sequence[Move]], state: int, other: int, *, below: bool) -> Point:
    """Give where the lines to another state leave this one: in the order in which they go on."""
    around: dict[int, int] = defaultdict(int)
    for pair, moves in lines.items():
        up, down = (pair[1], pair[0]) if pair in layout.reversed else pair
        if state == (up if below else down):
            around[down if below else up] += len(moves)
    order = sorted(around, key=lambda each: next_point(layout, state, each, below=below).x)
    lanes = sum(around.values())
    step = min(LANE, (BOX.x - 12) / max(lanes, 1))
    before = sum(around[each] for each in order[: order.index(other)])
    centre = layout.states[state]
    aside = (before + around[other] / 2 - lanes / 2) * step
    return Point(centre.x + aside, centre.y + (BOX.y / 2 if below else -BOX.y / 2))


def next_point(layout: Layout, state: int, other: int, *, below: bool) -> Point:
    bends = layout.bends[(state, other) if below else (other, state)]
    if not bends:
        return layout.states[other]
    return bends[0] if below else bends[-1]


def line(points: Sequence[Point], move: Move, met: Met) -> str:
    first, *rest = points
    path = [f"M{first.x:.1f} {first.y:.1f}"]
    for one, other in zip(points, rest, strict=False):
        half = (one.y + other.y) / 2
        path.append(f"C{one.x:.1f} {half:.1f} {other.x:.1f} {half:.1f} {other.x:.1f} {other.y:.1f}")
    kind = met.of(move)
    return (
        f'<g class="move {kind}"><title>{as_html(told(move, met))}</title><path d="{" ".join(path)}" '
        f'marker-end="url(#to-{kind})"/></g>'
    )


def told(move: Move, met: Met) -> str:
    """Give a transition in words."""
    what = f"{move['label'] or move['command']} ({move['id']}): {move['name']}"
    if met.of(move) == OUTSIDE:
        return f"{what} – by the {move['actor']}, not by the API"
    taken, refused = met.taken.get(move["name"], 0), met.refused.get(move["name"], 0)
    return f"{what} – taken {taken} times, refused {refused} times"


def box(state: Mapping[str, Any], centre: Point, staying: Sequence[Move], met: Met) -> str:
    """Give a state: its name, and a mark for each transition that stays in it."""
    left, top = centre.x - BOX.x / 2, centre.y - BOX.y / 2
    text = wrap(state["name"], 22, max_lines=1 if staying else 2, placeholder="…")
    high = centre.y + 5 - 8 * (len(text) - 1) - (11 if staying else 0)
    rows = "".join(
        f'<tspan x="{centre.x:.1f}" y="{high + 16 * number:.1f}">{as_html(each)}</tspan>'
        for number, each in enumerate(text)
    )
    chips = "".join(
        chip(move, Point(centre.x + (number - (len(staying) - 1) / 2) * CHIP, centre.y + 14), met)
        for number, move in enumerate(staying)
    )
    return (
        f'<g class="state"><title>{as_html(state["name"])} ({as_html(str(state["id"]))})</title><rect x="{left:.1f}" '
        f'y="{top:.1f}" width="{BOX.x:g}" height="{BOX.y:g}" rx="8"/><text>{rows}</text>{chips}</g>'
    )


def chip(move: Move, centre: Point, met: Met) -> str:
    kind = met.of(move)
    return (
        f'<g class="chip {kind}"><title>{as_html(told(move, met))}</title><circle cx="{centre.x:.1f}" '
        f'cy="{centre.y:.1f}" r="9"/><text x="{centre.x:.1f}" y="{centre.y + 4:.1f}">{SIGNS.get(kind, "")}</text></g>'
    )
