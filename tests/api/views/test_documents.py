"""Shipping labels and product images: no credentials are required, and stored texts are escaped."""

from __future__ import annotations

from itertools import islice
from typing import Any
from xml.etree import ElementTree

import pytest

from emulator import Emulator
from emulator.core.records import Address, Package, ShippingLabel, StockLocation
from emulator.domain.scenario_files import bundled_scenarios

EVIL = "<script>alert('1')</script>&\"{0}{number}"


def anonymous_session(oms: Emulator) -> Any:
    client = oms.session()
    del client.headers["Authorization"]
    return client


@pytest.mark.medium
def test_links_of_a_package_work_without_credentials(oms: Emulator) -> None:
    checked = 0
    for package in oms.session().get("/api/v1/oms/packages/?limit=100").json()["results"]:
        label = package["shipping_label"]
        for url in [label["preview_url"], label["full_path_url"]] if label else []:
            answer = anonymous_session(oms).get(url)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            assert package["number"] in answer.text
            assert package["order_number"] in answer.text
            checked += 1
        for item in package["packageitem_set"][:1]:
            for image in item["order_item"]["product"]["productimage_set"]:
                answer = anonymous_session(oms).get(image["url"])
                assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert checked > 20


def test_label_shows_sender_recipient_and_package_escaped(oms: Emulator) -> None:
    snapshot = oms.world.records
    label = snapshot.get_existing(ShippingLabel, snapshot.ids(ShippingLabel)[0])
    package = snapshot.get_existing(Package, label.package)
    with oms.world.transaction() as tx:
        tx.change(package, tracking_number=EVIL, number=EVIL)
        tx.change(tx.get_existing(Address, package.shipping_address), first_name=EVIL, line=EVIL, postcode=None)
        tx.change(tx.get_existing(StockLocation, package.stock_location), name=EVIL)
    text = anonymous_session(oms).get(f"/api/v1/oms/shipping-label/{label.id}/preview/").text
    assert "<script>" not in text
    assert text.count("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;&quot;{0}{number}") == 6


@pytest.mark.parametrize("id_", [0, 1, 10**30])
def test_unknown_label_is_not_found(oms: Emulator, id_: int) -> None:
    answer = anonymous_session(oms).get(f"/api/v1/oms/shipping-label/{id_}/preview/")
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
def test_image_shows_its_file_name_and_is_well_formed(oms: Emulator, name: str) -> None:
    answer = anonymous_session(oms).get(f"http://oms.test/cdn/{name}")
    assert answer.status_code == 200
    assert b"<script>" not in answer.content
    ElementTree.fromstring(answer.content)  # noqa: S314 - our own text


@pytest.mark.medium
def test_long_file_name_is_shortened(oms: Emulator) -> None:
    assert "a" * 41 not in anonymous_session(oms).get(f"/cdn/{'a' * 500}").text


MAX_LABELS = 40


@pytest.mark.parametrize("name", [name for name in bundled_scenarios() if name != "empty"])
def test_labels_of_every_scenario_can_be_rendered(name: str) -> None:
    oms = Emulator(name)
    oms.faults.clear()
    snapshot = oms.world.records
    labels = (snapshot.get_existing(Package, id_).shipping_label for id_ in snapshot.ids(Package))
    for id_ in islice((label for label in labels if label is not None), MAX_LABELS):
        assert anonymous_session(oms).get(f"/api/v1/oms/shipping-label/{id_}/preview/").status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/pdf", ""])
def test_image_ignores_the_accept_header(oms: Emulator, accept: str) -> None:
    assert anonymous_session(oms).get("/cdn/a.jpg", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "inactive"])
def test_invalid_token_is_rejected_where_none_is_required(oms: Emulator, token: str) -> None:
    """The framework authenticates before it checks permissions."""
    assert oms.session().get("/cdn/a.jpg", headers={"Authorization": f"Token {token}"}).status_code == 401
