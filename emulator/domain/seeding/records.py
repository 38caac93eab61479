"""Make the records of an order, its packages and their transfer orders from their plans."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from functools import cache

import orjson

from emulator.core import records
from emulator.core.json_text import compact_json
from emulator.core.seeded_random import derive_uuid_text, pick, u16
from emulator.domain.planning import encrypted_id
from emulator.domain.seeding.plans import Block, OrderPlan, PackagePlan, TransferPlan, first_id
from emulator.domain.seeding.pools import DAY, plane_distance_km
from emulator.domain.webhook_retries import MAX_ATTEMPTS
from emulator.state.store import from_microseconds

INVOICED_CHANCE, ESTIMATED_CHANCE = 60, 120
"""Chances of 256 that a packed package has an invoice number, and that a shipment has an estimated date."""
USER_CHANCE, FAILURE_CHANCE = 128, 12
"""Chances of 256 that a user made a transition, and that an event was not delivered."""
FIRST_TRACKING_NUMBER = 4_000_000
PAY_ON_DELIVERY = "pay_on_delivery"
COMMAND_ATTRIBUTES = b'{"command":{"remote_user_pk":"298"}}'
RESPONSE_TIME = timedelta(microseconds=412_733)
CORPORATE_CHANCE, GIFT_CHANCE, NOTE_CHANCE = 24, 20, 26
"""Chances of 256 that an order is billed to a company, is a gift, and has a note."""
NOTES = {
    "try": ("Kapıya bırakılabilir.", "Gelmeden önce arayınız."),
    "eur": ("Citofonare due volte.", "Lasciare al portiere."),
}
GIFT_NOTES = {"try": "İyi ki doğdun!", "eur": "Tanti auguri!"}
DISCOUNT_PERCENTAGES = (0,) * 10 + (5, 10, 10, 15, 20, 25)
"""The discount as a percentage of the price."""
PRICE_PERCENTAGES = (100,) * 6 + (90, 80, 70, 60)
"""The price as a percentage of the retail price."""
ITEM_OMNITRON_OFFSET, ADDRESS_OMNITRON_OFFSET = 47_000, 400
"""Differences between a record's id and its omnitron id."""
ASCII_REPLACEMENTS = str.maketrans("ıİşŞğĞçÇöÖüÜ", "iissggccoouu")


# --- orders -------------------------------------------------------------------------------------------------------


def make_order(block: Block, packages: list[PackagePlan]) -> list[list[int]]:
    """Make the order of these packages, and return the ids of the order items of each package."""
    plan = packages[0].order
    customer = block.add(make_customer(block, plan))
    shipping = block.add(make_address(block, plan, customer))
    billing = (
        block.add(make_billing_address(block, plan, shipping)) if plan.draws[29] < CORPORATE_CHANCE else shipping
    )
    block.add(make_order_record(plan, shipping, billing, {package.slot.order_item_state for package in packages}))
    item_ids: list[list[int]] = []
    for package in packages:
        item_ids.append(item_ids[-1] if package.slot.is_replacement else make_order_items(block, package))
    return item_ids


def make_customer(block: Block, plan: OrderPlan) -> records.Customer:
    return records.Customer(
        id=block.new_id(records.Customer),
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
    letters = unicodedata.normalize("NFKD", name.translate(ASCII_REPLACEMENTS)).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters.lower() if letter.isalnum())


def make_address(block: Block, plan: OrderPlan, customer: records.Customer) -> records.Address:
    """Return the shipping address, which has the customer's name."""
    place = plan.destination
    district = place.district
    id_ = block.new_id(records.Address)
    return records.Address(
        id=id_,
        city=district.city,
        country=plan.region.country,
        township=district.township,
        district=district.id,
        customer=customer.id,
        created_date=from_microseconds(plan.created - (1 + plan.draws[30]) * DAY),
        modified_date=from_microseconds(plan.created),
        omnitron_id=id_ + ADDRESS_OMNITRON_OFFSET,
        title="Ev" if plan.region.currency == "try" else "Casa",
        line=pick(plan.region.address_lines, u16(plan.draws, 15)),
        postcode=place.postcode,
        email=customer.email,
        phone_number=customer.phone_number,
        first_name=customer.first_name,
        last_name=customer.last_name,
    )


