"""Any graph is laid out: states apart, edges from layer to layer, the same each time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.coverage.layout import Layout, Pair, Point, laid_out

pytestmark = pytest.mark.slow

BOX, GAP = Point(100, 40), Point(20, 50)

numbers = st.integers(0, 9)
pairs = st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1])
graphs = st.dictionaries(pairs, st.integers(1, 4), max_size=25)
STATES = range(10)


def lay(edges: dict[Pair, int]) -> Layout:
    return laid_out(STATES, edges, box=BOX, gap=GAP, lane=8.0)


@given(graphs)
def test_states_are_apart_and_on_the_picture(edges: dict[Pair, int]) -> None:
    layout = lay(edges)
    assert set(layout.states) == set(STATES)
    for one, here in layout.states.items():
        assert BOX.x / 2 - 1e-6 <= here.x <= layout.width - BOX.x / 2 + 1e-6
        assert BOX.y / 2 - 1e-6 <= here.y <= layout.height - BOX.y / 2 + 1e-6
        for other, there in layout.states.items():
            assert one == other or abs(here.x - there.x) >= BOX.x or abs(here.y - there.y) >= BOX.y


@given(graphs)
def test_every_edge_runs_down_except_those_that_are_told(edges: dict[Pair, int]) -> None:
    """Round trips have one edge that leads up."""
    layout = lay(edges)
    for source, destination in edges:
        up = (source, destination) in layout.reversed
        upper, lower = (destination, source) if up else (source, destination)
        ys = [layout.states[upper].y, *(bend.y for bend in layout.bends[upper, lower]), layout.states[lower].y]
        assert ys == sorted(set(ys))


@given(graphs)
def test_edges_pass_beside_states(edges: dict[Pair, int]) -> None:
    """Where an edge passes a layer, no state is."""
    layout = lay(edges)
    for bends in layout.bends.values():
        for bend in bends:
            assert not any(abs(at.x - bend.x) < BOX.x / 2 and at.y == bend.y for at in layout.states.values())


@given(graphs)
def test_the_same_graph_is_laid_out_the_same(edges: dict[Pair, int]) -> None:
    assert lay(edges) == lay(dict(edges))


def test_a_chain_is_a_straight_line() -> None:
    layout = laid_out([1, 2, 3], {(1, 2): 1, (2, 3): 1}, box=BOX, gap=GAP, lane=8.0)
    assert [layout.states[each] for each in (1, 2, 3)] == [Point(50, 20), Point(50, 110), Point(50, 200)]


def test_crossings_that_can_be_avoided_are() -> None:
    """Two pairs that would cross in the order of the states do not."""
    layout = laid_out([1, 2, 3, 4], {(1, 4): 1, (2, 3): 1}, box=BOX, gap=GAP, lane=8.0)
    assert (layout.states[1].x < layout.states[2].x) == (layout.states[4].x < layout.states[3].x)


def test_nothing_is_laid_out_as_nothing() -> None:
    layout = laid_out([], {}, box=BOX, gap=GAP, lane=8.0)
    assert (layout.states, layout.width) == ({}, 0.0)
