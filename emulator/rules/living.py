"""What happens next, by itself, to orders that came since a world's start: a table of states and weighted moves.

How a shop goes about its day is no vendor's rule: the shares and the waits are assumed. Whether a move is possible is
for the graph to say. All chance is the seed's and the record's own: nothing here depends on when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from emulator.core.records import (
    DenialReason,
    Order,
    Package,
    PackageItem,
    Product,
    State,
    Stock,
    StockLocation,
    TransferOrder,
    TransitionLog,
)
from emulator.core.seeded_random import draw, u16
from emulator.core.steps import Step
from emulator.core.store import View
from emulator.rules.graph import offered

WHO = "admin"
"""The user on whose behalf the demo's commands are."""
FACES = 65_536
PREVIOUS = "(where it came from)"
"""Destination of a move that leads back."""
CARRIER, CANCEL, INVOICE, NOTHING = "(carrier)", "(cancel)", "(invoice)", "(nothing)"
"""In place of a command's code: a report of the carrier, the customer's second thoughts, an invoice, no move."""


class Move(NamedTuple):
    """What may happen to a record: with this weight among others, a command that leads to a state."""

    weight: int
    code: str
    to: str = ""
    """Enum value of the state, or the carrier's event."""


class Stage(NamedTuple):
    """How long a record stays in a state, in minutes, and what may happen then."""

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
    "300": Stage(300, 420, (Move(1, CANCEL),)),  # only where no transfer order is left that could complete it
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
"""Enum value of a package's state -> what happens there; a state that is not here is an end."""

TRANSFERS: Mapping[str, Stage] = {
    "waiting": Stage(10, 40, (
        Move(60, "DISPATCH_TRANSFER_ORDER", "in_transit"),
        Move(30, "READY_TO_SHIP_TRANSFER_ORDER", "ready_to_shipment"),
        Move(6, "TRANSFER_PRODUCT_NOT_FOUND", "cancelled"), Move(4, "RENEW_TRANSFER", "cancelled"),
    )),
    "ready_to_shipment": Stage(5, 20, (Move(1, "DISPATCH_TRANSFER_ORDER", "in_transit"),)),
    "in_transit": Stage(30, 120, (Move(1, "DELIVER_TRANSFER_ORDER", "transferred"),)),
}  # fmt: skip
STAGES: Mapping[type[Any], Mapping[str, Stage]] = {Package: PACKAGES, TransferOrder: TRANSFERS}
COMMANDS: Mapping[type[Any], str] = {Package: "command_package", TransferOrder: "command_transfer"}


class Next(NamedTuple):
    """When a record is looked at next, and which time that is since it came to its state: each has its own dice."""

    at: datetime
    attempt: int


def entered(view: View, subject: Any) -> datetime:
    """Give when a package or transfer order came to its state."""
    content_type = view.one(State, subject.state).content_type
    logs = view.related(TransitionLog, "subject", (content_type, subject.id))
    return view.one(TransitionLog, logs[-1]).created_date if logs else subject.created_date


def stage_of(view: View, subject: Any) -> Stage | None:
    """Give what is known of the state that a package or transfer order is in; None at an end."""
    return STAGES[type(subject)].get(view.one(State, subject.state).enum_value)


def dice_of(seed: int, subject: Any, since: datetime, attempt: int) -> bytes:
    """Give the dice of one look at a record in its state."""
    return draw(seed, f"live {type(subject).__name__} {subject.state} {since.isoformat()} {subject.id}", attempt)