def make_billing_address(block: Block, plan: OrderPlan, shipping: records.Address) -> records.Address:
    """Return the billing address of a company at the same place."""
    company = pick(plan.region.companies, plan.draws[31])
    id_ = block.new_id(records.Address)
    return shipping._replace(
        id=id_,
        omnitron_id=id_ + ADDRESS_OMNITRON_OFFSET,
        title=company["name"],
        company_name=company["name"],
        tax_office=company["tax_office"],
        tax_no=company["tax_no"],
        e_bill_taxpayer=plan.draws[32] % 2 == 0,
        is_corporate=True,
    )


def make_order_record(
    plan: OrderPlan, shipping: records.Address, billing: records.Address, item_states: set[int]
) -> records.Order:
    draws, currency = plan.draws, plan.region.currency
    has_gift_box = draws[19] < GIFT_CHANCE
    return records.Order(
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
        notes=pick(NOTES[currency], draws[25]) if draws[26] < NOTE_CHANCE else None,
        is_click_and_collect=plan.retail_store is not None,
        delivery_type=plan.delivery_type,
    )


def order_state(plan: OrderPlan, item_states: set[int]) -> int:
    """Return the state of an order whose items have these states."""
    states = plan.plans.order_states
    if states.preparing in item_states:
        return states.preparing
    return states.canceled if item_states == {states.canceled} else states.approved


