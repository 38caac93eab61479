"""Conditions as terms over the columns of a list: what is wanted of reference data has become a set of its ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from emulator.core.columns import follow
from emulator.core.store import View
from emulator.rules.filters.lookups import LOOKUPS
from emulator.rules.filters.table import Condition, Path


class Part(NamedTuple):
    """One comparison with one column."""

    column: str
    lookup: str
    wanted: Any


class Term(NamedTuple):
    """One condition: any of its parts, or all of them; kept are the records that meet it, or those that do not."""

    parts: tuple[Part, ...]
    all: bool
    exclude: bool


def terms(view: View, conditions: Sequence[Condition]) -> tuple[Term, ...]:
    """Give the conditions as terms, with the reference data as the view has it."""
    return tuple(
        Term(tuple(part(view, path, one, value) for path in one.paths), one.both, one.exclude)
        for one, value in conditions
    )


def part(view: View, path: Path, one: Any, value: Any) -> Part:
    lookup = path.lookup or one.lookup
    if path.kind is None:
        return Part(path.column, lookup, value)
    steps, meets = path.tail.split("."), LOOKUPS[lookup]
    ids = frozenset(
        record.id
        for record in view.all(path.kind)
        for found in follow(view, path.kind, record, steps)
        if found is not None and meets(found, value)
    )
    return Part(path.column, "in", ids)


def meets_all(view: View, kind: type[Any], record: Any, wanted: Sequence[Term]) -> bool:
    """Tell whether a record meets every term."""
    return all(meets_term(view, kind, record, term) for term in wanted)


def meets_term(view: View, kind: type[Any], record: Any, term: Term) -> bool:
    outcomes = (meets_part(view, kind, record, one) for one in term.parts)
    return (all(outcomes) if term.all else any(outcomes)) is not term.exclude


def meets_part(view: View, kind: type[Any], record: Any, one: Part) -> bool:
    meets, wanted = LOOKUPS[one.lookup], one.wanted
    values = follow(view, kind, record, one.column.split("."))
    return any(value is not None and meets(value, wanted) for value in values)
