"""Random requests and changes of the world give and record the same with and without known answers and heads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, cast

import pytest
from flask import Response
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulator import Emulator
from emulator.core.records import Package
from emulator.web.access_log import ACCESS_LOG, FIELDS
from emulator.web.context import KnownHeads, RequestContext, RequestHead
from emulator.web.fast_path import FastPath
from tests.web.test_fast_path import environ_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

pytestmark = pytest.mark.slow

STEPS, EXAMPLES = 40, 100
WORLDS = ("default", "one", "two")
REFERENCE = "/packages/"
PATHS = (
    "/",
    "/api/v1/oms/packages",
    "/api/v1/oms/packages/",
    "/api/v1/oms/packages/PK/",
    "/api/v1/oms/packages/PK/state_logs/",
    "/api/v1/oms/packages/999999/",
    "/api/v1/oms/transfer_orders/",
    "/api/v1/oms/states/",
    "/packages/",
    "/packages/PK/",
    "/whisperer/hooks/",
    "/whisperer/hook_events/",
    "/static/shipping-labels/PK/",
    "/nothing/",
)
"""PK stands for the id of a package."""
READABLE_PATHS = ("/api/v1/oms/packages/", "/api/v1/oms/packages/PK/", "/packages/PK/")
WRITABLE_PATHS = (
    "/api/v1/oms/packages/PK/command/",
    "/api/v1/oms/packages/PK/set_remote_id/",
    "/api/v1/oms/packages/999999/set_remote_id/?format=json",
    "/packages/PK/command/",
    "/whisperer/hooks/",
)
BODIES = (
    b'{"transition": 1021, "input_parameters": {}}',
    b'{"remote_id": "R", "unknown": 1}',
    b"remote_id=R",
    b'{"target_url": "http://127.0.0.1:9/", "event_type": "package.updated"}',
    b"{",
)
prefixes = st.sampled_from(["", "/w/default", "/w/one", "/w/two"])
QUERIES = ("", "limit=2", "page=2", "state=35", "nothing=1", "format=json", "sort=-id", "limit=x")
HEADERS: tuple[dict[str, str], ...] = (
    {"Authorization": "Token read-only"},
    {"Authorization": "Token throttled"},
    {"Authorization": "Token unknown"},
    {"Authorization": ""},
    {"Accept": "application/json; indent=2"},
    {"Accept": "text/html"},
    {"Accept-Language": "tr"},
    {"Content-Type": "application/json"},
    {"Host": "shop.test"},
    {"Host": "a b"},
    {"Origin": "http://shop.test"},
    {"Referer": "http://oms.test/__admin/ui/"},
    {"Referer": "http://oms.test/__admin/ui/", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"X-Emulator-Fault": "503"},
    {"X-Emulator-Test": "a test"},
    {"X-Emulator-World": "one"},
    {"X-Emulator-World": "two"},
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 503, "times": 1},
    {"kind": "delay", "seconds": 0, "operation": "list_packages"},
    {"kind": "status", "status": 500, "operation": "get_package"},
)
Change = Callable[[Emulator], object]


def mount(oms: Emulator) -> None:
    other = Emulator("demo", packages=20)  # starts from the same records as `oms`, and has the same name
    oms.worlds.unmount("two")
    oms.worlds.mount("two", other.worlds.slot("default"))


CHANGES: dict[str, Change] = {
    "reset": lambda oms: oms.reset(),
    "clear the journal": lambda oms: oms.world.journal.clear(),
    "clear the faults": lambda oms: oms.faults.clear(),
    "advance": lambda oms: oms.clock.advance(minutes=40),
    "set the clock back": lambda oms: oms.clock.set("2023-04-05T09:00:00Z"),
    "strict mode": lambda oms: setattr(oms.world, "strict", not oms.world.strict),
    "hook": lambda oms: hooks(oms.app.before_request_funcs).append(lambda: None),
    "hook that answers": lambda oms: hooks(oms.app.before_request_funcs).append(lambda: Response("own")),
    "no hook": lambda oms: oms.app.before_request_funcs.clear(),
    "own header": lambda oms: hooks(oms.app.after_request_funcs).append(add_header),
    "no own header": lambda oms: oms.app.after_request_funcs.clear(),
    "request by Flask's client": lambda oms: oms.app.test_client().get("/api/v1/oms/packages/", headers=oms.auth),
    "another server's world": mount,
}
CHANGES_OF_A_WORLD: dict[str, Callable[[Emulator, str], object]] = {
    "new world": lambda oms, name: oms.in_world(name, "demo"),
    "empty world": lambda oms, name: oms.in_world(name, "empty"),
    "branch": lambda oms, name: oms.branch(name),
    "delete": lambda oms, name: oms.worlds.delete(name),
    "write": lambda oms, name: oms.in_world(name).package(),
    "snapshot": lambda oms, name: oms.snapshot(name),
    "restore": lambda oms, name: oms.restore(name),
    "undo": lambda oms, name: oms.in_world(name).undo(),
}
CHANGES |= {
    f"{label} {world}": partial(lambda oms, change, world: change(oms, world), change=change, world=world)
    for label, change in CHANGES_OF_A_WORLD.items()
    for world in WORLDS
}
CHANGES |= {f"fault {fault}": partial(lambda oms, fault: oms.faults.add(**fault), fault=fault) for fault in FAULTS}
UNDONE_BY = {
    "hook": "no hook",
    "hook that answers": "no hook",
    "own header": "no own header",
    **{name: "clear the faults" for name in CHANGES if name.startswith("fault ")},
}
"""A change that lasts would keep all later requests from the fast path."""


def hooks(table: dict[Any, list[Any]]) -> list[Any]:
    """Return the hooks for all requests. Flask's decorators refuse them after the first request."""
    return table.setdefault(None, [])


