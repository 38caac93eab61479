"""Requests under conditions: faults, by header and armed; a strict world; hooks, events and their delivery."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.web.test_unused_input import RIGHT, VAIN

LIST = "/api/v1/oms/packages/"
STRICT = "strict"
"""The name of a world that is strict."""
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
AUTH = {"Authorization": "Token full-access"}
BY_HEADER = (
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
ARMED: tuple[dict[str, Any], ...] = (
    {"kind": "status", "options": {"status": 503}, "operation": "list_packages", "when": {"nth": 2}},
    {"kind": "status", "options": {"status": 429, "retry_after": 7}, "method": "POST", "times": 1},
    {"kind": "malformed", "operation": "get_package", "when": {"rate": 0.5}},
    {"kind": "lost_response", "operation": "set_package_remote_id", "when": {"after": 2}, "times": 1},
    {"kind": "drip", "options": {"seconds": 0.01}, "operation": "list_transfers", "when": {"token": "read-only"}},
    {"kind": "nonsense"},
)
HOOK = {
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
}


class Sent(NamedTuple):
    """One request of the corpus; `target` holds the path as it is on the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


def sent(method: str, target: str, body: Any = None, headers: Mapping[str, str] = AUTH) -> Sent:
    """Give a request with a body of JSON, if any."""
    if body is None:
        return Sent(method, target, dict(headers))
    return Sent(method, target, {**headers, **JSON}, json.dumps(body).encode())


def of_faults(package: int) -> Iterator[Sent]:
    """A read and a write with each fault that a header may ask for; then armed ones, met and listed."""
    for asked in BY_HEADER:
        headers = AUTH | {"X-Emulator-Fault": asked}
        yield sent("GET", f"{LIST}{package}/", headers=headers)
        yield sent("HEAD", f"{LIST}{package}/", headers=headers)
        yield sent("POST", f"{LIST}{package}/set_remote_id/", {"remote_id": asked}, headers)
    yield sent("PUT", "/__admin/worlds/faulty", {})
    for fault in ARMED:
        yield sent("POST", "/w/faulty/__admin/faults", fault)
    for number in range(6):
        yield sent("GET", f"/w/faulty{LIST}?limit=2&n={number}")
        yield sent("GET", f"/w/faulty{LIST}{package}/?n={number}")
        yield sent("POST", f"/w/faulty{LIST}{package}/set_remote_id/", {"remote_id": f"R{number}"})
        yield sent(
            "GET", f"/w/faulty/api/v1/oms/transfer_orders/?n={number}", headers={"Authorization": "Token read-only"}
        )
    yield sent("GET", "/w/faulty/__admin/faults")
    yield sent("DELETE", "/w/faulty/__admin/faults/1")
    yield sent("DELETE", "/w/faulty/__admin/faults/1")


def of_strict(package: int) -> Iterator[Sent]:
    """What comes in vain, and what is right, to a world that is strict and to one that is not."""
    for prefix in ("", f"/w/{STRICT}"):
        for method, path, options, *_ in (*VAIN.values(), *RIGHT.values()):
            target = prefix + path.replace("{pk}", str(package))
            if "json" in options:
                yield sent(method, target, options["json"])
            else:
                form = urlencode(options["data"]).encode() if "data" in options else b""
                yield Sent(method, target, AUTH | (FORM if form else {}), form)


def of_hooks(package: int) -> Iterator[Sent]:
    """Subscriptions, what they are told of, and its delivery to where nobody listens; the clock moves on for it."""
    hooks, events = "/whisperer/hooks/", "/whisperer/hook_events/"
    for type_ in ("package.created", "package.status.packed", "nonsense"):
        yield sent("POST", hooks, HOOK | {"event_type": type_})
    yield sent("POST", hooks, HOOK)
    yield sent("POST", hooks, {"target_url": "nonsense"})
    yield sent("POST", "/__admin/packages", {"state": "Waiting", "items": 2})
    yield sent("POST", f"{LIST}{package}/command/", {"transition": 166, "input_parameters": {}})
    for query in ("", "?delivered=false&limit=2", "?sort=-id", "?delivered=x"):
        yield sent("GET", events + query)
        yield sent("GET", hooks + query)
    for _ in range(2):
        yield sent("POST", "/__admin/hooks/flush")
        yield sent("GET", "/__admin/hooks/deliveries")
        yield sent("POST", "/__admin/clock/advance", {"to_next_event": True})
        yield sent("POST", "/__admin/clock/advance", {"seconds": 60})
    for path in (f"{hooks}1/", f"{hooks}99999/", f"{events}1/", f"{events}nonsense/"):
        yield sent("GET", path)
        yield sent("PATCH", path, {"is_active": False})
        yield sent("DELETE", path)
        yield sent("POST", f"{path}retry/", {"force": True})
