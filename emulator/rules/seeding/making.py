"""Where the records of one block gather, and what the makers of all blocks need of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from emulator.core.bases import group
from emulator.core.records import RELATIONS, User
from emulator.rules.installation import Records
from emulator.rules.seeding.cycle import Names
from emulator.rules.seeding.layout import FIRST, STRIDE
from emulator.rules.seeding.places import pool
from emulator.rules.seeding.plan import Plans

R = TypeVar("R")
APPLICATION = "test.application"


class Good(NamedTuple):
    """A product with its retail price, in cents of each currency."""

    id: int
    price: int
    price_eur: int
    tax_rate: str


@dataclass(frozen=True)
class Context:
    """What is the same for all blocks."""

    plans: Plans
    goods: tuple[Good, ...]
    order_states: tuple[int, int, int]
    """Canceled, Preparing, Approved."""
    shipment_state: int
    package_type: int
    transfer_type: int
    user: int | None
    """Whose commands moved the packages, where it was not the OMS itself."""

    @property
    def approved(self) -> int:
        """The state of order items that nobody has touched yet."""
        return self.order_states[2]

    def order_state(self, states: set[int]) -> int:
        """Give the state of an order whose items have these states."""
        canceled, preparing, approved = self.order_states
        if preparing in states:
            return preparing
        return canceled if states == {canceled} else approved


def make_context(plans: Plans, records: Records) -> Context:
    names = Names(records)
    order_state = partial(names.nearest, "OrderStatus")
    users = {user.username: user.id for user in records.get(User, {}).values()}
    columns = ("id", "price", "price_eur", "tax_rate")
    return Context(
        plans=plans,
        goods=tuple(Good(*(row[column] for column in columns)) for row in pool("products")),
        order_states=(order_state(("400", "100")), order_state(("400", "450")), order_state(("400",))),
        shipment_state=names.nearest("ShipmentStatus", ("100",)),
        package_type=names.content_types["PackageStatus"][0],
        transfer_type=names.content_types["TransferStatus"][0],
        user=users.get(APPLICATION),
    )


class Block:
    """The records of one block, by kind and id."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tables: dict[type[Any], dict[int, Any]] = {kind: {} for kind in FIRST}

    def new_id(self, kind: type[Any]) -> int:
        """Give the next free id of this kind."""
        return FIRST[kind] + self.number * STRIDE[kind] + len(self.tables[kind])

    def add(self, record: R) -> R:
        """Keep the record; give it back."""
        self.tables[type(record)][record.id] = record  # type: ignore[attr-defined]
        return record

    def get(self, kind: type[R], id_: int) -> R | None:
        return self.tables[kind].get(id_)

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        """Give the ids that the relation finds under the key."""
        return self._relations.get((kind, relation), {}).get(key, ())

    @cached_property
    def _relations(self) -> dict[tuple[type[Any], str], dict[Any, tuple[int, ...]]]:
        return {
            (kind, relation): group(table.values(), columns)
            for kind, table in self.tables.items()
            for relation, columns in RELATIONS.get(kind, {}).items()
        }
