"""Order lines: parse them from documents, and create an order item for each piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from emulator.core.jsontext import JsonObject, JsonValue
from emulator.core.records import Order, OrderItem, PriceList, Product, StockList
from emulator.core.refusals import Conflict, InvalidDocument, UnknownRecord
from emulator.core.store import Transaction, View
from emulator.rules.arranging.states import APPROVED, ORDER, state_with_value
from emulator.rules.arranging.values import first_record
from emulator.rules.seeding.order_records import format_amount
from emulator.rules.seeding.pools import CURRENCIES, TAX_RATES, pool
from emulator.rules.stock import free_stock

DEFAULT_CURRENCY = "try"
PRICE_DEFAULTS: JsonObject = {"price": 10_000, "price_eur": 1_000, "tax_rate": "18.00"}
"""Prices in hundredths and tax rate of a product that is not in the pool."""
ITEM_OMNITRON_IDS = 47_000


class OrderLine(NamedTuple):
    product: Product
    quantity: int = 1
    price: str | None = None
    columns: Mapping[str, JsonValue] = {}
    """Values for the package item of each piece."""


def parse_lines(view: View, documents: Iterable[JsonObject], item_keys: Iterable[str] = ()) -> list[OrderLine]:
    """Parse the lines of a document. `item_keys` are the keys that belong to the package items."""
    return [
        OrderLine(
            product_by_sku(view, line["sku"]),
            line.get("quantity", 1),
            line.get("price"),
            {key: line[key] for key in item_keys if key in line},
        )
        for line in documents
    ]


def product_by_sku(view: View, sku: str, error: type[InvalidDocument | UnknownRecord] = InvalidDocument) -> Product:
    products = list(view.all(Product))
    for product in products:
        if product.sku == sku:
            return product
    raise error(f"no product with the sku {sku!r}", sorted(product.sku for product in products))


def choose_products(view: View, number: int, location: int, random: int) -> list[OrderLine]:
    """Return `number` lines of one piece each: of the products in stock at the location, or of any if none is."""
    products = list(view.all(Product))
    if not products:
        raise Conflict("this world has no products, so no item can be created")
    in_stock = [product for product in products if free_stock(view, location, product.id) > 0] or products
    return [OrderLine(in_stock[(random + position) % len(in_stock)]) for position in range(number)]


def quantities_by_product(lines: Iterable[OrderLine]) -> Counter[int]:
    """Return the total quantity of each product."""
    quantities: Counter[int] = Counter()
    for line in lines:
        quantities[line.product.id] += line.quantity
    return quantities


def create_order_items(tx: Transaction, order: Order, line: OrderLine, country: str) -> list[OrderItem]:
    """Create an order item for each piece of a line. The default price is the pool's, without a discount."""
    currency = CURRENCIES.get(country, DEFAULT_CURRENCY)
    prices = find_price_list(tx, currency)
    stocks = tx.get(StockList, prices.id) or first_record(tx, StockList, "stock list")
    row = next((row for row in pool("products") if row["id"] == line.product.id), PRICE_DEFAULTS)
    price = line.price or format_amount(row["price" if currency == DEFAULT_CURRENCY else "price_eur"])
    items = []
    for _ in range(line.quantity):
        id_ = tx.new_id(OrderItem)
        item = OrderItem(
            id=id_,
            state=state_with_value(tx, ORDER, APPROVED).id,
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
        items.append(tx.add(item))
    return items


def find_price_list(view: View, currency: str) -> PriceList:
    for record in view.all(PriceList):
        if record.currency == currency:
            return record
    return first_record(view, PriceList, "price list")
