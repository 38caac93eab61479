"""What each package of a demonstration is: a cycle of 25 that holds every state, the common ones more often.

A cycle is five blocks of five packages; the fourth and fifth package of a block belong to one order. Each block has
one transfer order, and the five blocks of a cycle show its five states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from emulator.core.records import State, Webhook
from emulator.rules.graph import ITEM_VALUES
from emulator.rules.installation import Records
from emulator.rules.seeding.dice import roll
from emulator.rules.stock import RESERVING

T = TypeVar("T")

BLOCK = 5
"""Packages of a block."""
ROWS = 5
"""Blocks of a cycle."""
ORDERS = 4
"""Orders of a block."""
ITEMS = 8
"""Package items of a block."""
SPLITS = ((1, 2, 1, 2, 2), (2, 1, 1, 2, 2), (1, 1, 2, 2, 2), (3, 1, 2, 1, 1), (1, 3, 2, 1, 1), (2, 2, 2, 1, 1))
"""How the items of a block are spread over its packages. The last two agree, as a re-planned package has the items
of the one before it."""

WAITING, WAITING_FOR_TRANSFER, OUT_OF_STOCK, REQUIRES_REPLAN = "100", "300", "920", "910"
PACKED, SHIPPED, LABEL = "500", "600", "450"


class Row(NamedTuple):
    """Five packages and their transfer order, by the states' enum values."""

    transfer: str
    holders: tuple[int, ...]
    """The packages that may have the transfer order, in turn."""
    packages: tuple[str, str, str, str, str]
    unshipped: int | None = None
    """The package that was packed without a shipment."""


CYCLE = (
    Row("waiting", (0,), (WAITING_FOR_TRANSFER, WAITING, PACKED, "800", SHIPPED)),
    Row("ready_to_shipment", (0,), (WAITING_FOR_TRANSFER, "200", "400", OUT_OF_STOCK, WAITING)),
    Row("in_transit", (0,), (WAITING_FOR_TRANSFER, LABEL, "650", PACKED, "200"), unshipped=3),
    Row("transferred", (0, 1, 2), (WAITING, SHIPPED, "700", REQUIRES_REPLAN, "350")),
    Row("cancelled", (0,), ("900", "1100", "950", "800", "990")),
)

PATHS: dict[str, tuple[str, ...]] = {
    "100": (),
    "200": ("200",),
    "300": (),
    "350": ("350",),
    "400": ("200", "400"),
    "450": ("200", "450"),
    "500": ("200", "500"),
    "600": ("200", "400", "500", "600"),
    "650": ("500", "600", "650"),
    "700": ("500", "600", "650", "700"),
    "800": ("200", "500", "600", "800"),
    "900": ("900",),
    "910": ("910",),
    "920": ("920",),
    "950": ("200", "950"),
    "990": ("990",),
    "1100": ("1100",),
}
"""Where a package went after Waiting, on its way to its state."""
TRANSFER_PATHS = {
    "waiting": (),
    "ready_to_shipment": ("ready_to_shipment",),
    "in_transit": ("ready_to_shipment", "in_transit"),
    "transferred": ("ready_to_shipment", "in_transit", "transferred"),
    "cancelled": ("cancelled",),
}
ORDER_ITEM_VALUES = {**dict.fromkeys(("450", "500", "600", "650", "700", "800"), "450"), "900": "100"}
"""Packing makes order items Preparing, cancelling cancels them; until then they are Approved."""
APPROVED = "400"
TRANSFERRED, CANCELLED = "transferred", "cancelled"
ON_THE_ROAD = ("in_transit", TRANSFERRED)
OPEN = ("100", "200", "300", "350", "400", "450", "500", "600")
"""Packages in these states are on their way to the customer."""
EVENTS = {"500": "package.status.packed", "600": "package.status.shipped"}
TRANSFER_EVENTS = {"waiting": "transfer.status.created", "cancelled": "transfer.status.cancelled"}


@dataclass(frozen=True)
class TransferSlot:
    """What the cycle says of a block's transfer order, by the states' ids."""

    path: tuple[int, ...]
    item_state: int
    hook: int
    with_shipment: bool
    cancelled: bool
    transferred: bool


@dataclass(frozen=True)
class Slot:
    """What the cycle says of a package, by the states' ids."""

    path: tuple[int, ...]
    """From its first state to its present one."""
    item_state: int
    order_item_state: int
    hook: int
    transfer: TransferSlot | None
    replanned: bool
    """It takes the place of the package before it."""
    packed_by: int | None
    """The log that made its shipment, if it has one."""
    labelled: bool
    shipped_by: int | None
    """The log that shipped it, if it was."""
    open: bool
    """It still has to be delivered."""
    reserves: bool
    """Its items have their claim on stock still."""


