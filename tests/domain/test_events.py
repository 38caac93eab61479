"""Each change queues one event for each active hook of its type, with the full document after the change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.event_types import EVENT_TYPES
from emulator.core.records import Package, StockLocation, TransferOrder, WebhookEvent
from emulator.state.clock import WRITE_STEP
from tests.domain.commands.arranging import COMMANDS, PACKAGES, TRANSFERS, Kind, parameters, ready_for, send
from tests.support.answers import check_document

Subject = tuple[type[Any], int]
Cause = Callable[[Emulator], Subject]
SKU = "PZ-101-02-L"
PAYLOADS = {Package: "package-payload", TransferOrder: "transfer-payload", StockLocation: "stock-location"}


def command(kind: Kind, code: str) -> Cause:
    """Run the first command with this code on a record that is ready for it."""

    def run(oms: Emulator) -> Subject:
        edge = next(edge for edge in COMMANDS if edge["command_code"] == code and edge in kind.commands)
        record = ready_for(oms, kind, edge)
        return send_transition(oms, kind, edge, record)

    return run


def send_transition(oms: Emulator, kind: Kind, edge: dict[str, Any], record: Any) -> Subject:
    body = {"transition": edge["id"], "input_parameters": parameters(oms, record)}
    answer = send(oms, kind, record.id, body)
    assert answer.status_code in {200, 204}, answer.text
    return kind.record, record.id


def package(code: str) -> Cause:
    return command(PACKAGES, code)


def transfer(code: str) -> Cause:
    return command(TRANSFERS, code)


def shipped_transfer(code: str) -> Cause:
    """Run a command on a transfer order that has a shipment."""

    def run(oms: Emulator) -> Subject:
        _, pk = transfer("READY_TO_SHIP_TRANSFER_ORDER_ADVANCE")(oms)
        record = oms.world.records.get_existing(TransferOrder, pk)
        fitting = (edge for edge in TRANSFERS.commands if edge["command_code"] == code)
        return send_transition(
            oms, TRANSFERS, next(edge for edge in fitting if edge["source_state"] == record.state), record
        )

    return run


def carrier(state: str, event: str) -> Cause:
    return lambda oms: (Package, oms.carrier(oms.package(state=state)["id"], event)["id"])


def place_order(oms: Emulator) -> Subject:
    return Package, oms.order(lines=[{"sku": SKU, "quantity": 1}])["packages"][0]


def replan_package(oms: Emulator) -> Subject:
    package("REFUSE_PACKAGE")(oms)
    return Package, oms.world.records.ids(Package)[-1]


def arrange_package(oms: Emulator) -> Subject:
    return Package, oms.package(state="Packed", items=2)["id"]


def cancel_package(oms: Emulator) -> Subject:
    return Package, oms.cancel_package(oms.package(state="Packed")["id"])["id"]


def wait_for_transfer(oms: Emulator) -> Subject:
    oms.package(state="Waiting for Transfer")
    return TransferOrder, oms.world.records.ids(TransferOrder)[-1]


def renew_transfer(oms: Emulator) -> Subject:
    transfer("RENEW_TRANSFER")(oms)
    return TransferOrder, oms.world.records.ids(TransferOrder)[-1]


def new_location(oms: Emulator) -> Subject:
    return StockLocation, oms.stock_location(name="New")["id"]


def changed_location(oms: Emulator) -> Subject:
    return StockLocation, oms.change_stock_location(1, max_quota=4)["id"]


CAUSES: dict[str, dict[str, Cause]] = {
    "package.created": {"an order": place_order, "replanning": replan_package, "the control API": arrange_package},
    "package.status.transitioned": {
        "a command": package("PREPARE_PACKAGE_COMMAND"),
        "the carrier": carrier("Shipped", "attempted"),
        "the operator": cancel_package,
    },
    "package.status.packed": {
        "packing": package("COMPLETE_PACKAGING"),
        "packing alone": package("COMPLETE_PACKAGING_WITHOUT_SHIPMENT"),
    },
    "package.status.cancelled": {"the operator": cancel_package},
    "package.status.shipped": {
        "shipping": package("SHIP_PACKAGE"),
        "with another carrier": package("SHIPMENT_ORDER_ADVANCE"),
    },
    "package.status.packed_for_refund": {"a command": package("PACKAGE_PACKED_FOR_REFUND")},
    "package.shipment.awb_number": {
        "packing": package("COMPLETE_PACKAGING"),
        "another number": package("UPDATE_SHIPMENT_INFO_OF_PACKAGE"),
    },
    "package.refused": {"a command": package("REFUSE_PACKAGE")},
    "shipment.created": {
        "packing": package("COMPLETE_PACKAGING"),
        "shipping": package("SHIPMENT_ORDER_ADVANCE"),
        "a transfer": transfer("READY_TO_SHIP_TRANSFER_ORDER_ADVANCE"),
    },
    "shipment.status.updated": {
        "the carrier": carrier("Shipped", "delivered"),
        "a command": package("UPDATE_PACKAGE_SHIPMENT_STATUS"),
        "a transfer leaves": shipped_transfer("DISPATCH_TRANSFER_ORDER"),
    },
    "shipment.cancelled": {
        "the carrier": carrier("Packed all items", "cancelled"),
        "the operator": cancel_package,
    },
    "transfer.status.created": {"the planner": wait_for_transfer, "a renewal": renew_transfer},
    "transfer.status.transitioned": {"a command": transfer("DISPATCH_TRANSFER_ORDER")},
    "transfer.status.ready_to_shipment": {"a command": transfer("READY_TO_SHIP_TRANSFER_ORDER")},
    "transfer.status.in_transit": {"a command": transfer("DISPATCH_TRANSFER_ORDER")},
    "transfer.status.transferred": {"a command": transfer("DELIVER_TRANSFER_ORDER")},
    "transfer.status.cancelled": {"a renewal": transfer("RENEW_TRANSFER")},
    "stock_location.created": {"the control API": new_location},
    "stock_location.updated": {"the control API": changed_location},
}
ROWS = [(event_type, cause) for event_type, causes in CAUSES.items() for cause in causes.values()]
IDS = [f"{event_type} {name}" for event_type, causes in CAUSES.items() for name in causes]


def create_hook(client: Any, event_type: str, path: str, **more: Any) -> int:
    policy = {"choice": "fixed", "kwargs": {"seconds": 60}}
    body = {"target_url": f"http://127.0.0.1:9/{path}", "event_type": event_type, "retry_countdown_config": policy}
    answer = client.post("/whisperer/hooks/", json=body | more)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def events_of_hook(client: Any, path: str, hook_id: int) -> list[Any]:
    """Return the events of a list that belong to this hook."""
    results = client.get(path).json()["results"]
    return [event for event in results if event.get("webhook", {}).get("id") == hook_id]


def shown_document(oms: Emulator, subject: Subject) -> Any:
    """Return the API's document of a record, without the keys that payloads lack."""
    kind, id_ = subject
    client = oms.session()
    if kind is Package:
        document = client.get(f"/api/v1/oms/packages/{id_}/").json()
        left_out: tuple[str, ...] = ("id_encrypted",)
    elif kind is TransferOrder:
        document = client.get(f"/api/v1/oms/transfer_orders/?pk__in={id_}").json()["results"][0]
        left_out = ("created_date", "modified_date")
    else:
        document = oms.change_stock_location(id_)
        left_out = ("modified_date",)
    text = json.dumps({key: value for key, value in document.items() if key not in left_out})
    return json.loads(text.replace("http://oms.test", oms.world.settings.source.base_url))


