"""The filters and sort columns of all lists: their definitions, and the table in `fixtures/filters.json`.

The reference's page describes the filters of packages but has lost their names. The rows of packages are in the order
of the page. Their names follow the documented names of the filters of transfer orders and of states, and `aliases`
are other likely names. A filter compares exactly unless the page says otherwise ("starts with", "from").
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject
from emulator.core.records import KINDS, RecordKind, State, Webhook, WebhookEvent
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

LOCATION_CONTENT_TYPE = 9
"""The content type of stock locations, which have no states (assumed: no source shows it)."""


def content_type_exists(reader: Reader, id_: int) -> bool:
    """Return whether this is a content type of the installation: of a kind with states, or of stock locations."""
    return id_ == LOCATION_CONTENT_TYPE or any(state.content_type == id_ for state in reader.all(State))


CHOICES: dict[str, Callable[[Reader, int], bool]] = {
    "webhook": lambda reader, id_: reader.has(Webhook, id_),
    "content_type": content_type_exists,
}
"""Name of a filter of the type `choice` -> the function that accepts its values."""


def build_filter_set(table: JsonObject) -> FilterSet:
    filters = tuple(map(build_filter, table["filters"]))
    return FilterSet(KINDS[table["kind"]], filters, table["sortable"], tuple(table["order"]))


def build_filter(row: JsonObject) -> Filter:
    columns = {
        "paths": tuple(Path(path) if isinstance(path, str) else build_path(**path) for path in row["paths"]),
        "aliases": tuple(row.get("aliases", ())),
        "is_choice": CHOICES[row["name"]] if row["value_type"] == "choice" else None,
    }
    return Filter(**row | columns)


def build_path(column: str, kind: str | None = None, tail: str = "", lookup: str = "") -> Path:
    return Path(column, KINDS[kind] if kind else None, tail, lookup)


FILTER_SETS: dict[str, FilterSet] = {name: build_filter_set(table) for name, table in load_fixture("filters").items()}
"""Name of a list's filters, as in the route table -> the filters."""

OWNER_FILTERS: dict[type[object], Filter] = {
    Webhook: Filter("owner", "char", (Path("owner"),)),
    WebhookEvent: Filter("owner", "char", (Path("webhook", Webhook, "owner"),)),
}
"""The conditions that restrict a list to the caller's own records. No query names them."""
