"""Worlds made of recorded responses are complete: every operation works for every record."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.api.routes import GUIDE_ROUTES, REFERENCE_ROUTES
from emulator.api.serializers.fields import COLUMN_TYPES
from emulator.core.records import REFERENCES, CargoCompany, DenialReason, Order, Package, State, TransferOrder
from emulator.core.schemas import find_problem
from emulator.domain.scenario_files import DOCUMENTED, bundled_scenarios
from emulator.state.scenario import Scenario
from emulator.worlds.loading.collector import RecordCollector
from emulator.worlds.loading.completion import COLUMN_DEFAULTS
from emulator.worlds.loading.scenarios import load_base, open_world
from tests.support import samples
from tests.support.recording import existing_urls
from tools.documented_scenarios import with_lost_contents

pytestmark = pytest.mark.slow

NAMES = [name for name in bundled_scenarios() if name.startswith(DOCUMENTED)]
every_world = pytest.mark.parametrize("name", NAMES, ids=[name.removeprefix(DOCUMENTED) for name in NAMES])


def read_everything(oms: Emulator, client: requests.Session) -> set[str]:
    """Send every GET for every record and check the status; return the operations."""
    operations = set()
    headers = {"Token": oms.auth, "Bearer": {"Authorization": f"Bearer {oms.jwt()}"}}
    for route in (*GUIDE_ROUTES, *REFERENCE_ROUTES):
        for url in existing_urls(oms, route.path) if route.method == "GET" else ():
            assert client.get(url, headers=headers[str(route.auth_scheme)]).status_code == 200, url
            operations.add(route.operation)
    return operations


def commands_of(client: requests.Session, oms: Emulator) -> list[tuple[str, dict[str, Any]]]:
    """Return URL and body of every command that a record offers."""
    found = []
    for path, kind in (("packages", Package), ("transfer_orders", TransferOrder)):
        for pk in oms.world.records.ids(kind):
            url = f"/api/v1/oms/{path}/{pk}/"
            document = client.get(url).json()
            items = [item["id"] for item in document.get("packageitem_set", ())]
            parameters = {"package_items": items, "cargo_company": "1", "tracking_number": "T1"}
            found += [
                (f"{url}command/", {"transition": command["id"], "input_parameters": parameters})
                for command in document["commands"]
            ]
    return found


@every_world
def test_all_documents_of_a_documented_world_can_be_read(name: str) -> None:
    oms = Emulator(name)
    operations = read_everything(oms, oms.session())
    assert {"list_packages", "list_transfers", "list_delivery_ranges"} <= operations


@every_world
def test_all_commands_of_a_documented_world_can_be_sent(name: str) -> None:
    """Each command succeeds or is rejected with a reason, and the world can be read afterwards."""
    oms = Emulator(name)
    for url, body in commands_of(oms.session(), oms):
        oms.reset()
        client = oms.session()
        assert client.post(url, json=body).status_code in (200, 204, 400), url
        read_everything(oms, client)


@every_world
def test_all_other_writes_of_a_documented_world_succeed(name: str) -> None:
    oms = Emulator(name)
    client = oms.session()
    for path, kind in (("packages", Package), ("transfer_orders", TransferOrder)):
        for pk in oms.world.records.ids(kind):
            url = f"/api/v1/oms/{path}/{pk}/"
            assert client.post(f"{url}set_invoice_number/", json={"invoice_number": "F1"}).status_code == 204
            assert client.post(f"{url}set_remote_id/", json={"remote_id": "R1"}).status_code == 204
            if kind is Package:
                assert client.post(f"{url}invoice/").status_code == 201
    read_everything(oms, client)


@every_world
def test_every_reference_leads_to_a_record(name: str) -> None:
    root = Emulator(name).world.records
    for kind, columns in REFERENCES.items():
        for record in root.all(kind):
            for column, other in columns.items():
                id_ = getattr(record, column)
                assert id_ is None or root.get(other, id_) is not None, (kind.__name__, record.id, column)


def test_documented_world_has_only_documented_transitions() -> None:
    """The default installation's transitions are not added."""
    package = with_lost_contents(samples.body("package-list.response-200")["results"][1])
    offered = Emulator("documented/package-list").session().get(f"/api/v1/oms/packages/{package['id']}/").json()
    assert offered["commands"] == package["commands"]


def test_recorded_world_has_the_choices_of_commands() -> None:
    """Cargo companies and denial reasons of the installation are added, unless the responses contain some."""
    for name, companies in (("transfer-order-list", [1, 728, 729, 730, 731, 732]), ("package-list", [728])):
        base = load_base(bundled_scenarios()[f"{DOCUMENTED}{name}"]).base
        assert list(base.ids(CargoCompany)) == companies
        assert base.ids(DenialReason)


def test_states_are_added_only_from_the_same_installation() -> None:
    ours = load_base(bundled_scenarios()["documented/package-list"]).base
    theirs = load_base(bundled_scenarios()["documented/package-detail"]).base
    assert len(ours.ids(State)) > len(theirs.ids(State))


def test_default_values_of_columns() -> None:
    collector = RecordCollector()
    collector.set_column(Package, 1, "order", 5, "")
    collector.set_column(Package, 1, "number", "77P2", "")
    order_number, state_name = COLUMN_DEFAULTS[Order, "number"], COLUMN_DEFAULTS[State, "name"]
    content_type = COLUMN_DEFAULTS[State, "content_type"]
    assert (order_number({"id": 5}, collector), order_number({"id": 6}, collector)) == ("77", "6")
    assert state_name({"id": 9}, collector) == "State 9"
    assert (content_type({"enum_class": "OrderStatus"}, collector), content_type({}, collector)) == (3, 4)


def test_item_count_creates_items() -> None:
    """The short list contains the number of items only."""
    page = samples.body("package-short-list.response-200")
    client = Emulator("documented/package-short-list").session()
    for document in page["results"]:
        found = client.get(f"/api/v1/oms/packages/{document['id']}/").json()
        assert len(found["packageitem_set"]) == document["packageitem_count"]


def test_smallest_possible_documents_make_a_world() -> None:
    """Every operation works for one document of each simple list, with null for all optional values."""
    answers = tuple(
        (f"/api/v1/oms/{path}/list-simple/", json.dumps({"results": [least(sample)]}).encode())
        for path, sample in (("packages", "package-simple-list"), ("transfer_orders", "transfer-order-list-simple"))
    )
    world = open_world(Scenario("least", answers=answers))
    oms = Emulator("empty")
    oms.worlds.slot("default").world = world
    read_everything(oms, oms.session())
    (package,) = world.records.all(Package)
    assert package.order in world.records.ids(Order)


def least(sample: str) -> dict[str, Any]:
    """Return the sample's first document, with null for each value that may be null."""
    name = {"package-simple-list": "package-simple", "transfer-order-list-simple": "transfer-simple"}[sample]
    document: dict[str, Any] = samples.body(f"{sample}.response-200")["results"][0]
    for key in document:
        if find_problem(name, document | {key: None}) is None:
            document = document | {key: None}
    return document


@every_world
def test_every_column_has_its_type(name: str) -> None:
    """Values come from the record's own document or from a related one."""
    root = Emulator(name).world.records
    for kind, columns in COLUMN_TYPES.items():
        for record in root.all(kind):
            for column, types in columns.items():
                assert Any in types or type(getattr(record, column)) in types, (kind.__name__, record.id, column)
