"""The state of each package of a demonstration: a cycle of 25 packages that contains every state.

A cycle has five blocks of five packages, so common states occur more often. The fourth and the fifth package of a
block belong to one order. Each whole block has one transfer order, and a cycle shows all five states of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from emulator.core.records import State, Webhook
from emulator.core.seeded_random import draw
from emulator.domain.installation import Records
from emulator.domain.planning import RESERVING
from emulator.domain.state_graph import ITEM_VALUES

T = TypeVar("T")

WAITING, WAITING_FOR_TRANSFER, OUT_OF_STOCK, REQUIRES_REPLAN = "100", "300", "920", "910"
PACKED, SHIPPED, LABEL = "500", "600", "450"


class Row(NamedTuple):
    """Five packages and their transfer order, by the enum values of their states."""

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
REPLACED, REPLACEMENT = 3, 4
"""The package that may be replaced, and the package that then replaces it."""

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
"""The states of a package after Waiting, up to its present state."""
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
"""Packages in these states still have to be delivered."""
EVENTS = {"500": "package.status.packed", "600": "package.status.shipped"}
TRANSFER_EVENTS = {"waiting": "transfer.status.created", "cancelled": "transfer.status.cancelled"}


@dataclass(frozen=True)
class TransferSlot:
    """The states of a block's transfer order, by their ids."""

    path: tuple[int, ...]
    item_state: int
    hook: int
    with_shipment: bool
    cancelled: bool


@dataclass(frozen=True)
class Slot:
    """The states of a package, by their ids."""

    path: tuple[int, ...]
    """From its first state to its present state."""
    item_state: int
    order_item_state: int
    hook: int
    transfer: TransferSlot | None
    replaced: bool
    """The next package replaces it."""
    replanned: bool
    """It replaces the package before it."""
    packed_by: int | None
    """The index of the transition that made its shipment, if it has one."""
    labelled: bool
    shipped_by: int | None
    """The index of the transition that shipped it, if it was shipped."""
    open: bool
    """It still has to be delivered."""
    reserves: bool
    """Its items still have reservations."""


class StateIds:
    """The ids that an installation gives to states, by enum class and value, and to hooks, by event type.

    A user's own installation may lack states of the cycle. A path then skips them, so that a package stays in the
    nearest earlier state of its path that the installation has.
    """

    def __init__(self, records: Records) -> None:
        self._hooks: dict[str, int] = {hook.event_type: hook.id for hook in records[Webhook].values()}
        self._ids: dict[tuple[str, int], dict[str, int]] = {}
        for state in records[State].values():
            values = self._ids.setdefault((state.enum_class, state.content_type), {})
            values.setdefault(state.enum_value, state.id)
        self._content_types: dict[str, list[int]] = {}
        for enum_class, content_type in sorted(self._ids):
            self._content_types.setdefault(enum_class, []).append(content_type)

    def content_type(self, enum_class: str, rank: int = 0) -> int:
        """Return the first content type of the enum's states, or the second (rank 1) if there is one."""
        types = self._content_types[enum_class]
        return types[min(rank, len(types) - 1)]

    def by_value(self, enum_class: str, rank: int = 0) -> Mapping[str, int]:
        """Return value -> id of the states of one content type."""
        return self._ids[enum_class, self.content_type(enum_class, rank)]

    def path(self, enum_class: str, values: Sequence[str]) -> tuple[str, ...]:
        """Return the values that the installation has. Its first state replaces a missing first value."""
        known = self.by_value(enum_class)
        begin = values[0] if values[0] in known else next(iter(known))
        return (begin, *(value for value in values[1:] if value in known and value != begin))

    def states(self, enum_class: str, path: Iterable[str]) -> tuple[int, ...]:
        return tuple(self.by_value(enum_class)[value] for value in path)

    def nearest(self, enum_class: str, values: Iterable[str], rank: int = 0) -> int:
        """Return the id of the last value that the installation has, or of its first state if it has none."""
        known = self.by_value(enum_class, rank)
        ids = [known[value] for value in values if value in known]
        return ids[-1] if ids else next(iter(known.values()))

    def hook(self, event_type: str) -> int:
        return self._hooks[event_type]


