"""Run one command on one record, and compare the changes of all tables with the expected changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from emulator import Emulator
from emulator.core.records import (
    OrderItem,
    Package,
    PackageItem,
    Reservation,
    Shipment,
    ShippingLabel,
    State,
    Stock,
    StockLocation,
    TransferItem,
    TransferOrder,
    Transition,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.domain.stock import used_quota
from emulator.state.store import Transaction
from tests.domain.commands.arranging import COMMANDS
from tests.support.worlds import REMOVED, Changes, all_tables, changed_records

ADMIN, TRACK = 1, "TRACK-1"
WAITING, TRANSFERS, PREPARING, REMOTE, READY = 35, 36, 37, 38, 39
PACKED, WAITING_FOR_LABEL, SHIPPED, ATTEMPTED, FAILED, DELIVERED = 40, 41, 42, 45, 46, 47
CANCELED, BLOCKED, CANCELLING, OUT_OF_STOCK, REPLAN, REFUND = 48, 49, 50, 51, 52, 53
ITEM = {
    WAITING: 55, TRANSFERS: 56, PREPARING: 57, REMOTE: 58, READY: 59, PACKED: 61, WAITING_FOR_LABEL: 60, SHIPPED: 62,
    ATTEMPTED: 63, FAILED: 64, DELIVERED: 70, CANCELED: 66, BLOCKED: 68, CANCELLING: 69, OUT_OF_STOCK: 65,
    REPLAN: 67, REFUND: 71,
}  # fmt: skip
"""Package state -> the state that its items have."""
ON_QUOTA = {WAITING, TRANSFERS, PREPARING, REMOTE, CANCELLING}
"""Below Ready for Packaging, or waiting for cancellation."""
ORDER_PREPARING = 28
EVENT_TYPES = (
    *(f"package.{what}" for what in ("created", "refused", "shipment.awb_number")),
    *(f"package.status.{what}" for what in ("transitioned", "packed", "cancelled", "shipped", "packed_for_refund")),
    *(f"shipment.{what}" for what in ("created", "status.updated", "cancelled")),
    *(f"transfer.status.{what}" for what in ("created", "transitioned", "in_transit", "transferred")),
    *(f"transfer.status.{what}" for what in ("cancelled", "ready_to_shipment")),
)
MOVED, T_MOVED = "package.status.transitioned", "transfer.status.transitioned"


def transitions_with(*codes: str) -> list[dict[str, Any]]:
    """Return the installation's transitions with one of these package commands."""
    return [edge for edge in COMMANDS if edge["command_code"] in codes and edge["source_state"] < 73]


def any_record(run: CommandRun, record: Any) -> bool:
    """Accept any record in the source state."""
    return True


def change_nothing(run: CommandRun, tx: Any) -> None:
    """Change nothing."""


