"""Generated traffic: the moves of orders that are created after a world's start, as a table of states.

The weights and the waits are assumed. The state graph decides whether a move is possible. Random values depend on the
seed and the record alone, and not on the time of the computation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from emulator.core.jsontext import JsonObject
from emulator.core.records import (
    DenialReason,
    Order,
    Package,
    PackageItem,
    Product,
    RecordKind,
    State,
    Stock,
    StockLocation,
    TransferOrder,
    TransitionLog,
)
from emulator.core.seeded_random import draw, u16
from emulator.core.steps import Step
from emulator.core.store import View
from emulator.rules.graph import Subject, offered

WHO = "admin"
"""The user of generated commands."""
FACES = 65_536
PREVIOUS = "(where it came from)"
"""Destination of a move back to the previous state."""
CARRIER, CANCEL, INVOICE, NOTHING = "(carrier)", "(cancel)", "(invoice)", "(nothing)"
"""Used in place of a command code: a carrier event, a cancellation by the customer, an invoice, no move."""


class Move(NamedTuple):
    """A possible move of a record: its weight, its command code and its destination."""

    weight: int
    code: str
    to: str = ""
    """Enum value of the destination state, or the carrier event."""


class Stage(NamedTuple):
    """How many minutes a record stays in a state, and its possible moves afterwards."""

    least: int
    most: int
    moves: tuple[Move, ...]


PACKAGES: Mapping[str, Stage] = {
    "100": Stage(3, 20, (
        Move(76, "PREPARE_PACKAGE_COMMAND", "200"), Move(6, "COMPLETE_PACKAGING", "500"),
        Move(6, "REFUSE_PACKAGE", "910"), Move(4, "DETECTED_OUT_OF_STOCK_ITEM", "920"),
        Move(2, "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED", "920"), Move(3, "PKG_STATE_TRANSITION", "350"),
        Move(1, "PKG_STATE_TRANSITION", "990"), Move(1, "BLOCK_THE_PACKAGE", "950"), Move(1, CANCEL),
    )),
    "200": Stage(5, 30, (
        Move(30, "PKG_STATE_TRANSITION", "400"), Move(58, "COMPLETE_PACKAGING", "500"),
        Move(6, "COMPLETE_PACKAGING", "450"), Move(5, "REFUSE_PACKAGE", "910"), Move(1, "BLOCK_THE_PACKAGE", "950"),
    )),
    "300": Stage(300, 420, (Move(1, CANCEL),)),  # only without a transfer order that could complete it
    "350": Stage(10, 40, (
        Move(70, "PREPARE_PACKAGE_COMMAND", "200"), Move(22, "PKG_STATE_TRANSITION", "100"),
        Move(8, "REFUSE_PACKAGE", "910"),
    )),
    "400": Stage(5, 20, (Move(90, "COMPLETE_PACKAGING", "500"), Move(10, "COMPLETE_PACKAGING", "450"))),
    "450": Stage(5, 15, (Move(1, "UPDATE_SHIPMENT_LABEL", "500"),)),
    "500": Stage(10, 40, (
        Move(50, "SHIP_PACKAGE", "600"), Move(20, "SHIPMENT_ORDER", "600"), Move(30, INVOICE),
    )),
    "600": Stage(30, 120, (
        Move(82, CARRIER, "delivered"), Move(13, CARRIER, "attempted"), Move(5, CARRIER, "failed"),
    )),
    "650": Stage(30, 90, (Move(85, CARRIER, "delivered"), Move(15, CARRIER, "failed"))),
    "700": Stage(45, 120, (Move(60, CARRIER, "delivered"), Move(40, NOTHING))),
    "950": Stage(15, 60, (Move(1, "UNBLOCK_THE_PACKAGE", PREVIOUS),)),
    "990": Stage(10, 30, (Move(1, "PKG_STATE_TRANSITION", "900"),)),
}  # fmt: skip
"""Enum value of a package state -> stage. A state that is not listed is final."""

TRANSFERS: Mapping[str, Stage] = {
    "waiting": Stage(10, 40, (
        Move(60, "DISPATCH_TRANSFER_ORDER", "in_transit"),
        Move(30, "READY_TO_SHIP_TRANSFER_ORDER", "ready_to_shipment"),
        Move(6, "TRANSFER_PRODUCT_NOT_FOUND", "cancelled"), Move(4, "RENEW_TRANSFER", "cancelled"),
    )),
    "ready_to_shipment": Stage(5, 20, (Move(1, "DISPATCH_TRANSFER_ORDER", "in_transit"),)),
    "in_transit": Stage(30, 120, (Move(1, "DELIVER_TRANSFER_ORDER", "transferred"),)),
}  # fmt: skip
STAGES: Mapping[RecordKind, Mapping[str, Stage]] = {Package: PACKAGES, TransferOrder: TRANSFERS}
COMMANDS: Mapping[RecordKind, str] = {Package: "command_package", TransferOrder: "command_transfer"}


class Next(NamedTuple):
    """The time of the next look at a record, and its number since the record entered its state."""

    at: datetime
    attempt: int


def entered(view: View, subject: Subject) -> datetime:
    """Return when a package or transfer order entered its state."""
    content_type = view.one(State, subject.state).content_type
    logs = view.related(TransitionLog, "subject", (content_type, subject.id))
    return view.one(TransitionLog, logs[-1]).created_date if logs else subject.created_date


def stage_of(view: View, subject: Subject) -> Stage | None:
    """Return the stage of a package or transfer order, or None in a final state."""
    return STAGES[type(subject)].get(view.one(State, subject.state).enum_value)


def dice_of(seed: int, subject: Subject, since: datetime, attempt: int) -> bytes:
    """Return the random bytes of one look at a record in its state."""
    return draw(seed, f"live {type(subject).__name__} {subject.state} {since.isoformat()} {subject.id}", attempt)


def next_look(view: View, seed: int, subject: Subject, after: datetime) -> Next | None:
    """Return the next look at a record that is later than `after`, or None in a final state.

    The looks follow each other at a random interval, which starts when the record enters its state.
    """
    stage = stage_of(view, subject)
    if stage is None:
        return None
    since = entered(view, subject)
    spread = (stage.most - stage.least) * 60_000
    interval = timedelta(
        milliseconds=stage.least * 60_000 + spread * u16(dice_of(seed, subject, since, 0), 0) // FACES
    )
    attempt = max((after - since) // interval, 0)
    return Next(since + interval * (attempt + 1), attempt)


def move_step(view: View, seed: int, subject: Subject, attempt: int) -> Step | None:
    """Return the step of a look at a record, or None if nothing happens or the graph does not allow the move."""
    stage = stage_of(view, subject)
    if stage is None:
        return None
    random = dice_of(seed, subject, entered(view, subject), attempt)
    move = weighted(stage.moves, u16(random, 2))
    path = {"pk": subject.id}
    if move.code == CARRIER:
        return Step("control_report_carrier", path, body={"event": move.to})
    if move.code == CANCEL:
        return Step("control_cancel_package", path)
    if move.code == INVOICE:
        return Step("invoice_package", path, WHO)
    if move.code == NOTHING:
        return None
    return command_step(view, subject, move, random)


def weighted(moves: tuple[Move, ...], random: int) -> Move:
    """Return the move that a random number below 65,536 selects."""
    left = random * sum(move.weight for move in moves) // FACES
    for move in moves:
        left -= move.weight
        if left < 0:
            return move
    return moves[-1]


def command_step(view: View, subject: Subject, move: Move, random: bytes) -> Step | None:
    """Return the command that makes a move, or None if the installation does not offer it."""
    destination = previous_value(view, subject) if move.to == PREVIOUS else move.to
    for transition in offered(view, subject.state):
        if (
            transition.command_code == move.code
            and view.one(State, transition.destination_state).enum_value == destination
        ):
            body = {"transition": transition.id, "input_parameters": parameters(view, subject, move.code, random)}
            return Step(COMMANDS[type(subject)], {"pk": subject.id}, WHO, body=body)
    return None


def previous_value(view: View, subject: Subject) -> str | None:
    """Return the enum value of a record's previous state."""
    logs = view.find(TransitionLog, "subject", (view.one(State, subject.state).content_type, subject.id))
    return view.one(State, logs[-1].old_state).enum_value if logs else None


