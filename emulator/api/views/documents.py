"""Pages and images: the product images and shipping labels that responses link to, and invoice documents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from html import escape
from itertools import accumulate
from string import Template
from urllib.parse import unquote

import orjson

from emulator.api.serializers.rendering import to_json
from emulator.api.views.records import get_or_404
from emulator.core import records
from emulator.core.call import HTML, Call, Reply
from emulator.core.files import FIXTURES, load_fixture
from emulator.state.store import Reader
from emulator.state.world import World

SVG = "image/svg+xml"
MAX_FILE_NAME_LENGTH = 40
QUIET_ZONE = 10
"""Width of the space beside a barcode."""
CODE_B, CHECK_MODULUS, CODE_128_STOP = 104, 103, "2331112"
PICTURES: Mapping[str, Mapping[str, str]] = load_fixture("pictures")
"""Colours by name, shapes as SVG paths, and the shape for each word in the name of a product."""
CODE_128_WIDTHS: Sequence[str] = load_fixture("pictures")["code_128"]
"""The widths of three bars and three spaces for each value of Code 128."""
PRODUCT_PATH = re.compile(r"/products/(?:\d+/)*(\d+)/[^/]*$")
"""Path of a product's image, which contains the id of the product."""
DEFAULT_COLOUR, DEFAULT_SHAPE = "#c3c8d2", "box"


@cache
def load_page(name: str) -> Template:
    """Return the template of a page or picture in `fixtures/pages/`."""
    return Template((FIXTURES / "pages" / name).read_text("utf-8"))


def render_product_image(call: Call, world: World) -> Reply:
    """Return a drawing of the product in the path. For an unknown product it is a box with the name of the file."""
    path = unquote(call.url.partition("?")[0])
    match = PRODUCT_PATH.search(path)
    product = world.records.get(records.Product, int(match[1][:18])) if match else None
    name = path.rpartition("/")[2] if product is None or product.name is records.OMITTED else str(product.name)
    colour_name = "" if product is None else str(orjson.loads(product.attributes).get("renk")).upper()
    shown = "".join(filter(str.isprintable, name))[:MAX_FILE_NAME_LENGTH]  # XML does not allow control characters
    shape = PICTURES["shapes"][DEFAULT_SHAPE if product is None else product_shape(name)]
    colour = PICTURES["colours"].get(colour_name, DEFAULT_COLOUR)
    image = load_page("product.svg").substitute(name=escape(shown), shape=shape, colour=colour)
    return Reply(200, image.encode(), content_type=SVG)


def product_shape(name: str) -> str:
    words = name.lower()
    return next((shape for word, shape in PICTURES["words"].items() if word in words), DEFAULT_SHAPE)


def render_shipping_label(call: Call, world: World) -> Reply:
    """Return a printable label with sender, recipient, package number and tracking number."""
    snapshot = world.records
    label = get_or_404(snapshot, records.ShippingLabel, call.path["pk"])
    package = snapshot.get_existing(records.Package, label.package)
    address = snapshot.get_existing(records.Address, package.shipping_address)
    texts = {
        "number": package.number,
        "tracking": package.tracking_number or "-",
        "carrier": carrier_name(package, snapshot),
        "sender": snapshot.get_existing(records.StockLocation, package.stock_location).name,
        "name": f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {snapshot.get_existing(records.City, address.city).name}",
        "phone": address.phone_number,
        "order": snapshot.get_existing(records.Order, package.order).number,
    }
    safe = {key: escape(text) for key, text in texts.items()}
    safe["barcode"] = render_barcode(package.tracking_number or package.number)
    return Reply(200, load_page("label.html").substitute(safe).encode(), content_type=HTML)


def carrier_name(package: records.Package, reader: Reader) -> str:
    """Return the name of the package's carrier, or a dash if it has no shipment."""
    if package.shipment is None:
        return "-"
    shipment = reader.get_existing(records.Shipment, package.shipment)
    company = reader.get(records.CargoCompany, shipment.cargo_company)
    return "-" if company is None else company.name


def render_barcode(text: str) -> str:
    """Return an SVG with a text as a Code 128 barcode (code set B)."""
    widths = code_128(text)
    edges = list(accumulate(map(int, widths), initial=QUIET_ZONE))
    bars = "".join(
        f"M{left} 0h{right - left}v50h-{right - left}z" for left, right in zip(edges[::2], edges[1::2], strict=True)
    )
    width = edges[-1] + QUIET_ZONE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 50" role="img" preserveAspectRatio="none"'
        f' aria-label="Code 128"><path d="{bars}"/></svg>'
    )


def code_128(text: str) -> str:
    """Return the widths of the bars and spaces of a Code 128 barcode, beginning with a bar."""
    values = [ord(letter) - 32 for letter in text if " " <= letter <= "~"]
    check = (CODE_B + sum(place * value for place, value in enumerate(values, start=1))) % CHECK_MODULUS
    return "".join(CODE_128_WIDTHS[value] for value in (CODE_B, *values, check)) + CODE_128_STOP


def get_invoice_document(call: Call, world: World) -> Reply:
    """Return the invoice document that a command stored, or one that is generated from the package."""
    snapshot = world.records
    package = get_or_404(snapshot, records.Package, call.path["pk"])
    stored = snapshot.find(records.InvoiceDocument, "package", package.id)
    content = stored[-1].content if stored else render_invoice_page(package, snapshot)
    return Reply(200, to_json({"html_content": content}))


def render_invoice_page(package: records.Package, reader: Reader) -> str:
    """Return the document: recipient, order, a line for each item, and the total."""
    order = reader.get_existing(records.Order, package.order)
    address = reader.get_existing(records.Address, order.billing_address)
    items = [
        reader.get_existing(records.OrderItem, item.order_item)
        for item in reader.find(records.PackageItem, "package", package.id)
    ]
    texts = {
        "number": package.invoice_number or package.number,
        "package": package.number,
        "order": order.number,
        "date": order.date_placed.date().isoformat(),
        "name": address.company_name or f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {reader.get_existing(records.City, address.city).name}".strip(),
        "currency": items[0].price_currency.upper() if items else "",
        "total": str(sum((Decimal(item.net_amount) for item in items), Decimal("0.00"))),
    }
    lines = "\n".join(render_invoice_line(item, reader.get_existing(records.Product, item.product)) for item in items)
    return load_page("invoice.html").substitute({key: escape(value) for key, value in texts.items()}, lines=lines)


def render_invoice_line(item: records.OrderItem, product: records.Product) -> str:
    name = product.sku if product.name is records.OMITTED else str(product.name)
    cells = (product.sku, name, f"{item.tax_rate} %", item.net_amount)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
