"""From an order to its delivery, played from Python and over HTTP; what cannot be done says what could."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.errors import Conflict, ControlError, InvalidDocument, UnknownRecord
from emulator.core.records import Stock, StockLocation
from tests.support.answers import check_document

ONE, OTHER = "PZ-101-02-L", "PZ-101-05-S"
API = "/api/v1/oms"


class Shop:
    """An emulator in which only Gebze and Kadıköy have goods, and a client."""

    def __init__(self, here: int = 1, there: int = 2) -> None:
        self.oms = Emulator("empty")
        with self.oms.world.transaction() as tx:
            for stock in list(tx.all(Stock)):
                tx.change(stock, quantity=0)
        self.oms.stock(12, ONE, here)
        self.oms.stock(11, ONE, there)
        self.session = self.oms.session()

    def get(self, path: str) -> Any:
        return self.session.get(API + path).json()

    def command(self, path: str, code: str, **parameters: Any) -> int:
        """Run the command whose slug has this code, if the record offers one; give the status."""
        offered = self.get(path)["commands"]
        slug = next(each["slug"] for each in offered if f"__{code}__" in each["slug"])
        body = {"slug": slug, "input_parameters": parameters}
        return self.session.post(f"{API}{path}command/", json=body).status_code

    def state(self, pk: int) -> str:
        return str(self.get(f"/packages/{pk}/")["state"]["name"])


def test_an_order_goes_through_transfer_packing_and_delivery() -> None:
    """Each step is a command or the carrier's; in the end all goods are gone and all states say so."""
    shop = Shop()
    made = shop.oms.order(lines=[{"sku": ONE, "quantity": 3}], shipping_address={"city": "İstanbul"})
    (pk,), (transfer,) = made["packages"], made["transfers"]
    package = shop.get(f"/packages/{pk}/")
    check_document("package", package)
    assert package["state"]["name"] == "Waiting for Transfer"
    path = f"/transfer_orders/{transfer}/"
    document = shop.get(path)
    check_document("transfer", document)
    assert (document["state"]["enum_value"], document["package"]) == ("waiting", pk)
    carried = [item["package_item"]["id"] for item in document["transferitem_set"]]
    assert [item["id"] for item in package["packageitem_set"] if item["transfer_order"] == transfer] == carried
    assert shop.command(path, "ready_to_ship_transfer_order", cargo_company=1) == 204
    assert shop.command(path, "dispatch_transfer_order") == 204
    assert shop.command(path, "deliver_transfer_order") == 204
    assert shop.state(pk) == "Waiting"
    assert shop.command(f"/packages/{pk}/", "complete_packaging") == 204
    assert shop.command(f"/packages/{pk}/", "ship_package") == 204
    assert shop.oms.carrier(pk, "attempted")["state"]["name"] == "Attempted Delivery"
    delivered = shop.oms.carrier(pk, "delivered")
    check_document("package", delivered)
    assert {item["state"]["name"] for item in delivered["packageitem_set"]} == {"Delivered"}
    assert sum(stock.quantity for stock in shop.oms.world.records.all(Stock)) == 0
    logs = shop.get(f"/packages/{pk}/transition_logs/")["results"]
    assert [log["old_state"]["name"] for log in reversed(logs)] == [
        "Waiting for Transfer",
        "Waiting",
        "Packed all items",
        "Shipped",
        "Attempted Delivery",
    ]


def test_a_replanned_order_is_delivered_too() -> None:
    """Refused where it was planned, packed and delivered where it went."""
    shop = Shop(here=2, there=2)
    (pk,) = shop.oms.order(lines=[{"sku": ONE, "quantity": 2}], shipping_address={"city": "İstanbul"})["packages"]
    body = {"transition": 166, "input_parameters": {"denial_reason": 1}}
    answer = shop.session.post(f"{API}/packages/{pk}/command/", json=body)
    child = answer.json()["package__id"]
    assert shop.state(pk) == "Requires replan"
    assert shop.command(f"/packages/{child}/", "complete_packaging") == 204
    assert shop.command(f"/packages/{child}/", "ship_package") == 204
    assert shop.oms.carrier(child, "delivered")["state"]["name"] == "Delivered"
    quantities = {
        (stock.stock_location, stock.quantity) for stock in shop.oms.world.records.all(Stock) if stock.quantity
    }
    assert quantities == {(pk_location(shop, pk), 2)}


def pk_location(shop: Shop, pk: int) -> int:
    return int(shop.get(f"/packages/{pk}/")["stock_location"]["id"])


