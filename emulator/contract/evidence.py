"""Evidence files: what the traffic of a real OMS showed about each behaviour of the emulator.

An evidence file has names of the emulator's tables, and counts. It has no value of a request or response.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.contract.findings import KINDS, Finding
from emulator.core.errors import InvalidDocument
from emulator.core.files import read_json_file
from emulator.core.json_text import JsonObject
from emulator.core.schemas import find_problem

SCHEMA, FORMAT = "evidence.json", 1
ANY_OPERATION = "*"
PLAIN_NAME = re.compile(r"(?:[a-z]+(?:_[a-z]+)*\d{0,2})?")
"""Keys that a file may contain. Others may be values, such as the keys of a map by e-mail address."""
MAX_NAME_LENGTH = 40
VALUE_TEXT = {str(kind): meaning for kind, meaning in KINDS.items()}


@dataclass
class Evidence:
    """The counts of an evidence file."""

    agreed: Counter[str] = field(default_factory=Counter)
    """Behaviour -> number of exchanges in which both services did the same."""
    differed: Counter[str] = field(default_factory=Counter)
    """Behaviour -> number of exchanges with a difference."""
    differences: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    """Operation -> kind and JSON pointer -> number of exchanges."""
    not_compared: Counter[str] = field(default_factory=Counter)
    """Operation -> number of exchanges for which the emulator did not know the record."""

    def agree(self, behaviours: Iterable[str]) -> None:
        self.agreed.update(set(behaviours))

    def differ(self, operation: str, findings: Iterable[Finding], behaviours: Iterable[str]) -> None:
        """Count the findings about one exchange, each kind and place once."""
        self.differed.update(set(behaviours))
        places = {(str(each.kind), safe_pointer(each.pointer)) for each in findings}
        self.differences.setdefault(operation, Counter()).update(places)

    def is_observed(self, behaviour: str) -> bool:
        return self.agreed[behaviour] > 0 and self.differed[behaviour] == 0

    def applied_to(self, part: str, row: JsonObject) -> JsonObject:
        """Return a row of the fidelity table, `observed` if it was assumed and the evidence confirms it.

        The row of an operation also has the differences.
        """
        found = [each for each in row_behaviours(part, row) if self.is_observed(each)]
        if found:
            row = observed_row(row, sum(self.agreed[each] for each in found))
        differences = self.differences.get(str(row.get("operation"))) if part == "operations" else None
        if differences:
            places = sorted(differences.items())
            rows = [{"kind": kind, "pointer": pointer, "count": count} for (kind, pointer), count in places]
            row = row | {"differences": rows}
        return row

    def to_document(self) -> JsonObject:
        return {
            "$schema": SCHEMA,
            "format": FORMAT,
            "agreed": dict(sorted(self.agreed.items())),
            "differed": dict(sorted(self.differed.items())),
            "differences": {
                operation: [
                    {"kind": kind, "pointer": pointer, "meaning": VALUE_TEXT[kind], "count": count}
                    for (kind, pointer), count in sorted(places.items())
                ]
                for operation, places in sorted(self.differences.items())
            },
            "not_compared": dict(sorted(self.not_compared.items())),
        }

    @classmethod
    def from_document(cls, document: JsonObject) -> Evidence:
        """Return the evidence in a document that is valid by its schema."""
        differences = {
            operation: Counter({(row["kind"], row["pointer"]): row["count"] for row in rows})
            for operation, rows in document["differences"].items()
        }
        agreed: Counter[str] = Counter(document["agreed"])
        differed: Counter[str] = Counter(document["differed"])
        return cls(agreed, differed, differences, Counter(document["not_compared"]))


def read_evidence(file: Path) -> Evidence:
    """Read an evidence file. Raise `InvalidDocument` if it cannot be read or is not one."""
    document = read_json_file(file, f"evidence file {file}", InvalidDocument)
    if problem := find_problem("evidence", document):
        raise InvalidDocument(f"evidence file {file}: {problem}")
    return Evidence.from_document(document)


def safe_pointer(pointer: str) -> str:
    """Return a JSON pointer with `*` for each position, and for each key that may be a value."""
    parts = pointer.split("/")
    return "/".join(part if len(part) <= MAX_NAME_LENGTH and PLAIN_NAME.fullmatch(part) else "*" for part in parts)


# Behaviours: the rows of the fidelity table


def row_behaviours(part: str, row: Mapping[str, object]) -> Iterator[str]:
    """Yield the names of the behaviour that a row of the fidelity table is about."""
    if part == "filters":
        operations = row["operations"]
        yield from (f"filters {each} {row['name']}" for each in operations)  # type: ignore[attr-defined]  # a list
    elif part in ROW_KEYS:
        yield " ".join([part, *(str(row[key]) for key in ROW_KEYS[part])])


ROW_KEYS: Mapping[str, tuple[str, ...]] = {
    "operations": ("operation",),
    "statuses": ("operation", "status"),
    "shapes": ("shape",),
    "commands": ("of", "command"),
    "protocol": ("class", "rule"),
    "states": ("of", "id"),
    "transitions": ("of", "id"),
}
"""Part of the fidelity table -> the columns that name a behaviour. Traffic shows nothing about the other parts."""


def observed_row(row: JsonObject, count: int) -> JsonObject:
    marks = {key: "observed" for key in ("provenance", "lookup_provenance") if row.get(key) == "assumed"}
    if not marks:
        return row
    plain = {key: value for key, value in row.items() if key != "reason"}
    note = f"agreed in {count} recorded exchanges of the evidence file; without it assumed: {row.get('reason', '')}"
    return plain | marks | {"note": note.rstrip(": ")}
