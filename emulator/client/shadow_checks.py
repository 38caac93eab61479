"""Comparison of a real response with that of the emulator: the records that it shows, and the checks of `verify`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from math import ceil
from typing import TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from emulator.api.filters import FILTER_SETS
from emulator.api.filters.filter_set import Filter
from emulator.api.parameters import MAX_PAGE_SIZE, SORT, parse_order
from emulator.api.routes import Route
from emulator.api.serializers import SERIALIZERS
from emulator.api.serializers.events import record_events
from emulator.contract.assertions import CheckedResponse
from emulator.contract.findings import Finding, Kind
from emulator.contract.reads import document_schema, has_same_items, page_size
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import REFERENCES, Columns, Package, RecordKind, TransferOrder, Transition
from emulator.core.schemas import is_valid
from emulator.domain import installation
from emulator.domain.scenario_files import find_scenario
from emulator.state.persistence import WorldState, initial_snapshot
from emulator.state.store import Snapshot
from emulator.state.world import World, WorldServices
from emulator.worlds.loading.collector import RecordCollector
from emulator.worlds.loading.completion import Completer
from emulator.worlds.loading.recorded_responses import (
    Capture,
    InvalidResponse,
    RecordedResponse,
    documents_of,
    endpoint_of,
    locate_response,
)
from emulator.worlds.loading.recording import RecordedExchange, RecordKey
from emulator.worlds.loading.redaction import load_body
from emulator.worlds.loading.scenario_import import GENERATED_LINKS, MALFORMED, is_same_value
from emulator.worlds.loading.scenarios import settings_of

START = datetime(2023, 1, 1, tzinfo=UTC)
FULL_DOCUMENTS = frozenset(("package", "reference-package", "transfer"))
"""Schemas whose documents show enough of a record to run commands on it."""
PROTOCOL_STATUSES = frozenset((301, 401, 405, 406, 415))
"""Statuses that do not depend on the records."""
RETRY_KEYS, UNDELIVERED = {"retryable", "next_retry_date"}, ("pending", "failed")
"""Keys and statuses of a webhook event that depend on the retry policy of its hook. No event shows the policy."""
WORLD = "shadow"
Graph: TypeAlias = dict[RecordKind, dict[int, Columns]]
"""The known states and transitions."""


def as_response(exchange: RecordedExchange) -> requests.Response:
    """Return the real response in the form that the checks read."""
    response = requests.Response()
    response.status_code, response._content = exchange.status, exchange.content  # noqa: SLF001 - no public way
    response.headers = CaseInsensitiveDict(exchange.response_headers)
    response.encoding = "utf-8"
    response.request = requests.Request(exchange.method, f"http://oms{exchange.path}").prepare()
    return response


class ProbeKind(StrEnum):
    """What is known about a probe besides its response."""

    NO_CREDENTIAL = "no credential"
    UNKNOWN_CREDENTIAL = "unknown credential"
    UNKNOWN_RECORD = "unknown record"
    LINK = "link"


class Comparison:
    """The findings about one exchange, and the behaviours that it is about."""

    def __init__(self, exchange: RecordedExchange, route: Route, probe: ProbeKind | None = None) -> None:
        self.exchange, self.route, self.probe = exchange, route, probe
        self.ours: requests.Response | None = None
        """The emulator's response. None if it was not requested."""
        self.real = CheckedResponse(route, as_response(exchange))
        self.findings: list[Finding] = []
        operation, status = route.operation, exchange.status
        self.behaviours = [f"operations {operation}", f"statuses {operation} {status}", f"statuses * {status}"]
        self.is_compared = True

    def add(self, kind: Kind, seen: str, expected: str, pointer: str = "") -> None:
        self.findings.append(self.real.finding(kind, seen, expected, pointer))

    def document(self) -> JsonValue:
        """Return the JSON of the real response. Raise `Drift` if it is not JSON."""
        return self.real.json()


