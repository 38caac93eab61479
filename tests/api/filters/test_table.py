"""The table of filters holds together: names, lookups, paths, and what each filter does to the demonstration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.api.filters import FILTER_SETS, LOOKUPS, Condition, Filter, FilterSet, ListQuery
from emulator.api.filters.query import find_ids
from emulator.api.parameters import FILTER_PARSERS
from emulator.api.routes import ROUTES
from emulator.client.emulator import Emulator
from emulator.core.records import Webhook

ROWS = [(name, one) for name, table in FILTER_SETS.items() for one in table.filters]
IDS = [f"{name}-{one.name}" for name, one in ROWS]
WITHOUT_EFFECT = {
    "cancellation_failure_status": "no package has the value, so nothing is ever found",
    "shipping_option__slug__in": "no package has the value, so nothing is ever found",
    "shipping_option__slug__not_in": "no package has the value, so nothing is ever left out",
}


@pytest.fixture(scope="module")
def demo() -> Emulator:
    """The demonstration, with a hook that was switched off: it starts with none."""
    made = Emulator("demo")
    with made.world.transaction() as tx:
        tx.change(next(tx.all(Webhook)), is_active=False)
    return made


@pytest.mark.parametrize("table", FILTER_SETS.values(), ids=FILTER_SETS)
def test_a_name_means_one_filter(table: FilterSet) -> None:
    """No two filters of a list share a name, aliases included, and none is a parameter of paging."""
    names = [name for name, _ in table.names]
    assert len(names) == len(set(names))
    assert not {"page", "limit", "format", "sort"} & set(names)


@pytest.mark.parametrize(("name", "one"), ROWS, ids=IDS)
def test_a_row_is_complete(name: str, one: Filter) -> None:
    """A known type and lookup, the page's line, and a reason where it is assumed."""
    assert one.value_type in FILTER_PARSERS
    assert {one.lookup, *(path.lookup or one.lookup for path in one.paths)} <= set(LOOKUPS)
    assert one.doc
    assert one.provenance != "assumed" or one.reason


def test_every_lookup_is_used() -> None:
    """No lookup without a filter."""
    used = {path.lookup or one.lookup for _, one in ROWS for path in one.paths}
    assert set(LOOKUPS) == used


def test_every_set_is_some_routes() -> None:
    """No filters without a list, no list without its filters."""
    assert {route.filter_set for route in ROUTES} - {None} == set(FILTER_SETS)


@pytest.mark.parametrize(("name", "one"), ROWS, ids=IDS)
def test_a_filter_changes_the_list(demo: Emulator, name: str, one: Filter) -> None:
    """For some value the filter finds some records, not all; or there is a reason why it cannot."""
    root, table = demo.world.records, FILTER_SETS[name]
    everything = len(find_ids(root, ListQuery(table)))
    counts = {len(find_ids(root, ListQuery(table, (Condition(one, value),)))) for value in values(demo, table, one)}
    assert any(0 < count < everything for count in counts) is (one.name not in WITHOUT_EFFECT)


def test_no_reason_is_out_of_date() -> None:
    """Every filter said to be without effect exists."""
    assert set(WITHOUT_EFFECT) <= {one.name for _, one in ROWS}


def values(demo: Emulator, table: FilterSet, one: Filter) -> Iterator[object]:
    """Give values of the filter that records have."""
    from emulator.state.store import follow_path  # noqa: PLC0415 - a detail of this look-up

    root, path = demo.world.records, one.paths[0] if one.paths else None
    if path is None:
        yield frozenset({"x"}) if one.value_type.endswith("list") else "x"
        return
    kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
    for record in root.all(kind):
        for value in follow_path(root, kind, record, steps.split(".")):
            if value is not None:
                yield frozenset({value}) if one.value_type.endswith("list") else value