def parameters(view: View, subject: Subject, code: str, random: bytes) -> JsonObject:
    """Return the required or usual parameters of a command."""
    if code == "REFUSE_PACKAGE":
        reasons = [reason.id for reason in view.all(DenialReason) if reason.is_active]
        return {"denial_reason": reasons[random[4] % len(reasons)]} if reasons else {}
    if code == "UPDATE_SHIPMENT_LABEL":
        return {"package_items": []}
    if code.startswith("DETECTED_OUT_OF_STOCK_ITEM"):
        items = list(view.related(PackageItem, "package", subject.id))
        return {"package_items": items[:1] if code.endswith("ADVANCED") else items}
    return {}


# Orders and stock


def order_step(view: View, seed: int, number: int) -> Step | None:
    """Return the step that places the order with this number, or None in a world without products."""
    products = [product.sku for product in view.all(Product)]
    if not products:
        return None
    random = draw(seed, "live order", number)
    skus = dict.fromkeys(products[u16(random, 2 + 2 * at) % len(products)] for at in range(1 + random[0] // 110))
    lines = [{"sku": sku, "quantity": 1 + random[10 + at] // 200} for at, sku in enumerate(skus)]
    options = {"is_click_and_collect": True} if random[1] < 20 else {}
    return Step("control_make_order", body={"lines": lines, **options})


LOW, FULL = 6, 40
"""Stock below `LOW` is refilled to at least `FULL`."""


def restocking(view: View, seed: int, hour: int) -> Iterator[Step]:
    """Yield a step for each stock of an active location that is nearly empty."""
    active = {location.id for location in view.all(StockLocation) if location.is_active}
    for stock in view.all(Stock):
        if stock.quantity < LOW and stock.stock_location in active:
            more = draw(seed, f"live stock {stock.id}", hour)[0] % 20
            path: dict[str, int | str] = {
                "location_id": stock.stock_location,
                "sku": view.one(Product, stock.product).sku,
            }
            yield Step("control_put_stock", path, body={"quantity": FULL + more})


# Finished orders

KEPT_PACKAGES = 200
KEPT_FOR = timedelta(hours=1)
IDLE = timedelta(hours=24)


def is_over(view: View, package: Package, now: datetime) -> bool:
    """Return whether a package has been in a final state for an hour, or unchanged for a day."""
    age = now - max(entered(view, package), package.modified_date)
    return age > (KEPT_FOR if stage_of(view, package) is None else IDLE)


def orders_over(view: View, now: datetime) -> list[int]:
    """Return the ids of the added orders that are finished and do not belong to the newest packages."""
    added = view.added_ids(Package)
    finished: dict[int, None] = {}
    for id_ in added[:-KEPT_PACKAGES]:
        order = view.one(Package, id_).order
        if order in finished or view.base.get(Order, order) is not None:
            continue
        packages = view.find(Package, "order", order)
        if packages[-1].id < added[-KEPT_PACKAGES] and all(is_over(view, package, now) for package in packages):
            finished[order] = None
    return list(finished)
