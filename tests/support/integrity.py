"""The size of a world, and the integrity of its references."""

from __future__ import annotations

from typing import Any

from emulator.core.records import REFERENCES
from emulator.state.store import Reader


def count_entries(view: Reader) -> int:
    """Return the number of entries in all maps of a world, without its base."""
    return sum(len(entries) for entries in view.maps.values())


def broken_references(view: Reader) -> list[tuple[Any, str]]:
    """Return each record with a reference to a missing record, and the column."""
    found = []
    for kind, columns in REFERENCES.items():
        for id_ in view.maps.get(kind, {}):
            if (record := view.get(kind, id_)) is None:
                continue
            for column, other in columns.items():
                target = getattr(record, column)
                if isinstance(target, int) and not view.has(other, target):
                    found.append((record, column))
    return found
