"""The plans of a demo dataset: the values of each order, package and transfer order, and the ids of their blocks.

A plan computes each value when it is read. That is much cheaper than the records, so filters read plans.
All times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import NamedTuple, TypeVar

from emulator.core.records import (
    Address,
    ColumnValue,
    Customer,
    DeliveryRange,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Record,
    RecordKind,
    Reservation,
    Shipment,
    ShippingLabel,
    TransferItem,
    TransferOrder,
    TransitionLog,
    User,
    WebhookEvent,
)
from emulator.core.seeded_random import draw, pick, u16, u32
from emulator.domain.installation import Records
from emulator.domain.planning import PLAN_ITEM_OFFSET
from emulator.domain.seeding.pools import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Destination,
    PackingLocation,
    Region,
    build_regions,
    plane_distance_km,
    product_rows,
)
from emulator.domain.seeding.state_cycle import Cycle, PackageSlot, StateIds, TransferSlot
from emulator.state.store import group_relations, to_microseconds

R = TypeVar("R")

ITEM_COUNTS = ((1, 2, 1, 2, 2), (2, 1, 1, 2, 2), (1, 1, 2, 2, 2), (3, 1, 2, 1, 1), (1, 3, 2, 1, 1), (2, 2, 2, 1, 1))
"""The number of items of each package in a block.

The last two are equal, because a replacement has the items of the package before it.
"""
RECENT_BLOCKS = 15
"""In version 2, the blocks with all states. Almost all older packages are delivered."""
NEAREST_SOURCES = 2
"""In version 2, the number of the nearest locations that pack for an address."""
MIN_AGE = 6 * HOUR
"""Minimum age of the newest package at the start."""
MIN_PERIOD, MAX_PERIOD, PERIOD_PER_HUNDRED = 60 * DAY, 1095 * DAY, DAY
"""The packages are spread over the minimum period plus a day for each hundred, up to the maximum period."""
REPLANNING_DELAY = 80_000
"""Microseconds between the end of a package and the package that replaces it."""
MAX_HISTORY = 6 * DAY
"""Maximum time from a package's creation to its last state."""
TRANSFER_DELAY = 81_000
"""Microseconds from a package's creation to its transfer order's."""
FIRST_NUMBER, NUMBER_STEP = 2_236_000_000_000_000, 9_973_217
PAYMENT_TYPES = ("credit_card",) * 6 + ("funds_transfer",) * 2 + ("pay_on_delivery",) * 2
DELIVERY_TYPES = ("standard",) * 6 + ("same_day", None)
ITALIAN_CHANCE, COLLECT_CHANCE, DELIVERY_RANGE_CHANCE = 77, 32, 90
"""Chances of 256 that an order is Italian or collected, and that an open package has a delivery range."""
ORDER_OMNITRON_OFFSET = 40_200
"""Difference between the omnitron id and the id of an order."""
APPLICATION_USER = "test.application"
NO_REGION = (
    "the installation has nowhere to pack: packages are made up where a country with the code tr or it has a district"
    " and an active stock location that is a fulfillment center"
)


class IdRange(NamedTuple):
    """The first id of a kind, and the number of its ids that are reserved for each block."""

    first: int
    per_block: int


PACKAGES_PER_BLOCK = 5
"""Packages in a block."""
ORDERS_PER_BLOCK = 4
"""Orders in a block. The last two packages belong to one order."""
ID_RANGES: dict[RecordKind, IdRange] = {
    Address: IdRange(2001, 8),
    Customer: IdRange(1201, 4),
    Order: IdRange(6301, ORDERS_PER_BLOCK),
    OrderItem: IdRange(6201, 8),
    Package: IdRange(6501, PACKAGES_PER_BLOCK),
    PackageItem: IdRange(6701, 8),
    Reservation: IdRange(5501, 8),
    Shipment: IdRange(3001, 6),
    ShippingLabel: IdRange(2901, 5),
    TransferItem: IdRange(1401, 3),
    TransferOrder: IdRange(1301, 1),
    TransitionLog: IdRange(48001, 24),
    WebhookEvent: IdRange(3101, 6),
}
"""The ids of each kind that is generated."""
KINDS_WITHOUT_GAPS = (Customer, Order, Package, PackageItem, TransferOrder, WebhookEvent)
"""Kinds of which a whole block uses all its ids."""


def first_id(kind: RecordKind, block: int) -> int:
    """Return the first id of this kind in a block."""
    return ID_RANGES[kind].first + block * ID_RANGES[kind].per_block


