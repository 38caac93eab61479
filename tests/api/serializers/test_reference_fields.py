"""Fields of the reference surface are derived from columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.core.records import Order, Package, PackageItem, TransitionLog, Webhook, WebhookEvent
from emulator.domain.webhook_retries import MAX_ATTEMPTS, SCANNER_PERIOD

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delivered", "status", "count", "status_shown", "retryable"),
    [
        (False, None, 0, "pending", True),
        (False, 500, 1, "pending", True),
        (False, 404, MAX_ATTEMPTS - 1, "pending", True),
        (False, 500, MAX_ATTEMPTS, "failed", False),
        (False, 302, 1, "failed", False),
        (True, 200, 1, "delivered", False),
        (True, 204, 3, "delivered", False),
    ],
)
def test_event_shows_its_delivery_status(
    oms: Emulator, delivered: bool, status: int | None, count: int, status_shown: str, retryable: bool
) -> None:
    """The detail and the short list agree."""
    pk, event = first_event(oms)
    with oms.world.transaction() as tx:
        rule = b'{"choice":"fixed","kwargs":{"seconds":60}}'
        tx.change(tx.get_existing(Webhook, event.webhook), retry_countdown_config=rule)
        outcome = {"response_http_status": status, "response_content": "b'x'", "retry_count": count}
        tx.change(event, delivered=delivered, created_date=AT - SCANNER_PERIOD, modified_date=AT, **outcome)
    client = bearer(oms)
    shown = client.get(f"/packages/{pk}/webhook_events/{event.id}/").json()
    short = client.get(f"/packages/{pk}/webhook_events/short/").json()["results"][0]
    assert (shown["status"], shown["retryable"], shown["retry_count"]) == (status_shown, retryable, count)
    assert short["status"] == status_shown
    due = {0: "2026-03-02T08:00:00Z", 1: "2026-03-02T09:01:00Z", MAX_ATTEMPTS - 1: "2026-03-02T10:00:00Z"}
    assert shown["next_retry_date"] == (due[count] if retryable else None)
    assert shown["response"] == ({} if status is None else {"http_status": status, "content": "b'x'"})


def bearer(oms: Emulator) -> Any:
    client = oms.session()
    client.headers["Authorization"] = f"Bearer {oms.jwt()}"
    return client


def first_event(oms: Emulator) -> tuple[int, WebhookEvent]:
    snapshot = oms.world.records
    for pk in snapshot.ids(Package):
        if events := snapshot.find(WebhookEvent, "subject", (4, pk)):
            return pk, events[0]
    raise AssertionError("no package has an event")


REASONS = {
    "none": (None, None),
    "a text": (b'"torn"', "torn"),
    "an object": (b'{"code":1}', '{"code":1}'),
    "null": (b"null", None),
}


@pytest.mark.parametrize(("stored", "shown"), REASONS.values(), ids=REASONS)
def test_discrepancy_reason_is_a_string(oms: Emulator, stored: bytes | None, shown: str | None) -> None:
    assert item_with(oms, discrepancy_reason=stored)["discrepancy_reason"] == shown


OWN = {"id": 2, "title": "Ürün hasarlı", "remote_id": "DR-2", "priority": 2, "is_active": True}
DENIALS = {
    "none": (None, None),
    "an id": (2, OWN),
    "an object": ({"id": 2, "title": "Torn"}, OWN | {"title": "Torn"}),
    "an unknown id": (
        {"id": 999, "title": "T"},
        {"id": 999, "title": "T", "remote_id": None, "priority": 0, "is_active": True},
    ),
    "no id": ({"title": "T"}, {"id": 0, "title": "T", "remote_id": None, "priority": 0, "is_active": True}),
}


@pytest.mark.parametrize(("stored", "shown"), DENIALS.values(), ids=DENIALS)
def test_denial_reason_is_completed_from_the_installation(oms: Emulator, stored: Any, shown: Any) -> None:
    assert item_with(oms, denial_reason=None if stored is None else orjson.dumps(stored))["denial_reason"] == shown


def item_with(oms: Emulator, **columns: Any) -> Any:
    """Return the document of an item with these columns."""
    item = oms.world.records.get_existing(PackageItem, oms.world.records.ids(PackageItem)[0])
    with oms.world.transaction() as tx:
        tx.change(item, **columns)
    shown = bearer(oms).get(f"/packages/{item.package}/").json()["packageitem_set"]
    return next(document for document in shown if document["id"] == item.id)


@pytest.mark.parametrize(
    "attributes", [{}, {"command": {}}, {"command": "x"}, {"command": {"transition_id": "x"}}], ids=str
)
def test_log_without_a_transition_shows_one_between_the_same_states(oms: Emulator, attributes: Any) -> None:
    snapshot = oms.world.records
    log = next(log for log in snapshot.all(TransitionLog) if log.content_type == 4)
    for new_state, is_known in ((log.new_state, True), (log.old_state, False)):
        with oms.world.transaction() as tx:
            tx.change(log, new_state=new_state, attributes=orjson.dumps(attributes))
        shown = bearer(oms).get(f"/packages/{log.object_id}/transition_logs/{log.id}/").json()["transition"]
        assert (shown is not None) == is_known
        if shown is not None:
            assert (shown["source_state"], shown["target_state"]) == (log.old_state, new_state)


@pytest.mark.parametrize(
    ("value", "shown"), [(None, None), ("same_day", {"value": "same_day", "label": "Same day"})], ids=str
)
@pytest.mark.parametrize("collects", [False, True])
def test_package_shows_delivery_type_and_planning_of_its_order(
    oms: Emulator, value: str | None, shown: Any, collects: bool
) -> None:
    snapshot = oms.world.records
    package = snapshot.get_existing(Package, snapshot.ids(Package)[0])
    with oms.world.transaction() as tx:
        order = tx.get_existing(Order, package.order)
        tx.change(order, delivery_type=value, is_click_and_collect=collects)
    document = bearer(oms).get(f"/packages/{package.id}/").json()
    assert document["delivery_type"] == shown
    assert (document["scenario"]["id"], document["rule"]["id"]) == ((2, 2) if collects else (1, 1))
