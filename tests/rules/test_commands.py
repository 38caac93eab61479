"""Each transition changes exactly these records, writes one log entry and these events; and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.core.records import (
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    ShippingLabel,
    State,
    Stock,
    TransferItem,
    TransferOrder,
    Transition,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.core.world import World
from emulator.rules.commands import COMMANDS, run
from tests.support.worlds import Tables, changes, tables

ADMIN = 1
WAITING, PREPARING, PACKED, OUT_OF_STOCK, REPLAN = 35, 37, 40, 51, 52
ITEM_PREPARING, ITEM_PACKED, ITEM_OUT, ITEM_REPLAN = 57, 61, 65, 67
ORDER_PREPARING = 28


class Case:
    """A record of the demonstration, and what a command did to it: every table before and after."""

    def __init__(self, kind: type[Any], state: int) -> None:
        self.oms = Emulator("demo")
        self.kind, self.world = kind, self.oms.world
        self.subject = next(record for record in self.world.root.all(kind) if record.state == state)
        self.path = "packages" if kind is Package else "transfer_orders"
        self.before = tables(self.world.root)

    def post(self, transition: int, **parameters: Any) -> Any:
        """Send the command; give the answer. Parameters may be functions of this case."""
        filled = {key: value(self) if callable(value) else value for key, value in parameters.items()}
        self.transition = self.world.root.one(Transition, transition)
        return self.oms.session().post(
            f"/api/v1/oms/{self.path}/{self.subject.id}/command/",
            json={"transition": transition, "input_parameters": filled},
        )

    @property
    def after(self) -> Tables:
        return tables(self.world.root)

    @property
    def changes(self) -> dict[tuple[str, int], dict[str, Any] | None]:
        return changes(self.before, self.after)

    def new(self, kind: type[Any]) -> list[Any]:
        return [record for id_, record in self.after[kind].items() if id_ not in self.before[kind]]

    @property
    def items(self) -> list[PackageItem]:
        return self.world.root.find(PackageItem, "package", self.subject.id)

    def events(self) -> list[tuple[str, int]]:
        """Give type and subject of each new event, in their order."""
        return [(self.before[Webhook][event.webhook].event_type, event.object_id) for event in self.new(WebhookEvent)]

    def expected_log(self) -> TransitionLog:
        command = {"slug": self.transition.command_code, "transition_id": self.transition.id}
        return TransitionLog(
            id=self.world.base.next_id(TransitionLog),
            old_state=self.subject.state,
            new_state=self.transition.destination_state,
            object_id=self.subject.id,
            content_type=self.before[State][self.subject.state].content_type,
            user=ADMIN,
            attributes=orjson.dumps({"command": {**command, "remote_user_pk": str(ADMIN)}}),
            created_date=self.world.clock.now(),
        )

    def check(self, expected: dict[tuple[str, int], dict[str, Any] | None], events: list[str]) -> None:
        """Insist on these changes, a log entry and these events about the subject, and on nothing else."""
        now = {"modified_date": self.world.clock.now()}
        told = {key: columns if columns is None else columns | now for key, columns in expected.items()}
        log = self.expected_log()
        assert self.new(TransitionLog) == [log]
        made = {("TransitionLog", log.id): None}
        made |= {("WebhookEvent", event.id): None for event in self.new(WebhookEvent)}
        assert self.changes == told | made
        assert self.events() == [(event_type, self.subject.id) for event_type in events]

    def moved(self, items: int, state: int | None = None) -> dict[tuple[str, int], dict[str, Any] | None]:
        """Give the changes of the package and of its items."""
        found: dict[tuple[str, int], dict[str, Any] | None] = {
            ("PackageItem", item.id): {"state": items} for item in self.items
        }
        return found | {("Package", self.subject.id): {"state": state or self.transition.destination_state}}

    def prepared(self) -> dict[tuple[str, int], dict[str, Any] | None]:
        """Give the changes of the order items, which packing makes Preparing."""
        return {("OrderItem", item.order_item): {"state": ORDER_PREPARING} for item in self.items}


def item_ids(case: Case) -> list[int]:
    return [item.id for item in case.items]


@pytest.mark.parametrize("transition", [199, 138])
def test_preparing_moves_the_package_and_its_items(transition: int) -> None:
    """Order items, stock and shipments stay as they are."""
    case = Case(Package, WAITING)
    assert case.post(transition).status_code == 204
    assert case.transition.destination_state == PREPARING
    case.check(case.moved(ITEM_PREPARING), ["package.status.transitioned"])


@pytest.mark.parametrize("transition", [232, 331])
def test_packing_without_shipment_packs_the_items_and_prepares_the_order_items(transition: int) -> None:
    case = Case(Package, WAITING)
    assert case.post(transition).status_code == 204
    expected = case.moved(ITEM_PACKED, PACKED) | case.prepared()
    case.check(expected, ["package.status.transitioned", "package.status.packed"])


@pytest.mark.parametrize(
    ("parameters", "company"), [({}, 1), ({"cargo_company": 728}, 728), ({"cargo_company": "728"}, 728)]
)
def test_packing_makes_a_shipment_and_its_label(parameters: dict[str, Any], company: int) -> None:
    case = Case(Package, WAITING)
    assert case.post(3, **parameters).status_code == 204
    (shipment,), (label,) = case.new(Shipment), case.new(ShippingLabel)
    now = case.world.clock.now()
    assert shipment == Shipment(
        *(shipment.id, company, 99, case.subject.id, None, now, now),
        awb_number=shipment.awb_number,
        update_date_time=now,
        query_number=shipment.awb_number,
    )
    assert label == ShippingLabel(label.id, case.subject.id, is_file=False, uuid=label.uuid)
    expected = case.moved(ITEM_PACKED, PACKED) | case.prepared()
    columns: Any = expected["Package", case.subject.id]
    columns |= {"shipment": shipment.id, "shipping_label": label.id, "tracking_number": shipment.awb_number}
    made: dict[tuple[str, int], None] = {("Shipment", shipment.id): None, ("ShippingLabel", label.id): None}
    case.check(expected | made, ["package.status.transitioned", "package.status.packed"])


REPLANS = {
    "out of stock": (430, {"package_items": item_ids}, OUT_OF_STOCK, ITEM_OUT),
    "refused": (166, {}, REPLAN, ITEM_REPLAN),
}


def replanned(transition: int, parameters: dict[str, Any]) -> tuple[Case, Any]:
    """Find a waiting package whose items another location has."""
    for at in range(20):
        case = Case(Package, WAITING)
        waiting = [record for record in case.world.root.all(Package) if record.state == WAITING]
        if at == len(waiting):
            break
        case.subject = waiting[at]
        answer = case.post(transition, **parameters)
        if answer.status_code == 200:
            return case, answer
    raise AssertionError("the demonstration has no package that can be planned anew")


@pytest.mark.parametrize(("transition", "parameters", "state", "items"), REPLANS.values(), ids=REPLANS)
def test_planning_anew_makes_a_package_elsewhere(transition: int, parameters: Any, state: int, items: int) -> None:
    case, answer = replanned(transition, parameters)
    (child,) = case.new(Package)
    body = answer.json()
    location = body["package__stock_location__id"]
    assert list(body) == [
        *("package__id", "package__number", "package__stock_location__id", "package__stock_location__name"),
        "is_same_location",
    ]
    assert (body["package__id"], body["package__number"], body["is_same_location"]) == (child.id, child.number, False)
    assert child.stock_location == location != case.subject.stock_location
    order = case.before[Order][case.subject.order]
    assert child.number.startswith(f"{order.number}P")
    extra = orjson.loads(child.extra_information)
    assert extra["parent_package"] == {"id": case.subject.id, "number": case.subject.number}
    assert (child.state, child.order, child.created_date) == (WAITING, order.id, case.world.clock.now())
    copies = case.new(PackageItem)
    assert [item.order_item for item in copies] == [item.order_item for item in case.items]
    assert {(item.package, item.state) for item in copies} == {(child.id, 55)}
    made = {("Package", child.id): None} | {("PackageItem", item.id): None for item in copies}
    now = {"modified_date": case.world.clock.now()}
    moved = {key: columns | now for key, columns in case.moved(items, state).items() if columns is not None}
    events = {("WebhookEvent", event.id): None for event in case.new(WebhookEvent)}
    assert case.changes == moved | made | events | {("TransitionLog", case.expected_log().id): None}
    told = [("package.status.transitioned", case.subject.id), ("package.created", child.id)]
    assert [event for event in case.events() if event[0] != "package.refused"] == told


def test_planning_that_finds_no_location_changes_the_state_and_answers_204() -> None:
    case = Case(Package, WAITING)
    with case.world.transaction() as tx:
        for item in case.items:
            product = tx.one(OrderItem, item.order_item).product
            for stock in tx.find(Stock, "product", product):
                tx.change(stock, quantity=0)
    case.before = tables(case.world.root)
    assert case.post(166).status_code == 204
    case.check(case.moved(ITEM_REPLAN, REPLAN), ["package.status.transitioned"])


def transfer_moves(case: Case, state: int) -> dict[tuple[str, int], dict[str, Any] | None]:
    items = case.world.root.find(TransferItem, "transfer_order", case.subject.id)
    return {("TransferItem", item.id): {"state": state} for item in items}


def test_ready_without_shipment_moves_the_transfer_and_its_items() -> None:
    """The transition's configuration says `create_shipment: false`."""
    case = Case(TransferOrder, 73)
    assert case.post(100).status_code == 204
    case.check(
        transfer_moves(case, 85) | {("TransferOrder", case.subject.id): {"state": 78}},
        ["transfer.status.transitioned"],
    )


