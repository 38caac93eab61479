"""`apply_changes` has the same result as the transactions that made the changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.core.records import KINDS, QUEUES, RELATIONS, TALLIES, Package, Stock, Webhook, WebhookEvent
from emulator.state.store import REMOVED, Snapshot, Transaction, apply_changes
from tests.support.worlds import START, build_world

IDS = st.integers(1, 4)
KEYS = st.integers(1, 3)
CHANGE = st.tuples(st.sampled_from(["stock", "package", "event", "hook", "remove"]), IDS, KEYS, KEYS)
BASE = [
    *(Stock(id_, id_, 1) for id_ in (1, 2)),
    *(Package(id_, 1, 1, 1, 1) for id_ in (1, 2)),
    *(WebhookEvent(id_, 1, 1, 1) for id_ in (1, 2)),
    Webhook(1, event_type="a"),
]


def do(tx: Transaction, what: str, id_: int, one: int, other: int) -> None:
    """Change, add or remove a record."""
    columns: dict[str, tuple[type[Any], dict[str, Any]]] = {
        "stock": (Stock, {"product": one, "stock_location": other}),
        "package": (Package, {"stock_location": one, "state": other, "order": one, "shipping_address": other}),
        "event": (WebhookEvent, {"due": None if one == 1 else START + timedelta(seconds=other), "object_id": one}),
        "hook": (Webhook, {"event_type": "abc"[one - 1]}),
        "remove": (Webhook, {}),
    }
    kind, changes = columns[what]
    record = tx.get(kind, id_)
    if what == "remove":
        if record is not None:
            tx.remove(record)
    elif record is not None:
        tx.change(record, **changes)
    elif what == "package":
        tx.add(Package(tx.new_id(Package), other, one, other, one))
    elif what == "stock":
        tx.add(Stock(tx.new_id(Stock), one, other))
    elif what == "event":
        tx.add(WebhookEvent(tx.new_id(kind), 1, one, 1, due=changes["due"]))
    else:
        tx.add(Webhook(tx.new_id(Webhook), event_type="abc"[one - 1]))


def content(records: Snapshot) -> dict[Any, Any]:
    """Return everything that a reader can return."""
    result: dict[Any, Any] = {kind: list(records.all(kind)) for kind in KINDS.values()}
    result |= {(kind, "ids"): list(records.ids(kind)) for kind in KINDS.values()}
    result |= {
        (kind, relation, key): records.related(kind, relation, key)
        for kind, relations in RELATIONS.items()
        for relation, columns in relations.items()
        for key in keys(len(columns))
    }
    result |= {(kind, "tally"): +records.tally(kind) for kind in TALLIES}  # type: ignore[operator]  # a Counter
    result |= {(kind, "queue"): list(records.due_items(kind)) for kind in QUEUES}
    return result


def keys(columns: int) -> list[Any]:
    plain: list[Any] = [None, 1, 2, 3, 4, "a", "b", "c"]
    return plain if columns == 1 else [(one, other) for one in plain for other in plain]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(before=st.lists(CHANGE, max_size=6), after=st.lists(CHANGE, max_size=12))
def test_the_result_is_that_of_the_transactions(before: list[Any], after: list[Any]) -> None:
    """Compare records, ids, relations, counts, queues and next ids, on a start that has changes already."""
    world = build_world(BASE)
    first = Transaction(world.records, START)
    for change in before:
        do(first, *change)
    start = first.to_snapshot()
    last = Transaction(start, START)
    for change in after:
        do(last, *change)
    changes = [(kind, id_, last.maps[kind].get(id_, REMOVED)) for kind, id_ in last.changed_keys]
    at_once = apply_changes(start, changes, dict(last.maps.get("next", {})))
    assert content(at_once) == content(last.to_snapshot())
    assert Transaction(at_once, START).new_id(Package) == Transaction(last.to_snapshot(), START).new_id(Package)


def test_a_record_that_was_added_and_removed_leaves_no_trace() -> None:
    world = build_world(BASE)
    at_once = apply_changes(world.records, [(Webhook, 7, REMOVED)], {Webhook: 8})
    assert list(at_once.ids(Webhook)) == [1]
    assert at_once.get(Webhook, 7) is None
    assert Transaction(at_once, START).new_id(Webhook) == 8
