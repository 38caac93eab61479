"""Random requests get responses in the forms of the protocol, and never a 500."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.core.records import Package, TransferOrder, Transition, Webhook, WebhookEvent
from tests.oracle.wire import FULL_ACCESS, RawRequest, RawResponse, send_wsgi

pytestmark = pytest.mark.slow

MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

latin = st.text(st.characters(max_codepoint=255), max_size=30)
headers = st.one_of(st.none(), latin, st.sampled_from(["*/*", "application/json", "application/json; indent=4"]))
kinds = st.one_of(
    st.none(),
    latin,
    st.sampled_from(
        [
            *("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"),
            *("application/json; charset=utf-16", "application/json; charset=punycode", "multipart/form-data"),
            *("application/x-www-form-urlencoded; charset=idna", "application/json; charset=unicode_escape"),
            *(
                "application/json; charset=utf-7",
                "application/json; charset=undefined",
                "application/json; charset=hex",
            ),
        ]
    ),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
paths = st.sampled_from([route.path for route in ROUTES])
methods = st.sampled_from(["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "X"])
names = (
    *("transition", "slug", "input_parameters", "invoice_number", "remote_id", "extra_information"),
    *("username", "password"),
    *("retry_countdown_config", "choice", "kwargs", "target_url", "event_type", "is_active", "secret_key"),
    *("callback", "additional_headers", "config", "force"),
)
queries = st.one_of(latin, st.sampled_from(["page=0", "page=-1", "page=last", "limit=1", "page=%FF", "format=json"]))


@cache
def emulator() -> Emulator:
    return Emulator("demo", packages=25)


OWNERS = {"/transfer_orders/": TransferOrder, "/hooks/": Webhook, "/hook_events/": WebhookEvent, "": Package}
"""Part of a path -> the records that its id identifies."""


def fill_path(path: str) -> str:
    """Return the path of a route with ids of existing records."""
    root = emulator().world.records
    kind = next(kind for part, kind in OWNERS.items() if part in path)
    pk = str(root.ids(kind)[0])
    return (
        path.replace("<pk>", pk).replace("<log_id>", "1").replace("<webhook_event_id>", "1").replace("<...rest>", "x")
    )


def send(request: RawRequest) -> RawResponse:
    """Send a request, with a JWT to the reference. The response checks apply to the response."""
    if request.target.startswith("/packages/") and request.authorization == FULL_ACCESS:
        request = replace(request, authorization=f"Bearer {emulator().jwt()}")
    answer = send_wsgi(emulator().app, request)
    assert answer.status < 500
    return answer


@MANY
@given(st.binary(max_size=60), methods, queries, headers, headers, latin)
def test_any_request_has_a_response(path: bytes, method: str, query: str, accept: Any, token: Any, host: str) -> None:
    target = "/" + "".join(f"%{byte:02x}" for byte in path)
    send(RawRequest("fuzz", f"{target}?{query}", method, token, accept, host=host))


@MANY
@given(paths, methods, queries, headers, st.sampled_from([FULL_ACCESS, None, "Token read-only", "Token x"]), headers)
def test_any_request_to_an_operation_has_a_response(
    path: str, method: str, query: str, accept: Any, token: Any, length: Any
) -> None:
    send(RawRequest("fuzz", f"{fill_path(path)}?{query}", method, token, accept, content_length=length))


@MANY
@given(paths, kinds, st.binary(max_size=200), st.none() | st.integers(-5, 300).map(str))
def test_any_body_is_parsed_or_refused(path: str, kind: Any, body: bytes, length: Any) -> None:
    send(
        RawRequest("fuzz", fill_path(path), "POST", FULL_ACCESS, content_type=kind, body=body, content_length=length)
    )


@MANY
@given(headers)
def test_any_bearer_token_is_refused(token: Any) -> None:
    assert send(RawRequest("fuzz", "/packages/", authorization=f"Bearer {token}")).status == 401


@MANY
@given(st.dictionaries(st.text(max_size=10), json_values))
def test_any_extra_information_is_stored_or_refused(value: dict[str, Any]) -> None:
    pk = emulator().world.records.ids(Package)[0]
    body = json.dumps({"extra_information": value}).encode()
    url = f"/packages/{pk}/"
    answer = send(
        RawRequest(
            "fuzz", f"{url}extra_information/", "PATCH", FULL_ACCESS, content_type="application/json", body=body
        )
    )
    if answer.status == 204:
        assert json.loads(send(RawRequest("after", url)).body)["extra_information"].items() >= value.items()


@MANY
@given(paths, json_values | st.dictionaries(st.sampled_from(names), json_values))
def test_any_json_is_accepted_or_refused(path: str, value: Any) -> None:
    body = json.dumps(value).encode()
    method = "PATCH" if "extra_information" in path else "POST"
    send(RawRequest("fuzz", fill_path(path), method, FULL_ACCESS, content_type="application/json", body=body))


PARAMETERS = ("package_items", "cargo_company", "tracking_number", "other")


@MANY
@given(
    st.sampled_from([Package, TransferOrder]),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from(PARAMETERS), json_values),
)
def test_any_command_parameters_are_accepted_or_refused(kind: type[Any], at: int, parameters: Any) -> None:
    """The transition starts from the state of the record."""
    oms = emulator()
    oms.reset()
    transitions = list(oms.world.records.all(Transition))
    transition = transitions[at % len(transitions)]
    subjects = [one.id for one in oms.world.records.all(kind) if one.state == transition.source_state]
    path = "packages" if kind is Package else "transfer_orders"
    for pk in subjects[:1]:
        body = json.dumps({"transition": transition.id, "input_parameters": parameters}).encode()
        target = f"/api/v1/oms/{path}/{pk}/command/"
        send(RawRequest("fuzz", target, "POST", FULL_ACCESS, content_type="application/json", body=body))
        assert send(RawRequest("after", f"/api/v1/oms/{path}/{pk}/")).status == 200


@MANY
@given(st.text(max_size=300))
def test_stored_text_is_returned(text: str) -> None:
    """It is trimmed as by the framework."""
    pk = emulator().world.records.ids(Package)[0]
    body = json.dumps({"remote_id": text}).encode()
    url = f"/api/v1/oms/packages/{pk}/"
    answer = send(
        RawRequest("fuzz", f"{url}set_remote_id/", "POST", FULL_ACCESS, content_type="application/json", body=body)
    )
    if answer.status == 204:
        assert json.loads(send(RawRequest("after", url)).body)["remote_id"] == text.strip()


@MANY
@given(st.sampled_from(["/__admin/health", "/__admin/reset", "/__admin/"]), methods, queries, kinds, headers, latin)
def test_any_request_to_the_control_api_has_a_response(
    path: str, method: str, query: str, kind: Any, accept: Any, host: str
) -> None:
    send(RawRequest("fuzz", f"{path}?{query}", method, None, accept, kind, b"x", host))
