"""GET requests of the shadow itself (`record --probe`): how a service refuses, and what its links lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

from emulator.contract.reads import image_urls, label_url
from emulator.contract.rejections import UNKNOWN_KEY
from emulator.contract.target import with_unknown_id
from emulator.core.json_text import JsonObject
from emulator.loading.recorded_responses import documents_of
from emulator.loading.recording import RecordedExchange
from emulator.loading.scenario_import import MALFORMED


class ProbeKind(StrEnum):
    """What is known about a probe besides its response."""

    NO_CREDENTIAL = "no credential"
    UNKNOWN_CREDENTIAL = "unknown credential"
    UNKNOWN_RECORD = "unknown record"
    LINK = "link"


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
    try:
        documents = [document for _, document in documents_of(exchange.document())]
    except ValueError:
        return
    for document in documents:
        with suppress(*MALFORMED):
            yield from read(document)