def test_goods_that_a_source_does_not_have_come_from_another() -> None:
    """The claim moves with the transfer order: nothing is promised twice."""
    shop = Shop()
    shop.oms.stock(3, ONE, 4)
    shop.oms.stock(4, ONE, 1)
    made = shop.oms.order(lines=[{"sku": ONE, "quantity": 5}], shipping_address={"city": "Bursa"})
    (transfer, *_) = made["transfers"]
    carried = len(shop.get(f"/transfer_orders/{transfer}/")["transferitem_set"])
    shop.oms.stock(13, ONE, 4)
    before = free(shop)
    assert shop.command(f"/transfer_orders/{transfer}/", "transfer_product_not_found") == 204
    renewed = shop.get("/transfer_orders/?limit=1")["results"][0]
    assert renewed["number"] == f"{renewed['package_number']}T{len(made['transfers']) + 1}"
    source = renewed["source"]["id"]
    assert free(shop) == before | {source: before[source] - carried}


def free(shop: Shop) -> dict[int, int]:
    """Return the available quantity of the product at each location."""
    return {
        stock.stock_location: stock.quantity for stock in shop.oms.world.records.all(Stock) if stock.product == 1001
    }


@pytest.mark.parametrize("state", ["Waiting", 100, "200", "packed", "Teslim Edildi", 47, 300, "950"])
def test_a_package_is_made_in_any_state(state: str | int) -> None:
    """By name in any language, enum value or id."""
    package = Emulator("empty").package(state=state, items=2)
    check_document("package", package)
    names = {"packed": "500", "Teslim Edildi": "800", 47: "800", "Waiting": "100"}
    assert package["state"]["enum_value"] == names.get(state, str(state))
    assert len(package["packageitem_set"]) == 2


def test_given_fields_are_in_the_detail() -> None:
    """Whatever the detail has as a column, the document may set."""
    given = {
        "number": "X-1",
        "tracking_number": "T-9",
        "invoice_number": "I-1",
        "remote_id": "R-1",
        "extra_information": {"a": [1.5, None]},
        "order_number": "ORD-1",
        "payment_type": "pay_on_delivery",
        "created_date": "2023-01-02T03:04:05Z",
        "delivery_type": None,
        "is_click_and_collect": True,
        "order_notes": "Ring twice",
        "omnitron_order_id": 77,
    }
    address = {"city": "Milano", "line": "Via Brera 1", "first_name": "Ada", "postcode": None}
    oms = Emulator("empty")
    package: dict[str, Any] = dict(
        oms.package(state="Shipped", shipping_address=address, stock_location="IT-MI1", **given)
    )
    check_document("package", package)
    assert {key: package[key] for key in given} == given
    assert {key: package["shipping_address"][key] for key in ("line", "first_name", "postcode")} == {
        key: address[key] for key in ("line", "first_name", "postcode")
    }
    assert (package["city"], package["stock_location"]["id"]) == ("MILANO", 17)
    assert package["shipment"]["awb_number"] == "T-9"
    second = oms.package(order_number="ORD-1")
    assert (second["order_id"], second["number"]) == (package["order_id"], "ORD-1P1")


WRONG: list[tuple[str, dict[str, Any], type[ControlError], str]] = [
    ("package", {"colour": 1}, InvalidDocument, "unknown key 'colour'; known: state, items"),
    ("package", {"state": "Lost"}, InvalidDocument, "unknown package state 'Lost'; known: Waiting, "),
    ("package", {"items": 0}, InvalidDocument, "/items: must be at least 1 (got 0)"),
    ("package", {"items": [{"sku": "x"}]}, InvalidDocument, "no product with the sku 'x'; known: PZ-"),
    ("package", {"stock_location": "x"}, InvalidDocument, "unknown stock location 'x'; known: 1, 3"),
    ("package", {"delivery_range": 1}, InvalidDocument, "unknown delivery range 1; known: 401"),
    ("package", {"shipment": {"cargo_company": "x"}, "state": 500}, InvalidDocument, "unknown cargo company 'x'"),
    ("package", {"shipping_address": {"city": "Atlantis"}}, InvalidDocument, "unknown city 'Atlantis'; known: "),
    ("package", {"created_date": "2023-02-31T00:00:00Z"}, InvalidDocument, "2023-02-31T00:00:00Z is not a valid"),
    ("package", {"extra_information": object()}, InvalidDocument, "not a JSON document"),
    ("package", {"channel_name": "x"}, InvalidDocument, "unknown channel 'x'; known: PZ Shop"),
    ("order", {}, InvalidDocument, "/lines: is missing"),
    ("order", {"lines": [{"sku": ONE, "quantity": 100}] * 9}, Conflict, f"not enough stock of {ONE}: 900 wanted, "),
    (
        "order",
        {"lines": [{"sku": ONE}], "is_click_and_collect": True, "retail_store_id": 11},
        Conflict,
        "location 11 does not offer click and collect; known: 1, 3",
    ),
    ("carrier", {"package": 1, "event": "delivered"}, UnknownRecord, "this world has no package 1"),
    ("cancel_order", {"order": 1}, UnknownRecord, "this world has no order 1"),
    ("stock", {"location": 2, "sku": ONE, "quantity": 1}, UnknownRecord, "this world has no stock location 2"),
    ("stock", {"location": 1, "sku": "x", "quantity": 1}, UnknownRecord, "no product with the sku 'x'"),
    ("stock", {"location": 1, "sku": ONE, "quantity": -1}, InvalidDocument, "/quantity: must be at least 0 (got -1)"),
    ("stock_location", {"name": "x", "erp_code": "TR-KDK"}, Conflict, "location 12 PZ Kadıköy already has the"),
]