def test_ready_advanced_makes_the_shipment_with_the_given_number() -> None:
    case = Case(TransferOrder, 73)
    assert case.post(298, cargo_company=1, tracking_number=" T-1 ").status_code == 204
    (shipment,) = case.new(Shipment)
    now = case.world.clock.now()
    assert shipment == Shipment(
        *(shipment.id, 1, 99, None, case.subject.id, now, now),
        awb_number="T-1",
        update_date_time=now,
        query_number="T-1",
    )
    transfer = {("TransferOrder", case.subject.id): {"state": 78, "transfer_shipment": shipment.id}}
    made = {("Shipment", shipment.id): None}
    case.check(transfer_moves(case, 85) | transfer | made, ["transfer.status.transitioned"])


def test_renewing_cancels_the_transfer_and_makes_another_of_the_same_items() -> None:
    case = Case(TransferOrder, 73)
    items = case.world.root.find(TransferItem, "transfer_order", case.subject.id)
    assert case.post(694).status_code == 204
    (renewed,) = case.new(TransferOrder)
    package = case.before[Package][case.subject.package]
    assert renewed.number == f"{package.number}T2"
    assert (renewed.state, renewed.package, renewed.source, renewed.destination) == (
        *(73, package.id, case.subject.source, case.subject.destination),
    )
    copies = case.new(TransferItem)
    assert [(copy.package_item, copy.product, copy.quantity) for copy in copies] == [
        (item.package_item, item.product, item.quantity) for item in items
    ]
    assert {(copy.transfer_order, copy.state) for copy in copies} == {(renewed.id, 80)}
    followed = {
        ("PackageItem", item.package_item): {"transfer_order": renewed.id, "modified_date": case.world.clock.now()}
        for item in items
        if case.before[PackageItem][item.package_item].transfer_order is not None
    }
    now = {"modified_date": case.world.clock.now()}
    moved = {key: columns | now for key, columns in transfer_moves(case, 82).items() if columns is not None}
    made = {("TransferOrder", renewed.id): None} | {("TransferItem", copy.id): None for copy in copies}
    events = {("WebhookEvent", event.id): None for event in case.new(WebhookEvent)}
    assert case.changes == {
        ("TransferOrder", case.subject.id): {"state": 75} | now,
        ("TransitionLog", case.expected_log().id): None,
        **(moved | made | followed | events),
    }
    assert case.events() == [
        ("transfer.status.transitioned", case.subject.id),
        ("transfer.status.cancelled", case.subject.id),
        ("transfer.status.created", renewed.id),
    ]


