"""Completion of collected columns to whole records: missing columns get plain defaults, never invented data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

from emulator.api.serializers.fields import COLUMN_TYPES
from emulator.core import records
from emulator.core.json_text import load_json
from emulator.core.seeded_random import derive_uuid_text
from emulator.domain.installation import load_installation
from emulator.state.scenario import Scenario, ScenarioError
from emulator.state.store import TableDataset
from emulator.worlds.loading.collector import RecordCollector
from emulator.worlds.loading.recorded_responses import InvalidResponse, RecordedResponse

ENUM_CLASSES: dict[records.RecordKind, str] = {
    records.Order: "OrderStatus",
    records.OrderItem: "OrderStatus",
    records.Package: "PackageStatus",
    records.PackageItem: "PackageItemStatus",
    records.Shipment: "ShipmentStatus",
    records.TransferOrder: "TransferStatus",
    records.TransferItem: "TransferStatus",
}
CONTENT_TYPES = {
    "OrderStatus": 3,
    "PackageStatus": 4,
    "PackageItemStatus": 5,
    "TransferStatus": 6,
    "ShipmentStatus": 8,
}
"""Enum class -> content type of states whose own is unknown. The numbers are those of installation A."""


def complete_responses(scenario: Scenario) -> tuple[TableDataset, RecordCollector]:
    """Return the records that the responses of a scenario state, and their collector.

    Raise `ScenarioError` for a response that fits no serializer.
    """
    collector = RecordCollector()
    try:
        collector.add_responses(RecordedResponse(path, load_json(body)) for path, body in scenario.answers)
    except InvalidResponse as error:
        raise ScenarioError(f"{scenario.title}: recorded answer {error}") from None
    collector.set_command_codes()
    return Completer(collector, load_installation(scenario.installation), scenario.start).complete(), collector


class Completer:
    """Builds records from collected columns. Every reference of a record leads to a record."""

    def __init__(
        self,
        collector: RecordCollector,
        installation: Mapping[records.RecordKind, Mapping[int, records.Record]],
        start: datetime,
    ) -> None:
        self.collector, self.installation, self.start = collector, installation, start
        self.completed: dict[records.RecordKind, dict[int, records.Record]] = {
            kind: {} for kind in records.KINDS.values()
        }

    def complete(self) -> TableDataset:
        self._add_states_of_installation()
        self._add_choices_of_installation()
        self._set_states_of_owners()
        for package, count in self.collector.item_counts.items():
            self._add_items(package, count)
        while incomplete := self._incomplete():
            for kind, id_ in incomplete:
                self._complete_record(kind, id_)
        return TableDataset({kind: table for kind, table in self.completed.items() if table})

    def _incomplete(self) -> list[tuple[records.RecordKind, int]]:
        tables = list(self.collector.records.items())
        return [(kind, id_) for kind, table in tables for id_ in table if id_ not in self.completed[kind]]

    def _complete_record(self, kind: records.RecordKind, id_: int) -> None:
        columns = dict(self.collector.records[kind][id_])
        for column, target in records.REFERENCES[kind].items():
            if column not in columns and column not in kind._field_defaults:
                columns[column] = self._default_reference(kind, target)
                self.collector.columns_of(target, columns[column])
        for column in [each for each in COLUMN_TYPES[kind] if each not in columns]:
            if default := COLUMN_DEFAULTS.get((kind, column)):
                columns[column] = default(columns, self.collector)
            elif datetime in COLUMN_TYPES[kind][column] and kind._field_defaults.get(column) == records.UNDATED:
                columns[column] = self.start
        self.completed[kind][id_] = kind(**columns)

    def _default_reference(self, kind: records.RecordKind, target: records.RecordKind) -> int:
        """Return a record for an unknown reference: an existing one if possible, or a new one."""
        if target is not records.State:
            return min(self.collector.records[target], default=1)
        enum_class = ENUM_CLASSES.get(kind, "PackageStatus")
        for id_, columns in self.collector.records[records.State].items():
            if columns.get("enum_class") == enum_class:
                return id_
        id_ = max(self.collector.records[records.State], default=0) + 1
        self.collector.set_column(records.State, id_, "enum_class", enum_class, "")
        return id_

    def _add_states_of_installation(self) -> None:
        """Add the other states of the default installation, if the recorded states are all of that installation."""
        own, recorded = self.installation.get(records.State, {}), self.collector.records[records.State]
        shown = {id_: columns for id_, columns in recorded.items() if "enum_value" in columns}
        if not shown or not all(is_same_state(own.get(id_), columns) for id_, columns in shown.items()):
            return
        for id_, state in own.items():
            if id_ not in shown:
                recorded[id_] = state._asdict() | recorded.get(id_, {})

    def _add_choices_of_installation(self) -> None:
        """Add the cargo companies and denial reasons that commands take, unless the responses contain some."""
        for kind in (records.CargoCompany, records.DenialReason):
            if not self.collector.records[kind]:
                self.completed[kind] = dict(self.installation.get(kind, {}))

    def _set_states_of_owners(self) -> None:
        """Set the state of packages and transfer orders from the last entry of their logs."""
        for kind, id_ in self.collector.owners:
            columns = self.collector.records[kind][id_]
            logs = [
                log
                for log in self.collector.records[records.TransitionLog].values()
                if log.get("object_id") == id_ and "new_state" in log
            ]
            if logs:
                columns.setdefault("state", max(logs, key=lambda log: log["id"])["new_state"])
            state = columns.setdefault("state", self._default_reference(kind, records.State))
            for table in (records.TransitionLog, records.WebhookEvent):
                self._share_content_type(state, ENUM_CLASSES[kind], self.collector.records[table])

    def _share_content_type(self, state: int, enum_class: str, table: Mapping[int, records.Columns]) -> None:
        known = self.collector.columns_of(records.State, state)
        for columns in table.values():
            default = known.get("content_type", CONTENT_TYPES[enum_class])
            known.setdefault("content_type", columns.setdefault("content_type", default))

    def _add_items(self, package: int, count: int) -> None:
        items = self.collector.records[records.PackageItem]
        for _ in range(count - sum(item.get("package") == package for item in items.values())):
            id_ = max(items, default=0) + 1
            items[id_] = {"id": id_, "package": package}


def is_same_state(state: records.State | None, columns: records.Columns) -> bool:
    values = (columns.get("enum_class"), columns.get("enum_value"))
    return state is not None and (state.enum_class, state.enum_value) == values


ColumnDefault: TypeAlias = Callable[[records.Columns, RecordCollector], records.ColumnValue]


def order_number(columns: records.Columns, collector: RecordCollector) -> str:
    """Return the order's part of the number of one of its packages, or the order's id."""
    for package in collector.records[records.Package].values():
        if package.get("order") == columns["id"] and "number" in package:
            return str(package["number"]).rpartition("P")[0]
    return str(columns["id"])


def unnamed_state_lines(collector: RecordCollector) -> Iterator[str]:
    for id_, columns in sorted(collector.records[records.State].items()):
        if "name" not in columns:
            yield f"state {id_}: known by its id alone; named State {id_}"


COLUMN_DEFAULTS: dict[tuple[records.RecordKind, str], ColumnDefault] = {
    (records.Order, "number"): order_number,
    (records.State, "name"): lambda columns, _: f"State {columns['id']}",
    (records.State, "content_type"): lambda columns, _: CONTENT_TYPES.get(
        str(columns.get("enum_class")), CONTENT_TYPES["PackageStatus"]
    ),
    (records.WebhookEvent, "uuid"): lambda columns, _: derive_uuid_text("webhook_event", columns["id"]),
}
"""Columns whose default value depends on other columns."""
