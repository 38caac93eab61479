"""Random sequences of commands, checked against invariants that are written independently of the code."""

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
from emulator.domain.stock import used_quota
from tests.domain.commands.arranging import PACKAGES, STATES, TRANSFERS, TRANSITIONS, Kind, parameters, send

pytestmark = pytest.mark.slow

PACKAGES_IN_WORLD = 60
STEPS, EXAMPLES = 50, 60

ITEM_STATES = {
    "100": "100", "200": "250", "300": "150", "350": "350", "400": "400", "450": "450", "500": "500", "600": "700",
    "650": "750", "700": "800", "800": "900", "900": "600", "910": "910", "920": "920", "950": "950", "990": "990",
    "1100": "1100",
}  # fmt: skip
"""Package state -> state of its items. Repeated here independently of the emulator's data."""
STATE_CHANGES = {(transition["source_state"], transition["destination_state"]) for transition in TRANSITIONS}
STATES_BEFORE_PACKING = {"100", "200", "300", "350", "400", "950", "990"}
CONDITIONAL_COMMANDS = {
    "SHIP_PACKAGE",
    "SHIPMENT_ORDER",
    "UPDATE_SHIPMENT_INFO_OF_PACKAGE",
    "UPDATE_SHIPMENT_LABEL",
    "UNBLOCK_THE_PACKAGE",
}
"""Commands that also depend on a shipment or on the state before blocking."""
PARTIAL_COMMAND = "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED"
"""Command that changes only the items that it names."""


class Commands(RuleBasedStateMachine):
    """Sends commands and compares the answers and the resulting world with the model."""

    @initialize(seed=st.integers(1, 5))
    def create_world(self, seed: int) -> None:
        self.oms = Emulator("demo", packages=PACKAGES_IN_WORLD, seed=seed)
        self.partially_changed: set[int] = set()
        self.last_changed: tuple[Kind, int] | None = None

    @rule(index=st.integers(0, 10_000), transition=st.sampled_from(TRANSITIONS), any_state=st.booleans())
    def command(self, index: int, transition: dict[str, Any], any_state: bool) -> None:
        """Send the command of a transition to a random record, mostly to one in the source state."""
        kind = PACKAGES if transition["source_state"] in PACKAGES.states else TRANSFERS
        records = list(self.oms.world.records.all(kind.record))
        in_source_state = [record for record in records if record.state == transition["source_state"]]
        chosen = records if any_state or not in_source_state else in_source_state
        self.send(kind, chosen[index % len(chosen)], transition)

    def send(self, kind: Kind, record: Any, transition: dict[str, Any]) -> None:
        root, events_before = self.oms.world.records, self.events()
        body = {"transition": transition["id"], "input_parameters": parameters(self.oms, record)}
        answer = send(self.oms, kind, record.id, body)
        is_available = transition.get("actor", "command") == "command" and record.state == transition["source_state"]
        if answer.status_code == 400:
            assert not is_available or transition["command_code"] in CONDITIONAL_COMMANDS, answer.text
            assert self.oms.world.records is root
            return
        assert is_available
        assert answer.status_code == (200 if answer.content else 204)
        if transition["command_code"] == PARTIAL_COMMAND:
            self.partially_changed.add(record.id)
        self.last_changed = (kind, record.id)
        self.check_move(kind, record, transition)
        self.check_events(events_before, kind, record)

    def check_move(self, kind: Kind, record: Any, transition: dict[str, Any]) -> None:
        """Check that the record is in the destination state, and that its log is a valid path that ends there."""
        after = self.oms.world.records.get_existing(kind.record, record.id)
        assert after.state == transition["destination_state"]
        logs = self.oms.world.records.find(TransitionLog, "subject", (kind.content_type, record.id))
        assert {(log.old_state, log.new_state) for log in logs} <= STATE_CHANGES
        assert all(previous.new_state == following.old_state for previous, following in itertools.pairwise(logs))
        assert not logs or logs[-1].new_state == after.state

    def events(self) -> Counter[tuple[int, int, int]]:
        root = self.oms.world.records
        events = (root.get_existing(WebhookEvent, id_) for id_ in root.added_ids(WebhookEvent))
        return Counter((event.webhook, event.content_type, event.object_id) for event in events)

    def check_events(self, before: Counter[tuple[int, int, int]], kind: Kind, record: Any) -> None:
        """Check that a change queues one event for each subscription, and never two of one type for one record."""
        new = self.events() - before
        assert all(number == 1 for number in new.values())
        root = self.oms.world.records
        moved = root.get_existing(kind.record, record.id).state != record.state
        prefix = "package.status" if kind is PACKAGES else "transfer.status"
        hooks = root.find(Webhook, "event_type", f"{prefix}.transitioned")
        for hook in hooks:
            assert new[hook.id, kind.content_type, record.id] == (1 if moved else 0)

    @invariant()
    def items_agree_with_their_record(self) -> None:
        """Items follow the state of their package or transfer order; packed items have no reservation."""
        if self.last_changed is None:
            return
        kind, id_ = self.last_changed
        root = self.oms.world.records
        record: Any = root.get_existing(kind.record, id_)
        value = STATES[record.state]["enum_value"]
        if kind is TRANSFERS:
            items: list[Any] = root.find(TransferItem, "transfer_order", id_)
            assert {root.get_existing(State, item.state).enum_value for item in items} == {value}
            return
        items = root.find(PackageItem, "package", id_)
        if id_ not in self.partially_changed:
            assert {root.get_existing(State, item.state).enum_value for item in items} == {ITEM_STATES[value]}
        if value not in STATES_BEFORE_PACKING and id_ not in self.partially_changed:
            assert not root.find(Reservation, "package", id_)

    def teardown(self) -> None:
        """Check the invariants of the whole world at the end of every sequence."""
        if not hasattr(self, "oms"):
            return
        root = self.oms.world.records
        kinds: tuple[type[Any], ...] = (Package, TransferOrder)
        for kind in kinds:
            numbers = [record.number for record in root.all(kind)]
            assert len(numbers) == len(set(numbers))
        counted = Counter((package.stock_location, package.state) for package in root.all(Package))
        assert {key: number for key, number in root.tally(Package).items() if number} == counted
        assert all(used_quota(root, location.id) >= 0 for location in root.all(StockLocation))
        assert all(stock.quantity >= 0 for stock in root.all(Stock))


Commands.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
TestCommands = Commands.TestCase