def block_of(kind: RecordKind, id_: int) -> int:
    """Return the block that an id of this kind belongs to."""
    return (id_ - ID_RANGES[kind].first) // ID_RANGES[kind].per_block


class Block:
    """The records of one block, by kind and id."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tables: dict[RecordKind, dict[int, Record]] = {kind: {} for kind in ID_RANGES}

    def new_id(self, kind: RecordKind) -> int:
        """Return the next free id of this kind."""
        return first_id(kind, self.number) + len(self.tables[kind])

    def add(self, record: R) -> R:
        """Add the record, and return it."""
        self.tables[type(record)][record.id] = record  # type: ignore[attr-defined]
        return record

    def get(self, kind: type[R], id_: int) -> R | None:
        return self.tables[kind].get(id_)

    def related(self, kind: RecordKind, relation: str, key: ColumnValue) -> tuple[int, ...]:
        """Return the ids under this key of the relation."""
        return self._relations.get((kind, relation), {}).get(key, ())

    @cached_property
    def _relations(self) -> dict[tuple[RecordKind, str], dict[ColumnValue, tuple[int, ...]]]:
        return group_relations(self.tables)


class OrderPlan:
    """The values of one order."""

    def __init__(self, plans: Plans, index: int) -> None:
        self.plans, self.index = plans, index
        self.id = first_id(Order, 0) + index
        self.draws = draw(plans.seed, "order", index)
        self.region = plans.regions[0 if self.draws[0] >= ITALIAN_CHANCE else -1]

    @property
    def number(self) -> str:
        return str(FIRST_NUMBER + self.index * NUMBER_STEP + u32(self.draws, 20) % NUMBER_STEP)

    @property
    def destination(self) -> Destination:
        return pick(self.region.destinations, u16(self.draws, 6))

    @property
    def first_name(self) -> str:
        return pick(self.region.first_names, u16(self.draws, 2))

    @property
    def last_name(self) -> str:
        return pick(self.region.last_names, u16(self.draws, 4))

    @property
    def channel(self) -> int:
        return pick(self.region.channels, self.draws[1])

    @property
    def payment_type(self) -> str:
        return pick(PAYMENT_TYPES, self.draws[8])

    @property
    def delivery_type(self) -> str | None:
        return pick(DELIVERY_TYPES, self.draws[10])

    @property
    def retail_store(self) -> int | None:
        pickups = self.region.pickup_locations
        if self.draws[9] >= COLLECT_CHANCE or not pickups:
            return None
        if self.plans.version > 1:
            return min(pickups, key=lambda pickup: plane_distance_km(pickup.point, self.destination.point)).id
        return pick(pickups, self.draws[24]).id

    @property
    def omnitron_id(self) -> int:
        return self.id + ORDER_OMNITRON_OFFSET

    @cached_property
    def date_placed(self) -> int:
        first_package = self.index // ORDERS_PER_BLOCK * PACKAGES_PER_BLOCK + self.index % ORDERS_PER_BLOCK
        return self.plans.package_created(first_package) - 10 * MINUTE - u32(self.draws, 11) % HOUR

    @cached_property
    def created(self) -> int:
        return self.date_placed + 30 * SECOND + u16(self.draws, 27)


class PackagePlan:
    """The values of one package."""

    def __init__(self, order: OrderPlan, index: int, slot: PackageSlot) -> None:
        self.plans, self.order, self.index, self.slot = order.plans, order, index, slot
        self.id = first_id(Package, 0) + index
        self.draws = draw(self.plans.seed, "package", index)

    @property
    def item_draws(self) -> bytes:
        """The random bytes that its items are drawn from. A replacement has the items of the package before it."""
        return draw(self.plans.seed, "package", self.index - 1) if self.slot.is_replacement else self.draws

    @property
    def number(self) -> str:
        return f"{self.order.number}P{2 if self.index % PACKAGES_PER_BLOCK == PACKAGES_PER_BLOCK - 1 else 1}"

    @property
    def content_type(self) -> int:
        return self.plans.package_type

    @property
    def state(self) -> int:
        return self.slot.path[-1]

    @property
    def packing_location(self) -> PackingLocation:
        """The location that packs it: one of the nearest. A replacement has another location if there is one."""
        sources, at = self.order.region.packing_locations, self.item_draws[0]
        if self.plans.version > 1:
            sources = self.order.region.nearest_first[self.order.destination.point]
            at %= min(NEAREST_SOURCES, len(sources))
        if self.slot.is_replacement:
            at += 1 + self.draws[0] % max(1, len(sources) - 1)
        return pick(sources, at)

    @property
    def product_positions(self) -> tuple[int, ...]:
        """The positions of its products in the pool, one for each item."""
        block, position = divmod(self.index, PACKAGES_PER_BLOCK)
        number = len(self.plans.products[self.order.region.currency])
        return tuple(
            [u16(self.item_draws, 1 + 2 * k) % number for k in range(ITEM_COUNTS[block % len(ITEM_COUNTS)][position])]
        )

    def product(self, position: int) -> PooledProduct:
        """Return the product at a position in the pool of the order's country."""
        return self.plans.products[self.order.region.currency][position]

    @cached_property
    def created(self) -> int:
        return self.plans.package_created(self.index)

    @cached_property
    def transition_times(self) -> tuple[int, ...]:
        """The times of its transitions."""
        transitions = len(self.slot.path) - 1
        if not self.slot.is_replaced:
            return spread_times(self.created, self.plans.start, transitions, self.draws)
        end = self.plans.package_created(self.index + 1) - REPLANNING_DELAY
        return (*spread_times(self.created, end, transitions - 1, self.draws), end)

    @cached_property
    def modified(self) -> int:
        return (self.transition_times[-1] if self.transition_times else self.created) + 4000 + self.draws[27]

    @property
    def carrier(self) -> int | None:
        return pick(self.order.region.carriers, self.draws[10]) if self.slot.packing_transition is not None else None

    @property
    def delivery_range(self) -> int | None:
        return (
            pick(self.plans.delivery_ranges, self.draws[12])
            if self.slot.is_open and self.draws[13] < DELIVERY_RANGE_CHANCE
            else None
        )

    @property
    def plan_item(self) -> int:
        return self.id + PLAN_ITEM_OFFSET

    @property
    def shipment_created(self) -> int | None:
        at = self.slot.packing_transition
        return None if at is None else self.transition_times[at]


