"""Control API: the activity of a world, and a stream of server-sent events that reports each change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote
from weakref import WeakSet

import orjson
from flask import Response, current_app, request

from emulator.api.serializers.fields import state_name
from emulator.core.errors import ControlError
from emulator.core.json_text import JsonObject, dump_json
from emulator.core.records import (
    Package,
    RecordKind,
    State,
    TransferOrder,
    Transition,
    TransitionLog,
    User,
    Webhook,
    WebhookEvent,
)
from emulator.domain.fault_rules import fault_document
from emulator.domain.state_graph import PACKAGE_STATUS, STATE_GRAPHS
from emulator.state.clock import format_time, machine_seconds
from emulator.state.journal import Exchange
from emulator.state.outbox import Delivery
from emulator.state.store import Reader
from emulator.state.world import World
from emulator.web.admin.shared import (
    api,
    current_world,
    json_response,
    parse_int,
    query_parameters,
    world_name,
    world_registry,
)
from emulator.web.admin.simulation import clock_document
from emulator.web.fault_injection import STREAM, SendAction, Wait
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import StartResponse

MAX_STREAMS = 32
"""Maximum number of open streams. A client beyond it gets one message and polls."""
POLL_SECONDS = 0.25
"""Time between two checks of a world by a stream. No thread waits meanwhile."""
PAUSE_FACTOR = 50
"""The pause after a check is at least this many times its duration, so a stream takes little of the server's time."""
KEEP_ALIVE_SECONDS = 10.0
RETRY_MILLISECONDS = 1_000
"""Time after which a browser opens a closed stream again."""
DEFAULT_ENTRIES, MAX_ENTRIES = 30, 100
RECENT_PACKAGES = 12
"""Number of the newest packages of a dataset whose activity is shown before anything is written."""
DELIVERED = "800"
GRAPHS = {enum_class: (graph, kind) for graph, (kind, enum_class) in STATE_GRAPHS.items()}
RECORD_PATH = re.compile(r"/(packages|transfer_orders)/(\d+)/")
STREAMS_KEY = "oms_emulator.streams"
"""Key of the application's extensions that holds its open streams."""


@api.get("/activity")
def activity() -> Response:
    query = query_parameters("limit", "package", "transfer")
    limit = min(parse_int("limit", query["limit"]) if "limit" in query else DEFAULT_ENTRIES, MAX_ENTRIES)
    world = current_world()
    selected = [(kind, parse_int(key, query[key])) for key, kind in SUBJECTS.items() if key in query]
    entries = record_entries(world, *selected[0]) if selected else latest_entries(world, limit)
    return json_response({"results": newest_first(entries)[:limit]})


SUBJECTS: Mapping[str, RecordKind] = {"package": Package, "transfer": TransferOrder}


@api.get("/events")
def events() -> Response:
    after = query_parameters("after").get("after", "")
    changes = WorldChanges(world_registry(), world_name(), request.headers.get("Last-Event-ID", after))
    return EventStream(changes, current_app.extensions.setdefault(STREAMS_KEY, WeakSet()))


class Position(NamedTuple):
    """How far a stream has read the activity of a world."""

    world: str
    log: int
    package: int
    delivery: int
    request: int

    def __str__(self) -> str:
        return ".".join(map(str, self))

    def is_before(self, other: Position) -> bool:
        return self.world == other.world and all(mine <= its for mine, its in zip(self[1:], other[1:], strict=True))


def parse_position(text: str) -> Position | None:
    """Return the position in a `Last-Event-ID` header, or None if it has another form."""
    world, *numbers = text.split(".")
    if len(numbers) != len(Position._fields) - 1 or not all(each.isascii() and each.isdigit() for each in numbers):
        return None
    return Position(world, *(int(each[:18]) for each in numbers))


def current_position(world: World) -> Position:
    records, journal = world.records, world.journal
    return Position(
        world_identity(world),
        next_id(records, TransitionLog),
        next_id(records, Package),
        world.outbox.log.count,
        int(world.request_ids.next_number) if len(journal) else 0,
    )


def world_identity(world: World) -> str:
    """Return a text that differs for each world of each process, also after a reset."""
    return f"{int(world.metrics.started_at * 1_000_000):x}-{id(world):x}"


