"""The changes of one step as text: a line for each record, and one for each kind with new ids.

package 6501 [6501,40,...]      the record after the step
reservation 12                  the record was removed
+ transition_log 7001           the next free id of the kind
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from emulator.core.record_codec import KIND_NAMES, encode_record
from emulator.core.records import KINDS
from emulator.core.store import REMOVED, Transaction

NEXT = "+"


class Changed(NamedTuple):
    """The records that one transaction changed, and the next ids of their kinds."""

    records: tuple[tuple[type[Any], int, Any], ...]
    next_ids: tuple[tuple[type[Any], int], ...]


def changed_by(transaction: Transaction) -> Changed:
    """Return the changes of a transaction. They are immutable, so that another thread can write them later."""
    maps = transaction.maps
    records = tuple((kind, id_, maps[kind].get(id_, REMOVED)) for kind, id_ in transaction.touched)
    before, now = transaction.start.maps.get("next"), maps.get("next")
    if now is None or now is before:
        return Changed(records, ())
    given = ((kind, id_) for kind, id_ in now.items() if before is None or before.get(kind) != id_)
    return Changed(records, tuple(given))


def as_text(changed: Changed) -> bytes:
    """Return the text of a step's changes."""
    lines = [
        f"{KIND_NAMES[kind]} {id_}".encode() + (b"" if record is REMOVED else b" " + encode_record(record))
        for kind, id_, record in changed.records
    ]
    lines += [f"{NEXT} {KIND_NAMES[kind]} {id_}".encode() for kind, id_ in changed.next_ids]
    return b"\n".join(lines)


class Line(NamedTuple):
    """One parsed line."""

    kind: type[Any]
    id: int
    row: bytes | None = None
    """The record's text. None: it was removed."""
    is_next: bool = False


def lines_of(text: bytes) -> Iterator[Line]:
    """Parse a text. Raise `ValueError` if it is not valid."""
    for line in text.split(b"\n") if text else ():
        first, _, rest = line.partition(b" ")
        if first == b"+":
            name, _, id_ = rest.partition(b" ")
            yield Line(kind_named(name), int(id_), None, is_next=True)
        else:
            id_, _, row = rest.partition(b" ")
            yield Line(kind_named(first), int(id_), row or None)


KINDS_BY_BYTES = {name.encode(): kind for name, kind in KINDS.items()}


def kind_named(name: bytes) -> type[Any]:
    try:
        return KINDS_BY_BYTES[name]
    except KeyError:
        raise ValueError(f"unknown kind {name.decode(errors='replace')!r}") from None
