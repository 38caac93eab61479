"""Generated traffic: the moves of orders through the state graph, the deletion of finished orders, and overtaking.

The weights and the waits of the moves are assumed. The state graph decides whether a move is possible. Random values
depend on the seed and the record alone, and not on the time of the computation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from emulator.core import records
from emulator.core.errors import Conflict
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject
from emulator.core.seeded_random import draw, u16
from emulator.domain.arranging.packages import CANCEL_CODE, CARRIER_TRANSITIONS
from emulator.domain.commands.transfers import TRANSFERRED, TRANSFERS_COMPLETE
from emulator.domain.state_graph import (
    COMMAND,
    Subject,
    offered_transitions,
    shortest_path,
    sibling_state_id,
    slug_or_label,
)
from emulator.domain.stock import end_reservations
from emulator.state.steps import Step
from emulator.state.store import Reader, Transaction

TRAFFIC_USER = "admin"
"""The user of generated commands."""
NO_RANDOM_DATA = bytes(32)
"""The parameters of an overtaking command are the first that are possible."""
RANDOM_RANGE = 65_536
LOW_STOCK, FULL_STOCK = 6, 40
"""Stock below `LOW_STOCK` is refilled to at least `FULL_STOCK`."""
RETAINED_PACKAGES = 200
"""Number of the newest packages whose orders are never deleted."""
RETENTION_PERIOD = timedelta(hours=1)
IDLE_PERIOD = timedelta(hours=24)
"""A package is finished after this time in a final state, or after this time without a change."""
PREVIOUS_STATE = "(previous state)"
"""Destination of a move back to the previous state."""
CARRIER, CANCEL, INVOICE, NO_MOVE = "(carrier)", "(cancel)", "(invoice)", "(no move)"
"""Used in place of a command code: a carrier event, a cancellation by the customer, an invoice, no move."""


class RandomMove(NamedTuple):
    """A possible move of a record: its weight, its command code and its destination."""

    weight: int
    code: str
    target: str = ""
    """Enum value of the destination state, or the carrier event."""


class StateStage(NamedTuple):
    """How many minutes a record stays in a state, and its possible moves afterwards."""

    min_minutes: int
    max_minutes: int
    moves: tuple[RandomMove, ...]


STAGES: Mapping[records.RecordKind, Mapping[str, StateStage]] = {
    records.KINDS[kind]: {
        value: StateStage(**stage | {"moves": tuple(RandomMove(*move) for move in stage["moves"])})
        for value, stage in stages.items()
    }
    for kind, stages in load_fixture("traffic").items()
}
"""Kind -> enum value of a state -> stage. A state that is not listed is final.

