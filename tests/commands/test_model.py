"""Random sequences of commands, against a model of what must always hold; it is written down apart from the code."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from emulator import Emulator
from emulator.core.records import (
    Package,
    PackageItem,
    Reservation,
    State,
    Stock,
    StockLocation,
    TransferItem,
    TransferOrder,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.rules.planning import quota
from tests.commands.arranging import GRAPH, PACKAGES, STATES, TRANSFERS, Kind, parameters, send

pytestmark = pytest.mark.slow

PACKAGES_IN_WORLD = 60
STEPS, EXAMPLES = 50, 60

ITEM_STATES = {
    "100": "100", "200": "250", "300": "150", "350": "350", "400": "400", "450": "450", "500": "500", "600": "700",
    "650": "750", "700": "800", "800": "900", "900": "600", "910": "910", "920": "920", "950": "950", "990": "990",
    "1100": "1100",
}  # fmt: skip
"""Package state -> the state that its items have; facts and samples, written down once more."""
EDGES = {(edge["source_state"], edge["destination_state"]) for edge in GRAPH}
NOT_PACKED = {"100", "200", "300", "350", "400", "950", "990"}
NEEDS_MORE = {
    "SHIP_PACKAGE",
    "SHIPMENT_ORDER",
    "UPDATE_SHIPMENT_INFO_OF_PACKAGE",
    "UPDATE_SHIPMENT_LABEL",
    "UNBLOCK_THE_PACKAGE",
}
"""Commands that the state alone does not allow: a shipment, or the state before blocking, decides with it."""
PARTLY = "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED"
"""Leaves the items that were not named as they are."""


class Commands(RuleBasedStateMachine):
    """Sends commands and compares what comes back, and what is there afterwards, with the model."""

    @initialize(seed=st.integers(1, 5))
    def open(self, seed: int) -> None:
        self.oms = Emulator("demo", packages=PACKAGES_IN_WORLD, seed=seed)
        self.mixed: set[int] = set()
        self.touched: tuple[Kind, int] | None = None

    @rule(place=st.integers(0, 10_000), edge=st.sampled_from(GRAPH), anywhere=st.booleans())
    def command(self, place: int, edge: dict[str, Any], anywhere: bool) -> None:
        """Send an edge's command to some record, or to one that is in its source state."""
        kind = PACKAGES if edge["source_state"] in PACKAGES.states else TRANSFERS
        records = list(self.oms.world.root.all(kind.record))
        fitting = [record for record in records if record.state == edge["source_state"]]
        chosen = records if anywhere or not fitting else fitting
        self.send(kind, chosen[place % len(chosen)], edge)

    def send(self, kind: Kind, record: Any, edge: dict[str, Any]) -> None:
        root, counts = self.oms.world.root, self.events()
        body = {"transition": edge["id"], "input_parameters": parameters(self.oms, record)}
        answer = send(self.oms, kind, record.id, body)
        offered = edge.get("actor", "command") == "command" and record.state == edge["source_state"]
        if answer.status_code == 400:
            assert not offered or edge["command_code"] in NEEDS_MORE, answer.text
            assert self.oms.world.root is root
            return
        assert offered
        assert answer.status_code == (200 if answer.content else 204)
        if edge["command_code"] == PARTLY:
            self.mixed.add(record.id)
        self.touched = (kind, record.id)
        self.check_move(kind, record, edge)
        self.check_events(counts, kind, record)

    def check_move(self, kind: Kind, record: Any, edge: dict[str, Any]) -> None:
        """The record is where the edge leads; its log is a path of the graph that ends there."""
        after = self.oms.world.root.one(kind.record, record.id)
        assert after.state == edge["destination_state"]
        logs = self.oms.world.root.find(TransitionLog, "subject", (kind.content_type, record.id))
        assert {(log.old_state, log.new_state) for log in logs} <= EDGES
        assert all(one.new_state == two.old_state for one, two in itertools.pairwise(logs))
        assert not logs or logs[-1].new_state == after.state

    def events(self) -> Counter[tuple[int, int, int]]:
        root = self.oms.world.root
        added = root.maps.get((WebhookEvent, "added"), {})
        events = (root.one(WebhookEvent, id_) for id_ in added.values())
        return Counter((event.webhook, event.content_type, event.object_id) for event in events)

    def check_events(self, before: Counter[tuple[int, int, int]], kind: Kind, record: Any) -> None:
        """One event for each subscription and change: never two of one type for one record at once."""
        new = self.events() - before
        assert all(number == 1 for number in new.values())
        root = self.oms.world.root
        moved = root.one(kind.record, record.id).state != record.state
        prefix = "package.status" if kind is PACKAGES else "transfer.status"
        hooks = root.find(Webhook, "event_type", f"{prefix}.transitioned")
        for hook in hooks:
            assert new[hook.id, kind.content_type, record.id] == (1 if moved else 0)

    @invariant()
    def the_record_agrees_with_its_parts(self) -> None:
        """Items follow their package or transfer; what is packed has no claim on stock."""
        if self.touched is None:
            return
        kind, id_ = self.touched
        root = self.oms.world.root
        record: Any = root.one(kind.record, id_)
        value = STATES[record.state]["enum_value"]
        if kind is TRANSFERS:
            items: list[Any] = root.find(TransferItem, "transfer_order", id_)
            assert {root.one(State, item.state).enum_value for item in items} == {value}
            return
        items = root.find(PackageItem, "package", id_)
        if id_ not in self.mixed:
            assert {root.one(State, item.state).enum_value for item in items} == {ITEM_STATES[value]}
        if value not in NOT_PACKED and id_ not in self.mixed:
            assert not root.find(Reservation, "package", id_)

    def teardown(self) -> None:
        """Hold what must be true of the whole world at the end of every sequence."""
        if not hasattr(self, "oms"):
            return
        root = self.oms.world.root
        kinds: tuple[type[Any], ...] = (Package, TransferOrder)
        for kind in kinds:
            numbers = [record.number for record in root.all(kind)]
            assert len(numbers) == len(set(numbers))
        counted = Counter((package.stock_location, package.state) for package in root.all(Package))
        assert {key: number for key, number in root.tally(Package).items() if number} == counted
        assert all(quota(root, location.id) >= 0 for location in root.all(StockLocation))
        assert all(stock.quantity >= 0 for stock in root.all(Stock))


Commands.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
TestCommands = Commands.TestCase
