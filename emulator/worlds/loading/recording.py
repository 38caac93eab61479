"""Recorded traffic of a real OMS: the exchanges in memory, and the scenario and installation made from them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from queue import Queue
from threading import Thread
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from emulator.api.request_fields import REQUEST_FIELDS
from emulator.api.routes import Route
from emulator.api.serializers import SERIALIZERS
from emulator.core import json_text
from emulator.core.errors import ApiError, ControlError
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import DenialReason, Package, RecordKind, TransferOrder
from emulator.domain.commands import COMMANDS
from emulator.domain.scenario_files import scenario_from_document
from emulator.state.clock import format_time
from emulator.worlds.loading.anonymizer import SensitiveValue
from emulator.worlds.loading.collector import RecordCollector
from emulator.worlds.loading.installation_import import import_installation
from emulator.worlds.loading.masking import HOOK_OPERATIONS, HOOK_SECRETS
from emulator.worlds.loading.recorded_responses import (
    GENERATED_DOCUMENT,
    Capture,
    InvalidResponse,
    RecordedResponse,
    documents_of,
    endpoint_of,
    locate_response,
    normalized_path,
    owner_kind_of,
)
from emulator.worlds.loading.redaction import (
    Redactor,
    load_body,
    sensitive_in_headers,
    sensitive_in_json,
    sensitive_in_query,
)
from emulator.worlds.loading.scenario_import import MALFORMED, ScenarioImport, import_scenario
from emulator.worlds.loading.scenarios import REPLAYS, UnreplayableStep, open_world, parse_step, replay_step

DESCRIPTION = "Recorded by `oms-emulator record`."
MAX_BYTES = 256 * 1024 * 1024
"""Bytes of recorded bodies that are kept in memory. Later exchanges are forwarded, but not recorded."""
MAX_WAITING = 256
"""Exchanges that wait to be processed. With more of them, the next responses wait."""
FORM = "application/x-www-form-urlencoded"
READ_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
OWNERS: Mapping[str, RecordKind] = {"/packages/<": Package, "/transfer_orders/<": TransferOrder}
"""Part of a route's path -> kind of the record that it belongs to."""
CREATED: Mapping[str | None, RecordKind] = {"new-denial-reason": DenialReason}
"""Schema of a request's body -> kind of the record that it creates."""
RecordKey: TypeAlias = tuple[RecordKind, int]


class RecordedExchange(NamedTuple):
    """A request to a real OMS, and its response."""

    method: str
    path: str
    """Path from the root of the OMS."""
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    response_headers: Mapping[str, str]
    content: bytes
    at: datetime
    route: Route | None
    """None if no operation has this path and method."""
    parameters: Mapping[str, int]

    @property
    def title(self) -> str:
        """A description without values of the request."""
        return f"{self.method} of an unknown path" if self.route is None else self.route.operation

    @property
    def is_successful_write(self) -> bool:
        return self.method not in READ_METHODS and 200 <= self.status < 300

    @property
    def subject(self) -> RecordKey | None:
        """The package or transfer order in the path."""
        path = "" if self.route is None else self.route.path
        kind = next((kind for part, kind in OWNERS.items() if part in path), None)
        return None if kind is None or "pk" not in self.parameters else (kind, self.parameters["pk"])

    def document(self) -> JsonValue:
        """Return the JSON of the response. Raise `ValueError` if it is not JSON."""
        return load_body(self.content)


class NothingRecorded(ValueError):
    """A recording without a single document."""


class RecordedWorld(NamedTuple):
    """The files made from a recording, and what they do not contain."""

    scenario: JsonObject
    installation: JsonObject | None
    imported: ScenarioImport
    missing: list[str]
    """One line for each kind of exchange that is not in the scenario, and for each part that was made up."""


