"""The HTML document of a package's invoice, for packages without an invoice from another system."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from emulator.core.records import ABSENT, Address, City, Order, OrderItem, Package, PackageItem, Product
from emulator.core.store import View


def invoice_page(package: Package, view: View) -> str:
    """Return the document: recipient, order, a line for each item, and the total."""
    order = view.one(Order, package.order)
    address = view.one(Address, order.billing_address)
    items = [view.one(OrderItem, item.order_item) for item in view.find(PackageItem, "package", package.id)]
    texts = {
        "number": package.invoice_number or package.number,
        "package": package.number,
        "order": order.number,
        "date": order.date_placed.date().isoformat(),
        "name": address.company_name or f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {view.one(City, address.city).name}".strip(),
        "currency": items[0].price_currency.upper() if items else "",
        "total": str(sum((Decimal(item.net_amount) for item in items), Decimal("0.00"))),
    }
    lines = "\n".join(line(item, view.one(Product, item.product)) for item in items)
    return PAGE.format(lines=lines, **{key: escape(value) for key, value in texts.items()})


def line(item: OrderItem, product: Product) -> str:
    name = product.sku if product.name is ABSENT else str(product.name)
    cells = (product.sku, name, f"{item.tax_rate} %", item.net_amount)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


PAGE = """<!doctype html>
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
