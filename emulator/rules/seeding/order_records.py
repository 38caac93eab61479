"""The records of an order: its customer, its addresses, the order and its items."""

from __future__ import annotations

import unicodedata
from functools import cache

from emulator.core.bases import from_microseconds
from emulator.core.records import Address, Customer, Order, OrderItem
from emulator.core.seeded_random import pick, u16
from emulator.rules.seeding.blocks import Block
from emulator.rules.seeding.plans import OrderPlan, PackagePlan
from emulator.rules.seeding.pools import DAY

CORPORATE, GIFT, NOTED = 24, 20, 26
"""Of 256 orders this many are billed to a company, this many are gifts, and this many have a note."""
NOTES = {
    "try": ("Kapıya bırakılabilir.", "Gelmeden önce arayınız."),
    "eur": ("Citofonare due volte.", "Lasciare al portiere."),
}
GIFT_NOTES = {"try": "İyi ki doğdun!", "eur": "Tanti auguri!"}
DISCOUNTS = (0,) * 10 + (5, 10, 10, 15, 20, 25)
"""The discount as a percentage of the price."""
SALES = (100,) * 6 + (90, 80, 70, 60)
"""The price as a percentage of the retail price."""
ITEM_OMNITRON_IDS, ADDRESS_OMNITRON_IDS = 47_000, 400
"""Differences between a record's id and its omnitron id."""
ASCII = str.maketrans("ıİşŞğĞçÇöÖüÜ", "iissggccoouu")


def make_order(block: Block, packages: list[PackagePlan]) -> list[list[int]]:
    """Make the order of these packages, and return the ids of the order items of each package."""
    plan = packages[0].order
    customer = block.add(make_customer(block, plan))
    shipping = block.add(make_address(block, plan, customer))
    billing = block.add(make_billing_address(block, plan, shipping)) if plan.draws[29] < CORPORATE else shipping
    block.add(make_order_record(plan, shipping, billing, {package.slot.order_item_state for package in packages}))
    item_ids: list[list[int]] = []
    for package in packages:
        item_ids.append(item_ids[-1] if package.slot.replanned else make_items(block, package))
    return item_ids


def make_customer(block: Block, plan: OrderPlan) -> Customer:
    return Customer(
        id=block.new_id(Customer),
        channel=plan.channel,
        email=f"{email_name(plan.first_name)}.{email_name(plan.last_name)}@example.com",
        first_name=plan.first_name,
        last_name=plan.last_name,
        phone_number=pick(plan.region.phones, u16(plan.draws, 17)),
        erp_code=None,
    )


@cache
def email_name(name: str) -> str:
    """Return a name in the letters of an e-mail address."""
    letters = unicodedata.normalize("NFKD", name.translate(ASCII)).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters.lower() if letter.isalnum())


def make_address(block: Block, plan: OrderPlan, customer: Customer) -> Address:
    """Return the shipping address, which has the customer's name."""
    place = plan.place
    district = place.district
    id_ = block.new_id(Address)
    return Address(
        id=id_,
        city=district.city,
        country=plan.region.country,
        township=district.township,
        district=district.id,
        customer=customer.id,
        created_date=from_microseconds(plan.created - (1 + plan.draws[30]) * DAY),
        modified_date=from_microseconds(plan.created),
        omnitron_id=id_ + ADDRESS_OMNITRON_IDS,
        title="Ev" if plan.region.currency == "try" else "Casa",
        line=pick(plan.region.lines, u16(plan.draws, 15)),
        postcode=place.postcode,
        email=customer.email,
        phone_number=customer.phone_number,
        first_name=customer.first_name,
        last_name=customer.last_name,
    )


def make_billing_address(block: Block, plan: OrderPlan, shipping: Address) -> Address:
    """Return the billing address of a company at the same place."""
    company = pick(plan.region.companies, plan.draws[31])
    id_ = block.new_id(Address)
    return shipping._replace(
        id=id_,
        omnitron_id=id_ + ADDRESS_OMNITRON_IDS,
        title=company["name"],
        company_name=company["name"],
        tax_office=company["tax_office"],
        tax_no=company["tax_no"],
        e_bill_taxpayer=plan.draws[32] % 2 == 0,
        is_corporate=True,
    )


def make_order_record(plan: OrderPlan, shipping: Address, billing: Address, item_states: set[int]) -> Order:
    draws, currency = plan.draws, plan.region.currency
    has_gift_box = draws[19] < GIFT
    return Order(
        id=plan.id,
        state=order_state(plan, item_states),
        channel=plan.channel,
        customer=shipping.customer,
        shipping_address=shipping.id,
        billing_address=billing.id,
        number=plan.number,
        payment_type=plan.payment_type,
        date_placed=from_microseconds(plan.date_placed),
        created_date=from_microseconds(plan.created),
        modified_date=from_microseconds(plan.created + 500),
        omnitron_id=plan.omnitron_id,
        gift_box_note=GIFT_NOTES[currency] if has_gift_box else None,
        has_gift_box=has_gift_box,
        retail_store_id=plan.retail_store,
        notes=pick(NOTES[currency], draws[25]) if draws[26] < NOTED else None,
        is_click_and_collect=plan.retail_store is not None,
        delivery_type=plan.delivery_type,
    )


def order_state(plan: OrderPlan, item_states: set[int]) -> int:
    """Return the state of an order whose items have these states."""
    states = plan.plans.order_states
    if states.preparing in item_states:
        return states.preparing
    return states.canceled if item_states == {states.canceled} else states.approved


def make_items(block: Block, package: PackagePlan) -> list[int]:
    """Make the order items of a package, and return their ids."""
    plan, region, state = package.order, package.order.region, package.slot.order_item_state
    created = from_microseconds(plan.created + 9000)
    modified = created if state == package.plans.order_states.approved else from_microseconds(package.modified)
    ids = []
    for k, at in enumerate(package.goods):
        good = package.plans.goods[at]
        retail = good.price if region.currency == "try" else good.price_eur
        price = retail * pick(SALES, package.draws[40 + k]) // 100
        discount = price * pick(DISCOUNTS, package.draws[7 + k]) // 100
        id_ = block.new_id(OrderItem)
        ids.append(id_)
        block.add(
            OrderItem(
                id=id_,
                state=state,
                product=good.id,
                order=plan.id,
                price_list=region.price_list,
                stock_list=region.stock_list,
                created_date=created,
                modified_date=modified,
                omnitron_id=id_ + ITEM_OMNITRON_IDS,
                net_amount=format_amount(price - discount),
                price=format_amount(price),
                price_currency=region.currency,
                retail_price=format_amount(retail),
                tax_rate=region.tax_rate or good.tax_rate,
                discount_amount=format_amount(discount),
            )
        )
    return ids


def format_amount(cents: int) -> str:
    """Return an amount of money as the vendor prints it."""
    return f"{cents // 100}.{cents % 100:02}"