PARAMETERS: dict[str, tuple[type[Any], int, dict[str, Any], str, str]] = {
    "no items": (Package, 430, {}, "package_items", "This field is required."),
    "null items": (Package, 430, {"package_items": None}, "package_items", "This field is required."),
    "items that are no list": (
        *(Package, 430, {"package_items": 7}, "package_items"),
        'Expected a list of items but got type "int".',
    ),
    "an empty list": (Package, 430, {"package_items": []}, "package_items", "This list may not be empty."),
    "a text": (Package, 430, {"package_items": ["x"]}, "package_items", "A valid integer is required."),
    "true": (Package, 430, {"package_items": [True]}, "package_items", "A valid integer is required."),
    "another's item": (Package, 430, {"package_items": [1]}, "package_items", 'Invalid pk "1"'),
    "unknown carrier": (
        Package,
        3,
        {"cargo_company": 999},
        "cargo_company",
        'Invalid pk "999" - object does not exist.',
    ),
    "carrier x": (Package, 3, {"cargo_company": "x"}, "cargo_company", 'Invalid pk "x"'),
    "carrier true": (Package, 3, {"cargo_company": True}, "cargo_company", 'Invalid pk "True"'),
    "carrier list": (Package, 3, {"cargo_company": [1]}, "cargo_company", 'Invalid pk "[1]"'),
    "huge carrier": (Package, 3, {"cargo_company": 10**30}, "cargo_company", f'Invalid pk "{10**30}"'),
    "no carrier": (TransferOrder, 298, {"tracking_number": "1"}, "cargo_company", "This field is required."),
    "no number": (TransferOrder, 298, {"cargo_company": 1}, "tracking_number", "This field is required."),
    "blank number": (
        *(TransferOrder, 298, {"cargo_company": 1, "tracking_number": " "}, "tracking_number"),
        "This field may not be blank.",
    ),
    "number list": (
        *(TransferOrder, 298, {"cargo_company": 1, "tracking_number": []}, "tracking_number"),
        "Not a valid string.",
    ),
}