def test_every_event_type_has_a_cause() -> None:
    assert [event.name for event in EVENT_TYPES] == list(CAUSES)


@pytest.mark.parametrize(("event_type", "cause"), ROWS, ids=IDS)
def test_change_queues_one_event_for_each_active_hook_of_its_type(
    oms: Emulator, client: Any, event_type: str, cause: Cause
) -> None:
    """Every list of events contains it immediately, with the subject's document after the change."""
    told, other, off = (create_hook(client, event_type, path) for path in ("a", "b", "c"))
    client.delete(f"/whisperer/hooks/{off}/")
    subject = cause(oms)
    assert events_of_hook(client, f"/whisperer/hook_events/?webhook={off}", off) == []
    found = [only_event(client, each, subject) for each in (told, other)]
    assert len({event["uuid"] for event in found}) == 2
    payloads = [event["request_payload"]["payload"] for event in found]
    now = shown_document(oms, subject)
    assert payloads[0] == payloads[1]
    assert {key: payloads[0][key] for key in now} == now
    check_document(PAYLOADS[subject[0]], payloads[0])
    for event in found:
        told_by = event["request_payload"]["event"]
        assert told_by == {"type": event_type, "uuid": event["uuid"].replace("-", "")}
        check_lists(oms, subject, event)


def only_event(client: Any, hook_id: int, subject: Subject) -> Any:
    """Return the only event of a hook about a record."""
    found = events_of_hook(client, f"/whisperer/hook_events/?webhook={hook_id}&limit=100", hook_id)
    own = [event for event in found if event["object_id"] == subject[1]]
    assert len(own) == 1, [event["object_id"] for event in found]
    assert (own[0]["delivered"], own[0]["retry_count"], own[0]["response_http_status"]) == (False, 0, None)
    return own[0]