def add_header(response: Response) -> Response:
    response.headers["X-Own"] = "1"
    return response


def outcome(oms: Emulator, change: Change) -> str:
    """Return the error of a change."""
    try:
        change(oms)
    except (LookupError, ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def answer(oms: Emulator, environ: dict[str, Any]) -> tuple[Any, ...]:
    """Return the status, the headers and the body of a response, and the lines of the access log without times."""
    started: list[Any] = []
    logged = LogCapture()
    ACCESS_LOG.addHandler(logged)
    chunks = oms._emulator_app(environ, cast("StartResponse", lambda *start: started.append(start)))
    ACCESS_LOG.removeHandler(logged)
    return (*started[-1], b"".join(chunks), logged.lines)


class LogCapture(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append({name: getattr(record, name) for name in FIELDS if name != "milliseconds"})


class NoHeads(KnownHeads):
    def add(self, context: RequestContext, head: RequestHead) -> None:
        pass


class Reads(RuleBasedStateMachine):
    """Two emulators, of which one keeps no answers and no heads. Both get the same requests and changes."""

    @initialize(
        options=st.sampled_from(
            [
                {},
                {"max_worlds": 7},
                {"journal_size": 9},
                {"strict": True},
                {"limits": {"full-access": {"read": "7/min"}}},
                {"cors_origins": ["http://shop.test"]},
                {"provenance": True},
                {"validate_responses": True},
            ]
        ),
        mounts=st.booleans(),
        level=st.sampled_from([logging.INFO, logging.WARNING]),
    )
    def create(self, options: dict[str, Any], mounts: bool, level: int) -> None:
        ACCESS_LOG.setLevel(level)
        self.pair = [Emulator("demo", packages=20, allow_fault_header=True, **options) for _ in range(2)]
        slow = self.pair[1]._emulator_app
        slow.fast_path, slow.heads = FastPath(slow.worlds, max_bytes=0), NoHeads()
        for oms, world in product(self.pair, WORLDS[1:]):
            oms.in_world(world, "demo")
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []
        if mounts:
            self.change("another server's world")

    @rule(path=st.sampled_from(READABLE_PATHS), query=st.sampled_from(["", "nothing=1"]), prefix=prefixes)
    def read(self, path: str, query: str, prefix: str) -> None:
        self.request(path, query, {}, prefix, "GET", number=0, repeats=3)

    @rule(
        path=st.sampled_from(PATHS),
        query=st.sampled_from(QUERIES),
        headers=st.just({}) | st.sampled_from(HEADERS),
        prefix=prefixes,
        method=st.sampled_from(["GET"] * 8 + ["HEAD", "OPTIONS", "POST"]),
        number=st.integers(0, 1),
        repeats=st.integers(1, 3),
    )
    def request(
        self, path: str, query: str, headers: dict[str, str], prefix: str, method: str, number: int, repeats: int
    ) -> None:
        pk = self.pair[0].world.records.ids(Package)[number:][:1] or [1]
        target = prefix + path.replace("PK", str(pk[0])) + (f"?{query}" if query else "")
        bearer = {"Authorization": f"Bearer {self.pair[0].jwt()}"} if path.startswith(REFERENCE) else {}
        self.sent.append((target, method, bearer | headers, b""))
        self.send_again(0, repeats)

    @rule(
        path=st.sampled_from(WRITABLE_PATHS),
        body=st.sampled_from(BODIES),
        headers=st.just({}) | st.sampled_from(HEADERS),
        prefix=prefixes,
        number=st.integers(0, 1),
        repeats=st.integers(1, 3),
    )
    def write(self, path: str, body: bytes, headers: dict[str, str], prefix: str, number: int, repeats: int) -> None:
        pk = self.pair[0].world.records.ids(Package)[number:][:1] or [1]
        content_type = {"Content-Type": "application/x-www-form-urlencoded" if b"=" in body else "application/json"}
        bearer = {"Authorization": f"Bearer {self.pair[0].jwt()}"} if path.startswith(REFERENCE) else {}
        self.sent.append((prefix + path.replace("PK", str(pk[0])), "POST", content_type | bearer | headers, body))
        self.send_again(0, repeats)

    @precondition(lambda self: self.sent)
    @rule(back=st.integers(0, 4), repeats=st.integers(1, 3))
    def send_again(self, back: int, repeats: int) -> None:
        target, method, headers, body = self.sent[-1 - back % len(self.sent)]
        for _ in range(repeats):
            self.compare(lambda oms: answer(oms, environ_of(target, method, body, **headers)))

    @rule(name=st.sampled_from([*CHANGES]))
    def change(self, name: str) -> None:
        """Change both emulators, and then repeat the last requests."""
        for change in filter(None, (name, UNDONE_BY.get(name))):
            self.compare(lambda oms, change=change: outcome(oms, CHANGES[change]))  # type: ignore[misc]
            for back in range(min(len(self.sent), 3)):
                self.send_again(back, 2)

    def teardown(self) -> None:
        ACCESS_LOG.setLevel(logging.NOTSET)

    def compare(self, action: Callable[[Emulator], object]) -> None:
        first, second = map(action, self.pair)
        assert first == second

    @invariant()
    def records_are_equal(self) -> None:
        self.compare(recorded_facts)


def recorded_facts(oms: Emulator) -> object:
    """Return what is recorded of the requests to all worlds."""
    return (
        {
            name: [
                exchange._replace(seconds=0, duration=0)
                for exchange in oms.worlds.get(name, using=False).journal.newest_first()
            ]
            for name in oms.worlds
        },
        oms.world.coverage.counts(),
        sorted(oms.world.coverage.bases),
        oms.worlds.metrics.requests(),
        oms.worlds.metrics.faults(),
        oms.faults.list(),
        oms.provenance and (oms.provenance.bases, oms.provenance.tests),
    )


TestReads = Reads.TestCase
TestReads.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
