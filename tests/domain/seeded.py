"""Demo datasets of several sizes and samples of their packages, for the tests of seeding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from emulator.core.records import Order, Package, TransferOrder
from emulator.domain.seeding import DemoDataset, make_demo_dataset
from emulator.domain.seeding.plans import ID_RANGES, ORDERS_PER_BLOCK, PACKAGES_PER_BLOCK
from emulator.state.store import Snapshot

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIZES = (200, 36_404)
SAMPLED = 40
"""The number of blocks of a dataset that are tested: all of the small one, the first and last of each."""
PACKAGE, TRANSFER = 4, 6
"""Content types."""


@cache
def demo(packages: int = 200, seed: int = 1) -> DemoDataset:
    return make_demo_dataset(packages, seed, START)


def orders_of(size: int) -> Iterator[tuple[Snapshot, Order]]:
    """Yield the orders of the sampled blocks, with their root."""
    root, last = Snapshot(demo(size), {}), size // PACKAGES_PER_BLOCK - 1
    for block in sorted({last, *range(0, last, max(1, last // SAMPLED))}):
        for order in range(ORDERS_PER_BLOCK):
            yield root, root.get_existing(Order, ID_RANGES[Order].first + block * ORDERS_PER_BLOCK + order)


def packages_of(size: int) -> Iterator[tuple[Snapshot, Package]]:
    for root, order in orders_of(size):
        for package in root.find(Package, "order", order.id):
            yield root, package


def transfers_of(size: int) -> Iterator[tuple[Snapshot, Package, TransferOrder]]:
    for root, package in packages_of(size):
        for transfer in root.find(TransferOrder, "package", package.id):
            yield root, package, transfer
