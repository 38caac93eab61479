"""What a demonstration decides of a transfer order before any record of it is made."""

from __future__ import annotations

from typing import NamedTuple

from emulator.core.records import Package, TransferOrder
from emulator.rules.seeding.cycle import BLOCK, TransferSlot
from emulator.rules.seeding.dice import roll
from emulator.rules.seeding.layout import FIRST
from emulator.rules.seeding.plan import PackagePlan, Plans, history, pick

AFTER = 81_000
"""Microseconds from the package's creation to its transfer order's."""


class TransferPlan(NamedTuple):
    """A transfer order; times are in microseconds since 1970."""

    id: int
    number: str
    package: PackagePlan
    slot: TransferSlot
    state: int
    source: int
    created: int
    logged: tuple[int, ...]
    modified: int
    dice: bytes


def plan_of_transfer(plans: Plans, index: int) -> TransferPlan:
    """Give the plan of the transfer order at this place, from 0: each whole block has one."""
    slots = plans.cycle.slots(index, whole=True)
    holder = next(position for position, slot in enumerate(slots) if slot.transfer)
    return plan_for(plans, plans.package(index * BLOCK + holder))


def plan_for(plans: Plans, package: PackagePlan) -> TransferPlan:
    """Give the plan of the transfer order of a package that has one."""
    slot = package.slot.transfer
    if slot is None:
        raise LookupError(f"package {package.id} has no transfer order")
    block = (package.id - FIRST[Package]) // BLOCK
    dice = roll(plans.seed, "transfer", block)
    created = package.created + AFTER
    # The package waits for its transfer order, so what happened to this came first.
    end = package.logged[0] if package.logged else plans.start
    logged = history(created, end, len(slot.path) - 1, dice)
    return TransferPlan(
        id=FIRST[TransferOrder] + block,
        number=f"{package.number}T1",
        package=package,
        slot=slot,
        state=slot.path[-1],
        source=elsewhere(package, dice),
        created=created,
        logged=logged,
        modified=(logged[-1] if logged else created) + 2000 + dice[1],
        dice=dice,
    )


def elsewhere(package: PackagePlan, dice: bytes) -> int:
    """Give a stock location of the same country that is not the package's, if there is one."""
    others = [source.id for source in package.order.region.sources if source.id != package.source.id]
    return pick(others or [package.source.id], dice[2])
