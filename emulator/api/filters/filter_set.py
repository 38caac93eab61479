"""The definitions of filters: value types, paths to values, comparisons, and the filters of a list."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from emulator.core.records import RecordKind
from emulator.state.store import Reader

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
    """The path from a listed record to a value: a column reached through references and relations.

    If the column holds the id of reference data (`kind`), the path continues there with `tail`.
    """

    column: str
    kind: RecordKind | None = None
    tail: str = ""
    lookup: str = ""
    """Replaces the filter's lookup for this path."""


def column(name: str) -> tuple[Path, ...]:
    """Return the path to a column."""
    return (Path(name),)


def reference(name: str, kind: RecordKind, tail: str) -> tuple[Path, ...]:
    """Return the path to a value of reference data whose id a column holds."""
    return (Path(name, kind, tail),)


NO_PATHS: tuple[Path, ...] = ()
"""The paths of a value that no record has."""


class Filter(NamedTuple):
    """A query parameter that restricts a list."""

    name: str
    value_type: ValueType
    paths: tuple[Path, ...]
    """If there are several, one of them must match."""
    lookup: str = "exact"
    """One of `LOOKUPS`."""
    aliases: tuple[str, ...] = ()
    """Other names of the parameter."""
    doc: str = ""
    """The line of the vendor's page."""
    provenance: Provenance = "assumed"
    """The evidence for the name. The descriptions are documented."""
    reason: str = ""
    """The reason for an assumption."""
    lookup_provenance: Provenance | None = None
    """The evidence for the comparison, if it is not that for the name."""
    exclude: bool = False
    """Whether it selects the records that do not match."""
    match_all: bool = False
    """Whether every path must match."""
    is_choice: Callable[[Reader, int], bool] | None = None
    """Returns whether a value is the id of an existing record. Other values are rejected."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class FilterSet:
    """The filters and the orders of one list."""

    kind: RecordKind
    filters: tuple[Filter, ...] = ()
    sortable: Mapping[str, str] = field(default_factory=dict)
    """Names that `sort` takes -> columns."""
    order: tuple[str, ...] = ("-id",)
    """The default order of the list, as columns."""

    @cached_property
    def names(self) -> tuple[tuple[str, Filter], ...]:
        """Every name and alias with its filter, in the order of the table."""
        return tuple((name, filter_) for filter_ in self.filters for name in filter_.names)


class Condition(NamedTuple):
    """A filter and the requested value."""

    filter: Filter
    value: Any


class ListQuery(NamedTuple):
    """The records and the order that a request asks for."""

    filters: FilterSet
    conditions: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()
    """Columns, with `-` for descending order. If empty, the list has its default order."""


DAY = 86_400_000_000
"""Microseconds. Times are microseconds since 1970, and a day is its midnight in UTC (assumed: the service's zone)."""

Lookup = Callable[[Any, Any], bool]

LOOKUPS: dict[str, Lookup] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, expected: value in expected,
    "startswith": str.startswith,
    "icontains": lambda value, expected: expected.upper() in value.upper(),  # in upper case, as the database does
    "iexact": lambda value, expected: value.upper() == expected.upper(),
    "date": lambda value, day: day <= value < day + DAY,
    "date__gte": operator.ge,
    "date__lte": lambda value, day: value < day + DAY,
}
"""The comparisons by Django's names. An empty value matches none of them."""
