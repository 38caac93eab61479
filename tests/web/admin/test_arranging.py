"""The control API for orders, packages, stock and stock locations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from emulator import Emulator
from emulator.api.serializers.rendering import render_cache
from emulator.core import schemas
from emulator.core.records import Package, StockLocation, Webhook, WebhookEvent
from tests.support.answers import check_body

SKU = "PZ-101-02-L"
ROOT = "/__admin"

ANSWERS: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/orders", {"lines": [{"sku": SKU, "quantity": 2.0}]}, 201, "arranged-order"),
    ("POST", "/packages", {"state": "Packed", "items": 2}, 201, "package"),
    ("POST", "/packages", {}, 201, "package"),
    ("PUT", f"/stock/1/{SKU}", {"quantity": 3}, 200, "stock"),
    ("POST", "/stock_locations", {"name": "New"}, 201, "stock-location"),
    ("PATCH", "/stock_locations/1", {"max_quota": 4, "address": {"city": "Bursa"}}, 200, "stock-location"),
    ("PATCH", "/stock_locations/1", {}, 200, "stock-location"),
]
REFUSALS: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/orders", b"{", 400, "the body is not JSON: "),
    ("POST", "/orders", b"", 400, "the body is not JSON: "),
    ("POST", "/orders", b"\xff", 400, "the body is not JSON: "),
    ("POST", "/orders", b"NaN", 400, "the body is not JSON: "),
    ("POST", "/orders", [], 400, "the document: must be an object (got [])"),
    ("POST", "/orders", {"lines": [{"sku": SKU}], "colour": 1}, 400, "unknown key 'colour'"),
    (
        "POST",
        "/orders",
        {"lines": [{"sku": SKU, "quantity": 101}]},
        400,
        "/lines/0/quantity: must be at most ",
    ),
    (
        "POST",
        "/orders",
        {"lines": [{"sku": SKU, "quantity": 99}] * 99},
        409,
        f"not enough stock of {SKU}: 9801 wanted",
    ),
    ("POST", "/orders/1/cancel", None, 404, "this world has no order 1"),
    ("POST", "/packages/1/cancel", None, 404, "this world has no package 1"),
    ("POST", "/packages/1/cancel", {"a": 1}, 400, "POST /__admin/packages/1/cancel does not accept a body"),
    ("POST", "/packages/1/carrier", {"event": "lost"}, 400, '/event: must be one of "attempted", '),
    ("POST", "/packages/1/carrier", {"event": "failed"}, 404, "this world has no package 1"),
    ("POST", "/packages/99999999999999999999/cancel", None, 404, "this world has no package 9"),
    ("POST", "/packages/x/cancel", None, 404, "POST /__admin/packages/x/cancel: Not Found"),
    ("POST", "/packages", {"state": "Lost"}, 400, "unknown package state 'Lost'"),
    ("PUT", f"/stock/2/{SKU}", {"quantity": 3}, 404, "this world has no stock location 2"),
    ("PUT", "/stock/1/x", {"quantity": 3}, 404, "no product with the sku 'x'"),
    ("PUT", f"/stock/1/{SKU}", {"quantity": -1}, 400, "/quantity: must be at least 0 (got -1)"),
    ("POST", "/stock_locations", {}, 400, "/name: is missing; must be a string"),
    (
        "POST",
        "/stock_locations",
        {"name": "x", "erp_code": "1"},
        409,
        "location 1 PZ Store 1 already has the erp_code",
    ),
    ("PATCH", "/stock_locations/2", {}, 404, "this world has no stock location 2"),
    ("PATCH", "/stock_locations/1", {"id": 7}, 400, "unknown key 'id'"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def send(oms: Emulator, method: str, path: str, body: Any = None) -> Any:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Client(oms.app).open(ROOT + path, method=method, data=data, headers={"Host": "127.0.0.1:8080"})


@pytest.mark.parametrize(("method", "path", "body", "status", "shape"), ANSWERS)
def test_responses_match_their_schemas(method: str, path: str, body: Any, status: int, shape: str) -> None:
    answer = send(Emulator("empty"), method, path, body)
    assert answer.status_code == status, answer.text
    check_body(shape, answer.data)


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), REFUSALS)
def test_error_is_one_line_and_changes_nothing(method: str, path: str, body: Any, status: int, words: str) -> None:
    oms = Emulator("empty")
    before = oms.world.records
    answer = send(oms, method, path, body)
    assert (answer.status_code, answer.json["error"][: len(words)]) == (status, words)
    check_body("control-error", answer.data)
    assert oms.world.records is before


@pytest.mark.parametrize(
    "name", ["arrange-order", "arrange-package", "arrange-stock-location", "change-stock-location"]
)
def test_error_for_an_unknown_key_lists_the_known_ones(name: str) -> None:
    paths = {
        "arrange-order": "/orders",
        "arrange-package": "/packages",
        "change-stock-location": "/stock_locations/1",
    }
    method = "PATCH" if name.startswith("change") else "POST"
    known = list(schemas.load_schema(name)["properties"])
    body = {"lines": [{"sku": SKU}]} if name == "arrange-order" else {"name": "x"} if "location" in name else {}
    answer = send(Emulator("empty"), method, paths.get(name, "/stock_locations"), body | {"colour": 1})
    assert (answer.status_code, answer.json["known"]) == (400, known)


def test_carrier_events_move_a_package() -> None:
    """A carrier event in the wrong state is refused with the possible states."""
    oms = Emulator("empty")
    pk = send(oms, "POST", "/packages", {"state": "Packed"}).json["id"]
    path = f"/packages/{pk}/carrier"
    early = send(oms, "POST", path, {"event": "delivered"})
    assert early.status_code == 409
    assert early.json["known"] == ["Shipped", "Attempted Delivery", "Delivery Failed"]
    called_off = send(oms, "POST", path, {"event": "cancelled"})
    check_body("package", called_off.data)
    found = called_off.json
    assert [found[key] for key in ("shipment", "shipping_label", "tracking_number")] == [None, None, None]
    assert found["state"]["name"] == "Packed all items"
    assert send(oms, "POST", path, {"event": "cancelled"}).status_code == 409
    cancelled = send(oms, "POST", f"/packages/{pk}/cancel")
    assert cancelled.json["state"]["name"] == "Packaging Canceled"
    assert {item["state"]["name"] for item in cancelled.json["packageitem_set"]} == {"Cancelled"}
    assert {item["order_item"]["state"]["name"] for item in cancelled.json["packageitem_set"]} == {"Canceled"}
    again = send(oms, "POST", f"/packages/{pk}/cancel")
    assert again.status_code == 409
    assert "Packaging Canceled" in again.json["error"]


def test_cancelling_an_order_cancels_its_transfers() -> None:
    oms = Emulator("empty")
    made = send(oms, "POST", "/orders", {"lines": [{"sku": SKU, "quantity": 90}]}).json
    assert made["transfers"]
    cancelled = send(oms, "POST", f"/orders/{made['order']}/cancel")
    check_body("arranged-order", cancelled.data)
    assert cancelled.json == made
    session = oms.session()
    for id_ in made["transfers"]:
        transfer = session.get(f"/api/v1/oms/transfer_orders/{id_}/").json()
        assert {transfer["state"]["enum_value"], *text_values(transfer)} == {"cancelled"}
    assert send(oms, "POST", f"/orders/{made['order']}/cancel").status_code == 409


def text_values(transfer: Any) -> set[str]:
    return {item["state"]["enum_value"] for item in transfer["transferitem_set"]}


def test_order_with_a_shipped_package_cannot_be_cancelled() -> None:
    """Nothing is changed."""
    oms = Emulator("empty")
    shipped = oms.package(state="Shipped", order_number="A-1")
    waiting = oms.package(order_number="A-1")
    answer = send(oms, "POST", f"/orders/{waiting['order_id']}/cancel")
    assert answer.status_code == 409
    assert shipped["number"] in answer.json["error"]
    assert oms.world.records.get_existing(Package, waiting["id"]).state == waiting["state"]["id"]


EVENTS: list[tuple[str, str, Any, list[str]]] = [
    ("POST", "/packages", {"state": "Shipped"}, ["package.created"]),
    ("POST", "/stock_locations", {"name": "New"}, ["stock_location.created"]),
    ("PATCH", "/stock_locations/1", {"name": "New"}, ["stock_location.updated"]),
    ("PUT", f"/stock/1/{SKU}", {"quantity": 1}, []),
    (
        "POST",
        "/packages/{pk}/carrier",
        {"event": "failed"},
        ["package.status.transitioned", "shipment.status.updated"],
    ),
    ("POST", "/packages/{pk}/carrier", {"event": "cancelled"}, ["shipment.cancelled"]),
]
TYPES = sorted({name for *_, names in EVENTS for name in names})


@pytest.mark.parametrize(("method", "path", "body", "types"), EVENTS)
def test_changes_create_webhook_events(method: str, path: str, body: Any, types: list[str]) -> None:
    """Each change creates one event for each subscription, with the record's document as payload."""
    oms = Emulator("empty")
    pk = oms.package(state="Shipped")["id"]
    with oms.world.transaction() as tx:
        for hook in list(tx.all(Webhook)):
            tx.change(hook, is_active=False)
        hooks = {name: tx.add(Webhook(tx.new_id(Webhook), event_type=name)) for name in TYPES}
    before = set(oms.world.records.ids(WebhookEvent))
    answer = send(oms, method, path.format(pk=pk), body)
    assert answer.status_code < 300
    events = [
        oms.world.records.get_existing(WebhookEvent, id_)
        for id_ in oms.world.records.ids(WebhookEvent)
        if id_ not in before
    ]
    assert [event.webhook for event in events] == [hooks[name].id for name in types]
    for event in events:
        if event.content_type == 9:
            assert event.object_id in oms.world.records.ids(StockLocation)
        else:
            told = oms.session().get(f"/api/v1/oms/packages/{event.object_id}/webhook_events/{event.id}/")
            check_body("webhook-event", told.content)