class ShownRecords:
    """The records that responses show, as a world of the emulator."""

    def __init__(self, responses: list[RecordedResponse]) -> None:
        self.responses = responses
        self.collector = RecordCollector(is_lenient=True)
        self.ids = [self.collector.add_response(response) for response in responses]
        self.collector.resolve()
        self.collector.set_command_codes()
        self.graph = {kind: dict(self.collector.records[kind]) for kind in installation.GRAPH_KINDS}
        self._keys = [(kind, id_) for kind, table in self.collector.records.items() for id_ in table]
        self._columns: dict[tuple[RecordKind, JsonValue], Columns] = {}
        self.filters: dict[str, Filter] = {}
        """Filters of the request that the responses show enough for."""
        self.sort: list[str] = []
        self.is_ordered = True
        """Whether the responses show the columns of the requested order."""

    @classmethod
    def of(cls, exchange: RecordedExchange) -> ShownRecords | None:
        """Return the records in a response, or None if it is not one of our documents."""
        if exchange.status != 200 or not exchange.path.endswith("/"):
            return None
        try:
            response = locate_response(Capture(exchange.title, exchange.path, exchange.document()))
            return cls([response._replace(path=exchange.path)])
        except (InvalidResponse, *MALFORMED):
            return None

    def add_graph(self, graph: Graph) -> None:
        """Add the states and transitions that other responses showed."""
        for kind, table in graph.items():
            for id_, columns in table.items():
                self.collector.records[kind].setdefault(id_, dict(columns))

    def world(self) -> World:
        """Return a new world with these records."""
        self._columns = {(kind, id_): dict(self.collector.records[kind][id_]) for kind, id_ in self._keys}
        base = Completer(self.collector, installation.load_installation(installation.DEFAULT), START).complete()
        settings = replace(settings_of(find_scenario("empty")), language=self.collector.language)
        start = initial_snapshot(Snapshot(base, {}), WorldState("frozen", START))
        return World(WORLD, settings, start, WorldServices(record_events))

    def query(self, route: Route, query: str) -> str:
        """Return the query for our list of these records: without the page, and without what they do not show."""
        if not route.is_paginated:
            return query
        sent = parse_qs(query, keep_blank_values=True)
        table = FILTER_SETS.get(str(route.filter_set))
        known = {} if table is None else dict(table.names)
        self.filters = {name: known[name] for name in sent if name in known and self._shows_filter(known[name])}
        kept = {name: sent[name] for name in self.filters}
        columns = () if table is None else parse_order(table, sent)
        self.sort = sent.get(SORT, [])[-1:] if columns else []
        self.is_ordered = all(self._shows(column.lstrip("-")) for column in columns)
        if columns and self.is_ordered:
            kept[SORT] = sent[SORT]
        return urlencode(kept | {route.size_parameter: [str(MAX_PAGE_SIZE)]}, doseq=True)

    def _shows_filter(self, filter_: Filter) -> bool:
        return bool(filter_.paths) and all(self._shows(path.column, path.kind, path.tail) for path in filter_.paths)

    def _shows(self, column: str, kind: RecordKind | None = None, tail: str = "") -> bool:
        """Return whether the responses show a column of each listed record, or of the record that it refers to."""
        rows = SERIALIZERS[endpoint_of(self.responses[0].path)[0].schema].kind
        for id_ in self.ids[0]:
            key: tuple[RecordKind, JsonValue] = (rows, id_)
            for name in column.split("."):
                if name not in self._columns.get(key, {}):
                    return False
                key = (REFERENCES[key[0]].get(name) or rows, self._columns[key][name])
            if kind is not None and tail not in self._columns.get((kind, key[1]), {}):
                return False
        return True

    def by_subject(self) -> Iterator[tuple[RecordKey, RecordedResponse, bool]]:
        """Yield the package or transfer order of each document, a response with it, and whether it shows enough."""
        for response, ids in zip(self.responses, self.ids, strict=True):
            endpoint, owner = endpoint_of(response.path)
            kind, is_full = SERIALIZERS[endpoint.schema].kind, endpoint.schema in FULL_DOCUMENTS
            if endpoint.owner is not None and owner is not None:
                yield (endpoint.owner, owner), response, False
            elif kind in (Package, TransferOrder):
                is_page = "results" in response.body
                for id_, (_, document) in zip(ids, documents_of(response.body), strict=True):
                    body = {"results": [document]} if is_page else document
                    yield (kind, id_), RecordedResponse(response.path, body), is_full


