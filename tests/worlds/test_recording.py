"""Every operation that changes a world is recorded as a step, and replaying the steps gives an equal world."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator import Emulator
from emulator.api.control.clock import FORGET_ORDERS
from emulator.api.control.deliveries import POSTPONE_EVENTS, RECORD_RESULT
from emulator.api.control.operations import CONTROL_OPERATIONS
from emulator.api.openapi.control import CONTROL_ENDPOINTS
from emulator.api.routes import ROUTES
from emulator.client.world_handle import WorldHandle
from emulator.core import json_text, schemas
from emulator.core.records import Order, Package, State, TransferOrder, Transition
from emulator.domain.scenario_files import find_scenario, scenario_from_document
from emulator.worlds.loading.scenarios import REPLAYS
from emulator.worlds.registry import WorldRegistry
from tests.support.answers import check_document
from tests.support.reads import ReceivedResponse, auth_headers, read_everything, wsgi_sender
from tests.support.traffic import SKU

pytestmark = pytest.mark.slow

PACKAGES, SEED = 6, 2
NOWHERE = 10**6


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=PACKAGES, seed=SEED)


def send(oms: WorldHandle, operation: str, document: Any = None, **path: int | str) -> ReceivedResponse:
    """Send a request for an operation over WSGI, with the method and path of its route."""
    row = next((route for route in ROUTES if route.operation == operation), None)
    control = next((row for row in CONTROL_ENDPOINTS if row.operation == operation), None)
    method = row.method if row else control.method if control else ""
    url = row.path if row else control.full_path if control else ""
    for name, value in path.items():
        url = url.replace(f"<{name}>", str(value))
    body = None if document is None else json.dumps(document).encode()
    headers = auth_headers(oms)[row.auth_scheme if row else None] | {"Content-Type": "application/json"}
    return wsgi_sender(oms)(method, oms.prefix + url, body, headers)


def record_and_transition(oms: WorldHandle, kind: type[Any], command: str) -> tuple[int, int]:
    """Return a record, and the id of a transition with this command that starts in its state."""
    return next(
        (record.id, transition.id)
        for record in oms.world.records.all(kind)
        for transition in oms.world.records.all(Transition)
        if transition.source_state == record.state and transition.command_code == command
    )


def send_command(operation: str, kind: type[Any], command: str) -> Callable[[WorldHandle], ReceivedResponse]:
    def perform(oms: WorldHandle) -> ReceivedResponse:
        oms.package(state="Waiting")
        pk, transition = record_and_transition(oms, kind, command)
        return send(oms, operation, {"transition": transition, "input_parameters": {}}, pk=pk)

    return perform


def on_package(operation: str, document: Any = None) -> Callable[[WorldHandle], ReceivedResponse]:
    return lambda oms: send(oms, operation, document, pk=next(iter(oms.world.records.ids(Package))))


def on_transfer(operation: str, document: Any) -> Callable[[WorldHandle], ReceivedResponse]:
    return lambda oms: send(oms, operation, document, pk=next(iter(oms.world.records.ids(TransferOrder))))


def report_delivery(oms: WorldHandle) -> ReceivedResponse:
    pk = oms.package(state="Shipped")["id"]
    return send(oms, "control_report_carrier", {"event": "delivered"}, pk=pk)


def cancel_order(oms: WorldHandle) -> ReceivedResponse:
    return send(oms, "control_cancel_order", id=oms.order(lines=[{"sku": SKU, "quantity": 1}])["order"])


HOOK = {
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 1}},
}


def create_hook(oms: WorldHandle) -> int:
    """Create a hook with a new URL and return its id."""
    url = f"http://127.0.0.1:9/{len(oms.world.steps)}"
    return int(json.loads(send(oms, "create_hook", HOOK | {"target_url": url}).body)["id"])


EXTRA = {"extra_information": {"a": [1.0, 1e22, -0.0, None, {"ü": "\u2028"}]}}
WRITES: dict[str, Callable[[WorldHandle], ReceivedResponse]] = {
    "command_package": send_command("command_package", Package, "BLOCK_THE_PACKAGE"),
    "reference_command_package": send_command("reference_command_package", Package, "BLOCK_THE_PACKAGE"),
    "invoice_package": on_package("invoice_package"),
    "reference_invoice_package": on_package("reference_invoice_package"),
    "set_package_invoice_number": on_package("set_package_invoice_number", {"invoice_number": 12.5}),
    "set_package_remote_id": on_package("set_package_remote_id", {"remote_id": " ü "}),
    "reference_set_package_invoice_number": on_package(
        "reference_set_package_invoice_number", {"invoice_number": "A-1"}
    ),
    "reference_set_package_remote_id": on_package("reference_set_package_remote_id", {"remote_id": 7}),
    "reference_patch_package_extra_information": on_package("reference_patch_package_extra_information", EXTRA),
    "command_transfer": send_command("command_transfer", TransferOrder, "DISPATCH_TRANSFER_ORDER"),
    "set_transfer_invoice_number": on_transfer("set_transfer_invoice_number", {"invoice_number": "A-2"}),
    "set_transfer_remote_id": on_transfer("set_transfer_remote_id", {"remote_id": "R-2"}),
    "create_denial_reason": lambda oms: send(oms, "create_denial_reason", {"title": "ü", "priority": 3.0}),
    "create_package_denial_reason": lambda oms: send(oms, "create_package_denial_reason", {"title": " x "}),
    "create_hook": lambda oms: send(oms, "create_hook", HOOK),
    "replace_hook": lambda oms: send(oms, "replace_hook", HOOK | {"is_active": False}, pk=create_hook(oms)),
    "update_hook": lambda oms: send(oms, "update_hook", {"secret_key": "ü"}, pk=create_hook(oms)),
    "delete_hook": lambda oms: send(oms, "delete_hook", pk=create_hook(oms)),
    "control_make_order": lambda oms: send(oms, "control_make_order", {"lines": [{"sku": SKU, "quantity": 2.0}]}),
    "control_cancel_order": cancel_order,
    "control_make_package": lambda oms: send(oms, "control_make_package", {"state": "Packed", "items": 2}),
    "control_report_carrier": report_delivery,
    "control_cancel_package": lambda oms: send(oms, "control_cancel_package", pk=oms.package(state="Waiting")["id"]),
    "control_put_stock": lambda oms: send(oms, "control_put_stock", {"quantity": 3}, location_id=1, sku=SKU),
    "control_make_stock_location": lambda oms: send(oms, "control_make_stock_location", {"name": "New"}),
    "control_change_stock_location": lambda oms: send(oms, "control_change_stock_location", {"max_quota": 4}, id=1),
}
"""Operation -> function that sends a successful request for it."""
BACKGROUND_WRITES = (RECORD_RESULT, POSTPONE_EVENTS, FORGET_ORDERS)
"""Operations that no request performs. They are tested in `tests/worlds/webhooks` and `test_live_traffic.py`."""
REQUESTED_WRITES = REPLAYS.keys() - set(BACKGROUND_WRITES)


def replay(oms: WorldHandle, document: Any = None) -> Emulator:
    replayed = Emulator("empty")
    replayed.worlds.create("default", scenario_from_document(document or oms.export(with_secrets=True)))
    return replayed


def test_every_operation_that_writes_can_be_replayed() -> None:
    """Covers every route that is not a GET, except login and event retry, and every write of the control API."""
    of_routes = {route.operation for route in ROUTES if route.method != "GET"} - {"login", "retry_hook_event"}
    assert set(REPLAYS) == of_routes | set(CONTROL_OPERATIONS) | set(BACKGROUND_WRITES)
    assert set(CONTROL_OPERATIONS) <= {row.operation for row in CONTROL_ENDPOINTS}


@pytest.mark.parametrize("operation", sorted(REQUESTED_WRITES))
def test_write_is_recorded_and_replays_to_an_equal_world(operation: str, oms: Emulator) -> None:
    """The export is valid according to its schema."""
    answer = WRITES[operation](oms)
    assert answer.status in (200, 201, 204), answer
    document = oms.export()
    check_document("scenario", document)
    last = document["steps"][-1]
    assert (last["operation"], last["request"]) == (operation, answer.headers["X-Emulator-Request-Id"])
    assert read_everything(replay(oms)) == read_everything(oms)


@pytest.mark.parametrize("operation", sorted(REQUESTED_WRITES))
def test_refused_call_is_not_recorded(operation: str, oms: Emulator) -> None:
    """There is nothing to undo, and the clock does not change."""
    before = oms.clock.now()
    path = {"pk": NOWHERE, "id": NOWHERE, "location_id": NOWHERE, "sku": SKU}
    assert (
        send(oms, operation, {"event": "failed", "quantity": 1, "lines": 1, "state": "?", "name": 1}, **path).status
        >= 400
    )
    assert (len(oms.world.steps), len(oms.world.undo_stack), oms.clock.now()) == (0, 0, before)


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="remote_id"\r\n\r\n\xc3\xbc 1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="photo"; filename="p.png"\r\n\r\n\x00\xff\r\n--b--\r\n'
)
BODIES: dict[str, tuple[str, bytes]] = {
    "a big integer in an unknown key": (JSON, b'{"remote_id": "x", "n": 123456789012345678901234567890123456789}'),
    "a big integer": (JSON, b'{"remote_id": 123456789012345678901234567890123456789}'),
    "half a surrogate pair in an unknown key": (JSON, b'{"remote_id": "x", "n": "\\ud800", "\\udfff": 1}'),
    "floats": (JSON, b'{"remote_id": 1.10, "n": [1e22, -0.0, 1E-7, 1.0]}'),
    "infinity": (JSON, b'{"remote_id": 1e400, "n": [-1e400, "Infinity", "\\"-Infinity"]}'),
    "non-ASCII text": (JSON, '{"remote_id": "ü\u2028\U0001f600\\u0007"}'.encode()),
    "UTF-16": (JSON + "; charset=utf-16", '{"remote_id": "ü"}'.encode("utf-16")),
    "a form": (FORM, b"remote_id=a&remote_id=%C3%BC+b&other="),
    "a form in latin-1": (FORM + "; charset=latin-1", b"remote_id=%FC"),
    "a multipart form with a file": ("multipart/form-data; boundary=b", PARTS),
}


@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
def test_body_of_any_kind_is_replayed(kind: str, body: bytes, oms: Emulator) -> None:
    """Replayed from the exported document in Python and from its text over HTTP."""
    pk = next(iter(oms.world.records.ids(Package)))
    ask = wsgi_sender(oms)
    headers = {"Content-Type": kind, "Authorization": "Token full-access"}
    assert ask("POST", f"/api/v1/oms/packages/{pk}/set_remote_id/", body, headers).status == 204
    answers = read_everything(oms)
    assert read_everything(replay(oms)) == answers
    replayed = Emulator("empty")
    text = ask("GET", "/__admin/export").body
    assert wsgi_sender(replayed)("PUT", "/__admin/scenario", b'{"document": %s}' % text).status == 200
    assert read_everything(replayed) == answers


def test_file_in_a_form_is_replayed_with_its_name(oms: Emulator) -> None:
    """The framework reads the number of a field from the file name."""
    oms.package(state="Waiting")
    pk, transition = record_and_transition(oms, Package, "BLOCK_THE_PACKAGE")
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % part
        for part in ((b"transition", b'; filename="%d"' % transition, b"x"), (b"input_parameters.a", b"", b"1"))
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Authorization": "Token full-access"}
    url = f"/api/v1/oms/packages/{pk}/command/"
    assert wsgi_sender(oms)("POST", url, parts + b"--b--\r\n", headers).status == 204
    assert read_everything(replay(oms)) == read_everything(oms)


def test_language_of_the_client_is_recorded(oms: Emulator) -> None:
    pk = next(iter(oms.world.records.ids(Package)))
    headers = {"Accept-Language": "tr-tr", "Authorization": "Token full-access"}
    assert wsgi_sender(oms)("POST", f"/api/v1/oms/packages/{pk}/invoice/", None, headers).status == 201
    assert oms.export()["steps"][0]["language"] == "tr-tr"
    assert read_everything(replay(oms)) == read_everything(oms)


def test_replayed_world_continues_like_the_original(oms: Emulator) -> None:
    """The next ids, times and request ids are equal, and so is undo."""
    for operation in ("control_make_package", "set_package_remote_id", "control_make_order"):
        WRITES[operation](oms)
        oms.clock.advance(minutes=5)
    replayed = replay(oms)
    for each in (oms, replayed):
        each.order(lines=[{"sku": SKU, "quantity": 1}])
        assert each.undo() == "00000004"
        each.undo()
        each.package(state="Packed")
    assert read_everything(oms) == read_everything(replayed)


def test_world_with_unrecorded_writes_cannot_be_exported(oms: Emulator) -> None:
    """It can be exported again after these writes are undone or replaced by a restore."""
    oms.snapshot("clean")
    oms.package()
    with oms.world.transaction() as tx:
        tx.change(tx.get_existing(Order, next(iter(tx.ids(Order)))), number="N")
    with pytest.raises(ValueError, match="changed by other means than calls"):
        oms.export()
    assert wsgi_sender(oms)("GET", "/__admin/export").status == 409
    oms.snapshot("dirty")
    oms.undo()
    assert oms.export()["steps"] == []
    oms.restore("dirty")
    with pytest.raises(ValueError, match="changed by other means than calls"):
        oms.export()
    oms.restore("clean")
    assert oms.export()["steps"] == []


def test_undo_reverts_a_call_and_the_background_writes_after_it(oms: Emulator) -> None:
    """A step without a request id is a background write."""
    call = {"operation": "control_make_package", "request": "00000001", "body": {}}
    background = {key: value for key, value in call.items() if key != "request"}
    replayed = replay(
        oms, {"name": "x", "steps": [call, background, background, call | {"request": "00000009"}, background]}
    )
    assert replayed.undo() == "00000009"
    assert replayed.undo() == "00000001"
    with pytest.raises(ValueError, match="nothing was written in world default"):
        replayed.undo()


WRITE_COUNT = 1_100


def test_only_the_last_thousand_writes_can_be_undone() -> None:
    """Older writes stay, and the error contains their number."""
    oms = Emulator("empty")
    for quantity in range(WRITE_COUNT):
        oms.stock(1, SKU, quantity)
    assert [oms.undo() for _ in range(1_000)] == [
        f"{number:08d}" for number in range(WRITE_COUNT, WRITE_COUNT - 1_000, -1)
    ]
    with pytest.raises(ValueError, match="of 100 writes in world default, none is left"):
        oms.undo()
    assert [step["body"]["quantity"] for step in oms.export()["steps"]] == list(range(100))


VALUES = [
    0,
    -0.0,
    1.0,
    1e22,
    10**40,
    "\ud800",
    "\u2028",
    float("inf"),
    -float("inf"),
    None,
    [None, {"a": float("inf")}],
]


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_json_value_is_preserved(value: Any) -> None:
    parsed = json_text.load_json(json_text.dump_json({"k": [value, "Infinity", None]}))
    assert repr(parsed) == repr({"k": [value, "Infinity", None]})


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b"", b"{", b"\xff", b"[" * 100_000])
def test_invalid_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        json_text.load_json(text)


def test_every_key_of_a_step_is_in_the_schema(oms: Emulator) -> None:
    for perform in WRITES.values():
        perform(oms)
    known = schemas.load_schema("scenario")["properties"]["steps"]["items"]["properties"]
    assert {key for step in oms.export()["steps"] for key in step} <= set(known)


def test_worlds_share_the_replayed_steps_of_a_scenario(oms: Emulator) -> None:
    """They share nothing that changes."""
    oms.package()
    worlds = WorldRegistry(scenario_from_document(oms.export()), "frozen")
    other = worlds.create("other")
    with other.transaction() as tx:
        tx.change(tx.get_existing(State, 35), name="changed")
    assert worlds.get("default").records.get_existing(State, 35).name == "Waiting"
    assert find_scenario("demo").steps == ()
