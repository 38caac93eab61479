"""The filter table is consistent, and every filter has an effect on the demo scenario."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.core.records import Webhook
from emulator.params.values import TYPES
from emulator.routes import ROUTES
from emulator.rules.filters import FILTER_SETS, LOOKUPS, Condition, Filter, FilterSet, Wanted
from emulator.rules.filters.finding import find
from emulator.rules.filters.index import RANGES
from emulator.server import Emulator

FILTERS = [(name, filter_) for name, table in FILTER_SETS.items() for filter_ in table.filters]
IDS = [f"{name}-{filter_.name}" for name, filter_ in FILTERS]
WITHOUT_EFFECT = {
    "cancellation_failure_status": "no package has the value, so the list is empty",
    "shipping_option__slug__in": "no package has the value, so the list is empty",
    "shipping_option__slug__not_in": "no package has the value, so no package is excluded",
}


@pytest.fixture(scope="module")
def demo() -> Emulator:
    """The demo scenario with one inactive hook, because it has none at the start."""
    emulator = Emulator("demo")
    with emulator.world.transaction() as tx:
        tx.change(next(tx.all(Webhook)), is_active=False)
    return emulator


@pytest.mark.parametrize("table", FILTER_SETS.values(), ids=FILTER_SETS)
def test_filter_names_and_aliases_are_unique(table: FilterSet) -> None:
    """None of them is a pagination parameter."""
    names = [name for name, _ in table.names]
    assert len(names) == len(set(names))
    assert not {"page", "limit", "format", "sort"} & set(names)


@pytest.mark.parametrize(("name", "filter_"), FILTERS, ids=IDS)
def test_filter_is_complete(name: str, filter_: Filter) -> None:
    """It has a known type and lookup, a description, and a reason if it is assumed."""
    assert filter_.type in TYPES
    assert {filter_.lookup, *(path.lookup or filter_.lookup for path in filter_.paths)} <= set(LOOKUPS)
    assert filter_.doc
    assert filter_.provenance != "assumed" or filter_.reason


def test_every_range_has_a_lookup() -> None:
    assert set(RANGES) <= set(LOOKUPS)


def test_every_lookup_is_used() -> None:
    used = {path.lookup or filter_.lookup for _, filter_ in FILTERS for path in filter_.paths}
    assert set(LOOKUPS) == used


def test_every_filter_set_is_used_by_a_route() -> None:
    assert {route.filters for route in ROUTES} - {None} == set(FILTER_SETS)


@pytest.mark.parametrize(("name", "filter_"), FILTERS, ids=IDS)
def test_filter_selects_some_records_and_not_all(demo: Emulator, name: str, filter_: Filter) -> None:
    """For at least one value, unless `WITHOUT_EFFECT` has a reason."""
    root, table = demo.world.root, FILTER_SETS[name]
    everything = len(find(root, Wanted(table)))
    counts = {len(find(root, Wanted(table, (Condition(filter_, value),)))) for value in values(demo, table, filter_)}
    assert any(0 < count < everything for count in counts) is (filter_.name not in WITHOUT_EFFECT)


def test_every_filter_without_effect_exists() -> None:
    assert set(WITHOUT_EFFECT) <= {filter_.name for _, filter_ in FILTERS}


def values(demo: Emulator, table: FilterSet, filter_: Filter) -> Iterator[object]:
    """Yield the values of the filter that records have."""
    from emulator.core.columns import follow  # noqa: PLC0415 - used only here

    root, path = demo.world.root, filter_.paths[0] if filter_.paths else None
    if path is None:
        yield frozenset({"x"}) if filter_.type.endswith("list") else "x"
        return
    kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
    for record in root.all(kind):
        for value in follow(root, kind, record, steps.split(".")):
            if value is not None:
                yield frozenset({value}) if filter_.type.endswith("list") else value
