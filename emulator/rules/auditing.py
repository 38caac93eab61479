"""What a client did that works here and hurts the real service: read from the exchanges that the journal keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from emulator.core.journal import Exchange

FAST_SECONDS = 1.0
POLLS = 3
"""How many equal reads in a row, each too soon after the last, are polling: two may be a coincidence."""
DETAILS = 3
"""How many details of one page's rows are too many, at least; and half of the rows, if those are more."""
DETAIL_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "get_package": ("list_packages", "list_packages_short", "list_packages_simple"),
    "get_package_short": ("list_packages", "list_packages_short", "list_packages_simple"),
    "get_transfer": ("list_transfers", "list_transfers_simple"),
}
"""Detail -> the lists whose rows it is about; on the reference the same, with its prefix."""
REFERENCE = "reference_"
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Misdeed(NamedTuple):
    """One thing that a client should not do."""

    kind: str
    operation: str | None
    at: datetime
    requests: tuple[str, ...]
    """Ids, in order."""
    says: str


Rule = Callable[[Sequence[Exchange]], Iterator[Misdeed]]


def audit(exchanges: Iterable[Exchange]) -> list[Misdeed]:
    """Give all that the rules find in exchanges, oldest first."""
    found = [exchange for exchange in exchanges if exchange.method != "OPTIONS"]
    misdeeds = (misdeed for rule in RULES.values() for misdeed in rule(found))
    return sorted(misdeeds, key=lambda misdeed: misdeed.requests[-1])


def misdeed_document(misdeed: Misdeed) -> dict[str, Any]:
    """Give a misdeed as the control API shows it."""
    return misdeed._asdict() | {
        "at": misdeed.at.isoformat().replace("+00:00", "Z"),
        "requests": list(misdeed.requests),
    }


def apart(one: Exchange, other: Exchange) -> float:
    """Give the seconds between two exchanges.

    By the world's clock or the machine's, whichever saw more: under a frozen clock the world's stands still while a
    client really waits, and a test that moves it on has waited as far as the service could tell.
    """
    return max((other.at - one.at).total_seconds(), other.seconds - one.seconds)


def same(one: Exchange, other: Exchange) -> bool:
    """Tell whether two requests ask the same, for the same caller."""
    return key_of(one) == key_of(other)


def key_of(exchange: Exchange) -> tuple[Any, ...]:
    info = exchange.info
    return exchange.method, exchange.path, exchange.query, info.role, info.body


def impatience(exchanges: Sequence[Exchange]) -> Iterator[Misdeed]:
    """Find requests that came again before the time that `Retry-After` asked for."""
    waiting: dict[tuple[Any, ...], tuple[Exchange, float]] = {}
    for exchange in exchanges:
        key = key_of(exchange)
        before = waiting.pop(key, None)
        if before is not None and (passed := apart(before[0], exchange)) < before[1]:
            says = f"asked again {passed:.3f} seconds after a {before[0].status} with Retry-After: {before[1]:g}"
            yield Misdeed("impatience", exchange.info.operation, exchange.at, (before[0].id, exchange.id), says)
        asked = exchange.response_headers.get("Retry-After", "")
        if asked.isascii() and asked.isdigit():
            waiting[key] = exchange, float(asked)


def repetition(exchanges: Sequence[Exchange]) -> Iterator[Misdeed]:
    """Find writes that were sent again although they had been answered well, and nothing was written between."""
    done: dict[str, Exchange] = {}
    for exchange in exchanges:
        if exchange.method not in WRITES or exchange.info.operation is None:
            continue
        record = "/".join(part for part in exchange.path.split("/")[:-2])
        before = done.get(record)
        if before is not None and same(before, exchange):
            says = f"{exchange.method} {exchange.path} was answered {before.status}, and sent again"
            yield Misdeed("repetition", exchange.info.operation, exchange.at, (before.id, exchange.id), says)
        if is_well(exchange):
            done[record] = exchange


def is_well(exchange: Exchange) -> bool:
    """Tell whether the client knows that it worked: a disturbed answer tells nobody."""
    return 200 <= exchange.status < 300 and exchange.info.fault is None


def polling(exchanges: Sequence[Exchange]) -> Iterator[Misdeed]:
    """Find reads that were made again and again, faster than once a second, with no write between."""
    rows: dict[tuple[Any, ...], list[Exchange]] = {}
    for exchange in exchanges:
        if exchange.method in WRITES:
            yield from (misdeed for row in rows.values() for misdeed in polled(row))
            rows.clear()
            continue
        row = rows.setdefault(key_of(exchange), [])
        if row and apart(row[-1], exchange) >= FAST_SECONDS:
            yield from polled(row)
            row.clear()
        row.append(exchange)
    yield from (misdeed for row in rows.values() for misdeed in polled(row))


def polled(row: Sequence[Exchange]) -> Iterator[Misdeed]:
    """Tell of equal reads that followed each other too fast, if they are enough."""
    if len(row) >= POLLS:
        first, last = row[0], row[-1]
        often = f"{len(row)} times within {apart(first, last):.3f} seconds"
        says = f"{first.method} {first.path} {often}; poll once a second"
        yield Misdeed("polling", last.info.operation, last.at, tuple(one.id for one in row), says)


def row_by_row(exchanges: Sequence[Exchange]) -> Iterator[Misdeed]:
    """Find details that were fetched for the rows of a page, one by one."""
    pages: dict[tuple[str | None, str], tuple[Exchange, frozenset[int], dict[int, Exchange]]] = {}
    for exchange in exchanges:
        name = str(exchange.info.operation)
        if is_well(exchange) and exchange.method == "GET" and name.removeprefix(REFERENCE) in LISTS:
            yield from fetched(pages.pop((exchange.info.role, name), None))
            pages[exchange.info.role, name] = exchange, rows_of(exchange), {}
        surface = REFERENCE if name.startswith(REFERENCE) else ""
        for of in DETAIL_OPERATIONS.get(name.removeprefix(REFERENCE), ()):
            page = pages.get((exchange.info.role, surface + of))
            if page is not None and (pk := number_in(exchange.path)) in page[1]:
                page[2].setdefault(pk, exchange)
    for page in pages.values():
        yield from fetched(page)


Paged = tuple[Exchange, frozenset[int], dict[int, Exchange]]


def fetched(page: Paged | None) -> Iterator[Misdeed]:
    """Tell of a page whose rows were fetched one by one, if they are enough."""
    if page is None:
        return
    listed, rows, details = page
    if len(details) >= max(DETAILS, len(rows) / 2):
        last = list(details.values())[-1]
        says = f"{len(details)} details of the {len(rows)} rows that {listed.path} had listed, one call each"
        ids = (listed.id, *(one.id for one in details.values()))
        yield Misdeed("row_by_row", last.info.operation, last.at, ids, says)


def rows_of(exchange: Exchange) -> frozenset[int]:
    """Give the ids in a page."""
    try:
        return frozenset(row["id"] for row in orjson.loads(exchange.response_body)["results"])
    except (ValueError, KeyError, TypeError):
        return frozenset()


def number_in(path: str) -> int:
    return int(next((part for part in reversed(path.split("/")) if part.isascii() and part.isdigit()), -1))


LISTS = frozenset(name for names in DETAIL_OPERATIONS.values() for name in names)
RULES: Mapping[str, Rule] = {
    "impatience": impatience,
    "repetition": repetition,
    "polling": polling,
    "row_by_row": row_by_row,
}
"""Kind of misdeed -> what finds it."""
