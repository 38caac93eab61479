"""The reference surface: the guide's records in its own shapes, and what only it has."""

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


def without_placeholders(value: Any, at: str = "") -> list[str]:
    """List the places of an answer that are empty objects where the page shows one for a document."""
    if isinstance(value, list):
        return [place for each in value for place in without_placeholders(each, f"{at}/*")]
    if not isinstance(value, dict):
        return []
    found = [at] if not value else []
    return found + [place for key, each in value.items() for place in without_placeholders(each, f"{at}/{key}")]


FREE = ("/config", "/configuration", "/extra_information", "/additional_data", "/attributes", "/attributes_kwargs")
MAPS = (*FREE, "/extra_attributes", "/price_extra_field", "/stock_extra_field", "/response", "/conf", "/translations")
MAPS_OF_HOOKS = ("/additional_headers", "/mapping")


def test_no_answer_has_a_placeholder(oms: Emulator, bearer: requests.Session) -> None:
    """The page's empty objects are for documents that it does not show; ours are there."""
    for route in REFERENCE_ROUTES:
        if route.method == "GET" and "<" not in route.path:
            for place in without_placeholders(bearer.get(f"{route.path}?limit=100").json()):
                assert place.endswith((*MAPS, *MAPS_OF_HOOKS)), (route.operation, place)
    for pk in oms.world.records.ids(Package)[:50]:
        for path in ("", "transition_logs/", "webhook_events/"):
            for place in without_placeholders(bearer.get(f"/packages/{pk}/{path}").json()):
                assert place.endswith((*MAPS, *MAPS_OF_HOOKS)), (path, place)


@pytest.mark.parametrize(
    "path", ["packages/", "packages/short/", "packages/list-simple/", "packages/delivery-ranges/"]
)
def test_both_surfaces_list_the_same_records(oms: Emulator, bearer: requests.Session, path: str) -> None:
    """Twenty on a page here, ten there."""
    theirs = bearer.get(f"/{path}").json()
    ours = oms.session().get(f"{GUIDE}/{path}?limit=20").json()
    keys = [key for key in ("id", "number") if key in ours["results"][0]]
    assert theirs["count"] == ours["count"]
    assert len(theirs["results"]) == min(20, theirs["count"])
    assert [[row[key] for key in keys] for row in theirs["results"]] == [
        [row[key] for key in keys] for row in ours["results"]
    ]
    assert theirs["next"] in {f"{oms.url}/{path}?page=2", None}


def test_a_package_is_the_same_on_both_surfaces(oms: Emulator, bearer: requests.Session) -> None:
    """Keys that both show say the same, derived ones apart."""
    other = ("packageitem_set", "state", "shipping_address", "stock_location", "delivery_type", "delivery_range")
    for pk in list(oms.world.records.ids(Package))[-30:]:
        theirs, ours = bearer.get(f"/packages/{pk}/").json(), oms.session().get(f"{GUIDE}/packages/{pk}/").json()
        shared = theirs.keys() & ours.keys() - set(other)
        assert len(shared) > 25
        assert {key: theirs[key] for key in shared} == {key: ours[key] for key in shared}
        assert theirs["state"] == {key: value for key, value in ours["state"].items() if key != "translations"}
        assert (theirs["delivery_type"] or {"value": None})["value"] == ours["delivery_type"]
        assert theirs["origin_address"] == theirs["stock_location"]["address"]["id"]
        assert theirs["origin_address_id"] == str(ours["stock_location"]["address"]["id"])
        assert [item["id"] for item in theirs["packageitem_set"]] == [item["id"] for item in ours["packageitem_set"]]


def test_a_command_here_shows_there(oms: Emulator, bearer: requests.Session) -> None:
    packages = bearer.get("/packages/?limit=100").json()["results"]
    package = next(one for one in packages if any("PREPARE" in each["slug"].upper() for each in one["commands"]))
    command = next(each for each in package["commands"] if "prepare" in each["slug"])
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
    refused = bearer.post(f"/{url}command/", json=body)
    assert (refused.status_code, list(refused.json()["error"])) == (400, ["transition"])