A package in state 300 leaves it by a cancellation only if no transfer order completes it before.
"""
COMMANDS: Mapping[records.RecordKind, str] = {
    records.Package: "command_package",
    records.TransferOrder: "command_transfer",
}


class NextCheck(NamedTuple):
    """The time of the next check of a record, and its number since the record entered its state."""

    at: datetime
    attempt: int


def state_entered_at(view: Reader, subject: Subject) -> datetime:
    """Return when a package or transfer order entered its state."""
    logs = view.related(records.TransitionLog, "subject", subject_key(view, subject))
    return view.get_existing(records.TransitionLog, logs[-1]).created_date if logs else subject.created_date


def current_stage(view: Reader, subject: Subject) -> StateStage | None:
    """Return the stage of a package or transfer order, or None in a final state."""
    return STAGES[type(subject)].get(view.get_existing(records.State, subject.state).enum_value)


def draw_for_check(seed: int, subject: Subject, since: datetime, attempt: int) -> bytes:
    """Return the random bytes of one check of a record in its state."""
    return draw(seed, f"live {type(subject).__name__} {subject.state} {since.isoformat()} {subject.id}", attempt)


def next_check(view: Reader, seed: int, subject: Subject, after: datetime) -> NextCheck | None:
    """Return the next check of a record that is later than `after`, or None in a final state.

    The checks follow each other at a random interval, which starts when the record enters its state.
    """
    stage = current_stage(view, subject)
    if stage is None:
        return None
    since = state_entered_at(view, subject)
    spread = (stage.max_minutes - stage.min_minutes) * 60_000
    interval = timedelta(
        milliseconds=stage.min_minutes * 60_000
        + spread * u16(draw_for_check(seed, subject, since, 0), 0) // RANDOM_RANGE
    )
    attempt = max((after - since) // interval, 0)
    return NextCheck(since + interval * (attempt + 1), attempt)


def build_move_step(view: Reader, seed: int, subject: Subject, attempt: int) -> Step | None:
    """Return the step of a check, or None if the record does not move or the graph does not allow the move."""
    stage = current_stage(view, subject)
    if stage is None:
        return None
    random = draw_for_check(seed, subject, state_entered_at(view, subject), attempt)
    move = choose_weighted(stage.moves, u16(random, 2))
    path = {"pk": subject.id}
    if move.code == CARRIER:
        return Step("control_report_carrier", path, body={"event": move.target})
    if move.code == CANCEL:
        return Step("control_cancel_package", path)
    if move.code == INVOICE:
        return Step("invoice_package", path, TRAFFIC_USER)
    if move.code == NO_MOVE:
        return None
    return build_command_step(view, subject, move, random)


def choose_weighted(moves: tuple[RandomMove, ...], random: int) -> RandomMove:
    """Return the move that a random number below 65,536 selects."""
    left = random * sum(move.weight for move in moves) // RANDOM_RANGE
    for move in moves:
        left -= move.weight
        if left < 0:
            return move
    return moves[-1]


def build_command_step(view: Reader, subject: Subject, move: RandomMove, random: bytes) -> Step | None:
    """Return the command that makes a move, or None if the installation does not offer it."""
    destination = previous_state_value(view, subject) if move.target == PREVIOUS_STATE else move.target
    for transition in offered_transitions(view, subject.state):
        value = view.get_existing(records.State, transition.destination_state).enum_value
        if transition.command_code == move.code and value == destination:
            return command_step(view, subject, transition, random)
    return None


def command_step(
    view: Reader, subject: Subject, transition: records.Transition, random: bytes = NO_RANDOM_DATA
) -> Step:
    """Return the command that makes a transition."""
    parameters = command_parameters(view, subject, transition.command_code, random)
    body = {"transition": transition.id, "input_parameters": parameters}
    return Step(COMMANDS[type(subject)], {"pk": subject.id}, TRAFFIC_USER, body=body)


def previous_state_value(view: Reader, subject: Subject) -> str | None:
    """Return the enum value of a record's previous state."""
    logs = view.find(records.TransitionLog, "subject", subject_key(view, subject))
    return view.get_existing(records.State, logs[-1].old_state).enum_value if logs else None


def command_parameters(view: Reader, subject: Subject, code: str, random: bytes) -> JsonObject:
    """Return the required or usual parameters of a command."""
    build = PARAMETERS.get(code)
    return {} if build is None else build(view, subject, random)


def random_denial_reason(view: Reader, _: Subject, random: bytes) -> JsonObject:
    reasons = [reason.id for reason in view.all(records.DenialReason) if reason.is_active]
    return {"denial_reason": reasons[random[4] % len(reasons)]} if reasons else {}


def all_items(view: Reader, subject: Subject, _: bytes) -> JsonObject:
    return {"package_items": list(view.related(records.PackageItem, "package", subject.id))}


def one_group(view: Reader, subject: Subject, random: bytes) -> JsonObject:
    """Assign all items to the first active location that has an ERP code."""
    codes = [each.erp_code for each in view.all(records.StockLocation) if each.is_active and each.erp_code]
    groups = [{**all_items(view, subject, random), "erp_code": code} for code in codes[:1]]
    return {"assignment_groups": groups}


def carrier_and_number(view: Reader, subject: Subject, _: bytes) -> JsonObject:
    carriers = [each.id for each in view.all(records.CargoCompany) if each.is_active]
    return {"cargo_company": carriers[0] if carriers else None, "tracking_number": f"{subject.number}-1"}


def invoice_document(_: Reader, subject: Subject, __: bytes) -> JsonObject:
    return {
        "invoice_number": f"{subject.number}-1",
        "invoice_document_type": "html",
        "document_content": "<p>Invoice</p>",
        "invoice_date": f"{subject.created_date:%Y-%m-%d}",
    }


PARAMETERS: Mapping[str, Callable[[Reader, Subject, bytes], JsonObject]] = {
    "REFUSE_PACKAGE": random_denial_reason,
    "UPDATE_SHIPMENT_LABEL": lambda *_: {"package_items": []},
    "DETECTED_OUT_OF_STOCK_ITEM": all_items,
    "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED": lambda *about: {"package_items": all_items(*about)["package_items"][:1]},
    "MANUAL_PLANNING": one_group,
    "SHIPMENT_ORDER_ADVANCE": carrier_and_number,
    "READY_TO_SHIP_TRANSFER_ORDER_ADVANCE": carrier_and_number,
    "UPDATE_SHIPMENT_INFO_OF_PACKAGE": carrier_and_number,
    "UPDATE_INVOICE_OF_THE_PACKAGE": invoice_document,
}
"""Command code -> function that builds its parameters. Other commands need none."""


