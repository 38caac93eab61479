"""Import each documented sample of a GET as a bundled scenario. Run it with `python -m tools.documented_scenarios`.

`documented/<sample>` is the result of `oms-emulator import --no-anonymize` for the file of the sample, at a fixed
time. Each printed POST that needs a certain record has a scenario with this record (`POSTS`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import emulator
from emulator.core.files import encode_scenario
from emulator.core.json_text import JsonObject
from emulator.core.records import Transition
from emulator.domain.scenario_files import DOCUMENTED, FOLDER
from emulator.worlds.loading.recorded_responses import Capture, read_captures
from emulator.worlds.loading.scenario_import import DEFAULT_START, ScenarioImport, import_scenario

SAMPLES = Path(emulator.__file__).parent / "fixtures"
WHOSE = {
    "package-state-transition-log-short-list": 162406,
    "package-state-transition-log-short-detail": 162406,
    "package-webhook-event-short-list": 162406,
    "transfer-order-state-transition-log-list-short": 1329,
    "transfer-order-webhook-event-list-short": 1292,
    "reference-get-package-event": 1,
    "reference-get-package-log-short": 1,
    "reference-list-package-events-short": 1,
    "reference-list-package-items": 1,
    "reference-list-package-logs-short": 1,
}
"""Short sample -> id of the record that its logs, events or items belong to. The samples do not contain it. The ids
of the guide come from the long forms of the same samples."""


LOST = {"ui_visibility": json.loads(Transition(0, 0, 0).ui_visibility)}
"""Key whose array is empty in the samples, because the page has lost its contents -> the assumed contents."""


def with_lost_contents(value: Any) -> Any:
    """Return a value of a sample with assumed contents in the arrays that the page has lost."""
    if isinstance(value, list):
        return [with_lost_contents(each) for each in value]
    if isinstance(value, dict):
        return {key: with_lost_contents(inner) or LOST.get(key, inner) for key, inner in value.items()}
    return value


def gets(folder: str) -> list[str]:
    """Return the names of the GET samples in a folder."""
    found = sorted((SAMPLES / folder).glob("*.response-200.json"))
    return [
        path.name.removesuffix(".response-200.json") for path in found if sample(folder, path.stem)["method"] == "GET"
    ]


def sample(folder: str, stem: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / folder / f"{stem}.json").read_text("utf-8"))
    return found


@cache
def imported(name: str, folder: str = "documented") -> ScenarioImport:
    """Import one sample. Raise `ValueError` if that is not possible."""
    found = with_lost_contents(sample(folder, f"{name}.response-200"))
    if name in WHOSE:
        whose = f"/packages/{WHOSE[name]}/"
        found["path"] = found["path"].replace("/pk/", f"/{WHOSE[name]}/").replace("/packages/{id}/", whose)
    captures = [each for each in read_captures(found, name) if isinstance(each, Capture)]
    described = f"Documented sample: {found['title']}"
    return import_scenario(
        captures, f"{DOCUMENTED}{name}", anonymize=False, description=described, start=DEFAULT_START
    )


def command_package() -> JsonObject:
    """Return the scenario in which the printed command replans package 1 as the printed package 2.

    Transition ids differ between the printed request and the list on the same page.
    """
    request = sample("documented", "package-command.request")["body"]
    location = sample("documented", "package-command.response-200")["body"]["package__stock_location__name"]
    package = waiting_package()
    set_transition_id(package, request["slug"], request["transition"])
    sku = package["packageitem_set"][0]["order_item"]["product"]["sku"]
    steps = [
        {"operation": "control_make_stock_location", "body": {"name": location, "is_fulfillment_center": True}},
        {"operation": "control_put_stock", "path": {"location_id": 2, "sku": sku}, "body": {"quantity": 1}},
    ]
    return scenario_of_package(package) | {"steps": steps}


def reference_command_package() -> JsonObject:
    """Return the scenario in which the placeholder 1 of the reference is the id of a plain state transition."""
    package = waiting_package()
    set_transition_id(package, "package__pkg_state_transition__waiting__preparing", 1)
    return scenario_of_package(package)


def set_transition_id(package: JsonObject, slug: str, id_: int) -> None:
    next(command for command in package["commands"] if command["slug"] == slug)["id"] = id_


def invoice_package() -> JsonObject:
    """Return the scenario in which package 1 gets the printed invoice. The page does not print the package."""
    invoice = sample("documented", "package-invoice.response-201")["body"]
    order, invoice_item, package = invoice["order"], invoice["invoiceitem_set"][0], waiting_package()
    package |= {key: order[key] for key in ("date_placed", "payment_type")}
    package |= {"number": invoice["package_number"], "channel_name": invoice["channel"]["name"]}
    package |= {f"order_{key}": order[key] for key in ("id", "number")}
    package |= {"omnitron_order_id": order["omnitron_id"], "channel_omnitron_id": invoice["channel"]["omnitron_id"]}
    address = package["shipping_address"]
    address |= {key: value for key, value in invoice["address"].items() if isinstance(address.get(key, {}), str)}
    address["id"] = invoice["address"]["pk"]
    address["customer"] |= {"pk": order["customer"], "channel": order["channel"]}
    item = package["packageitem_set"][0]["order_item"]
    item |= {key: invoice_item[key] for key in ("net_amount", "tax_rate")}
    item |= {"id": invoice_item["order_item"], "order": order["id"]}
    return scenario_of_package(package) | {"clock": invoice["created_date"]}


def waiting_package() -> JsonObject:
    """Return the waiting package of the documented list, as package 1."""
    listed = imported("package-list").document["answers"][0]["body"]["results"]
    package: JsonObject = deepcopy(next(each for each in listed if each["commands"]))
    for item in package["packageitem_set"]:
        item["package"] = 1
    return package | {"id": 1}


def scenario_of_package(package: JsonObject) -> JsonObject:
    answers = [{"path": f"/api/v1/oms/packages/{package['id']}/", "body": package}]
    return {**imported("package-list").document, "answers": answers}


def command_transfer() -> JsonObject:
    """Return the scenario with the transfer order of the page, which offers the printed commands."""
    return dict(imported("transfer-order-detail").document)


POSTS: dict[str, Callable[[], JsonObject]] = {
    "package-command": command_package,
    "package-invoice": invoice_package,
    "reference-command-package": reference_command_package,
    "transfer-order-command-1": command_transfer,
    "transfer-order-command-2": command_transfer,
}
"""Printed POST -> function that returns a scenario in which it works, made from samples of the same page."""


def posted(name: str) -> JsonObject:
    """Return the scenario of a printed POST, with its name."""
    document = POSTS[name]()
    return {**document, "name": f"{DOCUMENTED}{name}", "description": f"Documented request: {name}"}


def main() -> None:
    documents = {name: imported(name).document for name in gets("documented")}
    documents |= {name: posted(name) for name in POSTS}
    for name, document in documents.items():
        file = FOLDER / f"{DOCUMENTED}{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(encode_scenario(document))


if __name__ == "__main__":
    main()