def make_order_items(block: Block, package: PackagePlan) -> list[int]:
    """Make the order items of a package, and return their ids."""
    plan, region, state = package.order, package.order.region, package.slot.order_item_state
    created = from_microseconds(plan.created + 9000)
    modified = created if state == package.plans.order_states.approved else from_microseconds(package.modified)
    ids = []
    for k, at in enumerate(package.product_positions):
        good = package.product(at)
        retail = good.price if region.currency == "try" else good.price_eur
        price = retail * pick(PRICE_PERCENTAGES, package.draws[40 + k]) // 100
        discount = price * pick(DISCOUNT_PERCENTAGES, package.draws[7 + k]) // 100
        id_ = block.new_id(records.OrderItem)
        ids.append(id_)
        block.add(
            records.OrderItem(
                id=id_,
                state=state,
                product=good.id,
                order=plan.id,
                price_list=region.price_list,
                stock_list=region.stock_list,
                created_date=created,
                modified_date=modified,
                omnitron_id=id_ + ITEM_OMNITRON_OFFSET,
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


# --- packages and transfer orders ---------------------------------------------------------------------------------


def make_package(block: Block, plan: PackagePlan, order_items: list[int]) -> None:
    """Make a package with these order items, and the records that belong to it."""
    shipment = make_shipment(block, plan, order_items)
    label = make_label(block, plan) if shipment and plan.slot.has_label else None
    make_package_items(block, plan, order_items)
    make_log(block, plan)
    make_event(block, plan)
    shipped, order, source = plan.slot.shipping_transition, plan.order, plan.packing_location
    block.add(
        records.Package(
            id=plan.id,
            state=plan.state,
            order=order.id,
            shipping_address=block.tables[records.Order][order.id].shipping_address,
            stock_location=source.id,
            number=plan.number,
            tracking_number=shipment.awb_number if shipment else None,
            target_packing_date=from_microseconds(order.date_placed + source.packing_time),
            shipment=shipment.id if shipment else None,
            shipping_label=label,
            invoice_number=invoice_number(plan),
            delivery_range=plan.delivery_range,
            shipment_date=None if shipped is None else from_microseconds(plan.transition_times[shipped] + 3000),
            plan_item=plan.plan_item,
            created_date=from_microseconds(plan.created),
            modified_date=from_microseconds(plan.modified),
            extra_information=extra_information(plan),
            id_encrypted=encrypted_id(plan.id, from_microseconds(plan.plans.start)),
        )
    )


def invoice_number(plan: PackagePlan) -> str | None:
    """Return the invoice number. Some packages got one when they were packed, and all when they were shipped."""
    is_shipped = plan.plans.version > 1 and plan.slot.shipping_transition is not None
    if not is_shipped and (plan.slot.packing_transition is None or plan.draws[11] >= INVOICED_CHANCE):
        return None
    return f"PZ2023{plan.id:09}"


def extra_information(plan: PackagePlan) -> records.Json:
    """Return the shipping distance, and the package that this one replaces."""
    kilometres = plane_distance_km(plan.packing_location.point, plan.order.destination.point)
    if not plan.slot.is_replacement:
        return b'{"distance_to_shipping_address":%d}' % kilometres
    parent = {"id": plan.id - 1, "number": f"{plan.order.number}P1"}
    return compact_json({"parent_package": parent, "distance_to_shipping_address": kilometres})


def make_package_items(block: Block, plan: PackagePlan, order_items: list[int]) -> None:
    """Make one package item for each order item, and its reservation."""
    transfer, location = plan.slot.transfer, plan.packing_location.id
    modified = from_microseconds(plan.modified + 10_000)
    for k, order_item in enumerate(order_items):
        item = block.add(
            records.PackageItem(
                id=block.new_id(records.PackageItem),
                state=plan.slot.item_state,
                order_item=order_item,
                package=plan.id,
                transfer_order=first_id(records.TransferOrder, block.number)
                if transfer and not transfer.is_cancelled
                else None,
                created_date=from_microseconds(plan.created + 4100 + 700 * k),
                modified_date=modified,
            )
        )
        if plan.slot.has_reservations:
            product = block.tables[records.OrderItem][order_item].product
            block.add(records.Reservation(block.new_id(records.Reservation), plan.id, item.id, product, location))


def make_shipment(block: Block, plan: PackagePlan, order_items: list[int]) -> records.Shipment | None:
    """Make the shipment of a package that was packed with one."""
    created, carrier = plan.shipment_created, plan.carrier
    if created is None or carrier is None:
        return None
    id_ = block.new_id(records.Shipment)
    number = tracking_number(id_, plan.draws[14])
    is_unpaid = plan.order.payment_type == PAY_ON_DELIVERY
    return block.add(
        records.Shipment(
            id=id_,
            cargo_company=carrier,
            state=plan.plans.shipment_state,
            package=plan.id,
            created_date=from_microseconds(created + 500),
            modified_date=from_microseconds(plan.modified),
            awb_number=number,
            pay_on_delivery_amount=total_amount(block, order_items) if is_unpaid else None,
            update_date_time=from_microseconds(created),
            estimated_delivery_date=from_microseconds(created + 2 * DAY)
            if plan.draws[15] < ESTIMATED_CHANCE
            else None,
            query_number=number,
        )
    )


def tracking_number(shipment: int, number: int) -> str:
    return str(FIRST_TRACKING_NUMBER + shipment * 7 + number % 7)


def shipment_of_tracking_number(number: str) -> int | None:
    """Return the id of the generated shipment that could have this tracking number."""
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    return (int(number) - FIRST_TRACKING_NUMBER) // 7 if is_number else None


def total_amount(block: Block, order_items: list[int]) -> str:
    """Return the net amount of these order items."""
    table = block.tables[records.OrderItem]
    return format_amount(sum(int(table[id_].net_amount.replace(".", "")) for id_ in order_items))


def make_label(block: Block, plan: PackagePlan) -> int:
    """Make the label of a package's shipment, and return its id."""
    id_ = block.new_id(records.ShippingLabel)
    block.add(records.ShippingLabel(id=id_, package=plan.id, uuid=derive_uuid_text("label", id_, plan.created)))
    return id_


def make_transfer(block: Block, plan: TransferPlan) -> None:
    """Make the transfer order that brings a package's items to its location."""
    slot, package = plan.slot, plan.package
    make_log(block, plan)
    make_event(block, plan)
    block.add(
        records.TransferOrder(
            id=plan.id,
            state=plan.state,
            package=package.id,
            source=plan.source,
            destination=package.packing_location.id,
            number=plan.number,
            target_transfer_date=from_microseconds(plan.created + package.packing_location.transfer_time),
            transfer_shipment=make_transfer_shipment(block, plan) if slot.has_shipment else None,
            plan_item=package.plan_item,
            created_date=from_microseconds(plan.created),
            modified_date=from_microseconds(plan.modified),
        )
    )
    make_transfer_items(block, plan)


def make_transfer_shipment(block: Block, plan: TransferPlan) -> int:
    """Make the shipment of a transfer order, and return its id."""
    id_ = block.new_id(records.Shipment)
    number = tracking_number(id_, plan.draws[3])
    begun = from_microseconds(plan.transition_times[0])
    block.add(
        records.Shipment(
            id=id_,
            cargo_company=pick(plan.package.order.region.carriers, plan.draws[4]),
            state=plan.plans.shipment_state,
            transfer_order=plan.id,
            created_date=begun,
            modified_date=from_microseconds(plan.transition_times[-1]),
            awb_number=number,
            update_date_time=begun,
            query_number=number,
        )
    )
    return id_


def make_transfer_items(block: Block, plan: TransferPlan) -> None:
    """Make one transfer item for each item of the package."""
    order_items = block.tables[records.OrderItem]
    created, modified = from_microseconds(plan.created + 13_000), from_microseconds(plan.modified + 6000)
    for item in block.tables[records.PackageItem].values():
        if item.package == plan.package.id:
            block.add(
                records.TransferItem(
                    id=block.new_id(records.TransferItem),
                    state=plan.slot.item_state,
                    package_item=item.id,
                    product=order_items[item.order_item].product,
                    transfer_order=plan.id,
                    created_date=created,
                    modified_date=max(created, modified),
                )
            )


def make_log(block: Block, plan: PackagePlan | TransferPlan) -> None:
    """Make a log entry for each transition."""
    path, user, content_type = plan.slot.path, plan.plans.user, plan.content_type
    for k, created in enumerate(plan.transition_times):
        by_user = user is not None and plan.draws[48 + k] < USER_CHANCE
        block.add(
            records.TransitionLog(
                id=block.new_id(records.TransitionLog),
                old_state=path[k],
                new_state=path[k + 1],
                object_id=plan.id,
                content_type=content_type,
                user=user if by_user else None,
                attributes=COMMAND_ATTRIBUTES if by_user else records.EMPTY_OBJECT,
                created_date=from_microseconds(created),
            )
        )


def make_event(block: Block, plan: PackagePlan | TransferPlan) -> None:
    """Make the event of the last change. Its payload is the document as it is at the start."""
    created = from_microseconds(plan.modified)
    answered = created + RESPONSE_TIME
    failed = plan.draws[56] < FAILURE_CHANCE
    block.add(
        records.WebhookEvent(
            id=block.new_id(records.WebhookEvent),
            webhook=plan.slot.hook,
            object_id=plan.id,
            content_type=plan.content_type,
            created_date=created,
            modified_date=answered,
            uuid=derive_uuid_text("event", plan.plans.seed, plan.content_type, plan.id),
            response_content="b'502 Bad Gateway'" if failed else "b'200 OK'",
            response_http_status=502 if failed else 200,
            delivered=not failed,
            request_datetimes=records.EMPTY_ARRAY if failed else compact_json([answered], orjson.OPT_UTC_Z),
            retry_count=MAX_ATTEMPTS if failed else 1,
        )
    )
