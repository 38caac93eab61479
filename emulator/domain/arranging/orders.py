"""Create orders with customers and addresses, and place orders: create what the planner decides on, too.

Values that a document omits are drawn from the pools.
"""

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
from emulator.core.seeded_random import derive_uuid, pick, u16
from emulator.domain.arranging import find_record, first_record, plain_columns, to_columns
from emulator.domain.arranging.locations import LOCATION_LEVELS, GeoLocation, country_code, resolve_location
from emulator.domain.planning import (
    FulfillmentPlan,
    create_package,
    create_package_item,
    create_transfer_order,
    plan_fulfillment,
    resolve_pickup_location,
)
from emulator.domain.seeding.plans import FIRST_NUMBER, NUMBER_STEP, ORDER_OMNITRON_OFFSET
from emulator.domain.seeding.pools import CHANNELS, CURRENCIES, TAX_RATES, italian_products, pool
from emulator.domain.seeding.records import ADDRESS_OMNITRON_OFFSET, ITEM_OMNITRON_OFFSET, email_name, format_amount
from emulator.domain.state_graph import ORDER_STATUS, PACKAGE_STATUS, WAITING, WAITING_FOR_TRANSFER, require_state
from emulator.domain.stock import Quantities, free_stock
from emulator.state.store import Reader, Transaction

APPROVED = "400"
DEFAULT_COUNTRY, DEFAULT_CURRENCY = "tr", "try"
ADDRESS_COLUMNS = plain_columns(
    Address, "address_type", "created_date", "modified_date", "omnitron_id", "mapping", "is_active"
)
CUSTOMER_COLUMNS = plain_columns(Customer)
NAME_COLUMNS = ("first_name", "last_name", "email", "phone_number")
"""Columns of a customer that an address can set, too."""
ORDER_COLUMNS = plain_columns(Order, "number", "created_date", "modified_date")
PRICE_DEFAULTS: JsonObject = {"price": 10_000, "price_eur": 1_000, "tax_rate": "18.00"}
"""Prices in hundredths and tax rate of a product that is not in the pool."""


class OrderRandom(NamedTuple):
    """The random values of an order, which depend on its id alone."""

    random: bytes
    country_code: str
    """Code of the country whose pools are used."""

    def pick_from_pool(self, pool_name: str, position: int, key: str | None = None) -> ColumnValue:
        """Return a value of the country's pool, or of the list with this key in it."""
        countries = pool(pool_name)
        values = countries.get(self.country_code, countries[DEFAULT_COUNTRY])
        return pick(values if key is None else values[key], u16(self.random, position))


def create_order(tx: Transaction, document: JsonObject) -> Order:
    """Create an order without items."""
    id_ = tx.new_id(Order)
    random = derive_uuid("order", id_).bytes
    shipping_document = document.get("shipping_address", {})
    location = resolve_location(tx, shipping_document, u16(random, 0))
    rng = OrderRandom(random, country_code(tx, location.country))
    channel = resolve_channel(tx, document.get("channel"), rng.country_code)
    customer = create_customer(
        tx, channel, document.get("customer", {}) | to_columns(shipping_document, NAME_COLUMNS), rng
    )
    shipping = create_address(tx, customer, location, shipping_document, rng)
    billing_document = document.get("billing_address")
    billing = shipping
    if billing_document is not None:
        billing = create_billing_address(tx, customer, shipping, billing_document, rng)
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
            state=require_state(tx, ORDER_STATUS, APPROVED).id,
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
        "first_name": rng.pick_from_pool("people", 2, "first_names"),
        "last_name": rng.pick_from_pool("people", 4, "last_names"),
    } | overrides
    defaults = {
        "email": f"{email_name(names['first_name'])}.{email_name(names['last_name'])}@example.com",
        "phone_number": rng.pick_from_pool("phones", 6),
    }
    return tx.add(Customer(id=tx.new_id(Customer), channel=channel.id, **(defaults | names)))


