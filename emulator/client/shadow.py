"""Shadow: the emulator answers each recorded request too, and the two responses are compared by `verify`'s checks.

For a read, the emulator's world has the records that the real response shows. So both must return the same rows, in
the same order. For a write or an error, it has the records that earlier responses showed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

import requests

from emulator.api.routes import Route
from emulator.api.serializers.events import record_events
from emulator.api_types import Role
from emulator.client import shadow_checks as checks
from emulator.client.emulator import Emulator
from emulator.client.session import InProcessSession
from emulator.client.shadow_checks import WORLD, Comparison, Graph, ProbeKind, ShownRecords, as_response
from emulator.contract.assertions import CheckedResponse
from emulator.contract.evidence import Evidence
from emulator.contract.findings import Drift, Finding, Kind, unique
from emulator.contract.reads import compare_with_row, document_schema, image_urls, label_url, wrong_commands
from emulator.contract.rejections import UNKNOWN_KEY
from emulator.contract.target import keep_headers, with_unknown_id
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Package
from emulator.domain import installation
from emulator.state.world import World, WorldServices
from emulator.web import ROUTER
from emulator.web.authentication import EXPIRED, INACTIVE, INVALID
from emulator.worlds.loading.recorded_responses import RecordedResponse, documents_of
from emulator.worlds.loading.recording import READ_METHODS, ExchangeWorker, RecordedExchange, RecordKey
from emulator.worlds.loading.scenario_import import MALFORMED

LOG = logging.getLogger("emulator")
PASSED_ON = ("Accept", "Accept-Language", "Content-Type")
"""Headers of a request that the emulator gets too. Credentials are replaced by built-in ones."""
BUSY = frozenset((429, 502, 503, 504))
"""Statuses that depend on the load of a service, not on the request."""
EXPECTED_KEYS = ("state", "remote_id", "invoice_number", "extra_information")
"""Keys of a record that writes change, so that the next response must show them as the emulator does."""
FULL_ACCESS: Role = "full-access"
READ_ONLY: Role = "read-only"
NO_ACCESS: Role = "no-access"
UNKNOWN_CREDENTIAL = "unknown"
Subject: TypeAlias = tuple[str, RecordKey | None]
"""What is refused: the value of an Authorization header, or an unknown record together with it."""
AFTER_AUTHENTICATION = frozenset((200, 201, 204, 400, 403, 404))
"""Statuses of Django REST framework that follow the check of the credential."""
AFTER_LOOKUP = frozenset((400, 406, 409, 415, 422))
"""Statuses of errors about a request to an existing record."""


class Known(NamedTuple):
    """What earlier responses showed of a record, and whether that is enough to run commands on it."""

    responses: dict[str, RecordedResponse]
    is_full: bool = False


class Shadow:
    """Compares exchanges in a thread, in their order, and collects the evidence."""

    def __init__(self, evidence: Evidence | None = None) -> None:
        self.evidence = evidence or Evidence()
        self.prober: Prober | None = None
        """Sends own requests after those of the client, if there is one."""
        self._emulator = Emulator("empty")
        self._session = InProcessSession(self._emulator.app, self._emulator.url, {"X-Emulator-World": WORLD})
        self._known: dict[RecordKey, Known] = {}
        self._changed: dict[RecordKey, World] = {}
        """Record -> the world in which the emulator made the same writes."""
        self._expected: dict[RecordKey, dict[str, tuple[Route, JsonValue]]] = {}
        """Record -> key that writes changed -> the last such write, and the value that the emulator shows since."""
        self._documents: dict[tuple[str, int], JsonObject] = {}
        self._graph: Graph = {kind: {} for kind in installation.GRAPH_KINDS}
        self._consistency = ConsistencyCheck(self._known.__contains__)
        self._worker = ExchangeWorker("shadow", self._compare_safely)

    def start(self) -> None:
        self._worker.start()

    def add(self, exchange: RecordedExchange) -> None:
        self._worker.add(exchange)

    def stop(self) -> None:
        """Compare what waits, with its probes, and end the thread."""
        self._worker.stop()
        self._emulator.close()

    def _compare_safely(self, exchange: RecordedExchange) -> None:
        try:
            self.compare(exchange)
            if self.prober is not None:
                for kind, answered in self.prober.exchanges(exchange):
                    self.compare(answered, kind)
        except Exception:  # noqa: BLE001 - one exchange must not end the thread; its values are not logged
            LOG.error("cannot compare an exchange of %s", exchange.title)
            self.evidence.not_compared[exchange.title] += 1

    def compare(self, exchange: RecordedExchange, probe: ProbeKind | None = None) -> list[Finding]:
        """Compare one exchange, and add the result to the evidence. Return the differences."""
        route = route_of(exchange)
        if route is None or exchange.status in BUSY or exchange.method in ("HEAD", "OPTIONS"):
            return []
        comparison = Comparison(exchange, route, probe)
        try:
            self._compare(comparison)
        except Drift as drift:
            comparison.findings.append(drift.finding)
        found = list(unique(comparison.findings))
        self._count(comparison, found)
        confirmed = self._consistency.check(comparison)
        for each in confirmed:
            self.evidence.differ(each.finding.operation, [each.finding], each.behaviours)
        return [*found, *(each.finding for each in confirmed)]

    def _count(self, comparison: Comparison, found: Sequence[Finding]) -> None:
        """Add the result of a comparison to the evidence. Some findings are about earlier operations."""
        route = comparison.route
        for operation in dict.fromkeys(each.operation for each in found):
            mine = [each for each in found if each.operation == operation]
            self.evidence.differ(operation, mine, comparison.behaviours if operation == route.operation else ())
        if any(each.operation == route.operation for each in found):
            return
        if comparison.is_compared:
            self.evidence.agree(comparison.behaviours)
        else:
            self.evidence.not_compared[route.operation] += 1

    def _compare(self, comparison: Comparison) -> None:
        exchange, route = comparison.exchange, comparison.route
        shown = ShownRecords.of(exchange) if route.method == "GET" else None
        if shown is not None and not checks.check_ids(comparison, comparison.document()):
            return
        world, is_known = self._world_for(exchange, shown)
        is_known = is_known or comparison.probe == ProbeKind.UNKNOWN_RECORD
        ours = comparison.ours = self._send(comparison, world, shown)
        if exchange.is_successful_write:
            self._documents.clear()
        if not checks.is_same_status(comparison, ours, is_known=is_known or shown is not None):
            if exchange.is_successful_write != is_success(ours) and exchange.method not in READ_METHODS:
                self._forget(exchange.subject)
            if not (exchange.is_successful_write and is_success(ours)):
                return
        elif exchange.status < 300:
            checks.check_success(comparison)
        else:
            checks.check_refusal(
                comparison, ours, knows_command=checks.named_transition(exchange, route, world) is not None
            )
        if shown is not None:
            self._compare_read(comparison, shown, ours)
        elif exchange.is_successful_write:
            self._compare_write(comparison, world, ours, is_known=is_known)

    def _world_for(self, exchange: RecordedExchange, shown: ShownRecords | None) -> tuple[World, bool]:
        """Return a world with the records of the exchange, and whether its package or order is known."""
        subject = exchange.subject
        if shown is not None:
            return shown.world(), True
        if subject in self._changed:
            return self._changed[subject], True
        known = None if subject is None else self._known.get(subject)
        records = ShownRecords([] if known is None else list(known.responses.values()))
        records.add_graph(self._graph)
        needs_all = exchange.route is not None and exchange.route.state_graph is not None
        return records.world(), known is not None and (known.is_full or not needs_all)

    def _send(self, comparison: Comparison, world: World, shown: ShownRecords | None) -> requests.Response:
        """Return the emulator's response to the same request in a world."""
        exchange, route = comparison.exchange, comparison.route
        self._emulator.worlds.branch(WORLD, world)
        sent = {name: exchange.headers[name] for name in PASSED_ON if name in exchange.headers}
        headers = {**sent, "Authorization": self._credential(exchange, route, comparison.probe)}
        query = exchange.query if shown is None else shown.query(route, exchange.query)
        url = exchange.path + (f"?{query}" if query else "")
        return self._session.request(
            exchange.method, url, headers=headers, data=exchange.body, auth=keep_headers, allow_redirects=False
        )

    def _credential(self, exchange: RecordedExchange, route: Route, probe: ProbeKind | None = None) -> str | None:
        """Return a built-in credential with the rights that the client's has by the real response."""
        header = exchange.headers.get("Authorization", "")
        if not header and "Cookie" in exchange.headers and exchange.status != 401:
            header = f"{route.auth_scheme} of a session"
        elif exchange.status == 401 or probe == ProbeKind.UNKNOWN_CREDENTIAL:
            return self._refused_credential(exchange, header)
        scheme = header.partition(" ")[0]
        role = FULL_ACCESS
        if exchange.status == 403:
            role = NO_ACCESS if exchange.method == "GET" else READ_ONLY
        return self._issue(scheme, role) if header else None

    def _refused_credential(self, exchange: RecordedExchange, header: str) -> str | None:
        """Return a credential that the emulator refuses for the same reason. It has the form of the client's."""
        scheme, *words = header.split() or [""]
        reason = json_object(as_response(exchange)).get("detail")
        if len(words) == 1 and reason == INACTIVE:
            return self._issue(scheme, "inactive")
        if len(words) == 1 and reason == EXPIRED:
            return self._issue(scheme, FULL_ACCESS, expires_in=-1)
        unknown = [UNKNOWN_CREDENTIAL if word.isascii() else word for word in words]
        return " ".join((scheme, *unknown)) if scheme else None

    def _issue(self, scheme: str, role: Role, expires_in: float = 3600) -> str:
        token = role if scheme.lower() != "bearer" else self._emulator.in_world(WORLD).jwt(role, expires_in)
        return f"{scheme} {token}"

    # Reads

    def _compare_read(self, comparison: Comparison, shown: ShownRecords, ours: requests.Response) -> None:
        """Compare the documents of a read with ours, with the list, and with what earlier writes lead to."""
        body = comparison.document()
        checks.compare_rows(comparison, body, ours.json(), shown)
        for _, document in documents_of(body):
            if "commands" in document and "state" in document:
                comparison.findings.extend(wrong_commands(comparison.real, document))
            self._compare_with_list(comparison, document)
            self._compare_expected(comparison, document)
        self._remember(shown)

    def _compare_with_list(self, comparison: Comparison, document: JsonObject) -> None:
        """Compare a document with an earlier one of the same record, unless the record was modified since."""
        schema = document_schema(comparison.route)
        if not isinstance(document.get("id"), int) or "modified_date" not in document:
            return
        earlier = self._documents.get((schema, document["id"]))
        self._documents[schema, document["id"]] = document
        if earlier is not None and not comparison.route.is_paginated:
            is_same = earlier["modified_date"] == document["modified_date"]
            comparison.findings.extend(compare_with_row(comparison.real, document, earlier) if is_same else ())

    def _compare_expected(self, comparison: Comparison, document: JsonObject) -> None:
        """Compare a record with what the writes before led to. A difference is one of the operation that wrote."""
        kind = comparison.exchange.subject[0] if comparison.exchange.subject else Package
        key = (kind, document.get("id"))
        if document_schema(comparison.route) not in checks.FULL_DOCUMENTS or key not in self._expected:
            return
        for name, (route, value) in self._expected.pop(key).items():
            if name in document and not checks.is_equal(document[name], value):
                written = CheckedResponse(route, comparison.real.response)
                where = "/state/id" if name == "state" else f"/{name}"
                comparison.findings.append(written.finding(Kind.VALUE, "differs", "must be as written", where))

    def _remember(self, shown: ShownRecords) -> None:
        """Keep the documents of packages and transfer orders for later writes and errors."""
        for kind, table in shown.graph.items():
            self._graph[kind] = table | self._graph[kind]
        for subject, response, is_full in shown.by_subject():
            if is_full and subject in self._changed:
                del self._changed[subject], self._known[subject]
            known = self._known.setdefault(subject, Known({}))
            known.responses[response.path] = response
            self._known[subject] = known._replace(is_full=known.is_full or is_full)

    # Writes

    def _compare_write(
        self, comparison: Comparison, world: World, ours: requests.Response, *, is_known: bool
    ) -> None:
        """Compare the body of a successful write, and remember what the next read must show."""
        exchange, route = comparison.exchange, comparison.route
        if route.responses.get(exchange.status) and ours.content:
            checks.compare_new_record(comparison, ours)
        if route.request_schema is not None:
            comparison.behaviours.append(f"shapes {route.request_schema}")
        subject = exchange.subject
        if subject is None or not is_known:
            return
        comparison.behaviours.extend(checks.command_behaviours(exchange, route, world, subject))
        self._changed[subject] = self._frozen_copy()
        after = self._show(exchange, route)
        self._emulator.worlds.branch(WORLD, world)
        before = self._show(exchange, route)
        changed = {key: after[key] for key in EXPECTED_KEYS if before.get(key) != after.get(key)}
        self._expected.setdefault(subject, {}).update((key, (route, value)) for key, value in changed.items())

    def _show(self, exchange: RecordedExchange, route: Route) -> JsonObject:
        """Return the emulator's document of the package or transfer order that a write changed."""
        path = f"{route.path.partition('<')[0]}{exchange.parameters['pk']}/"
        headers = {"Authorization": self._credential(exchange, route)}
        response = self._session.get(path, headers=headers, auth=keep_headers)
        document: JsonObject = response.json() if response.status_code == 200 else {}
        return document

    def _frozen_copy(self) -> World:
        """Return a world that starts from the present state of the emulator's."""
        world = self._emulator.worlds.get(WORLD)
        return World(WORLD, world.settings, world.snapshot(), WorldServices(record_events))

    def _forget(self, subject: RecordKey | None) -> None:
        """Forget a record of which the two services may show different states."""
        if subject is not None:
            self._known.pop(subject, None)
            self._changed.pop(subject, None)
            self._expected.pop(subject, None)


