"""Random traffic. The same seed and world give the same requests, whatever else the server does."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from emulator.client.world_handle import WorldHandle
from emulator.core.records import Order, Package, PackageItem, StockLocation, TransferOrder, Transition, Webhook
from emulator.state.outbox import Delivery
from tests.support.reads import ReceivedResponse, SendRequest, auth_headers

SKU = "PZ-101-02-L"
STATE_NAMES = ["Waiting", "Preparing", "Ready for Packaging", "Packed", "Shipped", "Delivered", "Blocked"]
CARRIER_EVENTS = ["attempted", "failed", "delivered", "cancelled"]
RECEIVER = "receiver.test"
COMPARED_HEADERS = ("X-Emulator-Request-Id", "X-Emulator-Hint", "Retry-After", "Location")


class Traffic:
    """A client of one world, over any transport."""

    def __init__(self, oms: WorldHandle, send_request: SendRequest, seed: int) -> None:
        self.oms, self.send_request, self.random = oms, send_request, Random(seed)
        self.responses: list[tuple[int, dict[str, str], bytes]] = []
        """Status, compared headers and body of each response."""

    def run(self, count: int, actions: list[Callable[[Traffic], ReceivedResponse]] | None = None) -> list[Any]:
        """Run this number of random actions, and return all responses."""
        for _ in range(count):
            self.random.choice(actions or [*WRITE_ACTIONS, *OTHER_ACTIONS])(self)
        return self.responses

    def send(self, method: str, path: str, document: Any = None, scheme: str | None = "Token") -> ReceivedResponse:
        headers = dict(auth_headers(self.oms)[scheme])
        body = None if document is None else json.dumps(document).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.record(self.send_request(method, self.oms.prefix + path, body, headers))

    def record(self, answer: ReceivedResponse) -> ReceivedResponse:
        told = {name: answer.headers[name] for name in COMPARED_HEADERS if name in answer.headers}
        self.responses.append((answer.status, told, answer.body))
        return answer

    def any_record(self, kind: type[Any]) -> Any:
        """Return a random record of a kind, or None if there is none."""
        ids = list(self.oms.world.records.ids(kind))
        return self.oms.world.records.get_existing(kind, self.random.choice(ids)) if ids else None

    def parameters(self, package: Any) -> dict[str, Any]:
        items = [item.id for item in self.oms.world.records.find(PackageItem, "package", package.id)]
        return {
            "package_items": items,
            "assignment_groups": [{"package_items": items, "erp_code": "1"}],
            "cargo_company": "1",
            "tracking_number": f"TRACK-{self.random.randrange(99)}",
            "denial_reason": 1,
        }


def command(traffic: Traffic) -> ReceivedResponse:
    """Send a command that the state of the package allows, on a random surface."""
    package = traffic.any_record(Package)
    edges = [one for one in traffic.oms.world.records.all(Transition) if one.source_state == package.state]
    chosen = {"transition": traffic.random.choice(edges).id} if edges else {"transition": 1}
    body = chosen | {"input_parameters": traffic.parameters(package)}
    prefix, scheme = traffic.random.choice([("/api/v1/oms", "Token"), ("", "Bearer")])
    return traffic.send("POST", f"{prefix}/packages/{package.id}/command/", body, scheme)


def transfer_command(traffic: Traffic) -> ReceivedResponse:
    transfer = traffic.any_record(TransferOrder)
    if transfer is None:
        return order(traffic)
    edges = [one for one in traffic.oms.world.records.all(Transition) if one.source_state == transfer.state]
    chosen = traffic.random.choice(edges).id if edges else 1
    return traffic.send(
        "POST", f"/api/v1/oms/transfer_orders/{transfer.id}/command/", {"transition": chosen, "input_parameters": {}}
    )


def refused_command(traffic: Traffic) -> ReceivedResponse:
    pk = traffic.any_record(Package).id
    return traffic.send("POST", f"/api/v1/oms/packages/{pk}/command/", {"slug": "no", "input_parameters": {}})


def invoice(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", f"/api/v1/oms/packages/{traffic.any_record(Package).id}/invoice/")


def set_text(traffic: Traffic) -> ReceivedResponse:
    name = traffic.random.choice(["remote_id", "invoice_number"])
    path = f"/packages/{traffic.any_record(Package).id}/set_{name}/"
    prefix, scheme = traffic.random.choice([("/api/v1/oms", "Token"), ("", "Bearer")])
    return traffic.send("POST", prefix + path, {name: f"ü-{traffic.random.randrange(10**6)}"}, scheme)


def extra_information(traffic: Traffic) -> ReceivedResponse:
    body = {"extra_information": {f"k{traffic.random.randrange(5)}": traffic.random.random()}}
    return traffic.send("PATCH", f"/packages/{traffic.any_record(Package).id}/extra_information/", body, "Bearer")


def order(traffic: Traffic) -> ReceivedResponse:
    lines = [{"sku": SKU, "quantity": traffic.random.randrange(1, 4)}]
    return traffic.send("POST", "/__admin/orders", {"lines": lines})


def package(traffic: Traffic) -> ReceivedResponse:
    document = {"state": traffic.random.choice(STATE_NAMES), "items": traffic.random.randrange(1, 4)}
    return traffic.send("POST", "/__admin/packages", document)


def carrier(traffic: Traffic) -> ReceivedResponse:
    event = traffic.random.choice(CARRIER_EVENTS)
    return traffic.send("POST", f"/__admin/packages/{traffic.any_record(Package).id}/carrier", {"event": event})


def cancel_package(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", f"/__admin/packages/{traffic.any_record(Package).id}/cancel")


def cancel_order(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", f"/__admin/orders/{traffic.any_record(Order).id}/cancel")


def stock(traffic: Traffic) -> ReceivedResponse:
    place = traffic.any_record(StockLocation).id
    return traffic.send("PUT", f"/__admin/stock/{place}/{SKU}", {"quantity": traffic.random.randrange(100)})


def stock_location(traffic: Traffic) -> ReceivedResponse:
    if traffic.random.random() < 0.5:
        return traffic.send("POST", "/__admin/stock_locations", {"name": f"Shop {traffic.random.randrange(99)}"})
    place = traffic.any_record(StockLocation).id
    return traffic.send("PATCH", f"/__admin/stock_locations/{place}", {"max_quota": traffic.random.randrange(99)})


def throttled(traffic: Traffic) -> ReceivedResponse:
    headers = {"Authorization": "Token throttled"}
    for _ in range(3):
        answer = traffic.record(
            traffic.send_request("GET", f"{traffic.oms.prefix}/api/v1/oms/packages/", None, headers)
        )
    return answer


def read(traffic: Traffic) -> ReceivedResponse:
    paths = ["/packages/?limit=3&page=last", f"/packages/{traffic.any_record(Package).id}/", "/packages/?colour=red"]
    return traffic.send("GET", "/api/v1/oms" + traffic.random.choice(paths))


def clock(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", "/__admin/clock/advance", {"seconds": traffic.random.choice([0, 0.25, 30, 86_400])})


def clock_back(traffic: Traffic) -> ReceivedResponse:
    day = traffic.random.randrange(1, 28)
    return traffic.send("PUT", "/__admin/clock", {"now": f"2023-04-{day:02}T08:00:00Z"})


def undo(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", "/__admin/undo")


def snapshot(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("PUT", f"/__admin/snapshots/{traffic.random.choice('abc')}")


def restore(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", f"/__admin/snapshots/{traffic.random.choice('abc')}/restore")


def login(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", "/api/v1/auth/login/", {"username": "admin", "password": "admin"}, None)


def export(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("GET", "/__admin/export")


def reset(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("POST", "/__admin/reset")


def subscription(traffic: Traffic) -> ReceivedResponse:
    """Create a hook, or delete one if there are many."""
    hooks = [each for each in traffic.oms.world.records.all(Webhook) if each.is_active]
    if len(hooks) > 4:
        return traffic.send("DELETE", f"/whisperer/hooks/{traffic.random.choice(hooks).id}/")
    body = {
        "target_url": f"http://{RECEIVER}/{traffic.random.randrange(99)}",
        "event_type": traffic.random.choice(["package.created", "package.status.transitioned"]),
        "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    }
    return traffic.send("POST", "/whisperer/hooks/", body)


def flush(traffic: Traffic) -> ReceivedResponse:
    """Send the waiting events to a receiver that refuses some of them once."""
    traffic.oms.world.outbox.receivers[RECEIVER] = receive_delivery
    return traffic.send("POST", "/__admin/hooks/flush")


def receive_delivery(delivery: Delivery) -> int:
    return 503 if delivery.attempt == 1 and delivery.event % 3 == 0 else 200


def deliveries(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("GET", "/__admin/hooks/deliveries")


def fault(traffic: Traffic) -> ReceivedResponse:
    """Arm a fault and send a request that it may match, or disarm a fault."""
    if traffic.random.random() < 0.2:
        return traffic.send("DELETE", f"/__admin/faults/{traffic.random.randrange(1, 4)}")
    when = traffic.random.choice([{"nth": traffic.random.randrange(1, 4)}, {"rate": 0.5}, {"token": "full-access"}])
    kinds = [{"kind": "status", "options": {"status": 503, "retry_after": 7}}, {"kind": "malformed"}]
    operation = traffic.random.choice(["list_packages", "get_package", "command_package"])
    document = {**traffic.random.choice(kinds), "operation": operation, "when": when}
    traffic.send("POST", "/__admin/faults", document)
    return traffic.send("GET", "/api/v1/oms/packages/?limit=1")


def faults(traffic: Traffic) -> ReceivedResponse:
    return traffic.send("GET", "/__admin/faults")


def limited(traffic: Traffic) -> ReceivedResponse:
    """Send reads with a token whose reads are limited in some worlds."""
    headers = {"Authorization": "Token read-only"}
    for _ in range(2):
        answer = traffic.record(
            traffic.send_request("GET", f"{traffic.oms.prefix}/api/v1/oms/packages/short/", None, headers)
        )
    return answer


WRITE_ACTIONS: list[Callable[[Traffic], ReceivedResponse]] = [
    command,
    command,
    transfer_command,
    invoice,
    set_text,
    extra_information,
    order,
    package,
    carrier,
    cancel_package,
    cancel_order,
    stock,
    stock_location,
]
OTHER_ACTIONS: list[Callable[[Traffic], ReceivedResponse]] = [
    refused_command,
    throttled,
    read,
    clock,
    clock_back,
    undo,
    snapshot,
    restore,
    login,
    export,
    reset,
]
HOOK_AND_FAULT_ACTIONS: list[Callable[[Traffic], ReceivedResponse]] = [
    subscription,
    subscription,
    flush,
    flush,
    deliveries,
    fault,
    fault,
    faults,
    limited,
]
"""Actions with webhooks, faults and limits."""