class Names:
    """The ids that an installation gives to the states of a kind, and to the hooks of an event type.

    An installation of the user's own may lack states that the cycle goes through. Then a path goes on without
    them, so that a package stays in the nearest earlier state of its path that the installation has.
    """

    def __init__(self, records: Records) -> None:
        self._hooks: dict[str, int] = {hook.event_type: hook.id for hook in records[Webhook].values()}
        self._ids: dict[tuple[str, int], dict[str, int]] = {}
        for state in records[State].values():
            values = self._ids.setdefault((state.enum_class, state.content_type), {})
            values.setdefault(state.enum_value, state.id)
        self.content_types: dict[str, list[int]] = {}
        for enum_class, content_type in sorted(self._ids):
            self.content_types.setdefault(enum_class, []).append(content_type)

    def known(self, enum_class: str, rank: int = 0) -> Mapping[str, int]:
        """Give value -> id of the enum's states: those of its first content type, or of its second (rank 1)."""
        types = self.content_types[enum_class]
        return self._ids[enum_class, types[min(rank, len(types) - 1)]]

    def path(self, enum_class: str, values: Sequence[str]) -> tuple[str, ...]:
        """Give those of the values that the installation has; it begins in its first state where it lacks theirs."""
        known = self.known(enum_class)
        begin = values[0] if values[0] in known else next(iter(known))
        return (begin, *(value for value in values[1:] if value in known and value != begin))

    def states(self, enum_class: str, path: Iterable[str]) -> tuple[int, ...]:
        return tuple(self.known(enum_class)[value] for value in path)

    def nearest(self, enum_class: str, values: Iterable[str], rank: int = 0) -> int:
        """Give the id of the last of the values that the installation has; its first state where it has none."""
        known = self.known(enum_class, rank)
        found = [known[value] for value in values if value in known]
        return found[-1] if found else next(iter(known.values()))

    def hook(self, event_type: str) -> int:
        return self._hooks[event_type]


class Cycle:
    """The slots of all packages, in an order of rows and columns that the seed decides."""

    def __init__(self, seed: int, names: Names) -> None:
        dice = roll(seed, "cycle", 0)
        rows = shuffled(CYCLE, dice)
        columns = (*shuffled((0, 1, 2), dice[8:]), 3, 4)

        def slots(row: Row, holder: int | None) -> tuple[Slot, ...]:
            return tuple(make_slot(row, column, column == holder, names) for column in columns)

        self._whole = [[slots(row, holder) for holder in row.holders] for row in rows]
        self._rest = [slots(row, None) for row in rows]

    def slots(self, block: int, *, whole: bool) -> tuple[Slot, ...]:
        """Give the slots of a block's packages; a block that is not whole has no transfer order."""
        row = block % ROWS
        variants = self._whole[row]
        return variants[block // ROWS % len(variants)] if whole else self._rest[row]


def make_slot(row: Row, column: int, has_transfer: bool, names: Names) -> Slot:
    """Give what a row of the cycle says of the package in a column."""
    path = package_path(row, column, has_transfer, names)
    value, logs = path[-1], path[1:]
    packed = next((k for k, state in enumerate(logs) if state in {PACKED, LABEL}), None)
    return Slot(
        path=names.states("PackageStatus", path),
        item_state=names.nearest("PackageItemStatus", [ITEM_VALUES.get(each, each) for each in path]),
        order_item_state=names.nearest("OrderStatus", (APPROVED, ORDER_ITEM_VALUES.get(value, APPROVED))),
        hook=names.hook(EVENTS.get(value, "package.status.transitioned") if logs else "package.created"),
        transfer=make_transfer_slot(row, names) if has_transfer else None,
        replanned=column == 4 and gone(package_path(row, 3, False, names)),
        packed_by=None if column == row.unshipped else packed,
        labelled=value != LABEL,
        shipped_by=logs.index(SHIPPED) if SHIPPED in logs else None,
        open=value in OPEN,
        reserves=value in RESERVING,
    )


def package_path(row: Row, column: int, has_transfer: bool, names: Names) -> tuple[str, ...]:
    """Give where a package has been, as far as the installation has the states."""
    value = row.packages[column]
    arrived = transfer_path(row, names)[-1] == TRANSFERRED
    if value == WAITING_FOR_TRANSFER and not has_transfer:
        value = WAITING
    if has_transfer and row.transfer == TRANSFERRED and not arrived:
        value = WAITING_FOR_TRANSFER
    waits = has_transfer and WAITING_FOR_TRANSFER in names.known("PackageStatus")
    return names.path("PackageStatus", (*first_states(waits, arrived), *PATHS[value]))


def gone(path: tuple[str, ...]) -> bool:
    """Tell whether another package took the place of one that went this way."""
    return len(path) > 1 and path[-1] in {OUT_OF_STOCK, REQUIRES_REPLAN}


def first_states(waits: bool, arrived: bool) -> tuple[str, ...]:
    """Give where a package begins: what has a transfer order waits for it first."""
    if not waits:
        return (WAITING,)
    return (WAITING_FOR_TRANSFER, WAITING) if arrived else (WAITING_FOR_TRANSFER,)


def transfer_path(row: Row, names: Names) -> tuple[str, ...]:
    return names.path("TransferStatus", ("waiting", *TRANSFER_PATHS[row.transfer]))


def make_transfer_slot(row: Row, names: Names) -> TransferSlot:
    path = transfer_path(row, names)
    value = path[-1]
    return TransferSlot(
        path=names.states("TransferStatus", path),
        item_state=names.nearest("TransferStatus", path, rank=1),
        hook=names.hook(TRANSFER_EVENTS.get(value, "transfer.status.transitioned")),
        with_shipment=value in ON_THE_ROAD and len(path) > 1,
        cancelled=value == CANCELLED,
        transferred=value == TRANSFERRED,
    )


def shuffled(values: Sequence[T], dice: bytes) -> list[T]:
    """Give the values in the order of the dice."""
    return [values[position] for position in sorted(range(len(values)), key=lambda at: (dice[at], at))]
