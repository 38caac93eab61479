"""One command on one record of the demonstration: every table before and after, and what should differ."""

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
from tests.support.worlds import REMOVED, Changes, changes, tables

ADMIN, TRACK = 1, "TRACK-1"
WAITING, TRANSFERS, PREPARING, REMOTE, READY = 35, 36, 37, 38, 39
PACKED, LABELLESS, SHIPPED, ATTEMPTED, FAILED, DELIVERED = 40, 41, 42, 45, 46, 47
CANCELED, BLOCKED, CANCELLING, OUT_OF_STOCK, REPLAN, REFUND = 48, 49, 50, 51, 52, 53
ITEM = {
    WAITING: 55, TRANSFERS: 56, PREPARING: 57, REMOTE: 58, READY: 59, PACKED: 61, LABELLESS: 60, SHIPPED: 62,
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


def edges(*codes: str) -> list[dict[str, Any]]:
    """Give the installation's transitions that run one of these package commands."""
    return [edge for edge in COMMANDS if edge["command_code"] in codes and edge["source_state"] < 73]


def anything(doing: Doing, record: Any) -> bool:
    """Let any record in the source state be the subject."""
    return True


def as_it_is(doing: Doing, tx: Any) -> None:
    """Arrange nothing."""


class Doing:
    """A record, one command to it, and what changed. `arrange` makes the record ready in a transaction."""

    def __init__(
        self,
        transition: int,
        *,
        fits: Callable[[Doing, Any], bool] = anything,
        arrange: Callable[[Doing, Any], None] = as_it_is,
    ) -> None:
        self.oms = Emulator("demo")
        self.world = self.oms.world
        self.edge = self.world.records.get_existing(Transition, transition)
        source = self.world.records.get_existing(State, self.edge.source_state)
        self.copies = 0
        self.kind: type[Any] = Package if source.content_type == 4 else TransferOrder
        found = (record for record in self.world.records.all(self.kind) if record.state == source.id)
        self.subject: Any = next(record for record in found if fits(self, record))
        with self.world.transaction() as tx:
            self._subscribe(tx)
            arrange(self, tx)
        self.subject = self.world.records.get_existing(self.kind, self.subject.id)
        self.request = "00000001"
        self.root = self.world.records
        self.before = tables(self.root)

    def _subscribe(self, tx: Any) -> None:
        """Let one active hook hear each type, and an inactive one hear nothing."""
        for hook in tx.all(Webhook):
            tx.change(hook, is_active=False)
        self.hooks = {tx.add(Webhook(tx.new_id(Webhook), event_type=each)).id: each for each in EVENT_TYPES}

    def send(self, **parameters: Any) -> Any:
        path = "packages" if self.kind is Package else "transfer_orders"
        body = {"transition": self.edge.id, "input_parameters": parameters}
        answer = self.oms.session().post(f"/api/v1/oms/{path}/{self.subject.id}/command/", json=body)
        self.now = self.world.clock.now()
        self.stock: Counter[tuple[int, int]] = Counter()
        self.after = tables(self.world.records)
        return answer

    def done(self, **parameters: Any) -> None:
        """Send the command; it answers 204 and nothing else."""
        answer = self.send(**parameters)
        assert (answer.status_code, answer.content) == (204, b""), answer.text

    def then(self, transition: int) -> Doing:
        """Give the next command to the same record: what was after is now before."""
        following = Doing.__new__(Doing)
        following.__dict__.update(self.__dict__)
        following.root, following.before = self.world.records, self.after
        following.subject = self.world.records.get_existing(self.kind, self.subject.id)
        following.edge = self.root.get_existing(Transition, transition)
        following.request = f"{int(self.request) + 1:08d}"
        return following

    def check(self, expected: Changes, events: Iterable[Any] = (), quotas: dict[int, int] | None = None) -> None:
        """Insist on these changes, the stock as counted, these events and quotas; and on nothing else."""
        found = changes(self.before, self.after)
        told = [found.pop(("WebhookEvent", event.id)) for event in self.new(WebhookEvent)]
        assert found == expected | self._stock_changes()
        subjects = [(event, self.subject) if isinstance(event, str) else event for event in events]
        assert [self._told(event) for event in told] == [
            (event_type, subject.id, self.before[State][subject.state].content_type)
            for event_type, subject in subjects
        ]
        assert all((event.snapshot.get(Package, -1), event.created_date) == (None, self.now) for event in told)
        assert self._quota_changes() == (quotas or {})

    def _told(self, event: WebhookEvent) -> tuple[str, int, int]:
        return self.hooks[event.webhook], event.object_id, event.content_type

    def _stock_changes(self) -> Changes:
        found: Changes = {}
        for stock in self.before[Stock].values():
            if more := self.stock[stock.stock_location, stock.product]:
                found["Stock", stock.id] = {"quantity": stock.quantity + more}
        return found

    def _quota_changes(self) -> dict[int, int]:
        """By the tally, which must be what a count of all packages gives."""
        root = self.world.records
        counted = Counter((package.stock_location, package.state) for package in self.after[Package].values())
        assert {key: number for key, number in root.tally(Package).items() if number} == counted
        found = {id_: used_quota(root, id_) - used_quota(self.root, id_) for id_ in self.before[StockLocation]}
        return {id_: more for id_, more in found.items() if more}

    def new(self, kind: type[Any]) -> list[Any]:
        return [record for id_, record in self.after[kind].items() if id_ not in self.before[kind]]

    def the_new(self, kind: type[Any]) -> Any:
        (record,) = self.new(kind)
        return record

    def free(self, kind: type[Any]) -> int:
        """Give the id that the first new record of a kind gets."""
        return Transaction(self.root, self.now).new_id(kind)

    @property
    def items(self) -> list[PackageItem]:
        return self.root.find(PackageItem, "package", self.subject.id)

    def item_ids(self) -> list[int]:
        return [item.id for item in self.items]

    def product(self, item: PackageItem) -> int:
        return int(self.root.get_existing(OrderItem, item.order_item).product)

    # what should differ

    def moved(self, **columns: Any) -> Changes:
        """The subject is at the destination, with its log entry, made by the caller's command."""
        command = {"slug": self.edge.command_code, "transition_id": self.edge.id, "remote_user_pk": str(ADMIN)}
        changed = {"state": self.edge.destination_state, "modified_date": self.now, **columns}
        log = self.log(self.subject, self.edge.destination_state, ADMIN, {"command": command})
        return {(self.kind.__name__, self.subject.id): changed, ("TransitionLog", log.id): log}

    def log(self, subject: Any, state: int, user: int | None, attributes: Any, position: int = 0) -> TransitionLog:
        return TransitionLog(
            id=self.free(TransitionLog) + position,
            old_state=subject.state,
            new_state=state,
            object_id=subject.id,
            content_type=self.before[State][subject.state].content_type,
            user=user,
            attributes=orjson.dumps(attributes),
            created_date=self.now,
            request_id=self.request,
        )

    def touched(self, **columns: Any) -> Changes:
        """The subject has these columns; no move, no log."""
        return {(self.kind.__name__, self.subject.id): {"modified_date": self.now, **columns}}

    def followed(self, items: Iterable[PackageItem] | None = None) -> Changes:
        """The package's items have the state that fits the package's new one."""
        state = ITEM[self.edge.destination_state]
        chosen = self.items if items is None else items
        return {("PackageItem", item.id): {"state": state, "modified_date": self.now} for item in chosen}

    def order_items(self, state: int) -> Changes:
        found = [self.root.get_existing(OrderItem, item.order_item) for item in self.items]
        changed = {"state": state, "modified_date": self.now}
        return {("OrderItem", item.id): changed for item in found if item.state != state}

    def released(self, *, give_back: bool, items: Iterable[int] | None = None) -> Changes:
        """The package's reservations are gone; what they held may be promised again, or is gone too."""
        claims = [
            claim
            for claim in self.root.find(Reservation, "package", self.subject.id)
            if items is None or claim.package_item in items
        ]
        assert claims, "the package has no reservation to lose"
        if give_back:
            self.stock.update({(claim.stock_location, claim.product): 0 for claim in claims})
            for claim in claims:
                self.stock[claim.stock_location, claim.product] += claim.quantity
        return {("Reservation", claim.id): REMOVED for claim in claims}

    def shipment(self, company: int, number: str | None = None) -> tuple[Shipment, Changes]:
        """Give the new shipment as it should be; its number is the one given, or any ten digits."""
        awb = number or str(self.the_new(Shipment).awb_number)
        assert number or (len(awb) == 10 and awb.isdigit())
        package, transfer = (self.subject.id, None) if self.kind is Package else (None, self.subject.id)
        made = Shipment(
            *(self.free(Shipment), company, 99, package, transfer, self.now, self.now),
            awb_number=awb,
            update_date_time=self.now,
            query_number=awb,
        )
        return made, {("Shipment", made.id): made}

    def label(self) -> tuple[ShippingLabel, Changes]:
        made = ShippingLabel(self.free(ShippingLabel), self.subject.id, uuid=self.the_new(ShippingLabel).uuid)
        return made, {("ShippingLabel", made.id): made}

    def left_quota(self) -> dict[int, int]:
        """Give the change of the location's quota that the move makes."""
        more = (self.edge.destination_state in ON_QUOTA) - (self.subject.state in ON_QUOTA)
        return {self.subject.stock_location: more} if more else {}

    def transfer_items(self, state: int) -> Changes:
        items = self.root.find(TransferItem, "transfer_order", self.subject.id)
        return {("TransferItem", item.id): {"state": state, "modified_date": self.now} for item in items}
