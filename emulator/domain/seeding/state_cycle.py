"""The state of each package of a demo dataset: a cycle of 25 packages that contains every state.

A cycle has five blocks of five packages, so common states occur more often. The fourth and the fifth package of a
block belong to one order. Each whole block has one transfer order, and a cycle shows all five states of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

from emulator.core.files import load_fixture
from emulator.core.records import State, Webhook
from emulator.core.seeded_random import draw
from emulator.domain.installation import Records
from emulator.domain.state_graph import ITEM_STATE_VALUES
from emulator.domain.stock import RESERVING_VALUES

T = TypeVar("T")

WAITING, WAITING_FOR_TRANSFER, OUT_OF_STOCK, REQUIRES_REPLAN = "100", "300", "920", "910"
PACKED, SHIPPED, LABEL = "500", "600", "450"


class CycleRow(NamedTuple):
    """Five packages and their transfer order, by the enum values of their states."""

    transfer: str
    transfer_columns: Sequence[int]
    """The packages that may have the transfer order, in turn."""
    packages: Sequence[str]
    without_shipment: int | None = None
    """The package that was packed without a shipment."""


TABLES = load_fixture("state_cycle")
CYCLE, OLD_CYCLE = (tuple(CycleRow(**row) for row in TABLES[name]) for name in ("cycle", "old_cycle"))
"""The states of recent packages, and of older ones: almost all are delivered, and the others are closed, too."""
REPLACED, REPLACEMENT = 3, 4
"""The package that may be replaced, and the package that then replaces it."""

PACKAGE_PATHS: Mapping[str, Sequence[str]] = TABLES["package_paths"]
TRANSFER_PATHS: Mapping[str, Sequence[str]] = TABLES["transfer_paths"]
"""Present state -> the states of a package or transfer order after Waiting, up to the present one."""
ORDER_ITEM_VALUES = {**dict.fromkeys(("450", "500", "600", "650", "700", "800"), "450"), "900": "100"}
"""Packing makes order items Preparing, cancelling cancels them; until then they are Approved."""
APPROVED = "400"
TRANSFERRED, CANCELLED = "transferred", "cancelled"
DISPATCHED = ("in_transit", TRANSFERRED)
UNDELIVERED = ("100", "200", "300", "350", "400", "450", "500", "600")
"""Packages in these states still have to be delivered."""
EVENTS = {"500": "package.status.packed", "600": "package.status.shipped"}
TRANSFER_EVENTS = {"waiting": "transfer.status.created", "cancelled": "transfer.status.cancelled"}


class TransferSlot(NamedTuple):
    """The states of a block's transfer order, by their ids."""

    path: tuple[int, ...]
    item_state: int
    hook: int
    has_shipment: bool
    is_cancelled: bool


@dataclass(frozen=True)
class PackageSlot:
    """The states of a package, by their ids."""

    path: tuple[int, ...]
    """From its first state to its present state."""
    item_state: int
    order_item_state: int
    hook: int
    transfer: TransferSlot | None
    is_replaced: bool
    """The next package replaces it."""
    is_replacement: bool
    """It replaces the package before it."""
    packing_transition: int | None
    """The index of the transition that made its shipment, if it has one."""
    has_label: bool
    shipping_transition: int | None
    """The index of the transition that shipped it, if it was shipped."""
    is_open: bool
    """It still has to be delivered."""
    has_reservations: bool
    """Its items still have reservations."""

    @cached_property
    def log_count(self) -> int:
        """The number of transitions of the package and its transfer order."""
        return len(self.path) - 1 + (len(self.transfer.path) - 1 if self.transfer else 0)


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

    def available_path(self, enum_class: str, values: Sequence[str]) -> tuple[str, ...]:
        """Return the values that the installation has. Its first state replaces a missing first value."""
        known = self.by_value(enum_class)
        begin = values[0] if values[0] in known else next(iter(known))
        return (begin, *(value for value in values[1:] if value in known and value != begin))

    def state_ids(self, enum_class: str, path: Iterable[str]) -> tuple[int, ...]:
        return tuple(self.by_value(enum_class)[value] for value in path)

    def nearest_state_id(self, enum_class: str, values: Iterable[str], rank: int = 0) -> int:
        """Return the id of the last value that the installation has, or of its first state if it has none."""
        known = self.by_value(enum_class, rank)
        ids = [known[value] for value in values if value in known]
        return ids[-1] if ids else next(iter(known.values()))

    def hook_id(self, event_type: str) -> int:
        return self._hooks[event_type]