# Checks


def is_same_status(comparison: Comparison, ours: requests.Response, *, is_known: bool) -> bool:
    """Return whether both services answered with the same status, so that their bodies can be compared."""
    real, mine, route = comparison.exchange.status, ours.status_code, comparison.route
    if real == mine:
        return True
    is_login = route.is_login and real == 200
    depends_on_record = mine not in PROTOCOL_STATUSES and (mine == 404 or comparison.exchange.subject is not None)
    if is_login or (not is_known and depends_on_record):
        comparison.is_compared = is_login or (real == 200 and route.operation in MEDIA_TYPES)
        if real < 300:
            check_success(comparison)
        return False
    comparison.add(Kind.STATUS, f"status is {real}", f"must be {mine}, as in the emulator")
    return False


def check_success(comparison: Comparison) -> None:
    """Check a successful response as `verify` does: status, schema, order of keys, headers, and the page."""
    exchange, route, real = comparison.exchange, comparison.route, comparison.real
    real.expect_status(*route.responses)
    schema = route.responses[exchange.status]
    is_read = route.method == "GET" and route.auth_scheme is not None
    if is_read:
        comparison.findings.extend(real.check_header("Allow", "GET"))
    if media_type := media_type_of(route, exchange.status):
        comparison.findings.extend(real.check_header("Content-Type", media_type))
    if schema is None:
        if exchange.status == 204 and exchange.content:
            comparison.add(Kind.UNDOCUMENTED, "there is a body", "must be empty")
        return
    if not is_valid(schema, comparison.document()):  # faster than the list of problems
        comparison.findings.extend(real.check_schema(schema))
    if is_read and not has_schema_findings(comparison):
        comparison.findings.extend(real.check_key_order(schema))
    comparison.behaviours += (f"shapes {schema}", f"shapes {document_schema(route)}")
    if route.is_paginated and not has_schema_findings(comparison):
        check_page(comparison, comparison.document())


def has_schema_findings(comparison: Comparison) -> bool:
    return any(each.kind in (Kind.MISSING, Kind.TYPE) for each in comparison.findings)


def media_type_of(route: Route, status: int) -> str | None:
    """Return the start of the media type of a successful response. None if it has no body."""
    if route.operation in MEDIA_TYPES:
        return MEDIA_TYPES[route.operation]
    return "application/json" if route.responses[status] is not None else None


MEDIA_TYPES = {"preview_shipping_label": "text/html", "product_image": "image/"}


def check_page(comparison: Comparison, body: JsonObject) -> None:
    """Check the number of rows and the links of a page against its count and the request."""
    sent, route = parse_qs(comparison.exchange.query), comparison.route
    asked = sent.get(route.size_parameter, [""])[-1]
    is_sized = asked.isdecimal() and int(asked) > 0
    size = min(int(asked), MAX_PAGE_SIZE) if is_sized else page_size(route)
    last = max(ceil(body["count"] / size), 1)
    page = sent.get("page", ["1"])[-1]
    number = last if page == "last" else int(page) if page.isdecimal() else 0
    if not 1 <= number <= last:
        comparison.add(Kind.STATUS, "status is 200", "must be 404 for a page that does not exist")
        return
    expected = min(size, body["count"] - (number - 1) * size)
    if len(body["results"]) != expected:
        comparison.add(Kind.PAGING, f"has {len(body['results'])} rows", f"must have {expected}", "/results")
    for key, is_absent in (("next", number == last), ("previous", number == 1)):
        link = body[key]
        keeps_size = link is None or not is_sized or f"{route.size_parameter}={asked}" in link
        if (link is None) != is_absent or not keeps_size:
            comparison.add(Kind.PAGING, "is another link", "must be null or lead to a page of this size", f"/{key}")
    if "page" not in sent and not asked and expected == size < body["count"]:
        comparison.behaviours.append(f"protocol page sizes {route.page}")
    if is_sized and int(asked) > MAX_PAGE_SIZE and expected == MAX_PAGE_SIZE:
        comparison.behaviours.append("protocol page sizes maximum")


