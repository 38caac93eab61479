"""What an import reports: values that are served differently, and records and columns that no response contains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from emulator.api.serializers.fields import COLUMN_TYPES, excerpt
from emulator.core.json_text import JsonValue
from emulator.core.records import KINDS, State, Transition
from emulator.loading.collector import RecordCollector

DifferenceKind = Literal["filled", "corrected"]
GENERATED_LINKS = {"preview_url", "full_path_url"}
"""URLs of the service itself; the emulator serves its own."""
UNSHOWN_COLUMNS = {"max_quota", "command_code", "position", "actor", "request_id", "snapshot", "plan_item"}
"""Columns that no document shows, or one document only."""
KIND_NAMES = {kind: name for name, kind in KINDS.items()}
GRAPH_KINDS = {State, Transition}
"""Kinds that `known_by_id` reports."""
MAX_LISTED_IDS = 10


class Difference(NamedTuple):
    """A position in a recorded document where another value is served."""

    kind: DifferenceKind
    origin: str
    pointer: str
    recorded: JsonValue
    served: JsonValue


class Differences:
    """All differences of an import."""

    def __init__(self) -> None:
        self.entries: list[Difference] = []

    def compare(self, origin: str, recorded: JsonValue, served: JsonValue, pointer: str = "") -> None:
        """Add the differences between two documents, except for recorded keys that are not served."""
        if recorded in ({}, [{}]) and served != recorded:  # the reference page prints these for what it does not show
            self.entries.append(Difference("filled", origin, pointer, recorded, served))
        elif isinstance(recorded, dict) and isinstance(served, dict):
            for key, value in served.items():
                if key not in recorded:
                    self.entries.append(Difference("filled", origin, f"{pointer}/{key}", None, value))
                elif key not in GENERATED_LINKS:
                    self.compare(origin, recorded[key], value, f"{pointer}/{key}")
        elif isinstance(recorded, list) and isinstance(served, list) and len(recorded) == len(served):
            for position, (one, other) in enumerate(zip(recorded, served, strict=True)):
                self.compare(origin, one, other, f"{pointer}/{position}")
        elif not is_same_value(recorded, served):
            self.entries.append(Difference("corrected", origin, pointer, recorded, served))

    def lines(self, kind: DifferenceKind, *, values: bool) -> Iterator[str]:
        """Yield a line for each key: the number of differences and the first of them, with its values on request."""
        groups: dict[str, list[Difference]] = {}
        for each in self.entries:
            if each.kind == kind:
                groups.setdefault(pointer_pattern(each.pointer), []).append(each)
        for pattern, group in groups.items():
            first = group[0]
            recorded = "" if kind == "filled" else f"recorded {excerpt(first.recorded)}, "
            details = f": {recorded}served {excerpt(first.served)}" if values else ""
            yield f"{pattern}: {times_text(len(group))}; first in {first.origin}{details}"


def times_text(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def pointer_pattern(pointer: str) -> str:
    """Return a JSON pointer with `*` for each position in a list."""
    return "/".join("*" if step.isdigit() else step for step in pointer.split("/")) or "/"


def is_same_value(recorded: JsonValue, served: JsonValue) -> bool:
    """Return whether two values are equal; times may be written in different ways."""
    if type(recorded) is type(served) and recorded == served:
        return True
    if not (isinstance(recorded, str) and isinstance(served, str)):
        return False
    try:
        return datetime.fromisoformat(recorded) == datetime.fromisoformat(served)
    except (ValueError, TypeError):
        return False


def missing_column_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each kind: the columns that no response contains, and in how many shown records."""
    for kind, table in list(collector.records.items()):
        shown = [columns for columns in table.values() if len(columns) > 1]
        missing = Counter(
            column
            for columns in shown
            for column in COLUMN_TYPES[kind]
            if column not in columns.keys() | UNSHOWN_COLUMNS
        )
        if missing and kind not in GRAPH_KINDS:
            counts = ", ".join(f"{column} in {count}" for column, count in missing.items())
            yield f"{KIND_NAMES[kind]}, {len(shown)} shown: {counts}"


def missing_record_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each kind: the records that are referred to, but not shown by any response."""
    for kind, table in list(collector.records.items()):
        ids = sorted(id_ for id_, columns in table.items() if len(columns) == 1)
        if ids and kind not in GRAPH_KINDS:
            listed = ", ".join(map(str, ids[:MAX_LISTED_IDS])) + (" ..." if len(ids) > MAX_LISTED_IDS else "")
            yield f"{KIND_NAMES[kind]}: {len(ids)} of {len(table)} known by the id alone: {listed}"


def incomplete_graph_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each state and transition of which little more than the id is known."""
    yield from unnamed_state_lines(collector)
    for id_, columns in sorted(collector.records[Transition].items()):
        if "label" not in columns:
            yield f"transition {id_}: known by its id alone"
        elif not isinstance(columns.get("slug"), str):
            yield f"transition {id_} {columns['label']}: no slug; run it by its id"


def unnamed_state_lines(collector: RecordCollector) -> Iterator[str]:
    for id_, columns in sorted(collector.records[State].items()):
        if "name" not in columns:
            yield f"state {id_}: known by its id alone; named State {id_}"
