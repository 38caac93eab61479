"""Audit rules: find client behaviour in the journal that works here but harms the real service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import NamedTuple, TypeAlias

import orjson

from emulator.core.json_text import JsonObject
from emulator.state.journal import Exchange

MIN_POLL_SECONDS = 1.0
MIN_ADVANCE_SECONDS = 0.05
"""A clock that is further ahead of the machine's time was advanced."""
MIN_POLLS = 3
"""Number of equal reads, each too soon after the previous one, that are polling. Two may be a coincidence."""
MIN_DETAILS = 3
"""Minimum number of reads of a page's rows that are a finding. For long pages, it is half of the rows."""
DETAIL_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "get_package": ("list_packages", "list_packages_short", "list_packages_simple"),
    "get_package_short": ("list_packages", "list_packages_short", "list_packages_simple"),
    "get_transfer": ("list_transfers", "list_transfers_simple"),
}
"""Detail operation -> list operations with the same rows. The reference surface adds a prefix to these names."""
REFERENCE = "reference_"
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class AuditFinding(NamedTuple):
    """A finding of one rule."""

    kind: str
    operation: str | None
    at: datetime
    requests: tuple[str, ...]
    """Ids of the exchanges, in order."""
    says: str
    """The message."""


def new_finding(kind: str, says: str, *exchanges: Exchange) -> AuditFinding:
    """Return a finding about these exchanges. Its operation and time are those of the last one."""
    last = exchanges[-1]
    return AuditFinding(kind, last.info.operation, last.at, tuple(each.id for each in exchanges), says)


Rule: TypeAlias = Callable[[Sequence[Exchange]], Iterator[AuditFinding]]
RequestKey: TypeAlias = tuple[str, str, str, str | None, bytes]
"""Method, path, query, role and body."""


def audit(exchanges: Iterable[Exchange]) -> list[AuditFinding]:
    """Return the findings of all rules, oldest first."""
    audited = [exchange for exchange in exchanges if exchange.method != "OPTIONS"]
    findings = (finding for rule in RULES.values() for finding in rule(audited))
    return sorted(findings, key=lambda finding: finding.requests[-1])


def finding_document(finding: AuditFinding) -> JsonObject:
    """Return the document of a finding in the control API."""
    return finding._asdict() | {
        "at": finding.at.isoformat().replace("+00:00", "Z"),
        "requests": list(finding.requests),
    }


def seconds_between(earlier: Exchange, later: Exchange) -> float:
    """Return the seconds between two exchanges, by the world's clock or the machine's, whichever is longer.

    A frozen clock stands still while a client really waits. A test that advances the clock has waited as far as the
    service can tell. If a test replaced `time.sleep` without advancing the clock, the time is unknown: infinite.
    """
    on_clock, on_machine = (later.at - earlier.at).total_seconds(), later.seconds - earlier.seconds
    if later.sleep_replaced and on_clock - on_machine < MIN_ADVANCE_SECONDS:
        return inf
    return max(on_clock, on_machine)


def request_key(exchange: Exchange) -> RequestKey:
    info = exchange.info
    return exchange.method, exchange.path, exchange.query, info.role, info.body


def find_early_retries(exchanges: Sequence[Exchange]) -> Iterator[AuditFinding]:
    """Find requests that were repeated before the time in `Retry-After`."""
    waiting: dict[RequestKey, tuple[Exchange, float]] = {}
    for exchange in exchanges:
        key = request_key(exchange)
        previous = waiting.pop(key, None)
        if previous is not None and (seconds := seconds_between(previous[0], exchange)) < previous[1]:
            answer = f"a {previous[0].status} with Retry-After: {previous[1]:g}"
            says = f"{exchange.method} {exchange.path} was repeated {seconds:.3f} seconds after {answer}"
            yield new_finding("impatience", says, previous[0], exchange)
        retry_after = exchange.response_headers.get("Retry-After", "")
        if retry_after.isascii() and retry_after.isdigit():
            waiting[key] = exchange, float(retry_after)