def check_refusal(comparison: Comparison, ours: requests.Response, *, knows_command: bool) -> None:
    """Compare the headers and the text of an error with ours. Texts about an unknown transition are not compared."""
    real, status = comparison.real, comparison.exchange.status
    if status == 401:
        scheme = ours.headers.get("WWW-Authenticate", "").partition(" ")[0]
        comparison.findings.extend(real.check_header("WWW-Authenticate", scheme))
    if status == 405:
        comparison.findings.extend(real.check_header("Allow", comparison.route.method))
    if status == 301:
        comparison.behaviours.append("protocol requests redirect to the trailing slash")
        if not comparison.exchange.response_headers.get("Location", "").partition("?")[0].endswith("/"):
            comparison.add(Kind.HEADER, "Location does not lead to the slash", "must lead to the path with its slash")
    if ours.headers.get("Content-Type") == "application/json":
        found = compare_values(comparison.real, comparison.document(), ours.json(), "")
        skips_texts = comparison.route.state_graph is not None and not knows_command and status == 400
        comparison.findings.extend(each for each in found if not (skips_texts and each.kind == Kind.VALUE))


def compare_values(real: CheckedResponse, body: JsonValue, ours: JsonValue, pointer: str) -> Iterator[Finding]:
    """Yield the differences between two JSON values, without the values."""
    if isinstance(body, dict) and isinstance(ours, dict):
        yield from (real.finding(Kind.MISSING, "is missing", "", f"{pointer}/{key}") for key in ours.keys() - body)
        yield from (real.finding(Kind.UNDOCUMENTED, "is there", "", f"{pointer}/{key}") for key in body.keys() - ours)
        for key in body.keys() & ours.keys() - RETRY_KEYS:
            if not is_as_shown(key, body[key], ours[key]):
                yield from compare_values(real, body[key], ours[key], f"{pointer}/{key}")
    elif isinstance(body, list) and isinstance(ours, list) and len(body) == len(ours):
        if body != ours and has_same_items(body, ours):
            yield real.finding(Kind.ORDER, "is in another order", "must be in the emulator's order", pointer)
            return
        for position, (one, other) in enumerate(zip(body, ours, strict=True)):
            yield from compare_values(real, one, other, f"{pointer}/{position}")
    elif not is_same_value(body, ours):
        kind = Kind.VALUE if type(body) is type(ours) or None in (body, ours) else Kind.TYPE
        yield real.finding(kind, "differs", "must be as in the emulator", pointer)


def is_as_shown(key: str, value: JsonValue, ours: JsonValue) -> bool:
    """Return whether two values are equal except for what no response shows: the service's host, a retry policy."""
    if key == "status" and value in UNDELIVERED:
        return ours in UNDELIVERED
    if key not in GENERATED_LINKS or not isinstance(value, str) or not isinstance(ours, str):
        return False
    one, other = urlsplit(value), urlsplit(ours)
    return bool(one.netloc) == bool(other.netloc) and one.path.endswith(other.path)


def compare_rows(comparison: Comparison, body: JsonObject, ours: JsonObject, shown: ShownRecords) -> None:
    """Compare the documents that both services show, and their order. Invalid documents are not compared."""
    if has_schema_findings(comparison):
        return
    if not comparison.route.is_paginated:
        comparison.findings.extend(shown_differences(comparison.real, body, ours, ""))
        return
    rows, mine = ({row.get("id", row.get("pk", str(row))): row for row in page["results"]} for page in (body, ours))
    if rows.keys() - mine.keys():
        comparison.add(
            Kind.VALUE, "has rows that the emulator does not select", "must have the same rows", "/results"
        )
    common, own = ([id_ for id_ in one if id_ in other] for one, other in ((rows, mine), (mine, rows)))
    if common != own and shown.is_ordered:
        comparison.add(Kind.ORDER, "the rows are in another order", "must be in the emulator's order", "/results")
    for position, id_ in enumerate(rows):
        if id_ in mine:
            pointer = f"/results/{position}"
            comparison.findings.extend(shown_differences(comparison.real, rows[id_], mine[id_], pointer))
    comparison.behaviours.extend(list_behaviours(comparison, rows, shown))