def next_id(records: Reader, kind: RecordKind) -> int:
    next_ids: Mapping[RecordKind, int] = records.maps.get("next", {})
    return next_ids.get(kind) or records.base.next_id(kind)


class WorldChanges:
    """Compares a world with its last known state, and writes a message for each change."""

    def __init__(self, worlds: WorldRegistry, name: str, last_event_id: str) -> None:
        self.worlds, self.name = worlds, name
        self._resumed_from = parse_position(last_event_id)
        self._position: Position | None = None
        self._versions: dict[str, object] = {}

    def message(self) -> bytes | None:
        """Return the message about everything that changed since the last call, or None.

        The first message holds the activity since the id that the client sent. A message is fresh if it replaces the
        activity that the client has: the first one, and one after an undo or a reset.
        """
        try:
            world = self.worlds.get(self.name, using=False)
        except ControlError as error:
            return self._message_of_missing_world(error)
        position, versions = current_position(world), world_versions(world, self.worlds)
        topics = [topic for topic, version in versions.items() if self._versions.get(topic) != version]
        if not topics:
            return None
        start = self._position or self._resumed_from
        is_fresh = start is None or not start.is_before(position)
        if start is None or is_fresh:
            entries = newest_first(latest_entries(world, DEFAULT_ENTRIES))[:DEFAULT_ENTRIES]
        else:
            entries = newest_first(entries_between(world, start, position))[:MAX_ENTRIES]
        self._position, self._versions = position, versions
        document = {"topics": topics, **world_summary(world), "is_fresh": is_fresh, "activity": entries}
        return encode_message(position, document)

    def _message_of_missing_world(self, error: ControlError) -> bytes | None:
        if self._versions == {"world": None}:
            return None
        self._versions, self._position = {"world": None}, None
        return encode_message(None, {"topics": ["world"], "missing": error.message, "is_fresh": True, "activity": []})


