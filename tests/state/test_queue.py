"""`Reader.due_items` yields the waiting records in the order of their due times."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.records import WebhookEvent
from tests.support.worlds import START, build_world

seconds = st.integers(0, 10**9) | st.integers(0, 3)
changes = st.lists(st.tuples(st.integers(0, 5), st.none() | seconds), max_size=12)


@pytest.mark.medium
@given(st.lists(st.none() | seconds, min_size=6, max_size=6), changes)
def test_the_order_is_that_of_a_sorted_list(first: list[int | None], later: list[tuple[int, int | None]]) -> None:
    """Due times may be changed, removed and set again. Older snapshots keep their order."""
    world = build_world()
    waits: dict[int, int] = {}
    with world.transaction() as tx:
        for number, wait in enumerate(first):
            tx.add(WebhookEvent(number + 1, 1, 1, 4, due=None if wait is None else START + timedelta(seconds=wait)))
            waits |= {} if wait is None else {number + 1: wait}
    before, waits_before = world.records, dict(waits)
    with world.transaction() as tx:
        for number, wait in later:
            due = None if wait is None else START + timedelta(seconds=wait)
            tx.change(tx.get_existing(WebhookEvent, number + 1), due=due)
            waits.pop(number + 1, None)
            waits |= {} if wait is None else {number + 1: wait}
    for records, expected in ((world.records, waits), (before, waits_before)):
        queued = [((due - START).total_seconds(), id_) for due, id_ in records.due_items(WebhookEvent)]
        assert queued == sorted((wait, id_) for id_, wait in expected.items())


def test_a_removed_record_is_not_queued() -> None:
    world = build_world()
    with world.transaction() as tx:
        tx.remove(tx.add(WebhookEvent(1, 1, 1, 4, due=START)))
    assert list(world.records.due_items(WebhookEvent)) == []
    assert world.records.maps[WebhookEvent, "queue"] is None


def test_events_of_the_start_are_not_queued() -> None:
    assert list(build_world([WebhookEvent(1, 1, 1, 4)]).records.due_items(WebhookEvent)) == []
