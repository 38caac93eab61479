"""A base whose records are made block by block when they are asked for, and forgotten again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar, overload

from emulator.core.bases import TableBase
from emulator.core.columns import Column, gathered
from emulator.core.records import (
    Customer,
    Order,
    Package,
    PackageItem,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)
from emulator.rules.installation import Records
from emulator.rules.seeding.columns import DemoColumns
from emulator.rules.seeding.cycle import BLOCK, ITEMS, ORDERS, SPLITS
from emulator.rules.seeding.fixed import fixed_records
from emulator.rules.seeding.layout import FIRST, OWNERS, STRIDE, block_of, first_of
from emulator.rules.seeding.making import Block, make_context
from emulator.rules.seeding.orders import make_order
from emulator.rules.seeding.packages import make_package
from emulator.rules.seeding.plan import Plans, make_plans
from emulator.rules.seeding.transfer_plan import plan_for, plan_of_transfer
from emulator.rules.seeding.transfers import make_transfer

R = TypeVar("R")

PLANNED = (Package, TransferOrder)
"""Kinds that plans tell of."""
KEPT_BLOCKS = 1024
"""How many blocks stay in memory: about 40 KB each."""
SUBJECTS = (TransitionLog, WebhookEvent)
"""Kinds whose records belong to a package or to a transfer order, as the content type says."""


def demo_base(packages: int, seed: int, start: datetime, installation: str = "default") -> DemoBase:
    """Give a demonstration of so many packages, the newest of them made shortly before the start."""
    records = fixed_records(installation, packages, seed, start)
    return DemoBase(make_plans(packages, seed, start, records), records)


class DemoBase:
    """A base: the fixed part from tables, everything that belongs to orders from blocks."""

    def __init__(self, plans: Plans, records: Records, kept_blocks: int = KEPT_BLOCKS) -> None:
        self.plans = plans
        self._fixed = TableBase(records)
        self._context = make_context(plans, records)
        self._subjects = {self._context.package_type: Package, self._context.transfer_type: TransferOrder}
        self._whole, self._rest = divmod(plans.packages, BLOCK)
        self._blocks = self._whole + bool(self._rest)
        self._block = lru_cache(kept_blocks)(self._made)
        self._columns = DemoColumns(self._context)
        self.derived: dict[Any, Any] = {}

    def get(self, kind: type[R], id_: int) -> R | None:
        if kind not in FIRST:
            return self._fixed.get(kind, id_)
        block = block_of(kind, id_)
        return self._block(block).get(kind, id_) if 0 <= block < self._blocks else None

    def has(self, kind: type[Any], id_: int) -> bool:
        """Tell whether there is such a record: from its block, where ids have gaps."""
        if kind not in FIRST:
            return self._fixed.has(kind, id_)
        return id_ in self.ids(kind) if kind in self._counts else self.get(kind, id_) is not None

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        if kind not in FIRST:
            return self._fixed.related(kind, relation, key)
        if relation == "number":
            return self._numbered(kind, key)
        owner, id_ = self._owner(kind, relation, key)
        block = -1 if owner is None else block_of(owner, id_)
        return self._block(block).related(kind, relation, key) if 0 <= block < self._blocks else ()

    def _numbered(self, kind: type[Any], number: str) -> tuple[int, ...]:
        """Give what has this number: an order's tells its place, a package's begins with its order's."""
        order = self.plans.order_numbered(number.rpartition("P")[0] if kind is Package else number)
        block = -1 if order is None else order // ORDERS
        return self._block(block).related(kind, "number", number) if 0 <= block < self._blocks else ()

    def ids(self, kind: type[Any]) -> Sequence[int]:
        """Give the ids of this kind, ascending; where a block has gaps, they are looked up when first needed."""
        if kind not in FIRST:
            return self._fixed.ids(kind)
        if kind in self._counts:
            return range(FIRST[kind], FIRST[kind] + self._counts[kind])
        return self._scattered[kind]

    def next_id(self, kind: type[Any]) -> int:
        return first_of(kind, self._blocks) if kind in FIRST else self._fixed.next_id(kind)

    def tally(self, kind: type[Any]) -> Mapping[Any, int]:
        return self._tallies[kind]

    def column(self, kind: type[Any], path: str) -> Column:
        """Give a column: of packages and transfer orders without making their records."""
        if kind in PLANNED:
            return self._columns.column(kind, path, self.ids(kind))
        return gathered(self, kind, self.ids(kind), path)

    @cached_property
    def _tallies(self) -> dict[type[Any], Counter[Any]]:
        """Counted from the plans: no record is made for it."""
        packages = (self.plans.package(index) for index in range(self.plans.packages))
        transfers = (plan_of_transfer(self.plans, index) for index in range(self._whole))
        return {
            Package: Counter((plan.source.id, plan.state) for plan in packages),
            TransferOrder: Counter(plan.state for plan in transfers),
        }

    @cached_property
    def _counts(self) -> dict[type[Any], int]:
        """How many there are of the kinds whose ids have no gaps."""
        split = SPLITS[self._whole % len(SPLITS)]
        orders = self._whole * ORDERS + min(self._rest, ORDERS)
        return {
            Customer: orders,
            Order: orders,
            Package: self.plans.packages,
            PackageItem: self._whole * ITEMS + sum(split[: self._rest]),
            TransferOrder: self._whole,
            WebhookEvent: self._whole * STRIDE[WebhookEvent] + self._rest,
        }

    @cached_property
    def _scattered(self) -> dict[type[Any], Sequence[int]]:
        return {kind: Scattered(kind, self._all_ids) for kind in FIRST if kind not in self._counts}

    def _all_ids(self, kind: type[Any]) -> list[int]:
        return [id_ for block in range(self._blocks) for id_ in self._made(block).tables[kind]]

    def _owner(self, kind: type[Any], relation: str, key: Any) -> tuple[type[Any] | None, int]:
        """Give the kind and id of the record that a relation's key names."""
        if kind in SUBJECTS:
            return self._subjects.get(key[0]), key[1]
        return OWNERS.get((kind, relation)), key

    def _made(self, number: int) -> Block:
        """Make the records of a block."""
        block, plans = Block(number), self.plans.block(number)
        for order in range(min(len(plans), ORDERS)):
            packages = plans[order:] if order == ORDERS - 1 else plans[order : order + 1]
            bought = make_order(self._context, block, packages[0].order, packages)
            for plan, items in zip(packages, bought, strict=True):
                make_package(self._context, block, plan, items)
                if plan.slot.transfer:
                    make_transfer(self._context, block, plan_for(self.plans, plan))
        return block


class Scattered(Sequence[int]):
    """Ids with gaps: found when they are first needed, which takes as long as making all records."""

    def __init__(self, kind: type[Any], find: Callable[[type[Any]], list[int]]) -> None:
        self._kind, self._find = kind, find

    @cached_property
    def _ids(self) -> tuple[int, ...]:
        return tuple(self._find(self._kind))

    @cached_property
    def _among(self) -> frozenset[int]:
        return frozenset(self._ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._among

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return self._ids[index]