def is_success(response: requests.Response) -> bool:
    return 200 <= response.status_code < 300


def route_of(exchange: RecordedExchange) -> Route | None:
    """Return the route of a request, also if its method or its last slash is wrong."""
    match = ROUTER.match(exchange.path) or ROUTER.match(f"{exchange.path}/")
    if match is None:
        return None
    return match.resource.routes.get(exchange.method) or match.resource.any_route


# Requests that a service accepts although it refused equal ones before and after. One response does not show whether
# a credential is wrong, or whether a record exists.


class Suspicion(NamedTuple):
    """A finding that the next refusal confirms, and the behaviours that its exchange is about."""

    finding: Finding
    behaviours: tuple[str, ...]


class ConsistencyCheck:
    """Finds accepted requests between two refusals of the same credential, or of the same unknown record."""

    def __init__(self, is_known: Callable[[RecordKey | None], bool]) -> None:
        """`is_known` returns whether a response showed a package or transfer order."""
        self._is_known = is_known
        self._suspicions: dict[Subject, list[Suspicion]] = {}
        """What was refused -> the requests that were accepted since."""
        self._issued: set[str] = set()
        """Tokens that a login returned. A part of the service may learn of them later than another."""

    def check(self, comparison: Comparison) -> list[Suspicion]:
        """Return the suspicions that an exchange confirms. Remember what it refuses or accepts."""
        exchange, ours = comparison.exchange, comparison.ours
        if comparison.route.is_login and exchange.status == 200:
            texts = json_object(comparison.real.response).values()
            self._issued.update(text for text in texts if isinstance(text, str))
        header = exchange.headers.get("Authorization", "")
        if ours is None or comparison.probe is not None or not header:
            return []
        return [*self._check_credential(comparison, header), *self._check_record(comparison, ours, header)]

    def _check_credential(self, comparison: Comparison, header: str) -> list[Suspicion]:
        scheme, _, token = header.partition(" ")
        status, real = comparison.exchange.status, comparison.real.response
        is_json = str(real.headers.get("Content-Type")).startswith("application/json")
        if scheme.lower() != str(comparison.route.auth_scheme).lower() or token in self._issued:
            return []
        if status == 401:
            return self._refuse((header, None)) if json_object(real).get("detail") == INVALID else []
        if status in AFTER_AUTHENTICATION and (status < 300 or is_json):
            self._suspect((header, None), comparison, "must be 401, as before and after for the same credential")
        return []

    def _check_record(self, comparison: Comparison, ours: requests.Response, header: str) -> list[Suspicion]:
        exchange = comparison.exchange
        subject = (header, exchange.subject)
        if exchange.subject is None or len(exchange.parameters) > 1:
            return []
        if self._is_known(exchange.subject) or exchange.status < 300:
            self._suspicions.pop(subject, None)
        elif ours.status_code == exchange.status == 404 and not comparison.findings:
            return self._refuse(subject)
        elif ours.status_code == 404 and exchange.status in AFTER_LOOKUP:
            self._suspect(subject, comparison, "must be 404, as before and after for the same id")
        return []

    def _refuse(self, subject: Subject) -> list[Suspicion]:
        """Return the requests that were accepted since the last refusal, and wait for further ones."""
        confirmed = self._suspicions.get(subject, [])
        self._suspicions[subject] = []
        return confirmed

    def _suspect(self, subject: Subject, comparison: Comparison, expected: str) -> None:
        """Remember an accepted request, if an equal one was refused before."""
        if subject in self._suspicions:
            seen = f"status is {comparison.exchange.status}"
            finding = comparison.real.finding(Kind.STATUS, seen, expected)
            self._suspicions[subject].append(Suspicion(finding, tuple(comparison.behaviours)))


