"""A new order: its customer, its addresses and itself; what a document leaves open comes from the pools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from emulator.core.ids import made_uuid
from emulator.core.records import Address, Channel, Customer, Order
from emulator.core.refusals import Conflict
from emulator.core.seeded_random import pick
from emulator.core.store import Transaction, View
from emulator.rules.arranging.geography import Spot, code_of, spot_of
from emulator.rules.arranging.states import APPROVED, ORDER, state_of
from emulator.rules.arranging.values import columns, first, named
from emulator.rules.seeding.order_records import email_name
from emulator.rules.seeding.plans import FIRST_NUMBER, NUMBER_STEP
from emulator.rules.seeding.pools import CHANNELS, CURRENCIES, pool

OMNITRON_IDS, ADDRESS_OMNITRON_IDS = 40_200, 400
DEFAULT_COUNTRY = "tr"
PLACE = ("country", "city", "township", "district")
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


class Draw(NamedTuple):
    """What chance decides of an order: the same for the same id, in any world."""

    dice: bytes
    code: str
    """Of the pools to draw from."""

    def of(self, name: str, at: int) -> Any:
        values = pool(name)
        return pick(values.get(self.code, values[DEFAULT_COUNTRY]), self.dice[at] << 8 | self.dice[at + 1])

    def person(self, kind: str, at: int) -> str:
        people = pool("people")
        return str(pick(people.get(self.code, people[DEFAULT_COUNTRY])[kind], self.dice[at] << 8 | self.dice[at + 1]))


def new_order(tx: Transaction, asked: Mapping[str, Any]) -> Order:
    """Make an order without items."""
    id_ = tx.new_id(Order)
    dice = made_uuid("order", id_).bytes
    place = asked.get("shipping_address", {})
    spot = spot_of(tx, place, dice[0] << 8 | dice[1])
    draw = Draw(dice, code_of(tx, spot.country))
    channel = channel_for(tx, asked.get("channel"), draw.code)
    customer = new_customer(tx, channel, asked.get("customer", {}) | columns(place, CUSTOMER_COLUMNS[:4]), draw)
    shipping = new_address(tx, customer, spot, place, draw)
    billed = asked.get("billing_address")
    billing = shipping if billed is None else billing_address(tx, customer, shipping, billed, draw)
    number = asked.get("number") or made_number(tx, id_, dice)
    if tx.related(Order, "number", number):
        raise Conflict(f"order {number} already exists")
    values = {"date_placed": tx.now, "payment_type": "credit_card", "delivery_type": "standard"}
    return tx.add(
        Order(
            id=id_,
            state=state_of(tx, ORDER, APPROVED).id,
            channel=channel.id,
            customer=customer.id,
            shipping_address=shipping.id,
            billing_address=billing.id,
            number=number,
            created_date=tx.now,
            modified_date=tx.now,
            **(values | {"omnitron_id": id_ + OMNITRON_IDS} | columns(asked, ORDER_COLUMNS)),  # type: ignore[arg-type]
        )
    )


def made_number(tx: Transaction, id_: int, dice: bytes) -> str:
    """Give a number that no order has: in the form of the demonstration's, and beyond them."""
    first_made = tx.base.next_id(Order)
    place = max(id_ - first_made, 0) + len(tx.base.ids(Order))
    number = FIRST_NUMBER + place * NUMBER_STEP + int.from_bytes(dice[:4], "big") % NUMBER_STEP
    while tx.related(Order, "number", str(number)):
        number += 1
    return str(number)


def channel_for(view: View, asked: str | int | None, code: str) -> Channel:
    """Give the channel that is named, or the country's own."""
    if asked is not None:
        return named(view, Channel, asked, "channel")
    own = CHANNELS.get(code, ())
    found = [channel for channel in view.all(Channel) if channel.name in own]
    return found[0] if found else first(view, Channel, "channel")


def new_customer(tx: Transaction, channel: Channel, asked: Mapping[str, Any], draw: Draw) -> Customer:
    given = columns(asked, CUSTOMER_COLUMNS)
    names = {"first_name": draw.person("first_names", 2), "last_name": draw.person("last_names", 4)} | given
    made = {
        "email": f"{email_name(names['first_name'])}.{email_name(names['last_name'])}@example.com",
        "phone_number": draw.of("phones", 6),
    }
    return tx.add(Customer(id=tx.new_id(Customer), channel=channel.id, **(made | names)))


def new_address(tx: Transaction, customer: Customer, spot: Spot, asked: Mapping[str, Any], draw: Draw) -> Address:
    """Make an address of the customer at a place."""
    id_ = tx.new_id(Address)
    made = {
        "title": "Casa" if CURRENCIES.get(draw.code) == "eur" else "Ev",
        "line": draw.of("addresses", 8),
        "postcode": pool("postcodes").get(str(spot.township)),
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
            **spot._asdict(),
            **(made | columns(asked, ADDRESS_COLUMNS)),
        )
    )


def billing_address(
    tx: Transaction, customer: Customer, shipping: Address, asked: Mapping[str, Any], draw: Draw
) -> Address:
    """Make the address of who pays: where the order goes, unless the document says another place."""
    moved = any(level in asked for level in PLACE)
    spot = spot_of(tx, asked, draw.dice[10]) if moved else Spot(*(getattr(shipping, level) for level in PLACE))
    kept: dict[str, Any] = {} if moved else {"line": shipping.line, "postcode": shipping.postcode}
    return new_address(tx, customer, spot, kept | dict(asked), draw)