class EventStream(Response):
    """A stream of messages. No thread that answers waits for the next message: the server calls the stream regularly.

    A server that cannot do this, or that has too many streams, gets one message. The browser then asks again.
    """

    def __init__(self, changes: WorldChanges, open_streams: WeakSet[WorldChanges]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx passes each message on at once
        super().__init__(content_type="text/event-stream", headers=headers)
        self.changes, self.open_streams = changes, open_streams
        self.automatically_set_content_length = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        detach = environ.get(STREAM)
        is_open = detach is not None and len(self.open_streams) < MAX_STREAMS
        retry = b"retry: %d\n\n" % (RETRY_MILLISECONDS if is_open else 2 * RETRY_MILLISECONDS)
        if is_open and detach is not None:
            start_response("200 OK", self.get_wsgi_headers(environ).to_wsgi_list())
            self.open_streams.add(self.changes)
            detach(self._actions(retry))
        self.automatically_set_content_length = True
        self.set_data(retry + (self.changes.message() or b""))
        return super().__call__(environ, start_response)

    def _actions(self, retry: bytes) -> Iterator[SendAction]:
        """Yield each message, and wait between them without a thread."""
        sent_at = machine_seconds()
        try:
            yield retry
            while True:
                began = machine_seconds()
                message = self.changes.message()
                if message is None and machine_seconds() - sent_at > KEEP_ALIVE_SECONDS:
                    message = b":\n\n"
                if message is not None:
                    sent_at = machine_seconds()
                    yield message
                yield Wait(max(POLL_SECONDS, PAUSE_FACTOR * (machine_seconds() - began)))
        finally:
            self.open_streams.discard(self.changes)


def encode_message(position: Position | None, document: JsonObject) -> bytes:
    identifier = b"" if position is None else f"id: {position}\n".encode()
    return identifier + b"data: " + dump_json(document) + b"\n\n"


def world_versions(world: World, worlds: WorldRegistry) -> dict[str, object]:
    """Return a value for each topic that changes whenever the topic does."""
    faults, clock = world.faults.armed, world.clock
    return {
        "world": world_identity(world),
        "records": (id(world.records), len(world.steps), world.last_write_at, world.schedule.discontinuities),
        "requests": (world.journal.evicted_count + len(world.journal), newest_request(world)),
        "deliveries": (world.outbox.log.count, len(world.outbox.log)),
        "clock": clock.setting,
        "live": world.schedule.rate,
        "faults": (tuple((fault.id, fault.hits) for fault in faults), world.outbox.faults),
        "snapshots": tuple(world.snapshots),
        "worlds": tuple(worlds),
    }


def newest_request(world: World) -> str | None:
    newest = next(world.journal.newest_first(), None)
    return None if newest is None else newest.id


def world_summary(world: World) -> JsonObject:
    """Return what every page of the inspector shows: the world, its clock and its faults."""
    return {
        "world": {"name": world.name, "scenario": world.settings.source.name, "steps": len(world.steps)},
        "clock": clock_document(world),
        "faults": [fault_document(fault) for fault in world.faults.copy(with_actions=True).armed],
        "delivery_faults": [fault._asdict() for fault in world.outbox.faults],
    }


def latest_entries(world: World, limit: int) -> list[JsonObject]:
    """Return the latest activity. Before the first write it is that of the newest packages of the dataset."""
    position, records = current_position(world), world.records
    start = Position("", *(max(number - limit, 0) for number in position[1:]))
    base_logs, base_packages = (records.base.next_id(kind) for kind in (TransitionLog, Package))
    start = start._replace(log=max(start.log, base_logs), package=max(start.package, base_packages))
    entries = entries_between(world, start, position)
    if len(entries) < limit:
        for id_ in records.base.ids(Package)[-RECENT_PACKAGES:]:
            entries += record_entries(world, Package, id_)
    return list({entry["id"]: entry for entry in entries}.values())


def entries_between(world: World, start: Position, end: Position) -> list[JsonObject]:
    """Return the activity between two positions."""
    records = world.records
    logs = list(range(max(start.log, end.log - MAX_ENTRIES), end.log))
    packages = list(range(max(start.package, end.package - MAX_ENTRIES), end.package))
    new_deliveries = min(end.delivery - start.delivery, MAX_ENTRIES)
    for delivery in list(world.outbox.log)[-new_deliveries:] if new_deliveries > 0 else ():
        kind, id_ = source_of_delivery(records, delivery)
        (logs if kind is TransitionLog else packages).append(id_)
    entries = [log_entry(records, world, id_) for id_ in dict.fromkeys(logs)]
    entries += [creation_entry(records, world, id_) for id_ in dict.fromkeys(packages)]
    requests = latest_requests(world, start.request)
    return [entry for entry in entries if entry is not None] + [request_entry(each) for each in requests]


def source_of_delivery(records: Reader, delivery: Delivery) -> tuple[RecordKind, int]:
    """Return the transition log that caused a delivery, or else its package."""
    event = records.get(WebhookEvent, delivery.event)
    if event is None:
        return Package, 0
    for log in records.latest(TransitionLog, "subject", (event.content_type, event.object_id)):
        if log.created_date == event.created_date:
            return TransitionLog, log.id
        if log.created_date < event.created_date:
            break
    return Package, event.object_id


def latest_requests(world: World, start: int) -> list[Exchange]:
    """Return the refused requests since a request number."""
    found: list[Exchange] = []
    for exchange in world.journal.newest_first():
        if int(exchange.id) < start or len(found) == MAX_ENTRIES:
            break
        if exchange.status >= 400:
            found.append(exchange)
    return found


def record_entries(world: World, kind: RecordKind, id_: int) -> list[JsonObject]:
    """Return the activity of one package or transfer order."""
    records = world.records
    record: Any = records.get(kind, id_)
    if record is None:
        return []
    content_type = records.get_existing(State, record.state).content_type
    logs = records.related(TransitionLog, "subject", (content_type, id_))
    entries = [log_entry(records, world, log) for log in logs]
    if kind is Package:
        entries.append(creation_entry(records, world, id_))
    folder = "packages" if kind is Package else "transfer_orders"
    refused = [each for each in latest_requests(world, 0) if f"/{folder}/{id_}/" in f"{each.path}/"]
    return [entry for entry in entries if entry is not None] + [request_entry(each) for each in refused]


def newest_first(entries: list[JsonObject]) -> list[JsonObject]:
    return sorted(entries, key=lambda entry: (entry["at"], entry["id"]), reverse=True)


def log_entry(records: Reader, world: World, id_: int) -> JsonObject | None:
    """Return the entry of a transition, with the webhooks that it caused."""
    log = records.get(TransitionLog, id_)
    if log is None:
        return None
    state = records.get_existing(State, log.new_state)
    graph, kind = GRAPHS.get(state.enum_class, GRAPHS[PACKAGE_STATUS])
    record: Any = records.get(kind, log.object_id)
    if record is None:
        return None
    language = world.settings.language
    webhooks = caused_webhooks(records, log.content_type, log.object_id, log.created_date)
    return {
        "id": f"log-{id_}",
        "kind": "moved",
        **subject_columns(graph, record, log.created_date),
        "from": state_name(records.get_existing(State, log.old_state), language),
        "to": state_name(state, language),
        "value": state.enum_value,
        "by": actor_of(records, log),
        "request": log.request_id or None,
        "webhooks": [each for each in webhooks if not each["type"].endswith(".created")],
        "is_order_done": kind is Package and state.enum_value == DELIVERED and is_order_delivered(records, record),
    }


def creation_entry(records: Reader, world: World, id_: int) -> JsonObject | None:
    package = records.get(Package, id_)
    if package is None:
        return None
    content_type = records.get_existing(State, package.state).content_type
    first = next(iter(records.related(TransitionLog, "subject", (content_type, id_))), None)
    before = package.state if first is None else records.get_existing(TransitionLog, first).old_state
    state = records.get_existing(State, before)
    webhooks = caused_webhooks(records, state.content_type, id_, package.created_date)
    return {
        "id": f"package-{id_}",
        "kind": "created",
        **subject_columns("packages", package, package.created_date),
        "to": state_name(state, world.settings.language),
        "value": state.enum_value,
        "webhooks": [each for each in webhooks if each["type"].endswith(".created")],
    }


def subject_columns(graph: str, record: Any, at: datetime) -> JsonObject:
    return {"at": format_time(at), "page": graph, "record": record.id, "number": record.number}


def request_entry(exchange: Exchange) -> JsonObject:
    """Return the entry of a refused request."""
    path = RECORD_PATH.search(exchange.path)
    return {
        "id": f"request-{exchange.id}",
        "kind": "refused",
        "at": format_time(exchange.at),
        "request": exchange.id,
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "reason": refusal_reason(exchange),
        "fault": exchange.info.fault,
        "page": None if path is None else {"packages": "packages", "transfer_orders": "transfers"}[path[1]],
        "record": None if path is None else int(path[2][:18]),
        "webhooks": [],
    }


def refusal_reason(exchange: Exchange) -> str:
    """Return the first message of an error body, or the first part of the hint."""
    try:
        value: Any = orjson.loads(exchange.response_body)
    except orjson.JSONDecodeError:
        value = None
    key = ""
    while isinstance(value, dict | list) and value:
        if isinstance(value, dict):
            name, value = next(iter(value.items()))
            key = name if name not in ("error", "detail", "non_field_errors") else key
        else:
            value = value[0]
    if isinstance(value, str):
        return f"{key}: {value}" if key else value
    return unquote(exchange.response_headers.get("X-Emulator-Hint", "")).partition("; ")[0]


def actor_of(records: Reader, log: TransitionLog) -> str | None:
    """Return who made a transition: a user of the API, or the carrier, the planner or the operator, if known."""
    if log.user is not None:
        user = records.get(User, log.user)
        return "API" if user is None else user.username
    for transition in records.find(Transition, "source_state", log.old_state):
        if transition.destination_state == log.new_state and transition.actor != "command":
            return transition.actor
    return "API" if log.request_id else None


def caused_webhooks(records: Reader, content_type: int, id_: int, at: datetime) -> list[JsonObject]:
    """Return the webhook events that a change of a record caused."""
    found = []
    for event in records.latest(WebhookEvent, "subject", (content_type, id_)):
        if event.created_date < at:
            break
        if event.created_date == at:
            hook = records.get(Webhook, event.webhook)
            status = event.response_http_status
            found.append(
                {
                    "event": event.id,
                    "type": "" if hook is None else hook.event_type,
                    "status": status,
                    "delivered": event.delivered,
                }
            )
    return found[::-1]


def is_order_delivered(records: Reader, package: Package) -> bool:
    states = (records.get_existing(State, each.state) for each in records.find(Package, "order", package.order))
    return all(state.enum_value == DELIVERED for state in states)
