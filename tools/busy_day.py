"""Generate the scenario `busy-day` by running its day. Run it with `python -m tools.busy_day`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from emulator import Emulator
from emulator.api_types import ArrangedOrder
from emulator.domain.scenario_files import FOLDER, find_scenario
from emulator.state.scenario import Scenario
from emulator.worlds.registry import DEFAULT_WORLD
from tools.webhook_failures import Receiver, end_hooks

FILE = FOLDER / "busy-day.json"
START = replace(
    find_scenario("demo"),
    data_version=1,
    name="busy-day",
    description="A busy day: packages and transfer orders in all states, refusals, replanning, failed deliveries.",
    packages=40,
    seed=11,
)
DRESS, COAT = "PZ-101-02-L", "PZ-101-05-S"
STORE = 3
RETRY = {"choice": "fixed", "kwargs": {"seconds": 900}}
RECEIVERS = {"127.0.0.1:9201": ("transfer.status.created", True), "127.0.0.1:9202": ("package.refused", False)}
"""Receiver -> its event type, and whether it recovers during the day. All are down at first."""


class Day:
    """Performs the actions of the shop, its warehouse and its carrier."""

    def __init__(self, oms: Emulator) -> None:
        self.oms = oms
        self.client: requests.Session = oms.session()

    def order(self, *lines: tuple[str, int], **details: Any) -> ArrangedOrder:
        """Advance the clock by minutes and create an order."""
        self.oms.clock.advance(minutes=4)
        return self.oms.order(lines=[{"sku": sku, "quantity": quantity} for sku, quantity in lines], **details)

    def package(self, **details: Any) -> int:
        """Create an order and return the id of its package."""
        return int(self.order((DRESS, 1), **details)["packages"][0])

    def command(self, pk: int, name: str, kind: str = "packages", **parameters: Any) -> None:
        """Run the first command with this name that the record allows."""
        self.oms.clock.advance(minutes=2, seconds=30)
        url = f"/api/v1/oms/{kind}/{pk}/"
        slug = next(each["slug"] for each in self.client.get(url).json()["commands"] if f"__{name}__" in each["slug"])
        done = self.client.post(f"{url}command/", json={"slug": slug, "input_parameters": parameters})
        done.raise_for_status()

    def items(self, pk: int) -> list[int]:
        return [item["id"] for item in self.client.get(f"/api/v1/oms/packages/{pk}/").json()["packageitem_set"]]

    def shipped(self) -> int:
        """Create a package, prepare it, pack it and ship it. Return its id."""
        pk = self.package()
        for name in ("prepare_package_command", "complete_packaging", "ship_package_without_shipment"):
            self.command(pk, name)
        return pk


def run_day(day: Day) -> None:
    """Run the whole day."""
    subscriptions(day)
    morning(day)
    transfers(day)
    refusals(day)
    deliveries(day)
    other_states(day)


def subscriptions(day: Day) -> None:
    """Subscribe two receivers that are down. One recovers at 13:00, the other stays down."""
    end_hooks(day.oms)
    back = day.oms.clock.now().replace(hour=13, minute=0).timestamp()
    for address, (event_type, recovers) in RECEIVERS.items():
        day.oms.world.outbox.receivers[address] = Receiver(recovers, back)
        day.oms.hooks.add(f"http://{address}/oms", event_type, retry=RETRY)


def morning(day: Day) -> None:
    """Create orders. Prepare, label and pack some of them, and create invoices."""
    for quantity in (1, 2, 3):
        day.order((DRESS, quantity), (COAT, 1))
    prepared = [day.package() for _ in range(3)]
    for pk in prepared:
        day.command(pk, "prepare_package_command")
    day.command(prepared[0], "complete_packaging")
    day.client.post(f"/api/v1/oms/packages/{prepared[0]}/invoice/").raise_for_status()
    day.client.post(
        f"/api/v1/oms/packages/{prepared[0]}/set_invoice_number/", json={"invoice_number": "BD-2023-0001"}
    ).raise_for_status()
    day.command(prepared[1], "pkg_state_transition")


def transfers(day: Day) -> None:
    """Create transfer orders to a store: dispatched, delivered, not found, and pending."""
    day.oms.stock(STORE, DRESS, 0)
    orders = [day.order((DRESS, 1), is_click_and_collect=True, retail_store_id=STORE) for _ in range(4)]
    found = [pk for order in orders for pk in order["transfers"]]
    for pk in found[:2]:
        day.command(pk, "dispatch_transfer_order", "transfer_orders")
    day.command(found[0], "deliver_transfer_order", "transfer_orders")
    day.command(found[2], "transfer_product_not_found", "transfer_orders")


def refusals(day: Day) -> None:
    """Refuse packages, so that another location gets them, and report items that are out of stock."""
    refused = [day.package() for _ in range(2)]
    day.command(refused[0], "refuse_package", denial_reason=1)
    day.command(refused[1], "prepare_package_command")
    day.command(refused[1], "refuse_package", denial_reason=2)
    missing = [day.package() for _ in range(2)]
    day.command(missing[0], "detected_out_of_stock_item", package_items=day.items(missing[0]))
    day.command(missing[1], "detected_out_of_stock_item_advanced", package_items=day.items(missing[1]))


def deliveries(day: Day) -> None:
    """Deliver packages at once, after an attempt, or not at all."""
    ways = (("delivered",), ("attempted", "delivered"), ("attempted",), ("failed",), ("attempted", "failed"))
    for events in (*ways, ("failed", "delivered"), ()):
        pk = day.shipped()
        for event in events:
            day.oms.clock.advance(hours=1)
            day.oms.carrier(pk, event)


def other_states(day: Day) -> None:
    """Block and cancel packages, and create packages in the remaining states."""
    day.command(day.package(), "block_the_package")
    freed = day.package()
    day.command(freed, "block_the_package")
    day.command(freed, "unblock_the_package")
    day.oms.cancel_package(day.package())
    day.oms.cancel_order(day.order((DRESS, 1), (COAT, 1))["order"])
    for state in states_without_packages(day.oms):
        day.oms.package(state=state)


def states_without_packages(oms: Emulator) -> list[str]:
    """Return the package states without a package."""
    graph = oms.app.test_client().get("/__admin/graph").get_json()
    return [state["name"] for state in graph["packages"]["states"] if not state["count"]]


def lived(start: Scenario = START) -> Emulator:
    """Return an emulator whose world has run the day."""
    oms = Emulator("empty")
    oms.worlds.create(DEFAULT_WORLD, start)
    run_day(Day(oms))
    return oms


def make(file: Path = FILE) -> None:
    """Write the scenario file."""
    lived().save(file, force=True, with_secrets=True)


if __name__ == "__main__":
    make()
