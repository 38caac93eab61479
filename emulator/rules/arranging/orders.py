"""Create an order with its customer and addresses. Values that the document omits are drawn from the pools."""

from __future__ import annotations

from typing import NamedTuple

from emulator.core.ids import made_uuid
from emulator.core.jsontext import JsonObject
from emulator.core.records import Address, Channel, Columns, ColumnValue, Customer, Order
from emulator.core.refusals import Conflict
from emulator.core.seeded_random import pick
from emulator.core.store import Transaction, View
from emulator.rules.arranging.geography import GeoLocation, country_code, resolve_location
from emulator.rules.arranging.states import APPROVED, ORDER, state_with_value
from emulator.rules.arranging.values import find_record, first_record, to_columns
from emulator.rules.seeding.order_records import email_name
from emulator.rules.seeding.plans import FIRST_NUMBER, NUMBER_STEP
from emulator.rules.seeding.pools import CHANNELS, CURRENCIES, pool

OMNITRON_IDS, ADDRESS_OMNITRON_IDS = 40_200, 400
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
    random = made_uuid("order", id_).bytes
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
        "omnitron_id": id_ + OMNITRON_IDS,
    }
    return tx.add(
        Order(
            id=id_,
            state=state_with_value(tx, ORDER, APPROVED).id,
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


def resolve_channel(view: View, name_or_id: str | int | None, country: str) -> Channel:
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
            omnitron_id=id_ + ADDRESS_OMNITRON_IDS,
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