@pytest.mark.parametrize(("kind", "transition", "parameters", "key", "message"), PARAMETERS.values(), ids=PARAMETERS)
def test_a_wrong_parameter_is_refused_and_nothing_changes(
    kind: type[Any], transition: int, parameters: Any, key: str, message: str
) -> None:
    """The key is the parameter's, and neither records nor clock nor ids remember the attempt."""
    case = Case(kind, WAITING if kind is Package else 73)
    root, now = case.world.root, case.world.clock.now()
    answer = case.post(transition, **parameters)
    assert answer.status_code == 400
    body = answer.json()
    assert (list(body), body["status_code"], list(body["error"])) == (["error", "status_code"], 400, [key])
    assert body["error"][key][0].startswith(message)
    assert (case.world.root, case.world.clock.now()) == (root, now)


def test_every_command_of_the_installation_has_a_function() -> None:
    world = Emulator("empty").world
    known = {code for commands in COMMANDS.values() for code in commands}
    assert {transition.command_code for transition in world.root.all(Transition)} == known


def test_an_unknown_command_moves_along_the_graph() -> None:
    """Another installation's transition is carried out as far as its states tell."""
    case = Case(Package, WAITING)
    world: World = case.world
    with world.transaction() as tx:
        transition = tx.change(tx.one(Transition, 199), command_code="NOBODY_KNOWS")
    case.before = tables(world.root)
    with world.transaction() as tx:
        assert run(case.subject, {"transition": transition.id}, None, tx) is None
    assert changes(case.before, case.after)["Package", case.subject.id] == {
        "state": PREPARING,
        "modified_date": world.clock.now(),
    }
    (log,) = case.new(TransitionLog)
    assert (log.user, orjson.loads(log.attributes)) == (
        *(None, {"command": {"slug": "NOBODY_KNOWS", "transition_id": 199}}),
    )


def test_an_event_holds_the_document_as_it_is_after_the_command() -> None:
    case = Case(Package, WAITING)
    assert case.post(232).status_code == 204
    for event in case.new(WebhookEvent):
        stored = orjson.loads(event.request_payload)
        assert stored["payload"]["state"]["id"] == PACKED
        assert stored["event"] == {
            "type": case.before[Webhook][event.webhook].event_type,
            "uuid": event.uuid.replace("-", ""),
        }
        assert {item["state"]["id"] for item in stored["payload"]["packageitem_set"]} == {ITEM_PACKED}
        assert (event.delivered, event.response_http_status, event.retry_count) == (False, None, 0)


def test_an_inactive_hook_hears_nothing() -> None:
    case = Case(Package, WAITING)
    with case.world.transaction() as tx:
        for hook in tx.all(Webhook):
            tx.change(hook, is_active=False)
    case.before = tables(case.world.root)
    assert case.post(199).status_code == 204
    assert case.events() == []