class ExchangeWorker:
    """Processes exchanges in a thread, in the order in which any threads add them.

    A response waits for it only when `MAX_WAITING` exchanges are in the queue.
    """

    def __init__(self, name: str, process: Callable[[RecordedExchange], object]) -> None:
        """`process` must not raise. It is called for one exchange after the other."""
        self._process = process
        self._queue: Queue[RecordedExchange | None] = Queue(MAX_WAITING)
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, exchange: RecordedExchange) -> None:
        self._queue.put(exchange)

    def stop(self) -> None:
        """Process all exchanges that wait, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (exchange := self._queue.get()) is not None:
            self._process(exchange)


class Recording:
    """The exchanges with a real OMS, in memory."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self.exchanges: list[RecordedExchange] = []
        self.dropped = 0
        self._free_bytes = max_bytes
        self._reads: set[tuple[str, int, bytes]] = set()

    def add(self, exchange: RecordedExchange) -> None:
        """Keep an exchange, unless it is a read whose response was recorded before."""
        # Unlike `hash`, the digest of a long body does not block other threads.
        key = (exchange.path, exchange.status, sha256(exchange.content).digest())
        if exchange.method == "GET" and key in self._reads:
            return
        self._reads.add(key)
        self._free_bytes -= len(exchange.content) + len(exchange.body)
        if self._free_bytes < 0:
            self.dropped += 1
        else:
            self.exchanges.append(exchange)


def build_world(recording: Recording, name: str, *, anonymize: bool = True) -> RecordedWorld:
    """Build a scenario and an installation. Raise `NothingRecorded` if no response has a document."""
    selection = Selection()
    for exchange in recording.exchanges:
        selection.add(exchange)
    if recording.dropped:
        selection.missing["an exchange beyond the limit of memory"] += recording.dropped
    imported = import_captures(selection, name, anonymize=anonymize, exchanges=recording.exchanges)
    redactor = None if imported.replacements is None else Redactor(imported.replacements)
    missing = [f"{reason}: {count}" for reason, count in selection.missing.items()]
    installation, lines = build_installation(selection.captures, redactor)
    scenario = imported.document | {"description": DESCRIPTION}
    if redactor is not None:
        scenario["answers"] = [answer | {"body": redactor.document(answer["body"])} for answer in scenario["answers"]]
    steps, refused = replayable_steps(scenario, installation, build_steps(selection.writes, redactor))
    if steps:
        scenario["steps"] = steps
        scenario["now"] = max((step["at"] for step in steps if "at" in step), default=scenario["clock"])
    return RecordedWorld(scenario, installation, imported, [*missing, *lines, *refused])


class Selection:
    """The exchanges of a recording that a scenario can contain.

    A scenario has the records before the first write to them, and the writes as steps. So responses that show a
    record after a write are left out, except for records that no earlier response shows.
    """

    def __init__(self) -> None:
        self.captures: list[Capture] = []
        self.writes: list[tuple[Route, RecordedExchange]] = []
        self.missing: Counter[str] = Counter()
        self._shown: set[RecordKey] = set()
        self._written: set[RecordKey] = set()
        self._documents: set[tuple[str, bytes]] = set()

    def add(self, exchange: RecordedExchange) -> None:
        if exchange.is_successful_write:
            self._add_write(exchange)
        elif exchange.method == "GET" and exchange.status == 200:
            self._add_read(exchange)
        elif exchange.method not in READ_METHODS | {"HEAD"}:
            self.missing[f"{exchange.title} answered {exchange.status}"] += 1

    def _add_write(self, exchange: RecordedExchange) -> None:
        route = exchange.route
        if route is None or route.operation not in REPLAYS:
            if route is None or not route.is_login:
                self.missing[f"{exchange.title} is not a write that can be repeated"] += 1
            return
        self.writes.append((route, exchange))
        if exchange.subject in self._shown:
            self._written.add(exchange.subject)
        self._written.update(created_records(exchange))

    def _add_read(self, exchange: RecordedExchange) -> None:
        path = normalized_path(exchange.path)
        try:
            endpoint_of(path)
            if GENERATED_DOCUMENT.search(path):
                raise InvalidResponse
            response = locate_response(Capture(exchange.title, path, exchange.document()))
            RecordCollector(is_lenient=True).add_response(response)
        except InvalidResponse:
            self.missing[f"{exchange.title} is generated by the emulator, or has an unknown form"] += 1
        except MALFORMED:
            self.missing[f"{exchange.title} has a body that cannot be read"] += 1
        else:
            body = self._without_known(response)
            if body is not None:
                self.captures.append(Capture(f"{exchange.title} {len(self.captures) + 1}", response.path, body))

    def _without_known(self, response: RecordedResponse) -> JsonValue:
        """Return the body without documents that are known or of written records, or None if nothing is left."""
        documents = [document for _, document in documents_of(response.body)]
        kept = [document for document in documents if self._is_new(response.path, document)]
        if len(kept) == len(documents):
            return response.body
        is_page = isinstance(response.body, dict) and "results" in response.body
        return response.body | {"results": kept} if is_page and kept else None

    def _is_new(self, path: str, document: JsonObject) -> bool:
        keys, content = set(record_keys(path, document)), (path, json_text.dump_json(document))
        is_new = not keys & self._written and content not in self._documents
        self._shown |= keys
        self._documents.add(content)
        return is_new


