"""The tables of filters are consistent: names, lookups, paths, and the effect of each filter on the demo scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from emulator.api.filters import FILTER_SETS, LOOKUPS, Condition, Filter, FilterSet, ListQuery
from emulator.api.filters.filter_set import Provenance
from emulator.api.filters.query import find_ids
from emulator.api.parameters import FILTER_PARSERS
from emulator.api.routes import ROUTES
from emulator.client.emulator import Emulator
from emulator.core.records import Webhook
from emulator.state.store import follow_path

ROWS = [(name, filter_) for name, table in FILTER_SETS.items() for filter_ in table.filters]
IDS = [f"{name}-{filter_.name}" for name, filter_ in ROWS]
WITHOUT_EFFECT = {
    "cancellation_failure_status": "no package has the value, so no package matches",
    "shipping_option__slug__in": "no package has the value, so no package matches",
    "shipping_option__slug__not_in": "no package has the value, so all packages match",
}


@pytest.fixture(scope="module")
def demo() -> Emulator:
    """Return the demo scenario with one inactive hook."""
    demo = Emulator("demo")
    with demo.world.transaction() as tx:
        tx.change(next(tx.all(Webhook)), is_active=False)
    return demo


@pytest.mark.parametrize("table", FILTER_SETS.values(), ids=FILTER_SETS)
def test_names_are_unique(table: FilterSet) -> None:
    """No two filters of a list share a name or an alias, and none has the name of a common parameter."""
    names = [name for name, _ in table.names]
    assert len(names) == len(set(names))
    assert not {"page", "limit", "format", "sort"} & set(names)


@pytest.mark.parametrize(("name", "filter_"), ROWS, ids=IDS)
def test_filter_is_complete(name: str, filter_: Filter) -> None:
    """A filter has a known type, lookup and provenance, a description, and a reason if its name is assumed."""
    assert filter_.value_type in FILTER_PARSERS
    assert {filter_.lookup, *(path.lookup or filter_.lookup for path in filter_.paths)} <= set(LOOKUPS)
    assert filter_.doc
    assert {filter_.provenance, filter_.lookup_provenance or "assumed"} <= set(get_args(Provenance))
    assert filter_.provenance != "assumed" or filter_.reason


def test_every_lookup_is_used() -> None:
    used = {path.lookup or filter_.lookup for _, filter_ in ROWS for path in filter_.paths}
    assert set(LOOKUPS) == used


def test_every_filter_set_is_used_by_a_route() -> None:
    assert {route.filter_set for route in ROUTES} - {None} == set(FILTER_SETS)


@pytest.mark.parametrize(("name", "filter_"), ROWS, ids=IDS)
def test_filter_changes_the_list(demo: Emulator, name: str, filter_: Filter) -> None:
    """Each filter selects some records but not all for at least one value, except those in `WITHOUT_EFFECT`."""
    snapshot, table = demo.world.records, FILTER_SETS[name]
    total = len(find_ids(snapshot, ListQuery(table)))
    counts = {
        len(find_ids(snapshot, ListQuery(table, (Condition(filter_, value),))))
        for value in values(demo, table, filter_)
    }
    assert any(0 < count < total for count in counts) is (
        filter_.name not in WITHOUT_EFFECT and name != "event_queue"  # the queue is always empty
    )


def test_filters_without_effect_exist() -> None:
    assert set(WITHOUT_EFFECT) <= {filter_.name for _, filter_ in ROWS}


def values(demo: Emulator, table: FilterSet, filter_: Filter) -> Iterator[object]:
    """Yield values of the filter that records have."""
    snapshot, path = demo.world.records, filter_.paths[0] if filter_.paths else None
    if path is None:
        yield frozenset({"x"}) if filter_.value_type.endswith("list") else "x"
        return
    kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
    for record in snapshot.all(kind):
        for value in follow_path(snapshot, kind, record, steps.split(".")):
            if value is not None:
                yield frozenset({value}) if filter_.value_type.endswith("list") else value
