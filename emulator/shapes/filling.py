"""What recorded answers leave out, filled so that every record stands: marked by plain names, never guessed data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from emulator.core.bases import TableBase
from emulator.core.ids import made_uuid
from emulator.core.records import (
    KINDS,
    REFERENCES,
    UNDATED,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    State,
    TransferItem,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)
from emulator.shapes.columns import COLUMN_TYPES
from emulator.shapes.recorded import Known

Table = dict[type[Any], dict[int, Any]]

ENUM_CLASSES: dict[type[Any], str] = {
    Order: "OrderStatus",
    OrderItem: "OrderStatus",
    Package: "PackageStatus",
    PackageItem: "PackageItemStatus",
    Shipment: "ShipmentStatus",
    TransferOrder: "TransferStatus",
    TransferItem: "TransferStatus",
}
CONTENT_TYPES = {
    "OrderStatus": 3,
    "PackageStatus": 4,
    "PackageItemStatus": 5,
    "TransferStatus": 6,
    "ShipmentStatus": 8,
}
"""Content types for states of which no answer tells one: installation A's."""


class Filler:
    """Completes what is known into records that refer to records only."""

    def __init__(self, known: Known, installation: Mapping[type[Any], Mapping[int, Any]], start: datetime) -> None:
        self.known, self.installation, self.start = known, installation, start
        self.made: Table = {kind: {} for kind in KINDS.values()}

    def fill(self) -> TableBase:
        """Give the base."""
        self._borrow_states()
        self._set_subjects()
        for package, number in self.known.counts.items():
            self._count_items(package, number)
        while waiting := self._unmade():
            for kind, id_ in waiting:
                self._make(kind, id_)
        return TableBase({kind: table for kind, table in self.made.items() if table})

    def _unmade(self) -> list[tuple[type[Any], int]]:
        return [
            (kind, id_)
            for kind, table in list(self.known.records.items())
            for id_ in list(table)
            if id_ not in self.made[kind]
        ]

    def _make(self, kind: type[Any], id_: int) -> None:
        columns = dict(self.known.records[kind][id_])
        for column, target in REFERENCES[kind].items():
            if column not in columns and column not in kind._field_defaults:
                columns[column] = self._stand_in(kind, target)
                self.known.records[target].setdefault(columns[column], {"id": columns[column]})
        for column, types in COLUMN_TYPES[kind].items():
            if column not in columns:
                self._fill_column(kind, columns, column, types)
        self.made[kind][id_] = kind(**columns)

    def _fill_column(self, kind: type[Any], columns: dict[str, Any], column: str, types: tuple[Any, ...]) -> None:
        if fill := FILLS.get((kind, column)):
            columns[column] = fill(columns, self.known)
        elif datetime in types and kind._field_defaults.get(column) == UNDATED:
            columns[column] = self.start

    def _stand_in(self, kind: type[Any], target: type[Any]) -> int:
        """Give a record for a reference that no answer names: one that is there already, or a new one."""
        if target is not State:
            return min(self.known.records[target], default=1)
        enum_class = ENUM_CLASSES.get(kind, "PackageStatus")
        for id_, columns in self.known.records[State].items():
            if columns.get("enum_class") == enum_class:
                return id_
        id_ = max(self.known.records[State], default=0) + 1
        self.known.know(State, id_, "enum_class", enum_class, "")
        return id_

    def _borrow_states(self) -> None:
        """Take the default installation's other states, if the answers come from that installation."""
        own = self.installation.get(State, {})
        seen = {id_: found for id_, found in self.known.records[State].items() if "enum_value" in found}
        pairs = [(own.get(id_), found) for id_, found in seen.items()]
        if not pairs or any(state is None or differs(state, found) for state, found in pairs):
            return
        for id_, state in own.items():
            if id_ not in seen:
                self.known.records[State][id_] = state._asdict() | self.known.records[State].get(id_, {})

    def _set_subjects(self) -> None:
        """Let a package or transfer that answers belong to be in the state that they leave it in."""
        for kind, id_ in self.known.subjects:
            columns = self.known.records[kind][id_]
            logs = [
                log
                for log in self.known.records[TransitionLog].values()
                if log.get("object_id") == id_ and "new_state" in log
            ]
            if logs:
                columns.setdefault("state", max(logs, key=lambda log: log["id"])["new_state"])
            state = columns.setdefault("state", self._stand_in(kind, State))
            for table in (TransitionLog, WebhookEvent):
                self._share_content_type(state, ENUM_CLASSES[kind], self.known.records[table])

    def _share_content_type(self, state: int, enum_class: str, table: dict[int, dict[str, Any]]) -> None:
        known = self.known.records[State].setdefault(state, {"id": state})
        for columns in table.values():
            default = known.get("content_type", CONTENT_TYPES[enum_class])
            known.setdefault("content_type", columns.setdefault("content_type", default))

    def _count_items(self, package: int, number: int) -> None:
        items = self.known.records[PackageItem]
        for _ in range(number - sum(item.get("package") == package for item in items.values())):
            id_ = max(items, default=0) + 1
            items[id_] = {"id": id_, "package": package}


def differs(state: Any, found: Mapping[str, Any]) -> bool:
    return any(getattr(state, column) != found.get(column) for column in ("enum_class", "enum_value"))


def order_number(columns: Mapping[str, Any], known: Known) -> str:
    """Give the part of a package's number that is its order's."""
    for package in known.records[Package].values():
        if package.get("order") == columns["id"] and "number" in package:
            return str(package["number"]).rpartition("P")[0]
    return str(columns["id"])


def state_name(columns: Mapping[str, Any], known: Known) -> str:  # noqa: ARG001 - one signature
    return f"State {columns['id']}"


def content_type(columns: Mapping[str, Any], known: Known) -> int:  # noqa: ARG001 - one signature
    return CONTENT_TYPES.get(str(columns.get("enum_class")), CONTENT_TYPES["PackageStatus"])


def event_uuid(columns: Mapping[str, Any], known: Known) -> str:  # noqa: ARG001 - one signature
    return str(made_uuid("webhook_event", columns["id"]))


FILLS: dict[tuple[type[Any], str], Callable[[Mapping[str, Any], Known], Any]] = {
    (Order, "number"): order_number,
    (State, "name"): state_name,
    (State, "content_type"): content_type,
    (WebhookEvent, "uuid"): event_uuid,
}
"""Columns whose plain default would not fit: what to put there when no answer tells."""
