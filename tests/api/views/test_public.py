"""Labels and pictures: for everybody who has their address, and safe to show."""

from __future__ import annotations

from itertools import islice
from typing import Any
from xml.etree import ElementTree

import pytest

from emulator import Emulator
from emulator.core.records import Address, Package, ShippingLabel, StockLocation
from emulator.domain.scenario_files import bundled_scenarios

EVIL = "<script>alert('1')</script>&\"{0}{number}"


def in_the_open(oms: Emulator) -> Any:
    client = oms.session()
    del client.headers["Authorization"]
    return client


def test_the_links_of_a_package_work_without_credentials(oms: Emulator) -> None:
    """As an `<img>` follows them."""
    seen = 0
    for package in oms.session().get("/api/v1/oms/packages/?limit=100").json()["results"]:
        label = package["shipping_label"]
        for url in [label["preview_url"], label["full_path_url"]] if label else []:
            answer = in_the_open(oms).get(url)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            assert package["number"] in answer.text
            assert package["order_number"] in answer.text
            seen += 1
        for item in package["packageitem_set"][:1]:
            for image in item["order_item"]["product"]["productimage_set"]:
                answer = in_the_open(oms).get(image["url"])
                assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert seen > 20


def test_a_label_shows_who_sends_what_to_whom_and_escapes_all_of_it(oms: Emulator) -> None:
    root = oms.world.records
    label = root.get_existing(ShippingLabel, root.ids(ShippingLabel)[0])
    package = root.get_existing(Package, label.package)
    with oms.world.transaction() as tx:
        tx.change(package, tracking_number=EVIL, number=EVIL)
        tx.change(tx.get_existing(Address, package.shipping_address), first_name=EVIL, line=EVIL, postcode=None)
        tx.change(tx.get_existing(StockLocation, package.stock_location), name=EVIL)
    text = in_the_open(oms).get(f"/api/v1/oms/shipping-label/{label.id}/preview/").text
    assert "<script>" not in text
    assert text.count("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;&quot;{0}{number}") == 6


@pytest.mark.parametrize("id_", [0, 1, 10**30])
def test_a_label_that_is_not_there_is_not_found(oms: Emulator, id_: int) -> None:
    answer = in_the_open(oms).get(f"/api/v1/oms/shipping-label/{id_}/preview/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "%3Cscript%3E.jpg",
        "%253Cscript%253E",
        "ş.png",
        "x/y/z.jpg",
        "%26%22",
        "%00",
        "%ff",
        "%EF%BF%BE",
        "%26" * 39,
    ],
)
def test_a_picture_names_its_file_and_is_well_formed(oms: Emulator, name: str) -> None:
    answer = in_the_open(oms).get(f"http://oms.test/cdn/{name}")
    assert answer.status_code == 200
    assert b"<script>" not in answer.content
    ElementTree.fromstring(answer.content)  # noqa: S314 - our own text


def test_a_long_name_is_cut(oms: Emulator) -> None:
    assert "a" * 41 not in in_the_open(oms).get(f"/cdn/{'a' * 500}").text


MANY = 40


@pytest.mark.parametrize("name", [name for name in bundled_scenarios() if name != "empty"])
def test_every_label_of_every_scenario_can_be_printed(name: str) -> None:
    oms = Emulator(name)
    oms.faults.clear()
    root = oms.world.records
    labels = (root.get_existing(Package, id_).shipping_label for id_ in root.ids(Package))
    for id_ in islice((label for label in labels if label is not None), MANY):
        assert in_the_open(oms).get(f"/api/v1/oms/shipping-label/{id_}/preview/").status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/pdf", ""])
def test_no_accept_header_keeps_a_picture_back(oms: Emulator, accept: str) -> None:
    assert in_the_open(oms).get("/cdn/a.jpg", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("token", ["nobody", "inactive"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(oms: Emulator, token: str) -> None:
    """As the framework authenticates before it asks who may come."""
    assert oms.session().get("/cdn/a.jpg", headers={"Authorization": f"Token {token}"}).status_code == 401
