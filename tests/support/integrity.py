"""What a world holds, and whether it holds together."""

from __future__ import annotations

from typing import Any

from emulator.core.records import REFERENCES
from emulator.state.store import Reader


def count_entries(view: Reader) -> int:
    """Give how much a world has beside its base: entries of all its maps."""
    return sum(len(entries) for entries in view.maps.values())


def broken_references(view: Reader) -> list[tuple[Any, str]]:
    """Give the world's own references whose record is not there."""
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