def build_order_step(view: Reader, seed: int, number: int) -> Step | None:
    """Return the step that places the order with this number, or None in a world without products."""
    products = [product.sku for product in view.all(records.Product)]
    if not products:
        return None
    random = draw(seed, "live order", number)
    skus = dict.fromkeys(products[u16(random, 2 + 2 * at) % len(products)] for at in range(1 + random[0] // 110))
    lines = [{"sku": sku, "quantity": 1 + random[10 + at] // 200} for at, sku in enumerate(skus)]
    options = {"is_click_and_collect": True} if random[1] < 20 else {}
    return Step("control_make_order", body={"lines": lines, **options})


def build_restock_steps(view: Reader, seed: int, hour: int) -> Iterator[Step]:
    """Yield a step for each stock of an active location that is nearly empty."""
    active = {location.id for location in view.all(records.StockLocation) if location.is_active}
    for stock in view.all(records.Stock):
        if stock.quantity < LOW_STOCK and stock.stock_location in active:
            more = draw(seed, f"live stock {stock.id}", hour)[0] % 20
            sku = view.get_existing(records.Product, stock.product).sku
            yield Step(
                "control_put_stock",
                {"location_id": stock.stock_location, "sku": sku},
                body={"quantity": FULL_STOCK + more},
            )


# --- deletion of finished orders ------------------------------------------------------------------------------------


def is_finished(view: Reader, package: records.Package, now: datetime) -> bool:
    """Return whether a package has been in a final state for an hour, or unchanged for a day."""
    age = now - max(state_entered_at(view, package), package.modified_date)
    return age > (RETENTION_PERIOD if current_stage(view, package) is None else IDLE_PERIOD)


def finished_orders(view: Reader, now: datetime) -> list[int]:
    """Return the ids of the added orders that are finished and do not belong to the newest packages."""
    added = view.added_ids(records.Package)
    finished: dict[int, None] = {}
    for id_ in added[:-RETAINED_PACKAGES]:
        order = view.get_existing(records.Package, id_).order
        if order in finished or view.base.get(records.Order, order) is not None:
            continue
        packages = view.find(records.Package, "order", order)
        is_old = packages[-1].id < added[-RETAINED_PACKAGES]
        if is_old and all(is_finished(view, package, now) for package in packages):
            finished[order] = None
    return list(finished)


def delete_orders(tx: Transaction, orders: Iterable[int]) -> int:
    """Delete orders and return how many. Orders of the scenario and orders with pending events are kept."""
    deletable = [
        order for id_ in orders if (order := tx.get(records.Order, id_)) is not None and is_deletable(tx, order)
    ]
    packages = {id_ for order in deletable for id_ in tx.related(records.Package, "order", order.id)}
    transfers = {id_ for package in packages for id_ in tx.related(records.TransferOrder, "package", package)}
    shipments = [
        each
        for each in added_records(tx, records.Shipment)
        if each.package in packages or each.transfer_order in transfers  # cancelled shipments, too
    ]
    labels = [each for each in added_records(tx, records.ShippingLabel) if each.package in packages]
    for order in deletable:
        delete_order(tx, order)
    for record in (*shipments, *labels):
        tx.remove(record)
    return len(deletable)


def added_records(view: Reader, kind: records.RecordKind) -> Iterator[records.Record]:
    """Yield the records of a kind that were added after the scenario's start."""
    return (view.get_existing(kind, id_) for id_ in view.added_ids(kind))


def is_deletable(view: Reader, order: records.Order) -> bool:
    if view.base.has(records.Order, order.id):
        return False
    keys = (subject_key(view, subject) for subject in logged_records(view, order))
    return all(event.due is None for key in keys for event in view.find(records.WebhookEvent, "subject", key))


def logged_records(
    view: Reader, order: records.Order
) -> Iterator[records.Order | records.Package | records.TransferOrder]:
    """Yield the records of an order that have logs and events."""
    for package in view.find(records.Package, "order", order.id):
        yield package
        yield from view.find(records.TransferOrder, "package", package.id)
    yield order


def subject_key(view: Reader, subject: records.Order | records.Package | records.TransferOrder) -> tuple[int, int]:
    return (view.get_existing(records.State, subject.state).content_type, subject.id)


def delete_order(tx: Transaction, order: records.Order) -> None:
    """Delete an order with everything that belongs to it, and its customer if no other order has the customer."""
    for subject in logged_records(tx, order):
        for kind in (records.WebhookEvent, records.TransitionLog):
            for record in tx.find(kind, "subject", subject_key(tx, subject)):
                tx.remove(record)
    for package in tx.find(records.Package, "order", order.id):
        end_reservations(tx, package, give_back=True)
    remove_with_dependents(tx, order)
    customer = tx.get_existing(records.Customer, order.customer)
    if not tx.related(records.Order, "customer", customer.id) and not tx.base.has(records.Customer, customer.id):
        for id_ in {order.shipping_address, order.billing_address}:
            tx.remove(tx.get_existing(records.Address, id_))
        tx.remove(customer)


DEPENDENTS: Mapping[records.RecordKind, tuple[tuple[records.RecordKind, str], ...]] = {
    records.Order: ((records.Package, "order"), (records.OrderItem, "order")),
    records.Package: (
        (records.TransferOrder, "package"),
        (records.Invoice, "package"),
        (records.InvoiceDocument, "package"),
        (records.PackageItem, "package"),
    ),
    records.TransferOrder: ((records.TransferItem, "transfer_order"),),
    records.Invoice: ((records.InvoiceItem, "invoice"),),
}
"""Kind -> the kinds of the records that belong to it, and the relations that find them."""


def remove_with_dependents(tx: Transaction, record: records.Record) -> None:
    """Remove a record after the records that belong to it."""
    for kind, relation in DEPENDENTS.get(type(record), ()):
        for dependent in tx.find(kind, relation, record.id):
            remove_with_dependents(tx, dependent)
    tx.remove(record)


# --- overtaking -----------------------------------------------------------------------------------------------------

CARRIER_EVENTS = {code: event for event, code in CARRIER_TRANSITIONS.items()}
"""Command code of a carrier's transition -> carrier event."""


def build_overtaking_steps(view: Reader, subject: Subject, transition_id: int | None = None) -> list[Step]:
    """Return the writes by which another actor moves a record.

    The default transition is the first that leads out of the record's state: one of the carrier or the operator, of
    another client, or of the planner. Raise `Conflict` if the state does not allow the transition, or has none.
    """
    allowed = [
        each for each in view.find(records.Transition, "source_state", subject.state) if is_possible(each, subject)
    ]
    if transition_id is None:
        allowed = [each for each in allowed if each.source_state != each.destination_state]
    for transition in sorted(allowed, key=lambda each: (actor_rank(each), each.position, each.id)):
        if transition_id in (None, transition.id):
            return transition_steps(view, subject, transition)
    names = [f"{each.id} {slug_or_label(each)}" for each in allowed]
    what = "no transition leads" if transition_id is None else f"transition {transition_id} does not lead"
    raise Conflict(f'{what} out of state "{view.get_existing(records.State, subject.state).name}"', names)


def is_possible(transition: records.Transition, subject: Subject) -> bool:
    """Return whether recorded writes can make the transition."""
    code = transition.command_code
    is_of_package = code in CARRIER_EVENTS or code == TRANSFERS_COMPLETE
    return (
        transition.actor == COMMAND or code == CANCEL_CODE or (is_of_package and isinstance(subject, records.Package))
    )


def actor_rank(transition: records.Transition) -> int:
    """Return the place of a transition's actor in the order of the default."""
    return 2 if transition.command_code == TRANSFERS_COMPLETE else int(transition.actor == COMMAND)


def transition_steps(view: Reader, subject: Subject, transition: records.Transition) -> list[Step]:
    """Return the writes that make a transition. A transfer order is cancelled with its package."""
    if transition.actor == COMMAND:
        return [command_step(view, subject, transition)]
    if transition.command_code == TRANSFERS_COMPLETE:
        return arrival_steps(view, subject)
    if transition.command_code == CANCEL_CODE:
        package = subject.package if isinstance(subject, records.TransferOrder) else subject.id
        return [Step("control_cancel_package", {"pk": package})]
    event = CARRIER_EVENTS[transition.command_code]
    return [Step("control_report_carrier", {"pk": subject.id}, body={"event": event})]


def arrival_steps(view: Reader, subject: Subject) -> list[Step]:
    """Return the writes by which all open transfer orders of a package arrive, or raise `Conflict` if it has none."""
    steps = [
        command_step(view, transfer, transition)
        for transfer in view.find(records.TransferOrder, "package", subject.id)
        for transition in shortest_path(view, transfer.state, sibling_state_id(view, transfer.state, TRANSFERRED))
    ]
    if not steps:
        raise Conflict(f"{subject.number} has no open transfer order whose arrival would complete it")
    return steps
