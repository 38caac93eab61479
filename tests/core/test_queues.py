"""What waits comes in the order of its time, from every root as it was there."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from emulator.core.records import WebhookEvent
from tests.support.worlds import START, world_of

seconds = st.integers(0, 10**9) | st.integers(0, 3)
changes = st.lists(st.tuples(st.integers(0, 5), st.none() | seconds), max_size=12)


@given(st.lists(st.none() | seconds, min_size=6, max_size=6), changes)
def test_it_gives_what_a_sorted_list_would(first: list[int | None], later: list[tuple[int, int | None]]) -> None:
    """Also after times changed, ended and came back; and an older root still gives what it gave."""
    world = world_of()
    owed: dict[int, int] = {}
    with world.transaction() as tx:
        for number, wait in enumerate(first):
            tx.add(WebhookEvent(number + 1, 1, 1, 4, due=None if wait is None else START + timedelta(seconds=wait)))
            owed |= {} if wait is None else {number + 1: wait}
    before, owed_before = world.root, dict(owed)
    with world.transaction() as tx:
        for number, wait in later:
            due = None if wait is None else START + timedelta(seconds=wait)
            tx.change(tx.one(WebhookEvent, number + 1), due=due)
            owed.pop(number + 1, None)
            owed |= {} if wait is None else {number + 1: wait}
    for root, expected in ((world.root, owed), (before, owed_before)):
        queued = [((due - START).total_seconds(), id_) for due, id_ in root.queued(WebhookEvent)]
        assert queued == sorted((wait, id_) for id_, wait in expected.items())


def test_a_record_that_is_removed_waits_no_more() -> None:
    world = world_of()
    with world.transaction() as tx:
        tx.remove(tx.add(WebhookEvent(1, 1, 1, 4, due=START)))
    assert list(world.root.queued(WebhookEvent)) == []
    assert not any(world.root.maps[WebhookEvent, "queue"])


def test_an_event_of_the_start_waits_for_nothing() -> None:
    """What a scenario tells of has happened."""
    assert list(world_of([WebhookEvent(1, 1, 1, 4)]).root.queued(WebhookEvent)) == []