@pytest.mark.parametrize(("method", "arguments", "error", "words"), WRONG)
def test_wrong_arguments_say_what_is_known(
    method: str, arguments: dict[str, Any], error: type[ControlError], words: str
) -> None:
    """One line, a subclass of ValueError, and the world as it was."""
    oms = Emulator("empty")
    before = oms.world.records
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is compared below
        getattr(oms, method)(**arguments)
    assert type(raised.value) is error
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)
    assert oms.world.records is before


@pytest.mark.parametrize(
    ("method", "arguments", "nearest"),
    [
        ("package", {"stat": "Packed"}, "state"),
        ("order", {"line": []}, "lines"),
        ("stock_location", {"nmae": "x"}, "name"),
        ("package", {"state": "Delivred"}, "Delivered"),
    ],
)
def test_a_misspelled_name_is_answered_with_the_nearest_one(
    oms: Emulator, method: str, arguments: dict[str, Any], nearest: str
) -> None:
    with pytest.raises(InvalidDocument, match=rf"unknown .*; known: .*\. Did you mean {nearest}\?$"):
        getattr(oms, method)(**arguments)


def test_a_wrong_id_is_answered_with_the_range_of_the_ids() -> None:
    oms = Emulator("demo", packages=200)
    with pytest.raises(UnknownRecord, match=r"this world has no package 99999; its 200 ids are from 6501 to 6700$"):
        oms.carrier(99999, "delivered")
    oms.package()
    with pytest.raises(UnknownRecord, match=r"its 201 ids are from 6501 to 6701$"):
        oms.cancel_package(1)


def test_numbers_are_unique() -> None:
    """A number that is taken is refused, in the demonstration too."""
    oms = Emulator("demo")
    first = oms.session().get(f"{API}/packages/").json()["results"][0]
    with pytest.raises(Conflict, match=r"package \S+ already exists"):
        oms.package(number=first["number"])
    with pytest.raises(Conflict, match=r"order \S+ already exists"):
        oms.order(number=first["order_number"], lines=[{"sku": ONE}])
    part = oms.package(order_number=first["order_number"])
    assert part["order_id"] == first["order_id"]
    with pytest.raises(Conflict, match="so payment_type cannot be set"):
        oms.package(order_number=first["order_number"], payment_type="x")


def test_click_and_collect_brings_the_goods_to_the_store() -> None:
    """The package is where the customer comes; all that is missing there is transferred."""
    shop = Shop(here=1, there=2)
    made = shop.oms.order(
        lines=[{"sku": ONE, "quantity": 2}], is_click_and_collect=True, shipping_address={"city": "Antalya"}
    )
    package = shop.get(f"/packages/{made['packages'][0]}/")
    assert (package["stock_location"]["id"], package["order_retail_store_id"]) == (16, 16)
    assert package["state"]["name"] == "Waiting for Transfer"
    destinations = {shop.get(f"/transfer_orders/{id_}/")["destination"]["id"] for id_ in made["transfers"]}
    assert destinations == {16}


def test_the_same_calls_give_the_same_world() -> None:
    """Nothing is left to chance."""

    def arranged() -> list[Any]:
        oms = Emulator("empty")
        return [oms.order(lines=[{"sku": OTHER}]), oms.package(state="Shipped", items=3), oms.package(items=1)]

    assert arranged() == arranged()


@pytest.mark.medium
def test_over_a_socket() -> None:
    """The control API makes an order; links lead to where the caller asked."""
    with Emulator("empty") as oms:
        made = requests.post(f"{oms.url}/__admin/orders", json={"lines": [{"sku": ONE}]}, timeout=10)
        assert made.status_code == 201
        url = f"{oms.url}/__admin/packages"
        package = requests.post(url, json={"state": "Packed"}, timeout=10).json()
        label = requests.get(package["shipping_label"]["full_path_url"], timeout=10)
        assert label.status_code == 200
        located = oms.world.records.get_existing(StockLocation, package["stock_location"]["id"])
        assert located.name == package["stock_location"]["name"]
