"""Pages and images: the product images and shipping labels that responses link to, and invoice documents."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from urllib.parse import unquote

from emulator.api.serializers.rendering import to_json
from emulator.api.views.records import get_or_404
from emulator.core.call import Call, Reply
from emulator.core.records import (
    OMITTED,
    Address,
    City,
    InvoiceDocument,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Product,
    ShippingLabel,
    StockLocation,
)
from emulator.state.store import Reader
from emulator.state.world import World

HTML = "text/html; charset=utf-8"
SVG = "image/svg+xml"
MAX_FILE_NAME_LENGTH = 40


def render_product_image(call: Call, _world: World) -> Reply:
    """Return a placeholder image that shows the name of the real file."""
    name = unquote(call.url.partition("?")[0]).rpartition("/")[2]
    shown = "".join(filter(str.isprintable, name))[:MAX_FILE_NAME_LENGTH]  # XML does not allow control characters
    return Reply(200, IMAGE_TEMPLATE.format(name=escape(shown)).encode(), content_type=SVG)


def render_shipping_label(call: Call, world: World) -> Reply:
    """Return a printable label with sender, recipient, package number and tracking number."""
    snapshot = world.records
    label = get_or_404(snapshot, ShippingLabel, call.path["pk"])
    package = snapshot.get_existing(Package, label.package)
    address = snapshot.get_existing(Address, package.shipping_address)
    texts = {
        "number": package.number,
        "tracking": package.tracking_number or "-",
        "sender": snapshot.get_existing(StockLocation, package.stock_location).name,
        "name": f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {snapshot.get_existing(City, address.city).name}",
        "phone": address.phone_number,
        "order": snapshot.get_existing(Order, package.order).number,
    }
    safe = {key: escape(text) for key, text in texts.items()}
    return Reply(200, LABEL_TEMPLATE.format_map(safe).encode(), content_type=HTML)


def get_invoice_document(call: Call, world: World) -> Reply:
    """Return the invoice document that a command stored, or one that is generated from the package."""
    snapshot = world.records
    package = get_or_404(snapshot, Package, call.path["pk"])
    stored = snapshot.find(InvoiceDocument, "package", package.id)
    content = stored[-1].content if stored else render_invoice_page(package, snapshot)
    return Reply(200, to_json({"html_content": content}))


def render_invoice_page(package: Package, reader: Reader) -> str:
    """Return the document: recipient, order, a line for each item, and the total."""
    order = reader.get_existing(Order, package.order)
    address = reader.get_existing(Address, order.billing_address)
    items = [
        reader.get_existing(OrderItem, item.order_item) for item in reader.find(PackageItem, "package", package.id)
    ]
    texts = {
        "number": package.invoice_number or package.number,
        "package": package.number,
        "order": order.number,
        "date": order.date_placed.date().isoformat(),
        "name": address.company_name or f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {reader.get_existing(City, address.city).name}".strip(),
        "currency": items[0].price_currency.upper() if items else "",
        "total": str(sum((Decimal(item.net_amount) for item in items), Decimal("0.00"))),
    }
    lines = "\n".join(render_invoice_line(item, reader.get_existing(Product, item.product)) for item in items)
    return INVOICE_TEMPLATE.format(lines=lines, **{key: escape(value) for key, value in texts.items()})


def render_invoice_line(item: OrderItem, product: Product) -> str:
    name = product.sku if product.name is OMITTED else str(product.name)
    cells = (product.sku, name, f"{item.tax_rate} %", item.net_amount)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


IMAGE_TEMPLATE = """<svg xmlns="http://www.w3.org/2000/svg" width="480" height="480" viewBox="0 0 480 480" role="img">
<title>{name}</title>
<rect width="480" height="480" fill="#e8eaee"/>
<path d="M150 320v-140h180v140zM150 180l30-40h120l30 40M240 140v40" fill="none" stroke="#8a93a3" stroke-width="8"/>
<text x="240" y="390" font-family="sans-serif" font-size="18" text-anchor="middle" fill="#5b6472">{name}</text>
</svg>
"""

LABEL_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Shipping label {number}</title>
<style>
@page {{ size: 100mm 150mm; margin: 0 }}
body {{ font: 14px/1.4 sans-serif; width: 92mm; margin: 4mm; border: 1px solid #000 }}
section {{ padding: 3mm; border-bottom: 1px solid #000 }}
section:last-child {{ border: 0 }}
h1, p {{ margin: 0 }}
h1 {{ font-size: 20px; letter-spacing: 1px }}
small {{ text-transform: uppercase }}
</style>
</head>
<body>
<section><small>From</small><p>{sender}</p></section>
<section><small>To</small><p><b>{name}</b></p><p>{line}</p><p>{place}</p><p>{phone}</p></section>
<section><small>Tracking number</small><h1>{tracking}</h1></section>
<section><small>Package</small><p>{number}</p><small>Order</small><p>{order}</p></section>
</body>
</html>
"""

INVOICE_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Invoice {number}</title>
<style>
body {{ font: 14px/1.4 sans-serif; max-width: 180mm; margin: 10mm auto }}
table {{ width: 100%; border-collapse: collapse }}
th, td {{ padding: 2mm; border-bottom: 1px solid #ccc; text-align: left }}
th:last-child, td:last-child {{ text-align: right }}
</style>
</head>
<body>
<h1>Invoice {number}</h1>
<p>{name}<br>{line}<br>{place}</p>
<p>Order {order} of {date}, package {package}</p>
<table>
<thead><tr><th>SKU</th><th>Product</th><th>Tax</th><th>Amount</th></tr></thead>
<tbody>
{lines}
</tbody>
<tfoot><tr><th colspan="3">Total</th><th>{total} {currency}</th></tr></tfoot>
</table>
</body>
</html>
"""
