"""What is bought: lines of a document become order items, one for each piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from emulator.core.records import Order, OrderItem, PriceList, Product, StockList
from emulator.core.refusals import Conflict, InvalidDocument, UnknownRecord
from emulator.core.store import Transaction, View
from emulator.rules.arranging.states import APPROVED, ORDER, state_of
from emulator.rules.arranging.values import first
from emulator.rules.seeding.order_records import format_amount
from emulator.rules.seeding.pools import CURRENCIES, TAX_RATES, pool
from emulator.rules.stock import free_stock

DEFAULT_CURRENCY = "try"
UNPRICED: Mapping[str, Any] = {"price": 10_000, "price_eur": 1_000, "tax_rate": "18.00"}
"""What a product costs, in hundredths, that is not in the pool."""
ITEM_OMNITRON_IDS = 47_000


class Line(NamedTuple):
    product: Product
    quantity: int = 1
    price: str | None = None
    columns: Mapping[str, Any] = {}
    """What the document says of the package item of each piece."""


def lines_of(view: View, asked: Iterable[Mapping[str, Any]], own: Iterable[str] = ()) -> list[Line]:
    """Give the lines of a document; `own` are the keys that speak of the package item."""
    return [
        Line(
            product_with(view, line["sku"]),
            line.get("quantity", 1),
            line.get("price"),
            {key: line[key] for key in own if key in line},
        )
        for line in asked
    ]


def product_with(view: View, sku: str, error: type[InvalidDocument | UnknownRecord] = InvalidDocument) -> Product:
    products = list(view.all(Product))
    for product in products:
        if product.sku == sku:
            return product
    raise error(f"no product with the sku {sku!r}", sorted(product.sku for product in products))


def chosen(view: View, number: int, location: int, dice: int) -> list[Line]:
    """Give so many products, one piece of each as long as they last; those that lie at the location come first."""
    products = list(view.all(Product))
    if not products:
        raise Conflict("this world has no products, so no item can be created")
    there = [product for product in products if free_stock(view, location, product.id) > 0] or products
    return [Line(there[(dice + position) % len(there)]) for position in range(number)]


def wanted(lines: Iterable[Line]) -> Counter[int]:
    """Give how many pieces of each product the lines ask for."""
    found: Counter[int] = Counter()
    for line in lines:
        found[line.product.id] += line.quantity
    return found


def order_items(tx: Transaction, order: Order, line: Line, country: str) -> list[OrderItem]:
    """Make an order item for each piece of a line: the price is the pool's, without a discount."""
    currency = CURRENCIES.get(country, DEFAULT_CURRENCY)
    prices = price_list(tx, currency)
    stocks = tx.get(StockList, prices.id) or first(tx, StockList, "stock list")
    row = next((row for row in pool("products") if row["id"] == line.product.id), UNPRICED)
    price = line.price or format_amount(row["price" if currency == DEFAULT_CURRENCY else "price_eur"])
    made = []
    for _ in range(line.quantity):
        id_ = tx.new_id(OrderItem)
        item = OrderItem(
            id=id_,
            state=state_of(tx, ORDER, APPROVED).id,
            product=line.product.id,
            order=order.id,
            price_list=prices.id,
            stock_list=stocks.id,
            created_date=tx.now,
            modified_date=tx.now,
            omnitron_id=id_ + ITEM_OMNITRON_IDS,
            net_amount=price,
            price=price,
            price_currency=currency,
            retail_price=price,
            tax_rate=TAX_RATES.get(country, row["tax_rate"]),
        )
        made.append(tx.add(item))
    return made


def price_list(view: View, currency: str) -> PriceList:
    for found in view.all(PriceList):
        if found.currency == currency:
            return found
    return first(view, PriceList, "price list")