class TransferPlan:
    """The values of the transfer order of a package."""

    def __init__(self, package: PackagePlan, slot: TransferSlot) -> None:
        self.plans, self.package, self.slot = package.plans, package, slot
        self.block = package.index // PACKAGES_PER_BLOCK
        self.id = first_id(TransferOrder, self.block)

    @cached_property
    def draws(self) -> bytes:
        return draw(self.plans.seed, "transfer", self.block)

    @property
    def number(self) -> str:
        return f"{self.package.number}T1"

    @property
    def content_type(self) -> int:
        return self.plans.transfer_type

    @property
    def state(self) -> int:
        return self.slot.path[-1]

    @property
    def source(self) -> int:
        """A stock location in the package's country, another than the package's if there is one."""
        package = self.package
        others = [
            source.id for source in package.order.region.packing_locations if source.id != package.packing_location.id
        ]
        return pick(others or [package.packing_location.id], self.draws[2])

    @property
    def created(self) -> int:
        return self.package.created + TRANSFER_DELAY

    @cached_property
    def transition_times(self) -> tuple[int, ...]:
        """The times of its transitions: all before the package's, which waits for it."""
        end = self.package.transition_times[0] if self.package.transition_times else self.plans.start
        return spread_times(self.created, end, len(self.slot.path) - 1, self.draws)

    @property
    def modified(self) -> int:
        return (self.transition_times[-1] if self.transition_times else self.created) + 2000 + self.draws[1]


