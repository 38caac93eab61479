"""The columns of a demonstration, from its plans alone: what the records will say, without making them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from math import lcm
from typing import Any, NamedTuple

from emulator.core.columns import Column, Cycle
from emulator.core.records import OrderItem, Package, Shipment
from emulator.rules.seeding.cycle import BLOCK, CYCLE, ORDERS, ROWS
from emulator.rules.seeding.dice import roll
from emulator.rules.seeding.layout import FIRST, first_of
from emulator.rules.seeding.making import Context
from emulator.rules.seeding.orders import OMNITRON_ITEM
from emulator.rules.seeding.packages import TRACKING
from emulator.rules.seeding.plan import PackagePlan, pick
from emulator.rules.seeding.transfer_plan import TransferPlan, plan_for

NONE = -1
"""No value, where an array holds numbers."""
PERIOD = ROWS * lcm(*(len(row.holders) for row in CYCLE))
"""Blocks after which the states come again."""


class Value(NamedTuple):
    """How a plan tells a value, and how a column keeps it: an array's type code, or "" for a list."""

    code: str
    of: Callable[[Any], Any]


def or_none(value: int | None) -> int:
    return NONE if value is None else value


PACKAGE: dict[str, Value] = {
    "order": Value("i", lambda plan: plan.order.id),
    "created_date": Value("q", lambda plan: plan.created),
    "modified_date": Value("q", lambda plan: plan.modified),
    "delivery_range": Value("i", lambda plan: or_none(plan.delivery_range)),
    "shipment.created_date": Value(
        "q", lambda plan: NONE if plan.shipment_created is None else plan.shipment_created + 500
    ),
    "shipment.cargo_company": Value("i", lambda plan: or_none(plan.carrier)),
    "shipping_address.country": Value("i", lambda plan: plan.order.region.country),
    "shipping_address.city": Value("i", lambda plan: plan.order.place.district.city),
    "shipping_address.township": Value("i", lambda plan: plan.order.place.district.township),
    "order.omnitron_id": Value("i", lambda plan: plan.order.omnitron_id),
    "order.customer.first_name": Value("", lambda plan: plan.order.first_name),
    "order.customer.last_name": Value("", lambda plan: plan.order.last_name),
    "order.date_placed": Value("q", lambda plan: plan.order.date_placed),
    "order.is_click_and_collect": Value("b", lambda plan: plan.order.retail_store is not None),
    "order.delivery_type": Value("", lambda plan: plan.order.delivery_type),
    "order.retail_store_id": Value("i", lambda plan: or_none(plan.order.retail_store)),
}
"""Columns of packages that one pass over the plans fills together."""
QUICK = ("order.channel", "stock_location")
"""Columns of packages that everybody filters by: a few dice tell them, four times as fast as whole plans."""
PACKAGE_TEXTS: dict[str, Value] = {
    "number": Value("", lambda plan: plan.number),
    "order.number": Value("", lambda plan: plan.order.number),
}
"""Columns of packages that take much memory, each made when it is asked for."""
ITEMS = ("items.order_item.product", "items.order_item.omnitron_id")

TRANSFER: dict[str, Value] = {
    "state": Value("i", lambda plan: plan.state),
    "number": Value("", lambda plan: plan.number),
    "package": Value("i", lambda plan: plan.package.id),
    "source": Value("i", lambda plan: plan.source),
    "destination": Value("i", lambda plan: plan.package.source.id),
    "created_date": Value("q", lambda plan: plan.created),
    "modified_date": Value("q", lambda plan: plan.modified),
    "package.number": Value("", lambda plan: plan.package.number),
    "package.order": PACKAGE["order"]._replace(of=lambda plan: plan.package.order.id),
    "package.order.number": Value("", lambda plan: plan.package.order.number),
    "package.order.channel": Value("i", lambda plan: plan.package.order.channel),
    "package.order.date_placed": Value("q", lambda plan: plan.package.order.date_placed),
    "package.order.customer.first_name": Value("", lambda plan: plan.package.order.first_name),
    "package.order.customer.last_name": Value("", lambda plan: plan.package.order.last_name),
    "package.shipment.cargo_company": Value("i", lambda plan: or_none(plan.package.carrier)),
}
TRANSFER_ITEMS, AWB_NUMBER = "items.product", "transfer_shipment.awb_number"


