"""What a demonstration decides of an order, a package and a transfer order before any record of them is made.

A plan is what lists, filters and neighbours ask for; it is about ten times as cheap as the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from emulator.core.records import DeliveryRange, Order, Package
from emulator.rules.installation import Records
from emulator.rules.seeding.cycle import BLOCK, ORDERS, SPLITS, Cycle, Names, Slot
from emulator.rules.seeding.dice import DAY, HOUR, MINUTE, SECOND, microseconds, roll, wide, widest
from emulator.rules.seeding.layout import FIRST
from emulator.rules.seeding.places import Place, Region, Source, pool, regions

T = TypeVar("T")

LATEST = 6 * HOUR
"""How long before the start the newest package was made, at least."""
SHORTEST, LONGEST, PER_HUNDRED = 60 * DAY, 1095 * DAY, DAY
"""How long a time the packages are spread over: more for more of them."""
REPLANNING = 80_000
"""Microseconds that it takes to make a package in the place of another."""
LONGEST_HISTORY = 6 * DAY
"""How long after its creation a package reached its state, at most."""
FIRST_NUMBER, NUMBER_STEP = 2_236_000_000_000_000, 9_973_217
PAYMENTS = ("credit_card",) * 6 + ("funds_transfer",) * 2 + ("pay_on_delivery",) * 2
DELIVERIES = ("standard",) * 6 + ("same_day", None)
ITALIAN = 77
"""So many of 256 orders are Italian."""
TO_A_STORE = 32
"""So many of 256 orders are fetched by the customer."""
WITH_RANGE = 90
NO_REGION = (
    "the installation has nowhere to pack: packages are made up where a country with the code tr or it has a district"
    " and an active stock location that is a fulfillment center"
)


class OrderPlan(NamedTuple):
    id: int
    number: str
    region: Region
    place: Place
    first_name: str
    last_name: str
    channel: int
    payment_type: str
    delivery_type: str | None
    retail_store: int | None
    date_placed: int
    created: int
    dice: bytes

    @property
    def omnitron_id(self) -> int:
        """The order's id in the system that it came from."""
        return self.id + 40_200


class PackagePlan(NamedTuple):
    """A package; times are in microseconds since 1970."""

    id: int
    number: str
    order: OrderPlan
    slot: Slot
    state: int
    source: Source
    goods: tuple[int, ...]
    """Places of its products in the pool, one for each item."""
    created: int
    logged: tuple[int, ...]
    """When it went from state to state."""
    modified: int
    carrier: int | None
    delivery_range: int | None
    dice: bytes

    @property
    def plan_item(self) -> int:
        """The planner's number of it, which its transfer orders share."""
        return self.id + 66

    @property
    def shipment_created(self) -> int | None:
        """When its shipment was made, if it has one."""
        at = self.slot.packed_by
        return None if at is None else self.logged[at]