def spread_times(begin: int, end: int, count: int, draws: bytes) -> tuple[int, ...]:
    """Return ascending times between two times."""
    share = min(end - begin, MAX_HISTORY) // (256 * (count + 1))
    return tuple([begin + (256 * k + 64 + draws[16 + k] * 3 // 4) * share for k in range(count)])


class PooledProduct(NamedTuple):
    """A product with its retail prices, in cents."""

    id: int
    price: int
    price_eur: int
    tax_rate: str


class OrderStates(NamedTuple):
    """The states of orders and order items."""

    approved: int
    preparing: int
    canceled: int


class Plans(NamedTuple):
    """All plans of a demo dataset, and the parts of its installation that its records need."""

    packages: int
    seed: int
    start: int
    package_interval: int
    """The average time between two packages."""
    cycle: Cycle
    regions: tuple[Region, ...]
    delivery_ranges: tuple[int, ...]
    products: Mapping[str, tuple[PooledProduct, ...]]
    """The products by the currency of their orders."""
    order_states: OrderStates
    shipment_state: int
    package_type: int
    transfer_type: int
    """The content types of packages and transfer orders."""
    user: int | None
    """The user of the logged commands, if the installation has one."""
    version: int = 1
    """1: all states equally often. 2: like the packages of a shop."""

    @property
    def blocks(self) -> int:
        """The number of blocks, including a last one that is not whole."""
        return -(-self.packages // PACKAGES_PER_BLOCK)

    def block_plans(self, block: int) -> list[PackagePlan]:
        """Return the plans of a block's packages."""
        indexes = range(block * PACKAGES_PER_BLOCK, self.packages)
        return [PackagePlan(*each) for each in zip(self.orders(block), indexes, self.slots(block), strict=False)]

    def orders(self, block: int) -> list[OrderPlan]:
        """Return the order of each package in a block."""
        orders = [OrderPlan(self, block * ORDERS_PER_BLOCK + k) for k in range(ORDERS_PER_BLOCK)]
        return [*orders, orders[-1]]

    def slots(self, block: int) -> tuple[PackageSlot, ...]:
        """Return the slots of a block's packages."""
        size = self.packages - block * PACKAGES_PER_BLOCK
        is_old = self.version > 1 and block < self.blocks - RECENT_BLOCKS
        return self.cycle.slots(block, whole=size >= PACKAGES_PER_BLOCK, is_old=is_old)[:size]

    def all_packages(self) -> Iterator[PackagePlan]:
        """Iterate over the plans of all packages."""
        return (plan for block in range(self.blocks) for plan in self.block_plans(block))

    def all_orders(self) -> Iterator[OrderPlan]:
        """Iterate over the order of each package."""
        orders = (order for block in range(self.blocks) for order in self.orders(block))
        return islice(orders, self.packages)

    def all_transfers(self) -> Iterator[TransferPlan]:
        """Iterate over the plans of all transfer orders: one for each whole block."""
        for block in range(self.blocks):
            for position, slot in enumerate(self.slots(block)):
                if slot.transfer is not None:
                    order = OrderPlan(self, block * ORDERS_PER_BLOCK + min(position, ORDERS_PER_BLOCK - 1))
                    yield TransferPlan(PackagePlan(order, block * PACKAGES_PER_BLOCK + position, slot), slot.transfer)

    def log_ids(self) -> Iterator[int]:
        """Iterate over the ids of all log entries. It counts transitions, and needs no plans."""
        for block in range(self.blocks):
            first = first_id(TransitionLog, block)
            yield from range(first, first + sum(slot.log_count for slot in self.slots(block)))

    def package_created(self, index: int) -> int:
        """Return the creation time of a package: later than the time of the package before it."""
        # Fibonacci hashing scatters well enough, and is much cheaper than a draw.
        hashed = (index + self.seed * 7919) * 0x9E3779B97F4A7C15 >> 20 & 0xFFFF_FFFF_FFF
        jitter = hashed % (self.package_interval // 2)
        return self.start - MIN_AGE - (self.packages - index) * self.package_interval + jitter


def order_index(number: str) -> int | None:
    """Return the index of the order that this number would belong to, or None if it cannot be an order's number."""
    if not (number.isascii() and number.isdigit() and len(number) == len(str(FIRST_NUMBER))):
        return None
    return (int(number) - FIRST_NUMBER) // NUMBER_STEP


def make_plans(packages: int, seed: int, start: datetime, records: Records, version: int = 1) -> Plans:
    """Return the plans of a demo dataset with this number of packages."""
    packing_regions = tuple(build_regions(records).values())
    if packages and not packing_regions:
        raise ValueError(NO_REGION)
    states = StateIds(records)
    users: Mapping[str, int] = {user.username: user.id for user in records.get(User, {}).values()}
    return Plans(
        packages=packages,
        seed=seed,
        start=to_microseconds(start),
        package_interval=min(MIN_PERIOD + packages * PERIOD_PER_HUNDRED // 100, MAX_PERIOD) // max(packages, 1),
        cycle=Cycle(seed, states),
        regions=packing_regions,
        delivery_ranges=tuple(records[DeliveryRange]),
        products={
            currency: tuple(PooledProduct(*(row[column] for column in PooledProduct._fields)) for row in rows)
            for currency, rows in product_rows(version).items()
        },
        version=version,
        order_states=OrderStates(
            *(states.nearest_state_id("OrderStatus", ("400", value)) for value in ("400", "450", "100"))
        ),
        shipment_state=states.nearest_state_id("ShipmentStatus", ("100",)),
        package_type=states.content_type("PackageStatus"),
        transfer_type=states.content_type("TransferStatus"),
        user=users.get(APPLICATION_USER),
    )
