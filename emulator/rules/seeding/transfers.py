"""Records of a block's transfer order: the order, its items, its shipment, its log and its event."""

from __future__ import annotations

from emulator.core.records import OrderItem, PackageItem, Shipment, TransferItem, TransferOrder
from emulator.rules.seeding.dice import moment
from emulator.rules.seeding.making import Block, Context
from emulator.rules.seeding.packages import TRACKING
from emulator.rules.seeding.plan import pick
from emulator.rules.seeding.traces import Traces, make_traces
from emulator.rules.seeding.transfer_plan import TransferPlan


def make_transfer(context: Context, block: Block, plan: TransferPlan) -> None:
    """Make the transfer order that brings a package's items to where it is packed."""
    slot, package = plan.slot, plan.package
    make_traces(
        context,
        block,
        Traces(context.transfer_type, plan.id, slot.path, plan.logged, slot.hook, plan.modified, plan.dice),
    )
    block.add(
        TransferOrder(
            id=plan.id,
            state=plan.state,
            package=package.id,
            source=plan.source,
            destination=package.source.id,
            number=plan.number,
            target_transfer_date=moment(plan.created + package.source.transfer),
            transfer_shipment=make_transfer_shipment(context, block, plan) if slot.with_shipment else None,
            plan_item=package.plan_item,
            created_date=moment(plan.created),
            modified_date=moment(plan.modified),
        )
    )
    make_transfer_items(block, plan)


def make_transfer_shipment(context: Context, block: Block, plan: TransferPlan) -> int:
    """Make the shipment of a transfer order that is or was on the road; give its id."""
    id_ = block.new_id(Shipment)
    number = str(TRACKING + id_ * 7 + plan.dice[3] % 7)
    begun = moment(plan.logged[0])
    block.add(
        Shipment(
            id=id_,
            cargo_company=pick(plan.package.order.region.carriers, plan.dice[4]),
            state=context.shipment_state,
            transfer_order=plan.id,
            created_date=begun,
            modified_date=moment(plan.logged[-1]),
            awb_number=number,
            update_date_time=begun,
            query_number=number,
        )
    )
    return id_


def make_transfer_items(block: Block, plan: TransferPlan) -> None:
    """Make one transfer item for each item of the package."""
    bought = block.tables[OrderItem]
    created, modified = moment(plan.created + 13_000), moment(plan.modified + 6000)
    for item in block.tables[PackageItem].values():
        if item.package == plan.package.id:
            block.add(
                TransferItem(
                    id=block.new_id(TransferItem),
                    state=plan.slot.item_state,
                    package_item=item.id,
                    product=bought[item.order_item].product,
                    transfer_order=plan.id,
                    created_date=created,
                    modified_date=max(created, modified),
                )
            )
