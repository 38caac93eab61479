"""Small worlds, and the changes between two states of a world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from emulator import Emulator
from emulator.api.serializers import events
from emulator.core.records import KINDS
from emulator.state.clock import ClockMode
from emulator.state.persistence import WorldState, initial_snapshot
from emulator.state.scenario import Scenario, Settings
from emulator.state.store import Snapshot, TableDataset, Transaction
from emulator.state.world import FinalizeEvent, RecordEvents, World, WorldServices
from emulator.worlds.webhooks import WebhookDispatcher

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ignore_events(tx: Transaction, finalize: FinalizeEvent) -> None:
    """Create no records of events."""


def build_world(
    records: Iterable[Any] = (), clock: ClockMode = "frozen", record_events: RecordEvents = ignore_events
) -> World:
    """Build a world with these records."""
    tables: dict[type[Any], dict[int, Any]] = {}
    for record in records:
        tables.setdefault(type(record), {})[record.id] = record
    settings = Settings(Scenario("made by hand", start=START))
    start = initial_snapshot(Snapshot(TableDataset(tables), {}), WorldState(clock, START))
    return World("default", settings, start, WorldServices(record_events))


def with_dispatcher(oms: Emulator, dispatcher: WebhookDispatcher) -> Emulator:
    """Replace the world of an emulator by an equal one with this dispatcher."""
    before, services = oms.world, WorldServices(events.record_events, sender=dispatcher.sender)
    oms.worlds.slot(before.name).world = World(before.name, before.settings, before.snapshot(), services)
    return oms


class AfterWriteTask:
    """A scheduled task that is never due, and calls a function after each write."""

    def __init__(self, reschedule: Callable[[], object]) -> None:
        self.reschedule = reschedule

    def next_due(self) -> None:
        pass

    def run_due(self, now: datetime) -> None:
        pass


Tables = dict[type[Any], dict[int, Any]]


def all_tables(root: Snapshot) -> Tables:
    """Return all records by kind and id."""
    return {kind: {record.id: record for record in root.all(kind)} for kind in KINDS.values()}


REMOVED = "removed"
Changes = dict[tuple[str, int], Any]
"""(kind, id) -> the new record, the columns that changed, or REMOVED."""


def changed_records(before: Tables, after: Tables) -> Changes:
    """Return the differences between two states of a world."""
    found: Changes = {}
    for kind, table in after.items():
        for id_ in before[kind].keys() - table.keys():
            found[kind.__name__, id_] = REMOVED
        for id_, record in table.items():
            old = before[kind].get(id_)
            if old is None:
                found[kind.__name__, id_] = record
            elif old != record:
                pairs = zip(record._fields, old, record, strict=True)
                found[kind.__name__, id_] = {name: value for name, was, value in pairs if was != value}
    return found