class Cycle:
    """The slots of all packages. The seed decides the order of the rows and columns."""

    def __init__(self, seed: int, ids: StateIds) -> None:
        draws = draw(seed, "cycle", 0)
        rows = shuffled(CYCLE, draws)
        columns = (*shuffled((0, 1, 2), draws[8:]), REPLACED, REPLACEMENT)

        def slots(row: Row, holder: int | None) -> tuple[Slot, ...]:
            return tuple(make_slot(row, column, holder, ids) for column in columns)

        self._whole = [[slots(row, holder) for holder in row.holders] for row in rows]
        self._rest = [slots(row, None) for row in rows]

    def slots(self, block: int, *, whole: bool) -> tuple[Slot, ...]:
        """Return the slots of a block's packages. A block that is not whole has no transfer order."""
        row = block % len(CYCLE)
        variants = self._whole[row]
        return variants[block // len(CYCLE) % len(variants)] if whole else self._rest[row]


def make_slot(row: Row, column: int, holder: int | None, ids: StateIds) -> Slot:
    """Return the slot in a column of a row. The package in the holder's column has the transfer order."""
    has_transfer = column == holder
    path = package_path(row, column, has_transfer, ids)
    value, transitions = path[-1], path[1:]
    packed = next((k for k, state in enumerate(transitions) if state in {PACKED, LABEL}), None)
    is_replacing = is_gone(package_path(row, REPLACED, False, ids))
    return Slot(
        path=ids.states("PackageStatus", path),
        item_state=ids.nearest("PackageItemStatus", [ITEM_VALUES.get(each, each) for each in path]),
        order_item_state=ids.nearest("OrderStatus", (APPROVED, ORDER_ITEM_VALUES.get(value, APPROVED))),
        hook=ids.hook(EVENTS.get(value, "package.status.transitioned") if transitions else "package.created"),
        transfer=make_transfer_slot(row, ids) if has_transfer else None,
        replaced=column == REPLACED and is_replacing and holder is not None,
        replanned=column == REPLACEMENT and is_replacing,
        packed_by=None if column == row.unshipped else packed,
        labelled=value != LABEL,
        shipped_by=transitions.index(SHIPPED) if SHIPPED in transitions else None,
        open=value in OPEN,
        reserves=value in RESERVING,
    )


def package_path(row: Row, column: int, has_transfer: bool, ids: StateIds) -> tuple[str, ...]:
    """Return the states of a package, as far as the installation has them."""
    value = row.packages[column]
    arrived = transfer_path(row, ids)[-1] == TRANSFERRED
    if value == WAITING_FOR_TRANSFER and not has_transfer:
        value = WAITING
    if has_transfer and row.transfer == TRANSFERRED and not arrived:
        value = WAITING_FOR_TRANSFER
    waits = has_transfer and WAITING_FOR_TRANSFER in ids.by_value("PackageStatus")
    return ids.path("PackageStatus", (*first_states(waits, arrived), *PATHS[value]))


def is_gone(path: tuple[str, ...]) -> bool:
    """Return whether another package replaced the package with this path."""
    return len(path) > 1 and path[-1] in {OUT_OF_STOCK, REQUIRES_REPLAN}


def first_states(waits: bool, arrived: bool) -> tuple[str, ...]:
    """Return the first states of a package. One with a transfer order waits for it first."""
    if not waits:
        return (WAITING,)
    return (WAITING_FOR_TRANSFER, WAITING) if arrived else (WAITING_FOR_TRANSFER,)


def transfer_path(row: Row, ids: StateIds) -> tuple[str, ...]:
    return ids.path("TransferStatus", ("waiting", *TRANSFER_PATHS[row.transfer]))


def make_transfer_slot(row: Row, ids: StateIds) -> TransferSlot:
    path = transfer_path(row, ids)
    value = path[-1]
    return TransferSlot(
        path=ids.states("TransferStatus", path),
        item_state=ids.nearest("TransferStatus", path, rank=1),
        hook=ids.hook(TRANSFER_EVENTS.get(value, "transfer.status.transitioned")),
        with_shipment=value in ON_THE_ROAD and len(path) > 1,
        cancelled=value == CANCELLED,
    )


def shuffled(values: Sequence[T], draws: bytes) -> list[T]:
    """Return the values in a random order."""
    return [values[position] for position in sorted(range(len(values)), key=lambda at: (draws[at], at))]
