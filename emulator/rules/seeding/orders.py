"""Records of an order: the customer, the addresses, the order and what was bought."""

from __future__ import annotations

import unicodedata
from functools import cache

from emulator.core.records import Address, Customer, Order, OrderItem
from emulator.rules.seeding.dice import DAY, moment, wide
from emulator.rules.seeding.making import Block, Context
from emulator.rules.seeding.plan import OrderPlan, PackagePlan, pick

CORPORATE, GIFT, NOTED = 24, 20, 26
"""So many of 256 orders are billed to a company, are a gift, bear a note."""
NOTES = {
    "try": ("Kapıya bırakılabilir.", "Gelmeden önce arayınız."),
    "eur": ("Citofonare due volte.", "Lasciare al portiere."),
}
GIFT_NOTES = {"try": "İyi ki doğdun!", "eur": "Tanti auguri!"}
DISCOUNTS = (0,) * 10 + (5, 10, 10, 15, 20, 25)
"""Per cent off the price."""
SALES = (100,) * 6 + (90, 80, 70, 60)
"""Per cent of the retail price that the price is."""
OMNITRON_ITEM = 47_000
"""What an order item's id in the system that it came from is more than its id."""
ASCII = str.maketrans("ıİşŞğĞçÇöÖüÜ", "iissggccoouu")


def make_order(context: Context, block: Block, plan: OrderPlan, packages: list[PackagePlan]) -> list[list[int]]:
    """Make an order with all that is its own; give the ids of the order items of each of its packages."""
    customer = block.add(make_customer(block, plan))
    shipping = block.add(make_address(block, plan, customer))
    billing = block.add(make_billing_address(block, plan, shipping)) if plan.dice[29] < CORPORATE else shipping
    block.add(order_record(context, plan, shipping, billing, {package.slot.order_item_state for package in packages}))
    bought: list[list[int]] = []
    for package in packages:
        bought.append(bought[-1] if package.slot.replanned else make_items(context, block, plan, package))
    return bought


def make_customer(block: Block, plan: OrderPlan) -> Customer:
    return Customer(
        id=block.new_id(Customer),
        channel=plan.channel,
        email=f"{plain(plan.first_name)}.{plain(plan.last_name)}@example.com",
        first_name=plan.first_name,
        last_name=plan.last_name,
        phone_number=pick(plan.region.phones, wide(plan.dice, 17)),
        erp_code=None,
    )


@cache
def plain(name: str) -> str:
    """Give a name in the letters of an e-mail address."""
    letters = unicodedata.normalize("NFKD", name.translate(ASCII)).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters.lower() if letter.isalnum())


def make_address(block: Block, plan: OrderPlan, customer: Customer) -> Address:
    """Make the address that the order is sent to: the customer's, under the customer's own name."""
    district = plan.place.district
    id_ = block.new_id(Address)
    return Address(
        id=id_,
        city=district.city,
        country=plan.region.country,
        township=district.township,
        district=district.id,
        customer=customer.id,
        created_date=moment(plan.created - (1 + plan.dice[30]) * DAY),
        modified_date=moment(plan.created),
        omnitron_id=id_ + 400,
        title="Ev" if plan.region.currency == "try" else "Casa",
        line=pick(plan.region.lines, wide(plan.dice, 15)),
        postcode=plan.place.postcode,
        email=customer.email,
        phone_number=customer.phone_number,
        first_name=customer.first_name,
        last_name=customer.last_name,
    )


def make_billing_address(block: Block, plan: OrderPlan, shipping: Address) -> Address:
    """Make the address of the company that pays, at the same place."""
    company = pick(plan.region.companies, plan.dice[31])
    id_ = block.new_id(Address)
    return shipping._replace(
        id=id_,
        omnitron_id=id_ + 400,
        title=company["name"],
        company_name=company["name"],
        tax_office=company["tax_office"],
        tax_no=company["tax_no"],
        e_bill_taxpayer=plan.dice[32] % 2 == 0,
        is_corporate=True,
    )


def order_record(context: Context, plan: OrderPlan, shipping: Address, billing: Address, states: set[int]) -> Order:
    dice, currency = plan.dice, plan.region.currency
    has_gift_box = dice[19] < GIFT
    return Order(
        id=plan.id,
        state=context.order_state(states),
        channel=plan.channel,
        customer=shipping.customer,
        shipping_address=shipping.id,
        billing_address=billing.id,
        number=plan.number,
        payment_type=plan.payment_type,
        date_placed=moment(plan.date_placed),
        created_date=moment(plan.created),
        modified_date=moment(plan.created + 500),
        omnitron_id=plan.omnitron_id,
        gift_box_note=GIFT_NOTES[currency] if has_gift_box else None,
        has_gift_box=has_gift_box,
        retail_store_id=plan.retail_store,
        notes=pick(NOTES[currency], dice[25]) if dice[26] < NOTED else None,
        is_click_and_collect=plan.retail_store is not None,
        delivery_type=plan.delivery_type,
    )


def make_items(context: Context, block: Block, plan: OrderPlan, package: PackagePlan) -> list[int]:
    """Make the order items that a package holds; give their ids."""
    created = moment(plan.created + 9000)
    state = package.slot.order_item_state
    modified = created if state == context.approved else moment(package.modified)
    currency, region = plan.region.currency, plan.region
    ids = []
    for k, at in enumerate(package.goods):
        good = context.goods[at]
        id_ = block.new_id(OrderItem)
        retail = good.price if currency == "try" else good.price_eur
        price = retail * pick(SALES, package.dice[40 + k]) // 100
        discount = price * pick(DISCOUNTS, package.dice[7 + k]) // 100
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
                omnitron_id=id_ + OMNITRON_ITEM,
                net_amount=amount(price - discount),
                price=amount(price),
                price_currency=currency,
                retail_price=amount(retail),
                tax_rate=region.tax_rate or good.tax_rate,
                discount_amount=amount(discount),
            )
        )
    return ids


def amount(cents: int) -> str:
    """Give an amount of money as the vendor prints it."""
    return f"{cents // 100}.{cents % 100:02}"
