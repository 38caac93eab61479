"""The reference surface: the same records in other documents, and operations that only it has."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.api.routes import REFERENCE_ROUTES
from emulator.core.records import Invoice, InvoiceDocument, OrderItem, Package, PackageItem, Product
from tests.support.worlds import all_tables, changed_records

GUIDE = "/api/v1/oms"
EVIL = "<script>alert('1')</script>&\"{0}{number}"


@pytest.fixture
def bearer(oms: Emulator) -> requests.Session:
    client = oms.session()
    client.headers["Authorization"] = f"Bearer {oms.jwt()}"
    return client


def empty_objects(value: Any, pointer: str = "") -> list[str]:
    """Return the pointers of empty objects in a response."""
    if isinstance(value, list):
        return [path for item in value for path in empty_objects(item, f"{pointer}/*")]
    if not isinstance(value, dict):
        return []
    own = [pointer] if not value else []
    return own + [path for key, item in value.items() for path in empty_objects(item, f"{pointer}/{key}")]


FREE = ("/config", "/configuration", "/extra_information", "/additional_data", "/attributes", "/attributes_kwargs")
MAPS = (*FREE, "/extra_attributes", "/price_extra_field", "/stock_extra_field", "/response", "/conf", "/translations")
MAPS_OF_HOOKS = ("/additional_headers", "/mapping")


@pytest.mark.medium
def test_responses_have_no_empty_documents(oms: Emulator, bearer: requests.Session) -> None:
    """The page prints empty objects for documents that it does not show. The emulator returns the documents."""
    for route in REFERENCE_ROUTES:
        if route.method == "GET" and "<" not in route.path:
            for pointer in empty_objects(bearer.get(f"{route.path}?limit=100").json()):
                assert pointer.endswith((*MAPS, *MAPS_OF_HOOKS)), (route.operation, pointer)
    for pk in oms.world.records.ids(Package)[:50]:
        for path in ("", "transition_logs/", "webhook_events/"):
            for pointer in empty_objects(bearer.get(f"/packages/{pk}/{path}").json()):
                assert pointer.endswith((*MAPS, *MAPS_OF_HOOKS)), (path, pointer)


@pytest.mark.parametrize(
    "path", ["packages/", "packages/short/", "packages/list-simple/", "packages/delivery-ranges/"]
)
def test_both_surfaces_list_the_same_records(oms: Emulator, bearer: requests.Session, path: str) -> None:
    """A page of the reference has 20 records by default, a page of the guide has 10."""
    reference = bearer.get(f"/{path}").json()
    guide = oms.session().get(f"{GUIDE}/{path}?limit=20").json()
    keys = [key for key in ("id", "number") if key in guide["results"][0]]
    assert reference["count"] == guide["count"]
    assert len(reference["results"]) == min(20, reference["count"])
    assert [[row[key] for key in keys] for row in reference["results"]] == [
        [row[key] for key in keys] for row in guide["results"]
    ]
    assert reference["next"] in {f"{oms.url}/{path}?page=2", None}


@pytest.mark.medium
def test_both_surfaces_show_the_same_package(oms: Emulator, bearer: requests.Session) -> None:
    """Shared keys have equal values, except derived ones."""
    other = ("packageitem_set", "state", "shipping_address", "stock_location", "delivery_type", "delivery_range")
    for pk in list(oms.world.records.ids(Package))[-30:]:
        reference, guide = bearer.get(f"/packages/{pk}/").json(), oms.session().get(f"{GUIDE}/packages/{pk}/").json()
        shared = reference.keys() & guide.keys() - set(other)
        assert len(shared) > 25
        assert {key: reference[key] for key in shared} == {key: guide[key] for key in shared}
        assert reference["state"] == {key: value for key, value in guide["state"].items() if key != "translations"}
        assert (reference["delivery_type"] or {"value": None})["value"] == guide["delivery_type"]
        assert reference["origin_address"] == reference["stock_location"]["address"]["id"]
        assert reference["origin_address_id"] == str(guide["stock_location"]["address"]["id"])
        assert [item["id"] for item in reference["packageitem_set"]] == [
            item["id"] for item in guide["packageitem_set"]
        ]


def find_prepare(package: Any) -> Any:
    return next((command for command in package["commands"] if "prepare" in command["slug"]), None)


@pytest.mark.medium
def test_command_on_the_reference_shows_on_the_guide(oms: Emulator, bearer: requests.Session) -> None:
    packages = bearer.get("/packages/?limit=100").json()["results"]
    package = next(package for package in packages if find_prepare(package))
    command = find_prepare(package)
    url = f"packages/{package['id']}/"
    body = {"transition": command["id"], "input_parameters": {}}
    answer = bearer.post(f"/{url}command/", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert oms.session().get(f"{GUIDE}/{url}").json()["state"]["id"] == command["destination_state"]
    log = bearer.get(f"/{url}transition_logs/").json()["results"][0]
    assert log["transition"] == {
        "id": command["id"],
        "name": command["label"],
        "source_state": command["source_state"],
        "target_state": command["destination_state"],
    }
    assert bearer.get(f"/{url}transition_logs/short/").json()["results"][0]["transition_name"] == command["label"]
    assert log["additional_data"]["command"]["transition_id"] == command["id"]
    rejected = bearer.post(f"/{url}command/", json=body)
    assert (rejected.status_code, list(rejected.json()["error"])) == (400, ["transition"])


@pytest.mark.medium
def test_extra_information_merges_and_shows_on_both_surfaces(oms: Emulator, bearer: requests.Session) -> None:
    pk = oms.world.records.ids(Package)[-1]
    url = f"/packages/{pk}/"
    start = bearer.get(url).json()["extra_information"]
    before = all_tables(oms.world.records)
    first, second = {"note": {"a": 1}, "tags": ["x"]}, {"note": "\u2028é", "more": None}
    for changes_ in (first, second):
        answer = bearer.patch(f"{url}extra_information/", json={"extra_information": changes_})
        assert (answer.status_code, answer.content) == (204, b"")
    merged = start | first | second
    assert bearer.get(url).json()["extra_information"] == merged
    assert bearer.get("/packages/list-simple/").json()["results"][0]["extra_information"] == merged
    assert oms.session().get(f"{GUIDE}{url}").json()["extra_information"] == merged
    changed = changed_records(before, all_tables(oms.world.records))
    assert {key: set(columns or ()) for key, columns in changed.items()} == {
        ("Package", pk): {"extra_information", "modified_date"}
    }


@pytest.mark.parametrize(
    ("body", "key", "message"),
    [
        ("{}", "extra_information", "This field is required."),
        ('{"extra_information":null}', "extra_information", "This field may not be null."),
        ('{"extra_information":[]}', "extra_information", 'Expected a dictionary of items but got type "list".'),
        ('{"extra_information":{"a":"\\ud800"}}', "extra_information", "Value must be valid JSON."),
        ('{"extra_information":{"a":99999999999999999999}}', "extra_information", "Value must be valid JSON."),
        ("[]", "non_field_errors", "Invalid data. Expected a dictionary, but got list."),
    ],
)
def test_invalid_extra_information_changes_nothing(
    oms: Emulator, bearer: requests.Session, body: str, key: str, message: str
) -> None:
    snapshot = oms.world.records
    pk = snapshot.ids(Package)[0]
    headers = {"Content-Type": "application/json"}
    answer = bearer.patch(f"/packages/{pk}/extra_information/", data=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {key: [message]})
    assert oms.world.records is snapshot


def test_package_items_are_those_of_the_detail(oms: Emulator, bearer: requests.Session) -> None:
    for package in bearer.get("/packages/").json()["results"]:
        rows = bearer.get(f"/packages/{package['id']}/package-items/?limit=100").json()
        assert rows["results"] == [
            {"id": item["id"], "product_sku": item["order_item"]["product"]["sku"]}
            for item in package["packageitem_set"]
        ]


def test_invoice_is_created_once_for_both_surfaces(oms: Emulator, bearer: requests.Session) -> None:
    snapshot = oms.world.records
    pk = next(pk for pk in snapshot.ids(Package) if not snapshot.related(Invoice, "package", pk))
    answer = bearer.post(f"/packages/{pk}/invoice/")
    assert answer.status_code == 201
    assert isinstance(answer.json()["address"]["city"], dict)
    assert oms.session().get(f"{GUIDE}/packages/list-simple/?limit=100").status_code == 200
    assert oms.session().post(f"{GUIDE}/packages/{pk}/invoice/").status_code == 400


class Text(HTMLParser):
    """Collects the text of a document."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(source)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def test_invoice_document_is_rendered_from_the_package_escaped(oms: Emulator, bearer: requests.Session) -> None:
    snapshot = oms.world.records
    pk = snapshot.ids(Package)[-1]
    item = snapshot.get_existing(OrderItem, snapshot.find(PackageItem, "package", pk)[0].order_item)
    with oms.world.transaction() as tx:
        tx.change(snapshot.get_existing(Package, pk), number=EVIL, invoice_number=None)
        tx.change(snapshot.get_existing(Product, item.product), name=EVIL)
    html = bearer.get(f"/packages/{pk}/invoice_document/").json()["html_content"]
    assert html.startswith("<!doctype html>")
    assert "<script>" not in html
    text = "".join(Text(html).parts)
    assert EVIL in text
    assert item.net_amount in text


def test_stored_invoice_document_is_returned_unchanged(oms: Emulator, bearer: requests.Session) -> None:
    pk = oms.world.records.ids(Package)[0]
    with oms.world.transaction() as tx:
        tx.add(InvoiceDocument(tx.new_id(InvoiceDocument), pk, "N", "html", "<p>\u2028é</p>", "2023-01-01"))
    answer = bearer.get(f"/packages/{pk}/invoice_document/")
    assert answer.json() == {"html_content": "<p>\u2028é</p>"}
    assert b"\\u2028" in answer.content


@pytest.mark.parametrize("path", ["package-items/", "invoice_document/", "short/", "webhook_events/"])
def test_unknown_package_is_not_found(bearer: requests.Session, path: str) -> None:
    assert bearer.get(f"/packages/999999999/{path}").json() == {"detail": "Not found."}
