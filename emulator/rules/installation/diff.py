"""How two installations differ in their states and transitions, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.core.records import ABSENT, State, Transition
from emulator.rules.installation.lint import named, said
from emulator.rules.installation.reading import Records

LEFT_OUT = ("id", "position", "created_date", "modified_date")
"""Columns that say nothing of how an installation behaves."""


def differences(one: Records, other: Records) -> list[str]:
    """Give what was removed (`-`), added (`+`) and changed (`~`) from one installation to the other."""
    return [line for kind, say in SAID.items() for line in of_kind(one.get(kind, {}), other.get(kind, {}), say)]


def of_kind(one: dict[int, Any], other: dict[int, Any], say: Any) -> Iterator[str]:
    for id_ in sorted(one.keys() | other.keys()):
        if id_ not in other:
            yield f"- {say(one[id_])}"
        elif id_ not in one:
            yield f"+ {say(other[id_])}"
        else:
            yield from changes(one[id_], other[id_], say)


def changes(before: Any, after: Any, say: Any) -> Iterator[str]:
    for column in before._fields:
        old, new = getattr(before, column), getattr(after, column)
        if column not in LEFT_OUT and old != new:
            yield f"~ {say(before)}: {column}: {shown(old)} -> {shown(new)}"


def shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "absent" if value is ABSENT else str(value)


SAID: dict[type[Any], Any] = {State: said, Transition: named}