def test_extra_information_merges_and_shows_on_both_surfaces(oms: Emulator, bearer: requests.Session) -> None:
    pk = oms.world.records.ids(Package)[-1]
    url = f"/packages/{pk}/"
    start = bearer.get(url).json()["extra_information"]
    before = all_tables(oms.world.records)
    first, second = {"note": {"a": 1}, "tags": ["x"]}, {"note": "\u2028é", "more": None}
    for sent in (first, second):
        answer = bearer.patch(f"{url}extra_information/", json={"extra_information": sent})
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
    ("body", "key", "said"),
    [
        ("{}", "extra_information", "This field is required."),
        ('{"extra_information":null}', "extra_information", "This field may not be null."),
        ('{"extra_information":[]}', "extra_information", 'Expected a dictionary of items but got type "list".'),
        ('{"extra_information":{"a":"\\ud800"}}', "extra_information", "Value must be valid JSON."),
        ('{"extra_information":{"a":99999999999999999999}}', "extra_information", "Value must be valid JSON."),
        ("[]", "non_field_errors", "Invalid data. Expected a dictionary, but got list."),
    ],
)
def test_wrong_extra_information_changes_nothing(
    oms: Emulator, bearer: requests.Session, body: str, key: str, said: str
) -> None:
    root = oms.world.records
    pk = root.ids(Package)[0]
    headers = {"Content-Type": "application/json"}
    answer = bearer.patch(f"/packages/{pk}/extra_information/", data=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {key: [said]})
    assert oms.world.records is root


def test_package_items_are_those_of_the_detail(oms: Emulator, bearer: requests.Session) -> None:
    for package in bearer.get("/packages/").json()["results"]:
        rows = bearer.get(f"/packages/{package['id']}/package-items/?limit=100").json()
        assert rows["results"] == [
            {"id": item["id"], "product_sku": item["order_item"]["product"]["sku"]}
            for item in package["packageitem_set"]
        ]


def test_an_invoice_is_made_once_on_either_surface(oms: Emulator, bearer: requests.Session) -> None:
    root = oms.world.records
    pk = next(pk for pk in root.ids(Package) if not root.related(Invoice, "package", pk))
    answer = bearer.post(f"/packages/{pk}/invoice/")
    assert answer.status_code == 201
    assert isinstance(answer.json()["address"]["city"], dict)
    assert oms.session().get(f"{GUIDE}/packages/list-simple/?limit=100").status_code == 200
    assert oms.session().post(f"{GUIDE}/packages/{pk}/invoice/").status_code == 400


class Text(HTMLParser):
    """Gathers the text of a document."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(source)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def test_an_invoice_document_is_made_from_the_package_and_escapes_all_of_it(
    oms: Emulator, bearer: requests.Session
) -> None:
    root = oms.world.records
    pk = root.ids(Package)[-1]
    item = root.get_existing(OrderItem, root.find(PackageItem, "package", pk)[0].order_item)
    with oms.world.transaction() as tx:
        tx.change(root.get_existing(Package, pk), number=EVIL, invoice_number=None)
        tx.change(root.get_existing(Product, item.product), name=EVIL)
    html = bearer.get(f"/packages/{pk}/invoice_document/").json()["html_content"]
    assert html.startswith("<!doctype html>")
    assert "<script>" not in html
    text = "".join(Text(html).parts)
    assert EVIL in text
    assert item.net_amount in text


def test_a_stored_document_is_given_as_it_is(oms: Emulator, bearer: requests.Session) -> None:
    pk = oms.world.records.ids(Package)[0]
    with oms.world.transaction() as tx:
        tx.add(InvoiceDocument(tx.new_id(InvoiceDocument), pk, "N", "html", "<p>\u2028é</p>", "2023-01-01"))
    answer = bearer.get(f"/packages/{pk}/invoice_document/")
    assert answer.json() == {"html_content": "<p>\u2028é</p>"}
    assert b"\\u2028" in answer.content


@pytest.mark.parametrize("path", ["package-items/", "invoice_document/", "short/", "webhook_events/"])
def test_an_unknown_package_is_not_found(bearer: requests.Session, path: str) -> None:
    assert bearer.get(f"/packages/999999999/{path}").json() == {"detail": "Not found."}