def next_look(view: View, seed: int, subject: Any, after: datetime) -> Next | None:
    """Give when something may happen to a record next, later than `after`; None where nothing can.

    It is looked at a while after it came to its state, and - where nothing came of that - as long after again.
    """
    stage = stage_of(view, subject)
    if stage is None:
        return None
    since = entered(view, subject)
    spread = (stage.most - stage.least) * 60_000
    while_ = timedelta(milliseconds=stage.least * 60_000 + spread * u16(dice_of(seed, subject, since, 0), 0) // FACES)
    attempt = max((after - since) // while_, 0)
    return Next(since + while_ * (attempt + 1), attempt)


def move_step(view: View, seed: int, subject: Any, attempt: int) -> Step | None:
    """Give what happens to a record at this look, as a step; None where that is nothing, or the graph has no way."""
    stage = stage_of(view, subject)
    if stage is None:
        return None
    dice = dice_of(seed, subject, entered(view, subject), attempt)
    move = weighted(stage.moves, u16(dice, 2))
    path = {"pk": subject.id}
    if move.code == CARRIER:
        return Step("control_report_carrier", path, body={"event": move.to})
    if move.code == CANCEL:
        return Step("control_cancel_package", path)
    if move.code == INVOICE:
        return Step("invoice_package", path, WHO)
    if move.code == NOTHING:
        return None
    return command_step(view, subject, move, dice)


def weighted(moves: tuple[Move, ...], dice: int) -> Move:
    """Give the move on which the dice fall."""
    left = dice * sum(move.weight for move in moves) // FACES
    for move in moves:
        left -= move.weight
        if left < 0:
            return move
    return moves[-1]


def command_step(view: View, subject: Any, move: Move, dice: bytes) -> Step | None:
    """Give the command that takes a move; None where the installation offers none."""
    to = previous_value(view, subject) if move.to == PREVIOUS else move.to
    for transition in offered(view, subject.state):
        if transition.command_code == move.code and view.one(State, transition.destination_state).enum_value == to:
            body = {"transition": transition.id, "input_parameters": parameters(view, subject, move.code, dice)}
            return Step(COMMANDS[type(subject)], {"pk": subject.id}, WHO, body=body)
    return None


def previous_value(view: View, subject: Any) -> str | None:
    """Give the enum value of the state that a record was in before this one."""
    logs = view.find(TransitionLog, "subject", (view.one(State, subject.state).content_type, subject.id))
    return view.one(State, logs[-1].old_state).enum_value if logs else None


def parameters(view: View, subject: Any, code: str, dice: bytes) -> dict[str, Any]:
    """Give the parameters that a command needs, or is usually given."""
    if code == "REFUSE_PACKAGE":
        reasons = [reason.id for reason in view.all(DenialReason) if reason.is_active]
        return {"denial_reason": reasons[dice[4] % len(reasons)]} if reasons else {}
    if code == "UPDATE_SHIPMENT_LABEL":
        return {"package_items": []}
    if code.startswith("DETECTED_OUT_OF_STOCK_ITEM"):
        items = list(view.related(PackageItem, "package", subject.id))
        return {"package_items": items[:1] if code.endswith("ADVANCED") else items}
    return {}


# Orders and stock


def order_step(view: View, seed: int, number: int) -> Step | None:
    """Give the order of this number, as a step; None in a world without products."""
    products = [product.sku for product in view.all(Product)]
    if not products:
        return None
    dice = draw(seed, "live order", number)
    skus = dict.fromkeys(products[u16(dice, 2 + 2 * at) % len(products)] for at in range(1 + dice[0] // 110))
    lines = [{"sku": sku, "quantity": 1 + dice[10 + at] // 200} for at, sku in enumerate(skus)]
    fetched = {"is_click_and_collect": True} if dice[1] < 20 else {}
    return Step("control_make_order", body={"lines": lines, **fetched})


LOW, FULL = 6, 40
"""A shelf with fewer pieces than `LOW` is filled to `FULL` and some more."""


def restocking(view: View, seed: int, hour: int) -> Iterator[Step]:
    """Give a step for each shelf of an active location that is nearly empty."""
    active = {location.id for location in view.all(StockLocation) if location.is_active}
    for stock in view.all(Stock):
        if stock.quantity < LOW and stock.stock_location in active:
            more = draw(seed, f"live stock {stock.id}", hour)[0] % 20
            path: dict[str, int | str] = {
                "location_id": stock.stock_location,
                "sku": view.one(Product, stock.product).sku,
            }
            yield Step("control_put_stock", path, body={"quantity": FULL + more})


# What is over

KEPT_PACKAGES = 200
KEPT_FOR = timedelta(hours=1)
IDLE = timedelta(hours=24)


def is_over(view: View, package: Package, now: datetime) -> bool:
    """Tell whether nothing has happened to a package for long: since its end, or for a day."""
    age = now - max(entered(view, package), package.modified_date)
    return age > (KEPT_FOR if stage_of(view, package) is None else IDLE)


def orders_over(view: View, now: datetime) -> list[int]:
    """Give the world's own orders of which nothing more will be seen, beside the newest packages."""
    own = view.added_ids(Package)
    found: dict[int, None] = {}
    for id_ in own[:-KEPT_PACKAGES]:
        order = view.one(Package, id_).order
        if order in found or view.base.get(Order, order) is not None:
            continue
        packages = view.find(Package, "order", order)
        if packages[-1].id < own[-KEPT_PACKAGES] and all(is_over(view, package, now) for package in packages):
            found[order] = None
    return list(found)