def json_object(response: requests.Response) -> JsonObject:
    """Return the JSON object of a response, which is empty if the body is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


# Probes: GET requests of the shadow itself (`record --probe`)


class Probe(NamedTuple):
    """A GET request."""

    kind: ProbeKind
    subject: str
    """The operation, or the kind of link, that the request is about."""
    path: str
    headers: Mapping[str, str]


class Prober:
    """Sends each kind of probe once for each operation of the client."""

    def __init__(self, fetch: Callable[[str, Mapping[str, str]], RecordedExchange | None], base_url: str) -> None:
        """`fetch` sends a GET request for a path below the base URL. It returns None if there is no response."""
        self._fetch, self._base_url = fetch, base_url
        self._sent: set[tuple[ProbeKind, str]] = set()
        self._is_answered = True

    def exchanges(self, exchange: RecordedExchange) -> Iterator[tuple[ProbeKind, RecordedExchange]]:
        """Send the probes that follow from a successful exchange, and yield their exchanges.

        After a probe without a response, no others are sent.
        """
        if exchange.route is None or not 200 <= exchange.status < 300:
            return
        for probe in [*refused_probes(exchange), *link_probes(exchange, self._base_url)]:
            if self._is_answered and (probe.kind, probe.subject) not in self._sent:
                self._sent.add((probe.kind, probe.subject))
                answered = self._fetch(probe.path, probe.headers)
                self._is_answered = answered is not None
                if answered is not None:
                    yield probe.kind, answered


def refused_probes(exchange: RecordedExchange) -> Iterator[Probe]:
    """Yield the probes that a service must refuse. It checks the credential before the method and the record."""
    route = exchange.route
    if route is None or route.auth_scheme is None:
        return
    path, plain = quote(exchange.path), {"Accept": exchange.headers.get("Accept", "*/*")}
    unknown = {"Authorization": f"{route.auth_scheme} {UNKNOWN_KEY}"}
    yield Probe(ProbeKind.NO_CREDENTIAL, route.operation, path, plain)
    yield Probe(ProbeKind.UNKNOWN_CREDENTIAL, route.operation, path, plain | unknown)
    if exchange.method == "GET" and exchange.parameters:
        yield Probe(ProbeKind.UNKNOWN_RECORD, route.operation, with_unknown_id(route.path), exchange.headers)


def link_probes(exchange: RecordedExchange, base_url: str) -> Iterator[Probe]:
    """Yield a probe for each link in the documents that leads to the service. Browsers send no credentials."""
    for name, read in LINKS.items():
        for link in links_in(exchange, read):
            if link.startswith(f"{base_url}/"):
                yield Probe(ProbeKind.LINK, name, link.removeprefix(base_url), {"Accept": "*/*"})


LINKS: Mapping[str, Callable[[JsonObject], Sequence[str]]] = {
    "label": lambda document: [label_url(document)],
    "image": image_urls,
}


def links_in(exchange: RecordedExchange, read: Callable[[JsonObject], Sequence[str]]) -> Iterator[str]:
    """Yield the links in the documents of a response that have any."""
    with suppress(*MALFORMED):
        for _, document in documents_of(exchange.document()):
            with suppress(*MALFORMED):
                yield from read(document)