def shown_differences(real: CheckedResponse, body: JsonValue, ours: JsonValue, pointer: str) -> Iterator[Finding]:
    """Yield the differences between documents. Which keys they have is checked with the schema."""
    skipped = (Kind.MISSING, Kind.UNDOCUMENTED)
    yield from (each for each in compare_values(real, body, ours, pointer) if each.kind not in skipped)


def list_behaviours(comparison: Comparison, rows: Collection[JsonValue], shown: ShownRecords) -> Iterator[str]:
    """Yield what a page with the same rows in the same order shows: filters and orders."""
    route, exchange = comparison.route, comparison.exchange
    if rows:
        yield from (f"filters {route.operation} {each.name}" for each in shown.filters.values())
    if len(rows) < 2 or not shown.is_ordered:
        return
    if SORT not in parse_qs(exchange.query):
        yield f"protocol default orders {route.filter_set or route.responses[200]}"
    for name in ",".join(shown.sort).split(","):
        if name and list(rows) != sorted(rows, key=str, reverse=True):
            yield f"protocol sort columns {route.filter_set}.{name.strip().removeprefix('-')}"


def check_ids(comparison: Comparison, body: JsonObject) -> bool:
    """Check that the documents are those of the ids in the path. Return whether they are."""
    path, parameters = comparison.route.path, list(comparison.exchange.parameters.values())
    before = len(comparison.findings)
    tail = path.rpartition(">")[2]
    if parameters and not comparison.route.is_paginated and tail in ("/", "/short/"):
        check_id(comparison, body, "id", parameters[-1], "")
    is_nested = path.count("<") == 2 or (comparison.route.is_paginated and parameters)
    for pointer, document in documents_of(body):
        if is_nested and isinstance(document, dict):
            check_id(comparison, document, "object_id", parameters[0], pointer)
    return len(comparison.findings) == before


def check_id(comparison: Comparison, document: JsonObject, key: str, expected: int, pointer: str) -> None:
    if type(document.get(key)) is int and document[key] != expected:
        comparison.add(Kind.VALUE, "is another id", "must be the id in the path", f"{pointer}/{key}")


def is_equal(real: JsonValue, ours: JsonValue) -> bool:
    """Return whether two values are equal. Of objects with an id, only the ids are compared."""
    if isinstance(real, dict) and isinstance(ours, dict) and "id" in real:
        return bool(real["id"] == ours.get("id"))
    return is_same_value(real, ours)


def compare_new_record(comparison: Comparison, ours: requests.Response) -> None:
    """Compare the number of the package, which both services must set to the same value."""
    body, mine, key = comparison.document(), ours.json(), "package_number"
    if isinstance(body, dict) and key in body and key in mine and body[key] != mine[key]:
        comparison.add(Kind.VALUE, "differs", "must be as in the emulator", f"/{key}")


def command_behaviours(exchange: RecordedExchange, route: Route, world: World, subject: RecordKey) -> Iterator[str]:
    """Yield the command and the transition of a write."""
    if route.state_graph is None:
        return
    if (transition := named_transition(exchange, route, world)) is not None:
        name = "package" if subject[0] is Package else "transfer_order"
        yield f"commands {name} {transition.command_code}"
        yield f"transitions {route.state_graph} {transition.id}"


def named_transition(exchange: RecordedExchange, route: Route, world: World) -> Transition | None:
    """Return the transition that the body of a command names, if the world has it."""
    try:
        body = load_body(exchange.body) if route.state_graph is not None else None
    except ValueError:
        return None
    id_, slug = (body.get("transition"), body.get("slug")) if isinstance(body, dict) else (None, None)
    named = (each for each in world.records.all(Transition) if each.id == id_ or (slug and each.slug == slug))
    return next(named, None)