class Cycle:
    """The slots of all packages. The seed decides the order of the rows and columns."""

    def __init__(self, seed: int, ids: StateIds) -> None:
        draws = draw(seed, "cycle", 0)
        rows, old_rows = shuffle(CYCLE, draws), shuffle(OLD_CYCLE, draws[16:])
        columns = (*shuffle((0, 1, 2), draws[8:]), REPLACED, REPLACEMENT)

        def slots(row: CycleRow, holder: int | None) -> tuple[PackageSlot, ...]:
            return tuple(make_package_slot(row, column, holder, ids) for column in columns)

        self._whole = [[slots(row, holder) for holder in row.transfer_columns] for row in rows]
        self._rest = [slots(row, None) for row in rows]
        self._old = [[slots(row, holder) for holder in row.transfer_columns] for row in old_rows]

    def slots(self, block: int, *, whole: bool, is_old: bool = False) -> tuple[PackageSlot, ...]:
        """Return the slots of a block's packages. A block that is not whole has no transfer order."""
        row = block % len(CYCLE)
        variants = self._old[row] if is_old else self._whole[row]
        return variants[block // len(CYCLE) % len(variants)] if whole else self._rest[row]


def make_package_slot(row: CycleRow, column: int, holder: int | None, ids: StateIds) -> PackageSlot:
    """Return the slot in a column of a row. The package in the holder's column has the transfer order."""
    has_transfer = column == holder
    path = package_path(row, column, has_transfer, ids)
    value, transitions = path[-1], path[1:]
    packed = next((k for k, state in enumerate(transitions) if state in {PACKED, LABEL}), None)
    replaced = package_path(row, REPLACED, False, ids)
    is_replacing = len(replaced) > 1 and replaced[-1] in {OUT_OF_STOCK, REQUIRES_REPLAN}
    return PackageSlot(
        path=ids.state_ids("PackageStatus", path),
        item_state=ids.nearest_state_id("PackageItemStatus", [ITEM_STATE_VALUES.get(each, each) for each in path]),
        order_item_state=ids.nearest_state_id("OrderStatus", (APPROVED, ORDER_ITEM_VALUES.get(value, APPROVED))),
        hook=ids.hook_id(EVENTS.get(value, "package.status.transitioned") if transitions else "package.created"),
        transfer=make_transfer_slot(row, ids) if has_transfer else None,
        is_replaced=column == REPLACED and is_replacing and holder is not None,
        is_replacement=column == REPLACEMENT and is_replacing,
        packing_transition=None if column == row.without_shipment else packed,
        has_label=value != LABEL,
        shipping_transition=transitions.index(SHIPPED) if SHIPPED in transitions else None,
        is_open=value in UNDELIVERED,
        has_reservations=value in RESERVING_VALUES,
    )


def package_path(row: CycleRow, column: int, has_transfer: bool, ids: StateIds) -> tuple[str, ...]:
    """Return the states of a package, as far as the installation has them."""
    value = row.packages[column]
    arrived = transfer_path(row, ids)[-1] == TRANSFERRED
    if value == WAITING_FOR_TRANSFER and not has_transfer:
        value = WAITING
    if has_transfer and row.transfer == TRANSFERRED and not arrived:
        value = WAITING_FOR_TRANSFER
    waits = has_transfer and WAITING_FOR_TRANSFER in ids.by_value("PackageStatus")
    return ids.available_path("PackageStatus", (*initial_states(waits, arrived), *PACKAGE_PATHS[value]))


def initial_states(waits: bool, arrived: bool) -> tuple[str, ...]:
    """Return the first states of a package. One with a transfer order waits for it first."""
    if not waits:
        return (WAITING,)
    return (WAITING_FOR_TRANSFER, WAITING) if arrived else (WAITING_FOR_TRANSFER,)


def transfer_path(row: CycleRow, ids: StateIds) -> tuple[str, ...]:
    return ids.available_path("TransferStatus", ("waiting", *TRANSFER_PATHS[row.transfer]))


def make_transfer_slot(row: CycleRow, ids: StateIds) -> TransferSlot:
    path = transfer_path(row, ids)
    value = path[-1]
    return TransferSlot(
        path=ids.state_ids("TransferStatus", path),
        item_state=ids.nearest_state_id("TransferStatus", path, rank=1),
        hook=ids.hook_id(TRANSFER_EVENTS.get(value, "transfer.status.transitioned")),
        has_shipment=value in DISPATCHED and len(path) > 1,
        is_cancelled=value == CANCELLED,
    )


def shuffle(values: Sequence[T], draws: bytes) -> list[T]:
    """Return the values in a random order."""
    return [values[position] for position in sorted(range(len(values)), key=lambda at: (draws[at], at))]
