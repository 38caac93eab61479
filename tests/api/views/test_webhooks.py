"""Hooks and retries of events: values that cannot be stored, and receivers that answer oddly."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import WebhookEvent
from tests.support.receivers import respond_with, run_receiver

HOOKS = "/whisperer/hooks/"
HOOK = {
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
}
JSON = {"Content-Type": "application/json"}
NOT_JSON = ["Value must be valid JSON."]


@pytest.mark.medium
@pytest.mark.parametrize("value", ["99999999999999999999", '"\\ud800"', "1e999", '{"a": [1, {"b": -1e999}]}'])
@pytest.mark.parametrize("field", ["config", "additional_headers"])
def test_value_that_cannot_be_stored_is_refused(client: Any, field: str, value: str) -> None:
    created = client.post(HOOKS, json=HOOK).json()
    body = f'{{"{field}": {value}}}'
    answer = client.patch(f"{HOOKS}{created['id']}/", data=body, headers=JSON)
    assert (answer.status_code, answer.json()) == (400, {field: NOT_JSON})
    assert client.get(f"{HOOKS}{created['id']}/").json() == created


def test_infinite_extra_information_is_refused(oms: Emulator, client: Any) -> None:
    package = oms.package(state="Packed")
    url = f"/packages/{package['id']}/extra_information/"
    headers = {**JSON, "Authorization": f"Bearer {oms.jwt()}"}
    answer = client.patch(url, data='{"extra_information": {"a": 1e999}}', headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"extra_information": NOT_JSON})


@pytest.mark.slow
@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirect_without_a_target_is_the_response(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """The vendor's client follows no empty Location."""
    oms = Emulator("empty")
    with run_receiver(respond_with(503)) as receiver:
        oms.hooks.add(receiver.url, "package.created")
        oms.package(state="Packed")
        receiver.behaviour = respond_with(status, Location="")
        event = oms.world.records.ids(WebhookEvent)[-1]
        answer = oms.session().post(f"/whisperer/hook_events/{event}/retry/", json={"force": True})
    assert (answer.status_code, answer.json()["response_status"]) == (200, status)
    assert not caplog.records
