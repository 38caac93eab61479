"""The size of a world, and the integrity of its references."""

from __future__ import annotations

from typing import Any

from emulator.core.records import REFERENCES
from emulator.state.store import Reader


def count_entries(view: Reader) -> int:
    """Return the number of entries in all maps of a world, without its base."""
    queues = [sum(1 for _ in view.due_items(kind)) for kind in REFERENCES]
    return sum(len(entries) for key, entries in view.maps.items() if not is_queue(key)) + sum(queues)


def is_queue(key: Any) -> bool:
    return isinstance(key, tuple) and key[1] == "queue"


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
