"""What a query asks of a list: its filters, its order, and the parameters that nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cache

from emulator.core.errors import ApiError, ParseError, ValidationFailed
from emulator.core.exchange import Query
from emulator.core.fields import FieldError
from emulator.core.store import View
from emulator.params.values import NOTHING, TYPES, chosen
from emulator.rules.filters import FILTER_SETS, Condition, FilterSet, ListQuery

FORMAT, PAGE, SORT = "format", "page", "sort"
NAMED, LONGEST_NAME = 3, 60
"""How many unknown parameters a hint names, and how much of each."""


def wanted(filters: FilterSet, query: Query, view: View) -> ListQuery:
    """Give what a query wants of a list; `ValidationFailed` names every value that is wrong, in the table's order.

    The view tells which records a value may name.
    """
    conditions: list[Condition] = []
    errors: dict[str, list[str]] = {}
    for name, one in filters.names:
        if name not in query:
            continue
        try:
            value = chosen(TYPES[one.type](query[name][-1]), one.choices, view)
        except FieldError as error:
            errors[name] = error.messages
            continue
        if value is not NOTHING:
            conditions.append(Condition(one, value))
    if errors:
        raise ValidationFailed(errors)
    return ListQuery(filters, tuple(conditions), order(filters, query))


def applied(filters: FilterSet, query: Query) -> tuple[str, ...]:
    """Give what a query that was answered narrowed and ordered a list by: filters by their own names, and `sort`."""
    given = [(one, TYPES[one.type](query[name][-1])) for name, one in filters.names if name in query]
    names = [one.name for one, value in given if value is not NOTHING]
    return tuple(dict.fromkeys((*names, SORT) if order(filters, query) else names))


def order(filters: FilterSet, query: Query) -> tuple[str, ...]:
    """Give the columns to order by: of the fields asked for, those that are known, as the framework picks them."""
    asked = [term.strip() for term in query[SORT][-1].split(",")] if SORT in query else []
    signs = [("-" if term.startswith("-") else "", term.removeprefix("-")) for term in asked]
    return tuple(sign + filters.sortable[name] for sign, name in signs if name in filters.sortable)


@cache
def known(filters: str | None, size_parameter: str | None) -> tuple[str, ...]:
    """Give the parameters that an operation knows, aliases included; it has pages if their size has a name."""
    paging = () if size_parameter is None else (PAGE, size_parameter)
    if filters is None:
        return (FORMAT, *paging)
    table = FILTER_SETS[filters]
    return (FORMAT, *paging, *((SORT,) if table.sortable else ()), *(name for name, _ in table.names))


def unknown(query: Query, names: Collection[str]) -> list[str]:
    """Give the parameters of a query that are none of these."""
    return [name for name in query if name not in names]


def unknown_hint(strangers: Sequence[str], names: Sequence[str]) -> str:
    """Say which parameters were ignored, and what may have been meant."""
    told = [one_hint(name[:LONGEST_NAME], names) for name in strangers[:NAMED]]
    if more := len(strangers) - NAMED:
        told += [f"{more} more unknown parameters were ignored"] if more > 0 else []
    return "; ".join(told)


def one_hint(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f"query parameter '{name}' is unknown and was ignored" + (f"; nearest known: '{near[0]}'" if near else "")


def refusal(strangers: Sequence[str], names: Sequence[str], *, by_field: bool) -> ApiError:
    """Give the error that refuses parameters that nobody knows: by name where a list has filters."""
    told, hint = f"Known: {', '.join(sorted(names))}.", f"strict: {unknown_hint(strangers, names)}"
    if by_field:
        return ValidationFailed({name: [f"Unknown query parameter. {told}"] for name in strangers}, hint)
    error = ParseError(f"Unknown query parameter {', '.join(strangers)}. {told}")
    error.hint = hint
    return error