class CommandRun:
    """A record, a command for it, and the changes. `arrange` prepares the record in a transaction."""

    def __init__(
        self,
        transition: int,
        *,
        is_suitable: Callable[[CommandRun, Any], bool] = any_record,
        arrange: Callable[[CommandRun, Any], None] = change_nothing,
    ) -> None:
        self.oms = Emulator("demo")
        self.world = self.oms.world
        self.transition = self.world.records.get_existing(Transition, transition)
        source = self.world.records.get_existing(State, self.transition.source_state)
        self.copies = 0
        self.kind: type[Any] = Package if source.content_type == 4 else TransferOrder
        found = (record for record in self.world.records.all(self.kind) if record.state == source.id)
        self.subject: Any = next(record for record in found if is_suitable(self, record))
        with self.world.transaction() as tx:
            self._subscribe(tx)
            arrange(self, tx)
        self.subject = self.world.records.get_existing(self.kind, self.subject.id)
        self.request_id = "00000001"
        self.records = self.world.records
        self.before = all_tables(self.records)

    def _subscribe(self, tx: Any) -> None:
        """Create an active hook for each event type, and make all other hooks inactive."""
        for hook in tx.all(Webhook):
            tx.change(hook, is_active=False)
        self.hooks = {tx.add(Webhook(tx.new_id(Webhook), event_type=each)).id: each for each in EVENT_TYPES}

    def send(self, **parameters: Any) -> Any:
        path = "packages" if self.kind is Package else "transfer_orders"
        body = {"transition": self.transition.id, "input_parameters": parameters}
        answer = self.oms.session().post(f"/api/v1/oms/{path}/{self.subject.id}/command/", json=body)
        self.now = self.world.clock.now()
        self.stock: Counter[tuple[int, int]] = Counter()
        self.after = all_tables(self.world.records)
        return answer

    def send_ok(self, **parameters: Any) -> None:
        """Send the command, and check that it responds with 204."""
        answer = self.send(**parameters)
        assert (answer.status_code, answer.content) == (204, b""), answer.text

    def next_command(self, transition: int) -> CommandRun:
        """Return a run of the next command on the same record. Its tables before are the present ones."""
        following = CommandRun.__new__(CommandRun)
        following.__dict__.update(self.__dict__)
        following.records, following.before = self.world.records, self.after
        following.subject = self.world.records.get_existing(self.kind, self.subject.id)
        following.transition = self.records.get_existing(Transition, transition)
        following.request_id = f"{int(self.request_id) + 1:08d}"
        return following

    def check(self, expected: Changes, events: Iterable[Any] = (), quotas: dict[int, int] | None = None) -> None:
        """Check that exactly these changes, the counted stock changes, these events and quotas occurred."""
        found = changed_records(self.before, self.after)
        told = [found.pop(("WebhookEvent", event.id)) for event in self.new_records(WebhookEvent)]
        assert found == expected | self._stock_changes()
        subjects = [(event, self.subject) if isinstance(event, str) else event for event in events]
        assert [self._event_key(event) for event in told] == [
            (event_type, subject.id, self.before[State][subject.state].content_type)
            for event_type, subject in subjects
        ]
        assert all((event.snapshot.get(Package, -1), event.created_date) == (None, self.now) for event in told)
        assert self._quota_changes() == (quotas or {})

    def _event_key(self, event: WebhookEvent) -> tuple[str, int, int]:
        return self.hooks[event.webhook], event.object_id, event.content_type

    def _stock_changes(self) -> Changes:
        found: Changes = {}
        for stock in self.before[Stock].values():
            if more := self.stock[stock.stock_location, stock.product]:
                found["Stock", stock.id] = {"quantity": stock.quantity + more}
        return found

    def _quota_changes(self) -> dict[int, int]:
        """Return the changes of quota. Check that the tally matches a count of all packages."""
        root = self.world.records
        counted = Counter((package.stock_location, package.state) for package in self.after[Package].values())
        assert {key: number for key, number in root.tally(Package).items() if number} == counted
        found = {id_: used_quota(root, id_) - used_quota(self.records, id_) for id_ in self.before[StockLocation]}
        return {id_: more for id_, more in found.items() if more}

    def new_records(self, kind: type[Any]) -> list[Any]:
        return [record for id_, record in self.after[kind].items() if id_ not in self.before[kind]]

    def new_record(self, kind: type[Any]) -> Any:
        (record,) = self.new_records(kind)
        return record

    def next_id(self, kind: type[Any]) -> int:
        """Return the id of the first new record of a kind."""
        return Transaction(self.records, self.now).new_id(kind)

    @property
    def items(self) -> list[PackageItem]:
        return self.records.find(PackageItem, "package", self.subject.id)

    def item_ids(self) -> list[int]:
        return [item.id for item in self.items]

    def product(self, item: PackageItem) -> int:
        return int(self.records.get_existing(OrderItem, item.order_item).product)

    # what should differ

    def move_changes(self, **columns: Any) -> Changes:
        """Return the changes of a state transition by the caller: the subject and its log entry."""
        command = {
            "slug": self.transition.command_code,
            "transition_id": self.transition.id,
            "remote_user_pk": str(ADMIN),
        }
        changed = {"state": self.transition.destination_state, "modified_date": self.now, **columns}
        log = self.log_entry(self.subject, self.transition.destination_state, ADMIN, {"command": command})
        return {(self.kind.__name__, self.subject.id): changed, ("TransitionLog", log.id): log}

    def log_entry(
        self, subject: Any, state: int, user: int | None, attributes: Any, position: int = 0
    ) -> TransitionLog:
        return TransitionLog(
            id=self.next_id(TransitionLog) + position,
            old_state=subject.state,
            new_state=state,
            object_id=subject.id,
            content_type=self.before[State][subject.state].content_type,
            user=user,
            attributes=orjson.dumps(attributes),
            created_date=self.now,
            request_id=self.request_id,
        )

    def column_changes(self, **columns: Any) -> Changes:
        """Return the changes of the subject's columns without a state transition."""
        return {(self.kind.__name__, self.subject.id): {"modified_date": self.now, **columns}}

    def item_changes(self, items: Iterable[PackageItem] | None = None) -> Changes:
        """Return the changes of the package's items to the state that corresponds to the package's new state."""
        state = ITEM[self.transition.destination_state]
        chosen = self.items if items is None else items
        return {("PackageItem", item.id): {"state": state, "modified_date": self.now} for item in chosen}

    def order_item_changes(self, state: int) -> Changes:
        found = [self.records.get_existing(OrderItem, item.order_item) for item in self.items]
        changed = {"state": state, "modified_date": self.now}
        return {("OrderItem", item.id): changed for item in found if item.state != state}

    def reservation_changes(self, *, give_back: bool, items: Iterable[int] | None = None) -> Changes:
        """Return the removals of the package's reservations, and count the stock that is given back."""
        claims = [
            claim
            for claim in self.records.find(Reservation, "package", self.subject.id)
            if items is None or claim.package_item in items
        ]
        assert claims, "the package has no reservation to lose"
        if give_back:
            self.stock.update({(claim.stock_location, claim.product): 0 for claim in claims})
            for claim in claims:
                self.stock[claim.stock_location, claim.product] += claim.quantity
        return {("Reservation", claim.id): REMOVED for claim in claims}

    def shipment_changes(self, company: int, number: str | None = None) -> tuple[Shipment, Changes]:
        """Return the expected new shipment. Its number is the given one, or any ten digits."""
        awb = number or str(self.new_record(Shipment).awb_number)
        assert number or (len(awb) == 10 and awb.isdigit())
        package, transfer = (self.subject.id, None) if self.kind is Package else (None, self.subject.id)
        made = Shipment(
            *(self.next_id(Shipment), company, 99, package, transfer, self.now, self.now),
            awb_number=awb,
            update_date_time=self.now,
            query_number=awb,
        )
        return made, {("Shipment", made.id): made}

    def label_changes(self) -> tuple[ShippingLabel, Changes]:
        made = ShippingLabel(self.next_id(ShippingLabel), self.subject.id, uuid=self.new_record(ShippingLabel).uuid)
        return made, {("ShippingLabel", made.id): made}

    def quota_change(self) -> dict[int, int]:
        """Return the change of the location's quota by the state transition."""
        more = (self.transition.destination_state in ON_QUOTA) - (self.subject.state in ON_QUOTA)
        return {self.subject.stock_location: more} if more else {}

    def transfer_item_changes(self, state: int) -> Changes:
        items = self.records.find(TransferItem, "transfer_order", self.subject.id)
        return {("TransferItem", item.id): {"state": state, "modified_date": self.now} for item in items}
