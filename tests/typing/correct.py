"""A client's tests, without a mistake of types. `mistakes.py` has one mistake per line that is marked."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
import requests

from emulator import JWT_SECRET, Emulator
from emulator.api_types import ArrangePackage, Operation, Package, Webhook


def ship(oms: Emulator, session: requests.Session) -> None:
    oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 2}], shipping_address={"city": "Bursa"})
    wanted: ArrangePackage = {"state": "Packed", "items": 2}
    made = oms.package(**wanted)
    number: str = made["number"]
    state: str = made["state"]["name"]
    package: Package = session.get(f"/api/v1/oms/packages/{made['id']}/").json()
    line: str = package["shipping_address"]["line"]
    note: str | None = package["order_gift_box_note"]
    sku: str = package["packageitem_set"][0]["order_item"]["product"]["sku"]
    print(number, state, line, note, sku, oms.jwt("read-only"), JWT_SECRET.upper())
    oms.carrier(package["id"], "delivered")
    oms.stock(1, "PZ-101-02-L", 5)
    oms.stock_location(name="Bursa")
    hook: Webhook = session.get("/whisperer/hooks/1/").json()
    print(hook["target_url"], oms.cancel_order(1)["packages"])


def observe(oms: Emulator) -> None:
    operation: Operation = "command_package"
    oms.faults.add(operation, status=503, times=1)
    oms.faults.add("list_packages", "delay", seconds=2.0, token="throttled")
    oms.faults.add("get_transfer", "reset", state="In Transit")
    oms.hooks.add(lambda delivery: 503 if delivery.attempt == 1 else None, "package.created")
    oms.hooks.add("http://127.0.0.1:9/", ["shipment.created", "package.refused"], is_active=False)
    oms.hooks.disturb("duplicate", "package.created", times=2)
    oms.hooks.assert_delivered("package.created", times=1, payload={"id": ANY}, attempt=1)
    oms.requests.assert_called("command_package", status=204, json=ANY)
    oms.requests.assert_not_called("invoice_package", token="full-access")
    oms.clock.advance(days=1, hours=2)
    oms.clock.tick(speed=10)


@pytest.mark.oms(scenario="empty")
def test_options(oms: Emulator) -> None:
    with Emulator("demo", packages=50, clock="ticking", delivery="background", port=0) as served:
        print(served.url)