def create_address(
    tx: Transaction, customer: Customer, location: GeoLocation, document: JsonObject, rng: OrderRandom
) -> Address:
    """Create an address of the customer at a location."""
    id_ = tx.new_id(Address)
    defaults = {
        "title": "Casa" if CURRENCIES.get(rng.country_code) == "eur" else "Ev",
        "line": rng.pick_from_pool("addresses", 8),
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
    has_location = any(level in document for level in LOCATION_LEVELS)
    location = (
        resolve_location(tx, document, rng.random[10])
        if has_location
        else GeoLocation(*(getattr(shipping, level) for level in LOCATION_LEVELS))
    )
    defaults: JsonObject = {} if has_location else {"line": shipping.line, "postcode": shipping.postcode}
    return create_address(tx, customer, location, defaults | document, rng)


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


def create_order_items(tx: Transaction, order: Order, line: OrderLine, country: str) -> list[OrderItem]:
    """Create an order item for each piece of a line. The default price is the pool's, without a discount."""
    currency = CURRENCIES.get(country, DEFAULT_CURRENCY)
    in_currency = (prices for prices in tx.all(PriceList) if prices.currency == currency)
    prices = next(in_currency, None) or first_record(tx, PriceList, "price list")
    stocks = tx.get(StockList, prices.id) or first_record(tx, StockList, "stock list")
    row = next(
        (row for row in (*pool("products"), *italian_products()) if row["id"] == line.product.id), PRICE_DEFAULTS
    )
    price = line.price or format_amount(row["price" if currency == DEFAULT_CURRENCY else "price_eur"])
    item = OrderItem(
        id=0,
        state=require_state(tx, ORDER_STATUS, APPROVED).id,
        product=line.product.id,
        order=order.id,
        price_list=prices.id,
        stock_list=stocks.id,
        created_date=tx.now,
        modified_date=tx.now,
        net_amount=price,
        price=price,
        price_currency=currency,
        retail_price=price,
        tax_rate=TAX_RATES.get(country, row["tax_rate"]),
    )
    return [add_order_item(tx, item) for _ in range(line.quantity)]


def add_order_item(tx: Transaction, item: OrderItem) -> OrderItem:
    """Add an order item with the next free id."""
    id_ = tx.new_id(OrderItem)
    return tx.add(item._replace(id=id_, omnitron_id=id_ + ITEM_OMNITRON_OFFSET))


class PlacedOrder(NamedTuple):
    """The ids of an order, its packages and its transfer orders."""

    order: int
    packages: list[int]
    transfers: list[int]


def place_order(tx: Transaction, document: JsonObject) -> PlacedOrder:
    """Create an order, and the package and the transfer orders that the planner decides on."""
    lines = parse_lines(tx, document["lines"])
    order = create_order(tx, document)
    address = tx.get_existing(Address, order.shipping_address)
    pieces = sum((Counter({line.product.id: line.quantity}) for line in lines), Counter())
    planned = plan_fulfillment(tx, pieces, address, resolve_pickup_location(tx, order, address))
    if order.is_click_and_collect:
        order = tx.change(order, retail_store_id=planned.location.id)
    country = country_code(tx, address.country)
    items = [item for line in lines for item in create_order_items(tx, order, line, country)]
    return execute_plan(tx, order, planned, items)


def execute_plan(
    tx: Transaction, order: Order, planned: FulfillmentPlan, items_bought: list[OrderItem]
) -> PlacedOrder:
    """Create the planned package, and a transfer order from each other location."""
    state = require_state(tx, PACKAGE_STATUS, WAITING_FOR_TRANSFER if planned.transfers else WAITING)
    package = create_package(tx, order, planned.location, state=state.id)
    remaining = list(items_bought)
    transfers = []
    for source, pieces in planned.transfers:
        items = [create_package_item(tx, package, each, source.id) for each in take_items(remaining, pieces)]
        transfers.append(create_transfer_order(tx, package, source, items).id)
    for each in remaining:
        create_package_item(tx, package, each)
    tx.queue_event("package.created", package)
    return PlacedOrder(order.id, [package.id], transfers)


def take_items(remaining: list[OrderItem], pieces: Quantities) -> list[OrderItem]:
    """Remove the given quantities from the remaining items, and return the removed items."""
    needed = Counter(pieces)
    removed = []
    for item in list(remaining):
        if needed[item.product] > 0:
            needed[item.product] -= 1
            remaining.remove(item)
            removed.append(item)
    return removed
