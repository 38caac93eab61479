"""Handlers of the reference surface alone: extra information, package items, and invoice documents."""

from __future__ import annotations

from decimal import Decimal
from html import escape

import orjson

from emulator.api.parameters import EXTRA_INFORMATION_FIELDS, paginate
from emulator.api.serializers.rendering import to_json
from emulator.api.views.reads import REFERENCE_PAGE_SIZE, render_page
from emulator.api.views.writes import get_or_404
from emulator.core.call import Call, Reply
from emulator.core.errors import ValidationFailed
from emulator.core.fields import validate
from emulator.core.json_text import JsonObject
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
)
from emulator.state.store import Reader
from emulator.state.world import World

NOT_VALID_JSON = "Value must be valid JSON."


def patch_extra_information(call: Call, world: World) -> Reply:
    """Merge the given keys into the package's extra information."""
    with world.transaction() as tx:
        package = get_or_404(tx, Package, call.path["pk"])
        changes = validate(EXTRA_INFORMATION_FIELDS, call.read_body())["extra_information"]
        merged = to_stored_json({**orjson.loads(package.extra_information), **changes})
        tx.change(package, extra_information=merged, modified_date=tx.now)
    return Reply(204)


def to_stored_json(value: JsonObject) -> bytes:
    """Return the text of a JSON value. Raise `ValidationFailed` if it is not UTF-8, too deep, or exceeds 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise ValidationFailed({"extra_information": [NOT_VALID_JSON]}) from None


def list_package_items(call: Call, world: World) -> Reply:
    """List the package's items, oldest first."""
    root = world.records
    package = get_or_404(root, Package, call.path["pk"])
    ids = root.related(PackageItem, "package", package.id)
    page = paginate(call, ids, REFERENCE_PAGE_SIZE, newest_first=False)
    return render_page(call, world, root, "reference-package-item-row", page)


def get_invoice_document(call: Call, world: World) -> Reply:
    """Return the invoice document that a command stored, or one that is generated from the package."""
    root = world.records
    package = get_or_404(root, Package, call.path["pk"])
    stored = root.find(InvoiceDocument, "package", package.id)
    content = stored[-1].content if stored else render_invoice_page(package, root)
    return Reply(200, to_json({"html_content": content}))


def render_invoice_page(package: Package, view: Reader) -> str:
    """Return the document: recipient, order, a line for each item, and the total."""
    order = view.get_existing(Order, package.order)
    address = view.get_existing(Address, order.billing_address)
    items = [view.get_existing(OrderItem, item.order_item) for item in view.find(PackageItem, "package", package.id)]
    texts = {
        "number": package.invoice_number or package.number,
        "package": package.number,
        "order": order.number,
        "date": order.date_placed.date().isoformat(),
        "name": address.company_name or f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {view.get_existing(City, address.city).name}".strip(),
        "currency": items[0].price_currency.upper() if items else "",
        "total": str(sum((Decimal(item.net_amount) for item in items), Decimal("0.00"))),
    }
    lines = "\n".join(render_invoice_line(item, view.get_existing(Product, item.product)) for item in items)
    return INVOICE_TEMPLATE.format(lines=lines, **{key: escape(value) for key, value in texts.items()})


def render_invoice_line(item: OrderItem, product: Product) -> str:
    name = product.sku if product.name is OMITTED else str(product.name)
    cells = (product.sku, name, f"{item.tax_rate} %", item.net_amount)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


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
