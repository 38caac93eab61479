"""A client's tests with mistakes of types, one in each line that ends with `# mistake`. `correct.py` has none."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
import requests

from emulator import JWT_SECRET, Emulator
from emulator.api_types import ArrangePackage, Operation, Package, Webhook


def ship(oms: Emulator, session: requests.Session) -> None:
    oms.order(lines=[{"sku": "PZ-101-02-L", "amount": 2}], shipping_address={"city": "Bursa"})  # mistake
    wanted: ArrangePackage = {"state": "Boxed", "items": 2}  # mistake
    made = oms.package(**wanted)
    number: str = made["numbr"]  # mistake
    state: str = made["state"]["title"]  # mistake
    package: Package = session.get(f"/api/v1/oms/packages/{made['id']}/").json()
    line: str = package["shipping_address"]["street"]  # mistake
    note: str = package["order_gift_box_note"]  # mistake
    sku: str = package["packageitem_set"][0]["order_item"]["product"]["code"]  # mistake
    print(number, state, line, note, sku, JWT_SECRET.upper())
    print(oms.jwt("readonly"))  # mistake
    oms.carrier(package["id"], "arrived")  # mistake
    oms.stock(1, 5, "PZ-101-02-L")  # mistake
    oms.stock_location(title="Bursa")  # mistake
    hook: Webhook = session.get("/whisperer/hooks/1/").json()
    print(hook["url"], oms.cancel_order(1)["packages"])  # mistake


def observe(oms: Emulator) -> None:
    operation: Operation = "comand_package"  # mistake
    oms.faults.add(operation, stauts=503, times=1)  # mistake
    oms.faults.add("list_packages", "delai", seconds=2.0, token="throttled")  # mistake
    oms.faults.add("get_transfer", "reset", state="On the way")  # mistake
    oms.hooks.add(lambda delivery: 503 if delivery.attempt == 1 else None, "package.create")  # mistake
    oms.hooks.add("http://127.0.0.1:9/", ["shipment.created", "package.refused"], active=False)  # mistake
    oms.hooks.disturb("duplicated", "package.created", times=2)  # mistake
    oms.hooks.assert_delivered("package.created", times=1, payload={"id": ANY}, attempts=1)  # mistake
    oms.requests.assert_called("command_package", state=204, json=ANY)  # mistake
    oms.requests.assert_not_called("invoice_packages", token="full-access")  # mistake
    oms.clock.advance(days=1, months=2)  # mistake
    oms.clock.tick(speed=10)


@pytest.mark.oms(scenario="empty")
def test_options(oms: Emulator) -> None:
    with Emulator("demo", packages=50, clock="fast") as served:  # mistake
        print(served.url)
    Emulator("demo", delivery="later")  # mistake
