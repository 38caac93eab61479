"""The emulator accepts the first example of each request body, which Swagger UI offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from emulator import Emulator
from emulator.api.openapi.operations import EXAMPLE_NAME
from tests.api.openapi import reading

BODIES = [(path, method, operation) for path, method, operation in reading.operations() if "requestBody" in operation]


def prepare_path(oms: Emulator, path: str, operation_id: str) -> str:
    """Return the path with the ids of records that are in the state that the operation requires."""
    session = oms.session()
    hook = session.post(
        "/whisperer/hooks/",
        json={
            "target_url": "http://receiver.test/",
            "event_type": "package.created",
            "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
        },
    ).json()
    package = oms.package(state="Shipped" if operation_id == "control_report_carrier" else "Waiting")
    transfers = session.get("/api/v1/oms/transfer_orders/?state__enum_value=waiting&limit=1").json()["results"]
    by_prefix = {
        "/api/v1/oms/transfer_orders/": transfers[0]["id"],
        "/whisperer/hooks/": hook["id"],
        "/whisperer/hook_events/": failed_event(oms),
    }
    number = next((id_ for prefix, id_ in by_prefix.items() if path.startswith(prefix)), package["id"])
    ids = {"pk": number, "id": 1, "location_id": 1, "sku": "PZ-102-04-S", "name": "example", "hook_id": hook["id"]}
    return path.format_map(ids)


def failed_event(oms: Emulator) -> int:
    """Return the id of an event that its receiver refused once, and that is delivered when it is sent again."""
    statuses = iter(["503 Service Unavailable"])

    def receive(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response(next(statuses, "200 OK"), [])
        return [b"received"]

    oms.hooks.add(receive, "package.created")
    oms.package()
    oms.hooks.flush()
    events = oms.session().get("/whisperer/hook_events/?limit=100&page=last").json()["results"]
    return int(next(event["id"] for event in events if event["response_http_status"] == 503))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("path", "method", "operation"), BODIES, ids=[operation["operationId"] for _, _, operation in BODIES]
)
def test_first_example_is_accepted(path: str, method: str, operation: Mapping[str, Any]) -> None:
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert next(iter(examples)) == EXAMPLE_NAME
    oms = Emulator("demo")
    url = prepare_path(oms, path, operation["operationId"])
    headers = {"Authorization": f"Bearer {oms.jwt()}"} if path.startswith("/packages/") else {}
    answer = oms.session().request(method, url, json=examples[EXAMPLE_NAME]["value"], headers=headers)
    assert answer.status_code < 300, answer.text