def record_keys(path: str, document: JsonObject) -> Iterator[RecordKey]:
    """Yield the record of a document, and the record that it belongs to."""
    endpoint, owner = endpoint_of(path)
    id_ = document.get("id", document.get("pk"))
    if isinstance(id_, int):
        yield SERIALIZERS[endpoint.schema].kind, id_
    if endpoint.owner is not None and owner is not None:
        yield endpoint.owner, owner
    owner_kind = owner_kind_of(document)
    if owner_kind is not None and isinstance(document.get("object_id"), int):
        yield owner_kind, document["object_id"]


def created_records(exchange: RecordedExchange) -> Iterator[RecordKey]:
    kind = CREATED.get(None if exchange.route is None else exchange.route.request_schema)
    if kind is not None:
        try:
            yield kind, int(exchange.document()["id"])
        except MALFORMED:
            return


def import_captures(
    selection: Selection, name: str, *, anonymize: bool, exchanges: Sequence[RecordedExchange]
) -> ScenarioImport:
    """Import the responses. One that does not fit the others is left out."""
    sensitive = dict.fromkeys(sensitive_values(exchanges)) if anonymize else {}
    while any(True for capture in selection.captures for _ in documents_of(capture.body)):
        try:
            return import_scenario(selection.captures, name, anonymize=anonymize, sensitive=sensitive)
        except ValueError as error:
            text = str(error)
            about = [each for each in selection.captures if text.startswith((f"{each.origin}:", f"{each.path}:"))]
            if not about:
                raise
            failed = about[-1]
            selection.captures.remove(failed)
            selection.missing[f"{failed.origin.rpartition(' ')[0]} does not fit the other responses"] += 1
    raise NothingRecorded("no response with a package, a transfer order, a log or an event was recorded")


def sensitive_values(exchanges: Iterable[RecordedExchange]) -> Iterator[SensitiveValue]:
    """Yield the personal values and secrets in all parts of the exchanges."""
    for exchange in exchanges:
        yield from sensitive_in_headers(exchange.headers)
        yield from sensitive_in_headers(exchange.response_headers)
        yield from sensitive_in_query(exchange.query)
        for content in (exchange.body, exchange.content):
            try:
                yield from sensitive_in_json(load_body(content))
            except ValueError:
                yield from sensitive_in_query(content.decode("latin-1")) if is_form(exchange) else ()


def is_form(exchange: RecordedExchange) -> bool:
    return exchange.headers.get("Content-Type", "").startswith(FORM)


def build_installation(captures: Iterable[Capture], redactor: Redactor | None) -> tuple[JsonObject | None, list[str]]:
    """Return the document of the installation in the responses, and lines about what was made up in it."""
    responses = ((each.origin, RecordedResponse(each.path, each.body)) for each in captures)
    try:
        imported = import_installation(responses)
    except ValueError as error:
        return None, ["installation: the responses do not show one"] if redactor else [f"installation: {error}"]
    if not imported.document.get("state"):
        return None, ["installation: the responses show no states"]
    lines = [*imported.assumptions, *imported.warnings]
    document = dict(imported.document)
    if redactor is not None:
        document, lines = redactor.document(document), [redactor.text(line) for line in lines]
    return document, [f"installation: {line}" for line in lines]


