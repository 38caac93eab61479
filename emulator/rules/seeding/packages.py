"""Records of a package: the package, its items, its shipment and label, its log and its event."""

from __future__ import annotations

from emulator.core.ids import made_uuid
from emulator.core.jsontext import compact
from emulator.core.records import (
    Json,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Reservation,
    Shipment,
    ShippingLabel,
    TransferOrder,
)
from emulator.rules.identity import encrypted_id
from emulator.rules.seeding.dice import DAY, moment
from emulator.rules.seeding.layout import first_of
from emulator.rules.seeding.making import Block, Context
from emulator.rules.seeding.orders import amount
from emulator.rules.seeding.places import distance
from emulator.rules.seeding.plan import PackagePlan
from emulator.rules.seeding.traces import Traces, make_traces

INVOICED, ESTIMATED = 60, 120
"""So many of 256 packed packages have an invoice number, shipments an estimated date."""
TRACKING = 4_000_000
PAY_ON_DELIVERY = "pay_on_delivery"


def make_package(context: Context, block: Block, plan: PackagePlan, order_items: list[int]) -> None:
    """Make a package of these order items, with all that is its own."""
    shipment = make_shipment(context, block, plan, order_items)
    label = make_label(block, plan) if shipment and plan.slot.labelled else None
    make_package_items(block, plan, order_items)
    make_traces(
        context,
        block,
        Traces(context.package_type, plan.id, plan.slot.path, plan.logged, plan.slot.hook, plan.modified, plan.dice),
    )
    shipped, placed = plan.slot.shipped_by, plan.order.date_placed
    block.add(
        Package(
            id=plan.id,
            state=plan.state,
            order=plan.order.id,
            shipping_address=block.tables[Order][plan.order.id].shipping_address,
            stock_location=plan.source.id,
            number=plan.number,
            tracking_number=shipment.awb_number if shipment else None,
            target_packing_date=moment(placed + plan.source.packing),
            shipment=shipment.id if shipment else None,
            shipping_label=label,
            invoice_number=invoice_number(plan),
            delivery_range=plan.delivery_range,
            shipment_date=None if shipped is None else moment(plan.logged[shipped] + 3000),
            plan_item=plan.plan_item,
            created_date=moment(plan.created),
            modified_date=moment(plan.modified),
            extra_information=extra_information(plan),
            id_encrypted=encrypted_id(plan.id, moment(context.plans.start)),
        )
    )


def invoice_number(plan: PackagePlan) -> str | None:
    """Give the number that some packages got when they were packed."""
    if plan.slot.packed_by is None or plan.dice[11] >= INVOICED:
        return None
    return f"PZ{2023:04}{plan.id:09}"


def extra_information(plan: PackagePlan) -> Json:
    """Give how far the package goes, and which package it stands in for."""
    kilometres = distance(plan.source.point, plan.order.place.point)
    if not plan.slot.replanned:
        return b'{"distance_to_shipping_address":%d}' % kilometres
    parent = {"id": plan.id - 1, "number": f"{plan.order.number}P1"}
    return compact({"parent_package": parent, "distance_to_shipping_address": kilometres})


def make_package_items(block: Block, plan: PackagePlan, order_items: list[int]) -> None:
    """Make one package item for each order item; they refer to the transfer order that brings them."""
    transfer = plan.slot.transfer
    created = plan.created + 4100
    last = moment(plan.modified + 10_000)
    for k, order_item in enumerate(order_items):
        item = block.add(
            PackageItem(
                id=block.new_id(PackageItem),
                state=plan.slot.item_state,
                order_item=order_item,
                package=plan.id,
                transfer_order=first_of(TransferOrder, block.number) if transfer and not transfer.cancelled else None,
                created_date=moment(created + 700 * k),
                modified_date=last,
            )
        )
        if plan.slot.reserves:
            product = block.tables[OrderItem][order_item].product
            block.add(Reservation(block.new_id(Reservation), plan.id, item.id, product, plan.source.id))


def make_shipment(context: Context, block: Block, plan: PackagePlan, order_items: list[int]) -> Shipment | None:
    """Make the shipment of a package that was packed with one."""
    created, carrier = plan.shipment_created, plan.carrier
    if created is None or carrier is None:
        return None
    id_ = block.new_id(Shipment)
    number = str(TRACKING + id_ * 7 + plan.dice[14] % 7)
    pay = total(block, order_items) if plan.order.payment_type == PAY_ON_DELIVERY else None
    return block.add(
        Shipment(
            id=id_,
            cargo_company=carrier,
            state=context.shipment_state,
            package=plan.id,
            created_date=moment(created + 500),
            modified_date=moment(plan.modified),
            awb_number=number,
            pay_on_delivery_amount=pay,
            update_date_time=moment(created),
            estimated_delivery_date=moment(created + 2 * DAY) if plan.dice[15] < ESTIMATED else None,
            query_number=number,
        )
    )


def total(block: Block, order_items: list[int]) -> str:
    """Give what the customer pays for these order items."""
    table = block.tables[OrderItem]
    return amount(sum(int(table[id_].net_amount.replace(".", "")) for id_ in order_items))


def make_label(block: Block, plan: PackagePlan) -> int:
    """Make the label of a package's shipment; give its id."""
    id_ = block.new_id(ShippingLabel)
    block.add(ShippingLabel(id=id_, package=plan.id, uuid=str(made_uuid("label", id_, plan.created))))
    return id_