def check_lists(oms: Emulator, subject: Subject, event: Any) -> None:
    """Check that the lists of both surfaces contain the event."""
    kind, pk = subject
    client, id_ = oms.session(), event["id"]
    if kind is StockLocation:
        return
    path = "packages" if kind is Package else "transfer_orders"
    assert event in client.get(f"/api/v1/oms/{path}/{pk}/webhook_events/?limit=100").json()["results"]
    if kind is Package:
        client.headers["Authorization"] = f"Bearer {oms.jwt()}"
        listed = client.get(f"/packages/{pk}/webhook_events/?limit=100").json()["results"]
        assert id_ in [each["id"] for each in listed]


def test_event_keeps_the_document_of_its_time(oms: Emulator, client: Any) -> None:
    """Later changes of the package do not change the event."""
    mine = create_hook(client, "package.status.packed", "a")
    subject = package("COMPLETE_PACKAGING")(oms)
    before = only_event(client, mine, subject)
    client.post(f"/api/v1/oms/packages/{subject[1]}/set_remote_id/", json={"remote_id": "later"})
    assert only_event(client, mine, subject) == before
    assert before["request_payload"]["payload"]["remote_id"] != "later"


def test_event_does_not_keep_earlier_events(oms: Emulator, client: Any) -> None:
    """Its snapshot has the other records. With the events, deleted ones would stay in memory with their snapshots."""
    create_hook(client, "package.created", "a")
    oms.package(state="Waiting")
    subject = oms.package(state="Waiting")
    event = oms.world.records.get_existing(WebhookEvent, max(oms.world.records.added_ids(WebhookEvent)))
    assert event.snapshot.get_existing(Package, subject["id"])
    assert list(event.snapshot.added_ids(WebhookEvent)) == []


def test_refused_command_queues_no_event(oms: Emulator, client: Any) -> None:
    create_hook(client, "package.status.transitioned", "a")
    before = list(oms.world.records.ids(WebhookEvent))
    pk = oms.package(state="Delivered")["id"]
    made = list(oms.world.records.ids(WebhookEvent))
    assert client.post(f"/api/v1/oms/packages/{pk}/command/", json={"transition": 166}).status_code == 400
    assert list(oms.world.records.ids(WebhookEvent)) == made
    assert len(made) - len(before) <= 1


def test_event_is_due_immediately(oms: Emulator, client: Any) -> None:
    mine = create_hook(client, "package.created", "a")
    oms.package()
    event = oms.world.records.all(WebhookEvent)
    last = [each for each in event if each.webhook == mine][-1]
    assert last.due == last.created_date
    assert last.created_date <= oms.world.clock.now() + WRITE_STEP
