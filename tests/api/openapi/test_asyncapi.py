"""The AsyncAPI document describes each request that the emulator sends to a subscriber."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import orjson
import pytest

from emulator import Emulator
from emulator.api.openapi import CHANNEL, asyncapi_document
from emulator.core.event_types import EVENT_TYPES
from tests.support.node import NodeTools, missing_tools, run_command

DOCUMENT = asyncapi_document()
TOOLS = NodeTools(Path(__file__).parent / "node")


def part_validator(name: str, part: str) -> jsonschema_rs.Draft7Validator:
    """Return a validator for the headers or the payload of a message."""
    schema = DOCUMENT["components"]["messages"][name][part]
    return jsonschema_rs.Draft7Validator({"allOf": [schema], "components": DOCUMENT["components"]})


def test_every_event_type_is_a_message() -> None:
    names = {event.name.replace(".", "_") for event in EVENT_TYPES}
    assert DOCUMENT["channels"][CHANNEL]["messages"].keys() == DOCUMENT["components"]["messages"].keys() == names


def send_events(oms: Emulator) -> None:
    """Make the emulator send events about packages, transfer orders and stock locations."""
    session, commands = oms.session(), "/api/v1/oms/{}/{}/command/"
    transfers = session.get("/api/v1/oms/transfer_orders/?state__enum_value=waiting&limit=1").json()["results"]
    packed, refused = (oms.package(state="Waiting")["id"] for _ in range(2))
    transfer = transfers[0]["id"]
    for kind, record, slug in (
        ("packages", packed, "package__complete_packaging__waiting__packed-all-items"),
        ("packages", packed, "package__ship_package__packed-all-items__shipped"),
        ("packages", refused, "package__refuse_package__waiting__requires-replan"),
        ("transfer_orders", transfer, "transferorder__dispatch_transfer_order__waiting__in-transit"),
        ("transfer_orders", transfer, "transferorder__deliver_transfer_order__in-transit__transferred"),
    ):
        parameters = {"denial_reason": 1} if "refuse" in slug else {}
        answer = session.post(commands.format(kind, record), json={"slug": slug, "input_parameters": parameters})
        assert answer.status_code in (200, 204), answer.text
    session.post("/__admin/stock_locations", json={"name": "New store"}).raise_for_status()


@pytest.mark.medium
def test_sent_requests_match_their_messages() -> None:
    oms = Emulator("demo")
    received = []
    oms.hooks.add(received.append, "*", secret_key="s3cret")
    send_events(oms)
    oms.hooks.flush()
    for delivery in received:
        name = delivery.event_type.replace(".", "_")
        headers = {key: value for key, value in delivery.headers.items() if key.startswith("X-Whisperer-")}
        part_validator(name, "headers").validate(headers)
        part_validator(name, "payload").validate(orjson.loads(delivery.body))
        assert headers["X-Whisperer-Event"] == delivery.event_type
    kinds = {delivery.event_type.partition(".")[0] for delivery in received}
    assert kinds >= {"package", "transfer", "stock_location"}


def test_another_event_does_not_match() -> None:
    """The check of the sent requests can fail."""
    assert not part_validator("package_created", "headers").is_valid({"X-Whisperer-Event": "package.refused"})
    assert not part_validator("package_created", "payload").is_valid({"event": {}, "payload": {}})


@pytest.mark.gate
@pytest.mark.skipif(missing_tools() is not None, reason=f"requires Node: {missing_tools()}")
def test_parser_of_asyncapi_accepts_the_document(tmp_path: Path) -> None:
    TOOLS.install()
    file = tmp_path / "asyncapi.json"
    file.write_bytes(orjson.dumps(DOCUMENT))
    done = run_command(["node", "asyncapi.mjs", str(file)], TOOLS.folder)
    assert (done.code, done.text.strip()) == (0, f"{len(EVENT_TYPES)} messages, 0 errors"), done.text