def test_event_of_a_stock_location_contains_its_document() -> None:
    """The document is that of the guide, with the key order of the vendor's database."""
    from emulator.api.serializers import render_document  # noqa: PLC0415 - used by one test

    oms = Emulator("empty")
    with oms.world.transaction() as tx:
        tx.add(Webhook(tx.new_id(Webhook), event_type="stock_location.updated"))
    document = oms.change_stock_location(1, name="Changed")
    root = oms.world.records
    id_ = root.ids(WebhookEvent)[-1]
    body = render_document("webhook-event", id_, root, "en-us", render_cache(oms.world))
    check_body("webhook-event", body or b"")
    assert json.loads(body or b"")["request_payload"]["payload"] == document


CALLS = sorted({(method, path) for method, path, *_ in (*ANSWERS, *REFUSALS)} | {("POST", "/packages/6501/carrier")})


@pytest.mark.slow
@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.sampled_from(CALLS), JSON, st.data())
def test_no_value_gives_a_500(call: tuple[str, str], value: Any, data: Any) -> None:
    oms = Emulator("empty")
    oms.package(state="Shipped")
    names = {"/orders": "arrange-order", "/packages": "arrange-package", "/stock_locations": "arrange-stock-location"}
    keys = list(schemas.load_schema(names.get(call[1], "change-stock-location"))["properties"])
    body = {data.draw(st.sampled_from(keys)): value, "name": "x", "lines": [{"sku": SKU}]}
    for key in ("name", "lines"):
        if key not in keys:
            body.pop(key)
    answer = send(oms, *call, body)
    assert answer.status_code in (200, 201, 400, 404, 409), answer.text
    if answer.status_code >= 400:
        check_body("control-error", answer.data)


@pytest.mark.parametrize("scenario", ["documented/package-delivery-ranges", "documented/package-detail"])
def test_error_names_what_the_world_lacks(scenario: str) -> None:
    """A recorded world can lack a product, location or carrier. This is a conflict, not a bug."""
    oms = Emulator(scenario)
    for path, body in (
        ("/packages", {"state": "Packed"}),
        ("/packages", {"items": 2}),
        ("/stock_locations", {"name": "x"}),
    ):
        answer = send(oms, "POST", path, body)
        assert answer.status_code in (201, 400, 409), answer.text
        if answer.status_code != 201:
            check_body("control-error", answer.data)
