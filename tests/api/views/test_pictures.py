"""Pictures of products, and the barcode of shipping labels."""

from __future__ import annotations

import re

import pytest

from emulator import Emulator
from emulator.api.views.documents import CODE_128_WIDTHS, PICTURES, code_128, product_shape
from emulator.domain.seeding.pools import italian_products, pool


def decode(widths: str) -> str:
    """Return the text of a Code 128 barcode of code set B. Check its start, check sum and stop."""
    assert widths.endswith("2331112")
    codes = re.findall(r"\d{6}", widths.removesuffix("2331112"))
    values = [CODE_128_WIDTHS.index(code) for code in codes]
    start, *data, check = values
    assert start == 104
    assert check == (start + sum(place * value for place, value in enumerate(data, start=1))) % 103
    return "".join(chr(value + 32) for value in data)


@pytest.mark.parametrize("text", ["4021851", "2236001596207451P1", "A-b/9 ~"])
def test_a_barcode_can_be_read(text: str) -> None:
    assert decode(code_128(text)) == text


def test_checksum_equals_the_standard() -> None:
    """The known check character of "Wikipedia" has the value 88."""
    assert code_128("Wikipedia")[-13:-7] == CODE_128_WIDTHS[88]


def test_widths_equal_the_standard() -> None:
    """106 different characters, each of 11 modules."""
    assert len(set(CODE_128_WIDTHS)) == 106
    assert {sum(map(int, widths)) for widths in CODE_128_WIDTHS} == {11}


def test_every_product_has_a_shape_and_a_colour() -> None:
    for row in (*pool("products"), *italian_products()):
        assert product_shape(row["name"]) != "box", row["name"]
        assert row["attributes"]["renk"] in PICTURES["colours"]


def test_a_label_has_the_carrier_and_the_barcode(oms: Emulator) -> None:
    package = oms.package(state="Shipped")
    label = oms.session().get(package["shipping_label"]["full_path_url"]).text
    assert package["shipment"]["cargo_company"]["name"] in label
    bars = re.search(r'aria-label="Code 128"><path d="([^"]+)"', label)
    assert bars is not None
    assert bars[1].startswith("M10 0h2v50")


@pytest.mark.medium
def test_the_pictures_of_the_demo_are_named_svg(oms: Emulator) -> None:
    """Their colour and title are those of the product."""
    found = oms.session().get("/api/v1/oms/packages/", params={"limit": 1}).json()["results"][0]
    product = found["packageitem_set"][0]["order_item"]["product"]
    url = product["productimage_set"][0]["url"]
    answer = oms.session().get(url)
    assert url.endswith(".svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert f"<title>{product['name']}</title>" in answer.text
    assert PICTURES["colours"][product["attributes"]["renk"]] in answer.text
