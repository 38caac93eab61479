"""Create an order with its customer and addresses. Values that the document omits are drawn from the pools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from emulator.core.errors import Conflict, InvalidDocument, UnknownRecord
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import (
    Address,
    Channel,
    Columns,
    ColumnValue,
    Customer,
    Order,
    OrderItem,
    PriceList,
    Product,
    StockList,
)
from emulator.core.seeded_random import derive_uuid, pick
from emulator.domain.arranging.documents import (
    APPROVED,
    ORDER_STATUS,
    find_record,
    first_record,
    state_with_value,
    to_columns,
)
from emulator.domain.arranging.locations import GeoLocation, country_code, resolve_location
from emulator.domain.planning import free_stock
from emulator.domain.seeding.plans import FIRST_NUMBER, NUMBER_STEP
from emulator.domain.seeding.pools import CHANNELS, CURRENCIES, TAX_RATES, pool
from emulator.domain.seeding.records import email_name, format_amount
from emulator.state.store import Reader, Transaction

ORDER_OMNITRON_OFFSET, ADDRESS_OMNITRON_OFFSET = 40_200, 400
DEFAULT_COUNTRY = "tr"
LOCATION_KEYS = ("country", "city", "township", "district")
ADDRESS_COLUMNS = (
    "title",
    "line",
    "postcode",
    "notes",
    "email",
    "phone_number",
    "first_name",
    "last_name",
    "company_name",
    "tax_office",
    "tax_no",
    "e_bill_taxpayer",
    "is_corporate",
)
CUSTOMER_COLUMNS = ("first_name", "last_name", "email", "phone_number", "erp_code")
ORDER_COLUMNS = (
    "payment_type",
    "date_placed",
    "omnitron_id",
    "gift_box_note",
    "has_gift_box",
    "retail_store_id",
    "notes",
    "is_click_and_collect",
    "delivery_type",
)


class OrderRandom(NamedTuple):
    """The random values of an order, which depend on its id alone."""

    random: bytes
    country_code: str
    """Code of the country whose pools are used."""

    def number(self, position: int) -> int:
        """Return two bytes as a number."""
        return self.random[position] << 8 | self.random[position + 1]

    def draw_index(self, name: str, position: int) -> ColumnValue:
        values = pool(name)
        return pick(values.get(self.country_code, values[DEFAULT_COUNTRY]), self.number(position))

    def draw_person(self, kind: str, position: int) -> str:
        people = pool("people")
        return str(pick(people.get(self.country_code, people[DEFAULT_COUNTRY])[kind], self.number(position)))


def create_order(tx: Transaction, document: JsonObject) -> Order:
    """Create an order without items."""
    id_ = tx.new_id(Order)
    random = derive_uuid("order", id_).bytes
    shipping_document = document.get("shipping_address", {})
    location = resolve_location(tx, shipping_document, random[0] << 8 | random[1])
    rng = OrderRandom(random, country_code(tx, location.country))
    channel = resolve_channel(tx, document.get("channel"), rng.country_code)
    customer = create_customer(
        tx, channel, document.get("customer", {}) | to_columns(shipping_document, CUSTOMER_COLUMNS[:4]), rng
    )
    shipping = create_address(tx, customer, location, shipping_document, rng)
    billing_document = document.get("billing_address")
    billing = (
        shipping
        if billing_document is None
        else create_billing_address(tx, customer, shipping, billing_document, rng)
    )
    number = document.get("number") or unique_order_number(tx, id_, random)
    if tx.related(Order, "number", number):
        raise Conflict(f"order {number} already exists")
    defaults: Columns = {
        "date_placed": tx.now,
        "payment_type": "credit_card",
        "delivery_type": "standard",
        "omnitron_id": id_ + ORDER_OMNITRON_OFFSET,
    }
    return tx.add(
        Order(
            id=id_,
            state=state_with_value(tx, ORDER_STATUS, APPROVED).id,
            channel=channel.id,
            customer=customer.id,
            shipping_address=shipping.id,
            billing_address=billing.id,
            number=number,
            created_date=tx.now,
            modified_date=tx.now,
            **(defaults | to_columns(document, ORDER_COLUMNS)),
        )
    )


def unique_order_number(tx: Transaction, id_: int, random: bytes) -> str:
    """Return an unused order number that continues the numbers of the seeded orders."""
    first_id = tx.base.next_id(Order)
    index = max(id_ - first_id, 0) + len(tx.base.ids(Order))
    number = FIRST_NUMBER + index * NUMBER_STEP + int.from_bytes(random[:4], "big") % NUMBER_STEP
    while tx.related(Order, "number", str(number)):
        number += 1
    return str(number)


def resolve_channel(view: Reader, name_or_id: str | int | None, country: str) -> Channel:
    """Return the channel with this name or id. The default is a channel of the country."""
    if name_or_id is not None:
        return find_record(view, Channel, name_or_id, "channel")
    names = CHANNELS.get(country, ())
    channels = (channel for channel in view.all(Channel) if channel.name in names)
    return next(channels, None) or first_record(view, Channel, "channel")


def create_customer(tx: Transaction, channel: Channel, document: JsonObject, rng: OrderRandom) -> Customer:
    overrides = to_columns(document, CUSTOMER_COLUMNS)
    names = {
        "first_name": rng.draw_person("first_names", 2),
        "last_name": rng.draw_person("last_names", 4),
    } | overrides
    defaults = {
        "email": f"{email_name(names['first_name'])}.{email_name(names['last_name'])}@example.com",
        "phone_number": rng.draw_index("phones", 6),
    }
    return tx.add(Customer(id=tx.new_id(Customer), channel=channel.id, **(defaults | names)))


def create_address(
    tx: Transaction, customer: Customer, location: GeoLocation, document: JsonObject, rng: OrderRandom
) -> Address:
    """Create an address of the customer at a location."""
    id_ = tx.new_id(Address)
    defaults = {
        "title": "Casa" if CURRENCIES.get(rng.country_code) == "eur" else "Ev",
        "line": rng.draw_index("addresses", 8),
        "postcode": pool("postcodes").get(str(location.township)),
        "email": customer.email,
        "phone_number": customer.phone_number,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
    }
    return tx.add(
        Address(
            id=id_,
            customer=customer.id,
            created_date=tx.now,
            modified_date=tx.now,
            omnitron_id=id_ + ADDRESS_OMNITRON_OFFSET,
            **location._asdict(),
            **(defaults | to_columns(document, ADDRESS_COLUMNS)),
        )
    )


def create_billing_address(
    tx: Transaction, customer: Customer, shipping: Address, document: JsonObject, rng: OrderRandom
) -> Address:
    """Create a billing address. Without a location in the document, it is at the shipping address."""
    has_location = any(level in document for level in LOCATION_KEYS)
    location = (
        resolve_location(tx, document, rng.random[10])
        if has_location
        else GeoLocation(*(getattr(shipping, level) for level in LOCATION_KEYS))
    )
    defaults: JsonObject = {} if has_location else {"line": shipping.line, "postcode": shipping.postcode}
    return create_address(tx, customer, location, defaults | document, rng)


DEFAULT_CURRENCY = "try"
PRICE_DEFAULTS: JsonObject = {"price": 10_000, "price_eur": 1_000, "tax_rate": "18.00"}
"""Prices in hundredths and tax rate of a product that is not in the pool."""
ITEM_OMNITRON_OFFSET = 47_000


class OrderLine(NamedTuple):
    product: Product
    quantity: int = 1
    price: str | None = None
    columns: Mapping[str, JsonValue] = {}
    """Values for the package item of each piece."""


def parse_lines(view: Reader, documents: Iterable[JsonObject], item_keys: Iterable[str] = ()) -> list[OrderLine]:
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


def product_by_sku(view: Reader, sku: str, error: type[InvalidDocument | UnknownRecord] = InvalidDocument) -> Product:
    products = list(view.all(Product))
    for product in products:
        if product.sku == sku:
            return product
    raise error(f"no product with the sku {sku!r}", sorted(product.sku for product in products))


def choose_lines(view: Reader, number: int, location: int, random: int) -> list[OrderLine]:
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
            state=state_with_value(tx, ORDER_STATUS, APPROVED).id,
            product=line.product.id,
            order=order.id,
            price_list=prices.id,
            stock_list=stocks.id,
            created_date=tx.now,
            modified_date=tx.now,
            omnitron_id=id_ + ITEM_OMNITRON_OFFSET,
            net_amount=price,
            price=price,
            price_currency=currency,
            retail_price=price,
            tax_rate=TAX_RATES.get(country, row["tax_rate"]),
        )
        items.append(tx.add(item))
    return items


def find_price_list(view: Reader, currency: str) -> PriceList:
    for record in view.all(PriceList):
        if record.currency == currency:
            return record
    return first_record(view, PriceList, "price list")
