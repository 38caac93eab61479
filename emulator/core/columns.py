"""One value of every record of a kind, as filters ask for it: along a path of references, by the record's place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from emulator.core.records import ABSENT, REFERENCES, Package, PackageItem, TransferItem, TransferOrder

R = TypeVar("R")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MANY: dict[tuple[type[Any], str], tuple[type[Any], str]] = {
    (Package, "items"): (PackageItem, "package"),
    (TransferOrder, "items"): (TransferItem, "transfer_order"),
}
"""Steps of a path that lead to several records: kind and name -> the kind there, and the relation that finds them."""


class Reader(Protocol):
    """What a path is followed in: a base, or a view."""

    def get(self, kind: type[R], id_: int) -> R | None: ...
    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]: ...


class Column(NamedTuple):
    """The values of all records of a kind."""

    values: Sequence[Any]
    owners: Sequence[int] | None = None
    """The place of the record that each value belongs to; None: the value's own place."""
    null: Any = None
    """What stands for no value, where `values` cannot hold None."""


class Cycle(Sequence[Any]):
    """Values that come again and again, and some more after them."""

    def __init__(self, period: Sequence[Any], times: int, rest: Sequence[Any]) -> None:
        self.period, self.times, self.rest = period, times, rest
        self.whole = len(period) * times

    def __len__(self) -> int:
        return self.whole + len(self.rest)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return self.period[index % len(self.period)] if index < self.whole else self.rest[index - self.whole]


def follow(reader: Reader, kind: type[Any], record: Any, path: Sequence[str]) -> Iterator[Any]:
    """Give the values at the end of a path; None where a reference on the way is empty."""
    step, rest = path[0], path[1:]
    if (found := MANY.get((kind, step))) is not None:
        there, relation = found
        for id_ in reader.related(there, relation, record.id):
            yield from follow(reader, there, reader.get(there, id_), rest)
        return
    value = getattr(record, step)
    if not rest:
        yield plain(value)
    elif value is None or (other := reader.get(there := REFERENCES[kind][step], value)) is None:
        yield None
    else:
        yield from follow(reader, there, other, rest)


def plain(value: Any) -> Any:
    """Give a value as filters compare it: times as microseconds since 1970."""
    if isinstance(value, datetime):
        return (value - EPOCH) // MICROSECOND
    return None if value is ABSENT else value


def is_many(kind: type[Any], path: str) -> bool:
    """Tell whether a path leads to several values of one record."""
    return (kind, path.partition(".")[0]) in MANY


def gathered(reader: Reader, kind: type[Any], ids: Sequence[int], path: str) -> Column:
    """Give a column by following the path from every record."""
    steps = path.split(".")
    found = [
        (at, value) for at, id_ in enumerate(ids) for value in follow(reader, kind, reader.get(kind, id_), steps)
    ]
    values = [value for _, value in found]
    return Column(values, [at for at, _ in found]) if is_many(kind, path) else Column(values)
