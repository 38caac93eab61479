"""What a filter is, and what a list's set of filters is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from emulator.core.store import View

ValueType = Literal[
    "number",
    "boolean",
    "null_boolean",
    "char",
    "uuid",
    "choice",
    "datetime",
    "date",
    "number_list",
    "char_list",
]
Provenance = Literal["documented", "observed", "framework", "assumed"]


class Path(NamedTuple):
    """Where a value is: a column of the list's own records, reached through references and relations, and, where
    that holds the id of reference data (`kind`), on from there.
    """

    column: str
    kind: type[Any] | None = None
    tail: str = ""
    lookup: str = ""
    """Another lookup than the filter's, for this path."""


def at(column: str) -> tuple[Path, ...]:
    """Give the path to a column."""
    return (Path(column),)


def via(column: str, kind: type[Any], tail: str) -> tuple[Path, ...]:
    """Give the path to a value of the reference data whose id a column holds."""
    return (Path(column, kind, tail),)


NOWHERE: tuple[Path, ...] = ()
"""The path to what no record has: the value is absent everywhere."""


@dataclass(frozen=True)
class Filter:
    """One query parameter that narrows a list."""

    name: str
    type: ValueType
    paths: tuple[Path, ...]
    """With several, one of them has to match."""
    lookup: str = "exact"
    """One of `LOOKUPS`."""
    aliases: tuple[str, ...] = ()
    """Other names that are taken for it."""
    doc: str = ""
    """The page's line."""
    provenance: Provenance = "assumed"
    """How sure the name is; the descriptions are documented."""
    reason: str = ""
    """Why it is assumed to be so, where it is."""
    exclude: bool = False
    """Whether it keeps what does not match."""
    both: bool = False
    """Whether every path has to match, not one of them."""
    choices: Callable[[View, int], bool] | None = None
    """Whether there is such a record; a value that names none is refused."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class FilterSet:
    """The filters and the order of one list."""

    kind: type[Any]
    filters: tuple[Filter, ...] = ()
    sortable: Mapping[str, str] = field(default_factory=dict)
    """Names that `sort` takes -> columns."""
    order: tuple[str, ...] = ("-id",)
    """The columns that order the list where nobody asks for another order."""

    @cached_property
    def names(self) -> tuple[tuple[str, Filter], ...]:
        """Every name, aliases included, with its filter, in the order of the table."""
        return tuple((name, one) for one in self.filters for name in one.names)


class Condition(NamedTuple):
    """A filter with the value that a caller wants."""

    filter: Filter
    value: Any


@dataclass(frozen=True)
class Wanted:
    """What a caller wants of a list."""

    filters: FilterSet
    conditions: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()
    """Columns, `-` before those that descend; empty: the list's own order."""