class DemoColumns:
    """Makes the columns of a demonstration of packages and transfer orders."""

    def __init__(self, context: Context) -> None:
        self._context, self._plans = context, context.plans
        self._whole = context.plans.packages // BLOCK
        self._made: dict[tuple[type[Any], str], Column] = {}

    def column(self, kind: type[Any], path: str, ids: Sequence[int]) -> Column:
        """Give a column; what one pass gives beside it is kept until it is asked for."""
        if path == "id":
            return Column(ids)
        if (kind, path) == (Package, "state"):
            return Column(self._states())
        if kind is Package and path in PACKAGE_TEXTS:
            return next(iter(columns({path: PACKAGE_TEXTS[path]}, self._packages()).values()))
        if (kind, path) not in self._made:
            self._fill(kind, quick=kind is Package and path in QUICK)
        return self._made.pop((kind, path))

    def _fill(self, kind: type[Any], *, quick: bool) -> None:
        if quick:
            made = self._quick_columns()
        else:
            made = self._package_columns() if kind is Package else self._transfer_columns()
        self._made.update({(kind, path): column for path, column in made.items()})

    def _quick_columns(self) -> dict[str, Column]:
        plans, made = self._plans, (array("i"), array("i"))
        channel, location = (column.append for column in made)
        for block in range(-(-plans.packages // BLOCK)):
            orders = [roll(plans.seed, "order", block * ORDERS + k) for k in range(ORDERS)]
            slots = plans.cycle.slots(block, whole=block < self._whole)
            before = b""
            for position in range(min(BLOCK, plans.packages - block * BLOCK)):
                bought = orders[min(position, ORDERS - 1)]
                dice = roll(plans.seed, "package", block * BLOCK + position)
                region, replanned = plans.region(bought), slots[position].replanned
                channel(pick(region.channels, bought[1]))
                location(plans.source(region, dice, before if replanned else dice, replanned).id)
                before = dice
        return dict(zip(QUICK, map(Column, made), strict=True))

    def _package_columns(self) -> dict[str, Column]:
        items = Items(self._context)
        return columns(PACKAGE, map(items.seen, self._packages())) | items.columns

    def _transfer_columns(self) -> dict[str, Column]:
        goods = self._context.goods
        items: tuple[list[int], list[int]] = ([], [])
        numbers: list[str | None] = []

        def seen(plan: TransferPlan) -> TransferPlan:
            items[0].extend(goods[at].id for at in plan.package.goods)
            items[1].extend([len(numbers)] * len(plan.package.goods))
            numbers.append(self._awb_number(plan))
            return plan

        made = columns(TRANSFER, map(seen, self._transfers()))
        return made | {TRANSFER_ITEMS: Column(*items), AWB_NUMBER: Column(numbers)}

    def _awb_number(self, plan: TransferPlan) -> str | None:
        """Give the number that the maker of the shipment gives: by how many shipments the block has before it."""
        if not plan.slot.with_shipment:
            return None
        block, position = divmod(plan.package.id - FIRST[Package], BLOCK)
        slots = self._plans.cycle.slots(block, whole=True)[: position + 1]
        id_ = first_of(Shipment, block) + sum(slot.packed_by is not None for slot in slots)
        return str(TRACKING + id_ * 7 + plan.dice[3] % 7)

    def _packages(self) -> Iterator[PackagePlan]:
        blocks = -(-self._plans.packages // BLOCK)
        return (plan for block in range(blocks) for plan in self._plans.block(block))

    def _transfers(self) -> Iterator[TransferPlan]:
        for block in range(self._whole):
            slots = self._plans.cycle.slots(block, whole=True)
            holder = next(position for position, slot in enumerate(slots) if slot.transfer)
            yield plan_for(self._plans, self._plans.package(block * BLOCK + holder))

    def _states(self) -> Cycle:
        """Give the states by arithmetic: they come in a cycle, so that any number of packages costs nothing."""
        times = self._whole // PERIOD
        rest = range(times * PERIOD, -(-self._plans.packages // BLOCK))
        return Cycle(
            [state for block in range(PERIOD) for state in self._block_states(block, whole=True)] if times else (),
            times,
            [state for block in rest for state in self._block_states(block, whole=block < self._whole)],
        )

    def _block_states(self, block: int, *, whole: bool) -> list[int]:
        slots = self._plans.cycle.slots(block, whole=whole)
        return [slot.path[-1] for slot in slots[: None if whole else self._plans.packages % BLOCK]]


class Items:
    """Gathers what packages hold while their plans go by."""

    def __init__(self, context: Context) -> None:
        self._goods = context.goods
        self._products, self._omnitron_ids, self._owners = array("i"), array("i"), array("I")
        self._bought: list[int] = []
        self._place = 0
        self._next = 0

    @property
    def columns(self) -> dict[str, Column]:
        products, omnitron_ids = ITEMS
        return {
            products: Column(self._products, self._owners),
            omnitron_ids: Column(self._omnitron_ids, self._owners),
        }

    def seen(self, plan: PackagePlan) -> PackagePlan:
        """Count the items of the next package: order items of its own, or those of the package it stands in for."""
        block, position = divmod(self._place, BLOCK)
        if position == 0:
            self._next = first_of(OrderItem, block) + OMNITRON_ITEM
        if not plan.slot.replanned:
            self._bought = list(range(self._next, self._next + len(plan.goods)))
            self._next += len(plan.goods)
        self._products.extend([self._goods[at].id for at in plan.goods])
        self._omnitron_ids.extend(self._bought)
        self._owners.extend([self._place] * len(self._bought))
        self._place += 1
        return plan


def columns(table: dict[str, Value], plans: Iterator[Any]) -> dict[str, Column]:
    """Give the columns of a table, in one pass over the plans."""
    kept: list[Any] = [array(value.code) if value.code else [] for value in table.values()]
    takers = [(values.append, value.of) for values, value in zip(kept, table.values(), strict=True)]
    for plan in plans:
        for append, of in takers:
            append(of(plan))
    return {
        path: Column(values, null=NONE if value.code else None)
        for (path, value), values in zip(table.items(), kept, strict=True)
    }