# Steps


def build_steps(writes: Iterable[tuple[Route, RecordedExchange]], redactor: Redactor | None) -> Iterator[JsonObject]:
    """Yield the step of each write, with its credentials and personal values replaced."""
    for number, (route, exchange) in enumerate(writes, 1):
        step: JsonObject = {"at": format_time(exchange.at), "operation": route.operation}
        step |= {"request": f"{number:08}", "path": dict(exchange.parameters), **parse_request(exchange)}
        yield step if redactor is None else redact_step(step, route, redactor)


def parse_request(exchange: RecordedExchange) -> JsonObject:
    """Return the body of a request as a step has it."""
    if is_form(exchange):
        return {"form": [list(pair) for pair in parse_qsl(exchange.body.decode("latin-1"), keep_blank_values=True)]}
    try:
        return {"body": load_body(exchange.body)} if exchange.body else {}
    except ValueError:
        return {}


def redact_step(step: JsonObject, route: Route, redactor: Redactor) -> JsonObject:
    keys = documented_keys(route)
    if "body" in step:
        return step | {"body": redactor.body(step["body"], keys)}
    if "form" in step:
        return step | {"form": [[name, redact_field(name, value, keys, redactor)] for name, value in step["form"]]}
    return step


def redact_field(name: str, value: str, keys: Collection[str], redactor: Redactor) -> str:
    """Return the value of a form field. Some fields have JSON text."""
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    if isinstance(parsed, dict | list):
        return json.dumps(redactor.body({name: parsed}, keys)[name], ensure_ascii=False)
    return str(redactor.body({name: value}, keys)[name])


def documented_keys(route: Route) -> frozenset[str]:
    """Return the keys of a request's body that the API defines, at any depth."""
    found = set(REQUEST_FIELDS.get(str(route.request_schema), {}))
    if route.state_graph is not None:
        found.update(name for commands in COMMANDS.values() for each in commands.values() for name in each.parameters)
        found.update(ITEM_KEYS)
    if route.operation in HOOK_OPERATIONS:
        found = found - HOOK_SECRETS | {*HOOK_KEYS}
    return frozenset(found)


ITEM_KEYS = ("id", "pk", "quantity")
HOOK_KEYS = ("choice", "kwargs", "auth_type", "retry_countdown_config.choice", "retry_countdown_config.kwargs")
"""Keys inside the fields of a hook, in JSON and in forms."""


def replayable_steps(
    scenario: JsonObject, installation: JsonObject | None, steps: Iterable[JsonObject]
) -> tuple[list[JsonObject], list[str]]:
    """Return the steps that a world of the scenario repeats, and a line for each of the others."""
    kept: list[JsonObject] = []
    refused: list[str] = []
    own = {} if installation is None else {"installation": installation}
    world = open_world(scenario_from_document(scenario | own))
    for position, step in enumerate(steps):
        if step["at"] < scenario["clock"]:
            del step["at"]
        try:
            replay_step(world, parse_step(position, json_text.dump_json(step)))
        except (ApiError, ControlError, LookupError, UnreplayableStep) as error:
            reason = "the scenario lacks what it needs" if isinstance(error, LookupError) else refusal_text(error)
            refused.append(f"write {position + 1}, {step['operation']}, cannot be repeated: {reason}")
        else:
            kept.append(step)
    return kept, refused


def refusal_text(error: Exception) -> str:
    """Return the keys that a refusal names. Its texts may contain values of the request."""
    body = error.body if isinstance(error, ApiError) else None
    inner = body.get("error", body) if isinstance(body, dict) else None
    keys = ", ".join(map(str, inner)) if isinstance(inner, dict) else ""
    return f"refused for {keys}" if keys else "refused"