def find_repeated_writes(exchanges: Sequence[Exchange]) -> Iterator[AuditFinding]:
    """Find writes that were sent again after a success, without another write to the record in between."""
    successes: dict[str, Exchange] = {}
    for exchange in exchanges:
        if exchange.method not in WRITES or exchange.info.operation is None:
            continue
        record = "/".join(exchange.path.split("/")[:-2])
        success = successes.get(record)
        if success is not None and request_key(success) == request_key(exchange):
            says = f"{exchange.method} {exchange.path} was repeated after a {success.status}"
            yield new_finding("repetition", says, success, exchange)
        if is_success(exchange):
            successes[record] = exchange


def is_success(exchange: Exchange) -> bool:
    """Return whether the call succeeded and the client knows it. An injected fault may hide the success."""
    return 200 <= exchange.status < 300 and exchange.info.fault is None


def find_polling(exchanges: Sequence[Exchange]) -> Iterator[AuditFinding]:
    """Find reads that were repeated faster than once a second, without a write in between."""
    reads_by_key: dict[RequestKey, list[Exchange]] = {}
    for exchange in exchanges:
        if exchange.method in WRITES:
            yield from (finding for reads in reads_by_key.values() for finding in polling_finding(reads))
            reads_by_key.clear()
            continue
        reads = reads_by_key.setdefault(request_key(exchange), [])
        if reads and seconds_between(reads[-1], exchange) >= MIN_POLL_SECONDS:
            yield from polling_finding(reads)
            reads.clear()
        reads.append(exchange)
    yield from (finding for reads in reads_by_key.values() for finding in polling_finding(reads))


def polling_finding(reads: Sequence[Exchange]) -> Iterator[AuditFinding]:
    """Yield a finding if enough equal reads followed each other too fast."""
    if len(reads) >= MIN_POLLS:
        times = f"{len(reads)} times within {seconds_between(reads[0], reads[-1]):.3f} seconds"
        says = f"{reads[0].method} {reads[0].path} was sent {times}; poll at most once a second"
        yield new_finding("polling", says, *reads)


def find_row_by_row_reads(exchanges: Sequence[Exchange]) -> Iterator[AuditFinding]:
    """Find reads of the rows of a page, one by one."""
    pages: dict[tuple[str | None, str], PageReads] = {}
    for exchange in exchanges:
        name = str(exchange.info.operation)
        if is_success(exchange) and exchange.method == "GET" and name.removeprefix(REFERENCE) in LIST_OPERATIONS:
            yield from row_by_row_finding(pages.pop((exchange.info.role, name), None))
            pages[exchange.info.role, name] = exchange, ids_in_page(exchange), {}
        surface = REFERENCE if name.startswith(REFERENCE) else ""
        for list_name in DETAIL_OPERATIONS.get(name.removeprefix(REFERENCE), ()):
            page = pages.get((exchange.info.role, surface + list_name))
            ids = [part for part in exchange.path.split("/") if part.isascii() and part.isdigit()]
            if page is not None and ids and int(ids[-1]) in page[1]:
                page[2].setdefault(int(ids[-1]), exchange)
    for page in pages.values():
        yield from row_by_row_finding(page)


PageReads: TypeAlias = tuple[Exchange, frozenset[int], dict[int, Exchange]]
"""The read of a page, the ids of its rows, and the first read of each row's detail."""


def row_by_row_finding(page: PageReads | None) -> Iterator[AuditFinding]:
    """Yield a finding if enough rows of a page were read one by one."""
    if page is None:
        return
    listed, rows, details = page
    if len(details) >= max(MIN_DETAILS, len(rows) / 2):
        says = f"{len(details)} of the {len(rows)} rows in {listed.path} were read in separate requests"
        yield new_finding("row_by_row", says, listed, *details.values())


def ids_in_page(exchange: Exchange) -> frozenset[int]:
    """Return the ids of the rows in a page."""
    try:
        return frozenset(row["id"] for row in orjson.loads(exchange.response_body)["results"])
    except (ValueError, KeyError, TypeError):
        return frozenset()


LIST_OPERATIONS = frozenset(name for names in DETAIL_OPERATIONS.values() for name in names)
RULES: Mapping[str, Rule] = {
    "impatience": find_early_retries,
    "repetition": find_repeated_writes,
    "polling": find_polling,
    "row_by_row": find_row_by_row_reads,
}
"""Kind of finding -> rule."""
