"""Requests of the corpus that need special conditions: faults, strict mode, hooks and webhook deliveries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.web.test_unused_input import UNUSED_INPUT, USED_INPUT

LIST = "/api/v1/oms/packages/"
STRICT = "strict"
"""Name of a world in strict mode."""
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
AUTH = {"Authorization": "Token full-access"}
FAULT_HEADERS = (
    *("503", "500", "404", "429", "status;status=502;detail=No", "status;status=99", "nonsense", ""),
    *(
        "delay;seconds=0.01",
        "drip;seconds=0.01;pieces=3",
        "malformed",
        "malformed;size=3",
        "truncated",
        "truncated;size=0",
    ),
    *("reset", "lost_response", "lost_request;seconds=0.01", "delay;seconds=x"),
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "options": {"status": 503}, "operation": "list_packages", "when": {"nth": 2}},
    {"kind": "status", "options": {"status": 429, "retry_after": 7}, "method": "POST", "times": 1},
    {"kind": "malformed", "operation": "get_package", "when": {"rate": 0.5}},
    {"kind": "lost_response", "operation": "set_package_remote_id", "when": {"after": 2}, "times": 1},
    {"kind": "drip", "options": {"seconds": 0.01}, "operation": "list_transfers", "when": {"token": "read-only"}},
    {"kind": "nonsense"},
)
VALID_HOOK = {
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
}


class HttpRequest(NamedTuple):
    """One request of the corpus. `target` is the path as it is sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


def json_request(method: str, target: str, body: Any = None, headers: Mapping[str, str] = AUTH) -> HttpRequest:
    """Return a request with an optional JSON body."""
    if body is None:
        return HttpRequest(method, target, dict(headers))
    return HttpRequest(method, target, {**headers, **JSON}, json.dumps(body).encode())


def fault_requests(package: int) -> Iterator[HttpRequest]:
    """Yield a read and a write with each fault header, then requests with armed faults."""
    for fault_header in FAULT_HEADERS:
        headers = AUTH | {"X-Emulator-Fault": fault_header}
        yield json_request("GET", f"{LIST}{package}/", headers=headers)
        yield json_request("HEAD", f"{LIST}{package}/", headers=headers)
        yield json_request("POST", f"{LIST}{package}/set_remote_id/", {"remote_id": fault_header}, headers)
    yield json_request("PUT", "/__admin/worlds/faulty", {})
    for fault in FAULTS:
        yield json_request("POST", "/w/faulty/__admin/faults", fault)
    for number in range(6):
        yield json_request("GET", f"/w/faulty{LIST}?limit=2&n={number}")
        yield json_request("GET", f"/w/faulty{LIST}{package}/?n={number}")
        yield json_request("POST", f"/w/faulty{LIST}{package}/set_remote_id/", {"remote_id": f"R{number}"})
        yield json_request(
            "GET", f"/w/faulty/api/v1/oms/transfer_orders/?n={number}", headers={"Authorization": "Token read-only"}
        )
    yield json_request("GET", "/w/faulty/__admin/faults")
    yield json_request("DELETE", "/w/faulty/__admin/faults/1")
    yield json_request("DELETE", "/w/faulty/__admin/faults/1")


def strict_mode_requests(package: int) -> Iterator[HttpRequest]:
    """Yield requests with and without unused input, to a world in strict mode and to one in normal mode."""
    for prefix in ("", f"/w/{STRICT}"):
        for method, path, options, *_ in (*UNUSED_INPUT.values(), *USED_INPUT.values()):
            target = prefix + path.replace("{pk}", str(package))
            if "json" in options:
                yield json_request(method, target, options["json"])
            else:
                form = urlencode(options["data"]).encode() if "data" in options else b""
                yield HttpRequest(method, target, AUTH | (FORM if form else {}), form)


def hook_requests(package: int) -> Iterator[HttpRequest]:
    """Yield requests for hooks, their events and their failing delivery, with an advancing clock."""
    hooks, events = "/whisperer/hooks/", "/whisperer/hook_events/"
    for type_ in ("package.created", "package.status.packed", "nonsense"):
        yield json_request("POST", hooks, VALID_HOOK | {"event_type": type_})
    yield json_request("POST", hooks, VALID_HOOK)
    yield json_request("POST", hooks, {"target_url": "nonsense"})
    yield json_request("POST", "/__admin/packages", {"state": "Waiting", "items": 2})
    yield json_request("POST", f"{LIST}{package}/command/", {"transition": 166, "input_parameters": {}})
    for query in ("", "?delivered=false&limit=2", "?sort=-id", "?delivered=x"):
        yield json_request("GET", events + query)
        yield json_request("GET", hooks + query)
    for _ in range(2):
        yield json_request("POST", "/__admin/hooks/flush")
        yield json_request("GET", "/__admin/hooks/deliveries")
        yield json_request("POST", "/__admin/clock/advance", {"to_next_event": True})
        yield json_request("POST", "/__admin/clock/advance", {"seconds": 60})
    for path in (f"{hooks}1/", f"{hooks}99999/", f"{events}1/", f"{events}nonsense/"):
        yield json_request("GET", path)
        yield json_request("PATCH", path, {"is_active": False})
        yield json_request("DELETE", path)
        yield json_request("POST", f"{path}retry/", {"force": True})
