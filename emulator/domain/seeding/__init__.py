"""The demo dataset: records of a scenario without documents, which depend on its seed alone.

It makes blocks of records when they are read, and keeps a limited number of them. All records of the documented
36,404 packages would take seconds to make and hundreds of megabytes to keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

from emulator.core.records import (
    REFERENCES,
    TALLIES,
    ColumnValue,
    OrderItem,
    Package,
    RecordKind,
    Shipment,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)
from emulator.domain.installation import Records
from emulator.domain.seeding.plans import (
    ID_RANGES,
    KINDS_WITHOUT_GAPS,
    ORDERS_PER_BLOCK,
    PACKAGES_PER_BLOCK,
    Block,
    OrderPlan,
    PackagePlan,
    Plans,
    TransferPlan,
    block_of,
    first_id,
    make_plans,
    order_index,
)
from emulator.domain.seeding.pools import fixed_records
from emulator.domain.seeding.records import (
    ITEM_OMNITRON_OFFSET,
    make_order,
    make_package,
    make_transfer,
    tracking_number,
)
from emulator.state.store import TableDataset, count_keys, read_column

R = TypeVar("R")

MAX_CACHED_BLOCKS = 1024
"""The number of blocks to keep in memory. A block takes about 40 KB."""
SUBJECT_KINDS = (TransitionLog, WebhookEvent)
"""Kinds whose records belong to a package or to a transfer order, by their content type."""


def make_demo_dataset(
    packages: int, seed: int, start: datetime, installation: str = "default", version: int = 1
) -> DemoDataset:
    """Return a dataset whose newest package was created shortly before the start."""
    records = fixed_records(installation, packages, seed, start, version)
    return DemoDataset(make_plans(packages, seed, start, records, version), records)


class DemoDataset:
    """A dataset with the installation in tables, and the records of orders in blocks."""

    def __init__(self, plans: Plans, records: Records, kept_blocks: int = MAX_CACHED_BLOCKS) -> None:
        self.plans = plans
        self.caches: dict[Any, Any] = {}
        self._tables, self._fixed = records, TableDataset(records)
        self._subjects: dict[int, RecordKind] = {
            plans.package_type: Package,
            plans.transfer_type: TransferOrder,
        }
        self._block = lru_cache(kept_blocks)(self._make_block)
        self._ids: dict[RecordKind, Sequence[int]] = {}
        self._blocks = plans.blocks

    def get(self, kind: type[R], id_: int) -> R | None:
        if (table := self._tables.get(kind)) is not None:
            return table.get(id_)
        if kind not in ID_RANGES:
            return None
        block = block_of(kind, id_)
        return self._block(block).get(kind, id_) if 0 <= block < self._blocks else None

    def has(self, kind: RecordKind, id_: int) -> bool:
        return self.get(kind, id_) is not None

    def related(self, kind: RecordKind, relation: str, key: ColumnValue) -> tuple[int, ...]:
        if kind not in ID_RANGES:
            return self._fixed.related(kind, relation, key)
        block = self._block_with(kind, relation, key)
        return self._block(block).related(kind, relation, key) if 0 <= block < self._blocks else ()

    def ids(self, kind: RecordKind) -> Sequence[int]:
        """Return all ids of this kind. For a kind with gaps, except logs, the first call makes all records."""
        if kind not in ID_RANGES:
            return self._fixed.ids(kind)
        if (ids := self._ids.get(kind)) is None:
            ids = self._ids[kind] = (
                self._range(kind) if kind in KINDS_WITHOUT_GAPS else tuple(self._ids_with_gaps(kind))
            )
        return ids

    def next_id(self, kind: RecordKind) -> int:
        return first_id(kind, self.plans.blocks) if kind in ID_RANGES else self._fixed.next_id(kind)

    def tally(self, kind: RecordKind) -> Mapping[ColumnValue, int]:
        return self._tallies[kind]

    def column(self, kind: RecordKind, path: str) -> Sequence[ColumnValue]:
        if path == "id":
            return self.ids(kind)
        read = PLAN_COLUMNS.get(kind, {}).get(path)
        return read_column(self, kind, path) if read is None else list(read(self.plans))

    @cached_property
    def _tallies(self) -> dict[RecordKind, Counter[ColumnValue]]:
        return {kind: count_keys(self, kind) for kind in TALLIES}

    def _block_with(self, kind: RecordKind, relation: str, key: ColumnValue) -> int:
        """Return the block of the records under a key of a relation, or -1."""
        if relation == "number":  # contains the order's index
            order = order_index(key.rpartition("P")[0] if kind is Package else key)
            return -1 if order is None else order // ORDERS_PER_BLOCK
        if kind in SUBJECT_KINDS:
            owner, id_ = self._subjects.get(key[0]), key[1]
        else:
            owner, id_ = REFERENCES[kind].get(relation), key
        return block_of(owner, id_) if owner in ID_RANGES else -1

    def _range(self, kind: RecordKind) -> range:
        """Return the ids of a kind without gaps: those of the whole blocks and of the last block."""
        whole, rest = divmod(self.plans.packages, PACKAGES_PER_BLOCK)
        last = len(self._block(whole).tables[kind]) if rest else 0
        return range(first_id(kind, 0), first_id(kind, whole) + last)

    def _ids_with_gaps(self, kind: RecordKind) -> Iterator[int]:
        if kind is TransitionLog:
            return self.plans.log_ids()
        return (id_ for block in range(self.plans.blocks) for id_ in self._make_block(block).tables[kind])

    def _make_block(self, number: int) -> Block:
        """Make the records of a block."""
        block, plans = Block(number), self.plans.block_plans(number)
        for position in range(min(len(plans), ORDERS_PER_BLOCK)):
            packages = plans[position:] if position == ORDERS_PER_BLOCK - 1 else plans[position : position + 1]
            for plan, order_items in zip(packages, make_order(block, packages), strict=True):
                make_package(block, plan, order_items)
                if plan.slot.transfer:
                    make_transfer(block, TransferPlan(plan, plan.slot.transfer))
        return block


ColumnReader = Callable[[Plans], Iterator[ColumnValue]]


def package_column(value: Callable[[PackagePlan], ColumnValue]) -> ColumnReader:
    return lambda plans: map(value, plans.all_packages())


def order_column(value: Callable[[OrderPlan], ColumnValue]) -> ColumnReader:
    return lambda plans: map(value, plans.all_orders())


def transfer_column(value: Callable[[TransferPlan], ColumnValue]) -> ColumnReader:
    return lambda plans: map(value, plans.all_transfers())


class LogPlan(NamedTuple):
    """A transition of a package or a transfer order, and its position among the transitions of the record."""

    record: PackagePlan | TransferPlan
    position: int


def log_column(value: Callable[[LogPlan], ColumnValue]) -> ColumnReader:
    return lambda plans: map(value, all_logs(plans))


def all_logs(plans: Plans) -> Iterator[LogPlan]:
    """Iterate over the plans of all log entries, in the order of their ids."""
    for package in plans.all_packages():
        transfer = package.slot.transfer
        for record in (package, *([TransferPlan(package, transfer)] if transfer else ())):
            yield from (LogPlan(record, position) for position in range(len(record.slot.path) - 1))


def package_states(plans: Plans) -> Iterator[int]:
    """Yield the states of all packages. This column is read most often, and does not need plans."""
    return (slot.path[-1] for block in range(plans.blocks) for slot in plans.slots(block))


def product_ids(plan: PackagePlan) -> tuple[int, ...]:
    return tuple([plan.product(at).id for at in plan.product_positions])


def item_omnitron_ids(plans: Plans) -> Iterator[tuple[int, ...]]:
    """Yield the omnitron ids of each package's order items. A replacement has the items of the package before it."""
    ids: tuple[int, ...] = ()
    for plan in plans.all_packages():
        if plan.index % PACKAGES_PER_BLOCK == 0:
            next_id = first_id(OrderItem, plan.index // PACKAGES_PER_BLOCK) + ITEM_OMNITRON_OFFSET
        if not plan.slot.is_replacement:
            ids = tuple(range(next_id, next_id + len(plan.product_positions)))
            next_id += len(ids)
        yield ids


def transfer_awb_number(plan: TransferPlan) -> str | None:
    """Return the tracking number. Its shipment follows the shipments of the packages up to its own package."""
    if not plan.slot.has_shipment:
        return None
    slots = plan.plans.slots(plan.block)[: plan.package.index % PACKAGES_PER_BLOCK + 1]
    shipment = first_id(Shipment, plan.block) + sum(slot.packing_transition is not None for slot in slots)
    return tracking_number(shipment, plan.draws[3])


PLAN_COLUMNS: dict[RecordKind, dict[str, ColumnReader]] = {
    Package: {
        "state": package_states,
        "number": package_column(lambda plan: plan.number),
        "order": order_column(lambda order: order.id),
        "stock_location": package_column(lambda plan: plan.packing_location.id),
        "created_date": package_column(lambda plan: plan.created),
        "modified_date": package_column(lambda plan: plan.modified),
        "delivery_range": package_column(lambda plan: plan.delivery_range),
        "shipment.created_date": package_column(lambda plan: plan.shipment_created and plan.shipment_created + 500),
        "shipment.cargo_company": package_column(lambda plan: plan.carrier),
        "shipping_address.country": order_column(lambda order: order.region.country),
        "shipping_address.city": order_column(lambda order: order.destination.district.city),
        "shipping_address.township": order_column(lambda order: order.destination.district.township),
        "order.number": order_column(lambda order: order.number),
        "order.channel": order_column(lambda order: order.channel),
        "order.omnitron_id": order_column(lambda order: order.omnitron_id),
        "order.customer.first_name": order_column(lambda order: order.first_name),
        "order.customer.last_name": order_column(lambda order: order.last_name),
        "order.date_placed": order_column(lambda order: order.date_placed),
        "order.is_click_and_collect": order_column(lambda order: order.retail_store is not None),
        "order.delivery_type": order_column(lambda order: order.delivery_type),
        "order.retail_store_id": order_column(lambda order: order.retail_store),
        "items.order_item.product": package_column(product_ids),
        "items.order_item.omnitron_id": item_omnitron_ids,
    },
    TransferOrder: {
        "state": transfer_column(lambda plan: plan.state),
        "number": transfer_column(lambda plan: plan.number),
        "package": transfer_column(lambda plan: plan.package.id),
        "source": transfer_column(lambda plan: plan.source),
        "destination": transfer_column(lambda plan: plan.package.packing_location.id),
        "created_date": transfer_column(lambda plan: plan.created),
        "modified_date": transfer_column(lambda plan: plan.modified),
        "package.number": transfer_column(lambda plan: plan.package.number),
        "package.order": transfer_column(lambda plan: plan.package.order.id),
        "package.order.number": transfer_column(lambda plan: plan.package.order.number),
        "package.order.channel": transfer_column(lambda plan: plan.package.order.channel),
        "package.order.date_placed": transfer_column(lambda plan: plan.package.order.date_placed),
        "package.order.customer.first_name": transfer_column(lambda plan: plan.package.order.first_name),
        "package.order.customer.last_name": transfer_column(lambda plan: plan.package.order.last_name),
        "package.shipment.cargo_company": transfer_column(lambda plan: plan.package.carrier),
        "items.product": transfer_column(lambda plan: product_ids(plan.package)),
        "transfer_shipment.awb_number": transfer_column(transfer_awb_number),
    },
    TransitionLog: {
        "old_state": log_column(lambda log: log.record.slot.path[log.position]),
        "new_state": log_column(lambda log: log.record.slot.path[log.position + 1]),
        "object_id": log_column(lambda log: log.record.id),
        "content_type": log_column(lambda log: log.record.content_type),
        "created_date": log_column(lambda log: log.record.transition_times[log.position]),
    },
}
"""The columns that filters and orders read, computed from plans: kind -> path -> values by id."""
