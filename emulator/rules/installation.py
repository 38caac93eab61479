"""An installation: one customer's set-up of the OMS, read from its files and checked to the letter.

A file is an object of kinds, each a list of entries whose keys are the columns of the kind. An installation is
one such file, or a folder of them that are read as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import orjson

from emulator.core.records import KINDS, REFERENCES, Json, Transition

FOLDER = Path(__file__).parent.parent / "fixtures" / "installation"
PROVENANCES = ("documented", "observed", "framework", "assumed")
NOTES = ("provenance", "reason")
"""What an entry says of itself beside its columns."""

Records = dict[type[Any], dict[int, Any]]


class Origin(NamedTuple):
    """How sure an entry is, and why where it is assumed."""

    provenance: str
    reason: str | None


Origins = dict[tuple[type[Any], int], Origin]


class InvalidInstallation(ValueError):  # named for what it says
    """A file that is not an installation: says which file, where in it, and what would be right."""

    def __init__(self, file: Path, where: str, problem: str) -> None:
        super().__init__(f"{file}: {where}: {problem}")


def load(name: str) -> Records:
    """Give the records of a bundled installation, by kind and id, in the files' order."""
    return read(path_of(name))[0]


def origins(name: str) -> Origins:
    """Give the provenance of each entry of a bundled installation."""
    return read(path_of(name))[1]


def names() -> list[str]:
    """Give the names of the bundled installations."""
    return sorted(path.stem for path in FOLDER.iterdir())


def path_of(name: str) -> Path:
    """Give the file or folder of a bundled installation."""
    for path in (FOLDER / name, FOLDER / f"{name}.json"):
        if path.exists():
            return path
    raise ValueError(f"no installation {name!r}; known: {', '.join(names())}")


@cache
def read(path: Path) -> tuple[Records, Origins]:
    """Give the records and origins of an installation's file or folder; `InvalidInstallation` if it is not one."""
    records: Records = {}
    notes: Origins = {}
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        for where, kind, entry in entries(file):
            record, origin = parse(file, where, kind, entry)
            if record.id in records.setdefault(kind, {}):
                raise InvalidInstallation(file, where, f"the id {record.id} is taken by another entry")
            records[kind][record.id] = record
            notes[kind, record.id] = origin
    check_references(path, records)
    return records, notes


def entries(file: Path) -> Iterator[tuple[str, type[Any], dict[str, Any]]]:
    """Give the entries of a file: where each stands, its kind, its keys and values."""
    try:
        document = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as wrong:
        raise InvalidInstallation(file, "/", f"not JSON: {wrong}") from None
    for name, rows in document.items():
        known(file, "/", [name], KINDS)
        for position, row in enumerate(rows):
            place = {"position": position} if KINDS[name] is Transition else {}
            yield f"/{name}/{position}", KINDS[name], place | row


def parse(file: Path, where: str, kind: type[Any], entry: dict[str, Any]) -> tuple[Any, Origin]:
    """Give the record and the origin that an entry stands for."""
    columns = converters(kind)  # type: ignore[arg-type]  # mypy does not see that a class is hashable
    known(file, where, entry, (*columns, *NOTES))
    try:
        record = kind(**{key: columns[key](value) for key, value in entry.items() if key not in NOTES})
    except (TypeError, ValueError) as wrong:
        raise InvalidInstallation(file, where, str(wrong)) from None
    origin = Origin(entry.get("provenance", ""), entry.get("reason"))
    known(file, f"{where}/provenance", [origin.provenance], PROVENANCES)
    if (origin.provenance == "assumed") == (origin.reason is None):
        raise InvalidInstallation(file, where, "an assumed entry, and no other, gives its reason")
    return record, origin


def known(file: Path, where: str, given: Any, allowed: Any) -> None:
    """Insist that every name given is allowed."""
    for name in given:
        if name not in allowed:
            raise InvalidInstallation(file, where, f"unknown {name!r}; known: {', '.join(allowed)}")


def check_references(path: Path, records: Records) -> None:
    """Insist that every entry that is referred to is there."""
    for kind, table in records.items():
        for column, other in REFERENCES[kind].items():
            for record in table.values():
                id_ = getattr(record, column)
                if id_ is not None and id_ not in records.get(other, {}):
                    where = f"/{kind.__name__} {record.id}/{column}"
                    raise InvalidInstallation(path, where, f"no {other.__name__} has the id {id_}")


@cache
def converters(kind: type[Any]) -> dict[str, Callable[[Any], Any]]:
    """Give, for each column of the kind, what turns a JSON value into the column's."""
    return {column: converter(hint) for column, hint in get_type_hints(kind).items()}


def converter(hint: Any) -> Callable[[Any], Any]:
    """Give what turns a JSON value into one of this type."""
    types = get_args(hint) or (hint,)
    for type_, convert in ((Json, orjson.dumps), (datetime, datetime.fromisoformat)):
        if type_ in types:
            return optional(convert) if type(None) in types else convert
    return as_it_is


def optional(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give the same conversion, but one that leaves None alone."""
    return lambda value: None if value is None else convert(value)


def as_it_is(value: Any) -> Any:
    return value