@dataclass(frozen=True)
class Plans:
    """All plans of a demonstration, each made when it is asked for."""

    packages: int
    seed: int
    start: int
    step: int
    """From one package's creation to the next, on average."""
    cycle: Cycle
    regions: tuple[Region, ...]
    ranges: tuple[int, ...]
    goods: int

    def package(self, index: int) -> PackagePlan:
        """Give the plan of the package at this place, from 0."""
        return self.package_of(index, self.order(order_of(index)))

    def block(self, block: int) -> list[PackagePlan]:
        """Give the plans of a block's packages."""
        indexes = range(block * BLOCK, min((block + 1) * BLOCK, self.packages))
        orders = [self.order(block * ORDERS + k) for k in range(min(len(indexes), ORDERS))]
        return [self.package_of(index, orders[min(index % BLOCK, ORDERS - 1)]) for index in indexes]

    def order(self, index: int) -> OrderPlan:
        """Give the plan of the order at this place, from 0."""
        dice = roll(self.seed, "order", index)
        region = self.region(dice)
        first = self.created(package_of(index))
        placed = first - 10 * MINUTE - widest(dice, 11) % HOUR
        return OrderPlan(
            id=FIRST[Order] + index,
            number=str(FIRST_NUMBER + index * NUMBER_STEP + widest(dice, 20) % NUMBER_STEP),
            region=region,
            place=pick(region.places, wide(dice, 6)),
            first_name=pick(region.first_names, wide(dice, 2)),
            last_name=pick(region.last_names, wide(dice, 4)),
            channel=pick(region.channels, dice[1]),
            payment_type=pick(PAYMENTS, dice[8]),
            delivery_type=pick(DELIVERIES, dice[10]),
            retail_store=pick(region.pickups, dice[24]) if dice[9] < TO_A_STORE and region.pickups else None,
            date_placed=placed,
            created=placed + 30 * SECOND + wide(dice, 27),
            dice=dice,
        )

    def order_numbered(self, number: str) -> int | None:
        """Give the place that an order with this number would have; None for a number that no order has."""
        if not (number.isascii() and number.isdigit() and len(number) == len(str(FIRST_NUMBER))):
            return None
        return (int(number) - FIRST_NUMBER) // NUMBER_STEP

    def package_of(self, index: int, order: OrderPlan) -> PackagePlan:
        """Give the plan of the package at this place, which belongs to this order."""
        block, position = divmod(index, BLOCK)
        slot = self.cycle.slots(block, whole=(block + 1) * BLOCK <= self.packages)[position]
        dice = roll(self.seed, "package", index)
        created = self.created(index)
        logged = self.logged(index, created, len(slot.path) - 1, dice)
        origin = roll(self.seed, "package", index - 1) if slot.replanned else dice
        return PackagePlan(
            id=FIRST[Package] + index,
            number=f"{order.number}P{2 if position == BLOCK - 1 else 1}",
            order=order,
            slot=slot,
            state=slot.path[-1],
            source=self.source(order.region, dice, origin, slot.replanned),
            goods=tuple(wide(origin, 1 + 2 * k) % self.goods for k in range(SPLITS[block % len(SPLITS)][position])),
            created=created,
            logged=logged,
            modified=(logged[-1] if logged else created) + 4000 + dice[27],
            carrier=pick(order.region.carriers, dice[10]) if slot.packed_by is not None else None,
            delivery_range=pick(self.ranges, dice[12]) if slot.open and dice[13] < WITH_RANGE else None,
            dice=dice,
        )

    def region(self, dice: bytes) -> Region:
        """Give where the order with these dice was placed."""
        return self.regions[0] if dice[0] >= ITALIAN else self.regions[-1]

    def source(self, region: Region, dice: bytes, origin: bytes, replanned: bool) -> Source:
        """Give where a package is packed; a re-planned one elsewhere than the one before, if possible."""
        sources = region.sources
        at, others = origin[0], max(1, len(sources) - 1)
        return sources[(at + 1 + dice[0] % others if replanned else at) % len(sources)]

    def created(self, index: int) -> int:
        """Give when the package at this place was made: later than the one before it."""
        # Asked for so often that a roll would be too dear: Fibonacci hashing scatters well enough.
        jitter = ((index + self.seed * 7919) * 0x9E3779B97F4A7C15 >> 20 & 0xFFFF_FFFF_FFF) % (self.step // 2)
        return self.start - LATEST - (self.packages - index) * self.step + jitter

    def logged(self, index: int, created: int, count: int, dice: bytes) -> tuple[int, ...]:
        """Give when a package went from state to state: before the start, and before it was re-planned."""
        if self.is_replaced(index):
            end = self.created(index + 1) - REPLANNING
            return (*history(created, end, count - 1, dice), end)
        return history(created, self.start, count, dice)

    def is_replaced(self, index: int) -> bool:
        """Whether the package after this one was made in its place."""
        block, position = divmod(index, BLOCK)
        whole = (block + 1) * BLOCK <= self.packages
        return whole and position == BLOCK - 2 and self.cycle.slots(block, whole=True)[position + 1].replanned


def history(begin: int, end: int, count: int, dice: bytes) -> tuple[int, ...]:
    """Give so many times between two times, ascending and well apart."""
    share = min(end - begin, LONGEST_HISTORY) // (256 * (count + 1))
    return tuple([begin + (256 * k + 64 + dice[16 + k] * 3 // 4) * share for k in range(count)])


def order_of(index: int) -> int:
    """Give the place of the order that a package belongs to."""
    return index // BLOCK * ORDERS + min(index % BLOCK, ORDERS - 1)


def package_of(index: int) -> int:
    """Give the place of the first package of an order."""
    return index // ORDERS * BLOCK + index % ORDERS


def pick(values: Sequence[T], dice: int) -> T:
    return values[dice % len(values)]


def make_plans(packages: int, seed: int, start: datetime, records: Records) -> Plans:
    """Give the plans of a demonstration of so many packages."""
    found = tuple(regions(records).values())
    if packages and not found:
        raise ValueError(NO_REGION)
    span = min(SHORTEST + packages * PER_HUNDRED // 100, LONGEST)
    return Plans(
        packages=packages,
        seed=seed,
        start=microseconds(start),
        step=span // max(packages, 1),
        cycle=Cycle(seed, Names(records)),
        regions=found,
        ranges=tuple(records[DeliveryRange]),
        goods=len(pool("products")),
    )
