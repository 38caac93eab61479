"""Compare the states and transitions of two installations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from emulator.core.records import ABSENT, ColumnValue, Record, RecordKind, State, Transition
from emulator.rules.installation.lint import format_state, format_transition
from emulator.rules.installation.reading import Records

Formatter: TypeAlias = Callable[[Record], str]
IGNORED_COLUMNS = ("id", "position", "created_date", "modified_date")
"""Columns that do not affect behaviour."""


def diff_installations(old: Records, new: Records) -> list[str]:
    """Return a line for each removed (`-`), added (`+`) and changed (`~`) state or transition."""
    return [line for kind in FORMATTERS for line in diff_kind(old.get(kind, {}), new.get(kind, {}), FORMATTERS[kind])]


def diff_kind(old: dict[int, Record], new: dict[int, Record], format_record: Formatter) -> Iterator[str]:
    for id_ in sorted(old.keys() | new.keys()):
        if id_ not in new:
            yield f"- {format_record(old[id_])}"
        elif id_ not in old:
            yield f"+ {format_record(new[id_])}"
        else:
            yield from diff_fields(old[id_], new[id_], format_record)


def diff_fields(old: Record, new: Record, format_record: Formatter) -> Iterator[str]:
    for column in old._fields:
        before, after = getattr(old, column), getattr(new, column)
        if column not in IGNORED_COLUMNS and before != after:
            yield f"~ {format_record(old)}: {column}: {format_value(before)} -> {format_value(after)}"


def format_value(value: ColumnValue) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "absent" if value is ABSENT else str(value)


FORMATTERS: dict[RecordKind, Formatter] = {State: format_state, Transition: format_transition}
