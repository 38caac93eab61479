"""Read and validate the files of an installation.

A file is an object of kinds, each a list of entries whose keys are the columns of the kind. An installation is one
file, or a folder of files that are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias, get_args, get_type_hints

import orjson

from emulator.core import jsontext
from emulator.core.jsontext import JsonObject, JsonValue, compact
from emulator.core.records import KINDS, REFERENCES, ColumnValue, Json, Record, RecordKind, Transition
from emulator.core.schemas import problem

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "installation"
DEFAULT, SUFFIX = "default", ".json"
NOTES = ("provenance", "reason")
"""Keys of an entry that are not columns."""
BROUGHT = "(its own)"
"""Display name of an installation that is part of a scenario."""
REMARKS = ("$schema", "description")
"""Keys of a file that are not kinds."""
ASSUMED = "assumed"

Records: TypeAlias = dict[RecordKind, dict[int, Record]]
Converter: TypeAlias = Callable[[JsonValue], ColumnValue]


class Origin(NamedTuple):
    """The provenance of an entry, and the reason if it is assumed."""

    provenance: str
    reason: str | None = None


Origins: TypeAlias = dict[tuple[RecordKind, int], Origin]
Stamps: TypeAlias = tuple[tuple[Path, int, int], ...]


class Installation(NamedTuple):
    """The records of an installation by kind and id, in the order of the files, and their provenance."""

    records: Records
    origins: Origins


class InvalidInstallation(ValueError):
    """A file that is not an installation. The message says which file, where in it, and what is wrong."""

    def __init__(self, file: Path | str, where: str, what: str) -> None:
        super().__init__(f"{file}: {where}: {what}")


def names() -> list[str]:
    """Return the names of the bundled installations."""
    return sorted(path.stem for path in FOLDER.iterdir())


def path_of(name: str) -> Path:
    """Return the file or folder of an installation, by the name of a bundled one or by path."""
    if (bundled := bundled_path(name)) is not None:
        return bundled
    if name and files(path := Path(name)):
        return path
    raise ValueError(f"unknown installation {name!r}; known: {', '.join(names())}, or a path that ends in .json")


@lru_cache(maxsize=32)
def bundled_path(name: str) -> Path | None:
    """Return the file or folder of a bundled installation, or None. These files do not change at run time."""
    paths = (FOLDER / name, FOLDER / f"{name}{SUFFIX}")
    return next((path for path in paths if path.parent == FOLDER and name and files(path)), None)


def is_document(name: str) -> bool:
    """Return whether an installation is given as JSON text, as in scenarios."""
    return name.startswith("{")


def title_of(name: str) -> str:
    """Return the display name of an installation."""
    return BROUGHT if is_document(name) else name


def embedded(name: str) -> str:
    """Return a form that does not depend on local files: the name of a bundled installation, or JSON text."""
    if is_document(name) or bundled_path(name) is not None:
        return name
    path = path_of(name)
    return text_of(path, stamps(path))


@lru_cache(maxsize=32)
def text_of(path: Path, _versions: Stamps) -> str:
    numbered: dict[str, list[tuple[int, JsonObject]]] = {}
    for file in files(path):
        for name, rows in document_of(file).items():
            if name not in REMARKS:
                numbered.setdefault(name, []).extend(enumerate(rows))
    # The index of a transition in its file is its position. Sorting keeps this order for several files.
    document = {name: [row for _, row in sorted(rows, key=itemgetter(0))] for name, rows in numbered.items()}
    return jsontext.written(document).decode()


@lru_cache(maxsize=32)
def read_text(text: str) -> Installation:
    """Read the JSON text of an installation. Raise `InvalidInstallation` if it is not valid."""
    return gathered([(BROUGHT, jsontext.read(text))])


def read(path: Path) -> Installation:
    """Read an installation's file or folder. Raise `InvalidInstallation` if it is not valid."""
    return read_stamped(path, stamps(path))


def stamps(path: Path) -> Stamps:
    """Return path, time and size of each file, so that the caches notice changes. Bundled files have no versions."""
    if path.parent == FOLDER:
        return ()
    stats = [(file, file.stat()) for file in files(path)]
    return tuple((file, stat.st_mtime_ns, stat.st_size) for file, stat in stats)


def files(path: Path) -> list[Path]:
    """Return the files of an installation: the file itself, or all files in the folder. Empty if none exists."""
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.exists() else []


@lru_cache(maxsize=32)
def read_stamped(path: Path, _versions: Stamps) -> Installation:
    return gathered((file, document_of(file)) for file in files(path))


def gathered(documents: Iterable[tuple[Path | str, JsonValue]]) -> Installation:
    """Merge documents into one installation. Each document has a path or name for messages."""
    records: Records = {}
    origins: Origins = {}
    for file, document in documents:
        if not (isinstance(file, Path) and FOLDER in file.parents) and (wrong := problem("installation", document)):
            where, _, what = wrong.partition(": ")
            raise InvalidInstallation(file, where, what)
        for where, kind, entry in entries(document):
            record, origin = parse(file, where, kind, entry)
            if record.id in records.setdefault(kind, {}):
                raise InvalidInstallation(file, where, f"the id {record.id} is used by another entry")
            records[kind][record.id] = record
            origins[kind, record.id] = origin
    return Installation(records, origins)


def document_of(file: Path) -> JsonValue:
    try:
        return orjson.loads(file.read_bytes())
    except OSError as error:
        raise InvalidInstallation(file, "/", f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as wrong:
        raise InvalidInstallation(file, "/", f"is not JSON: {wrong}") from None


def entries(document: JsonObject) -> Iterator[tuple[str, RecordKind, JsonObject]]:
    """Yield location, kind and content of each entry of a document."""
    for name, rows in document.items():
        if name in REMARKS:
            continue
        for position, row in enumerate(rows):
            defaults = {"position": position} if KINDS[name] is Transition else {}
            yield f"/{name}/{position}", KINDS[name], defaults | row


def parse(file: Path | str, where: str, kind: RecordKind, entry: JsonObject) -> tuple[Record, Origin]:
    """Return the record and the origin of an entry."""
    columns = converters(kind)  # type: ignore[arg-type]  # mypy does not see that a class is hashable
    try:
        record = kind(**{key: columns[key](value) for key, value in entry.items() if key not in NOTES})
    except (TypeError, ValueError) as wrong:
        raise InvalidInstallation(file, where, str(wrong)) from None
    origin = Origin(entry["provenance"], entry.get("reason"))
    if (origin.provenance == ASSUMED) == (origin.reason is None):
        raise InvalidInstallation(file, where, "an entry must have a reason if and only if its provenance is assumed")
    return record, origin


def broken_references(records: Records) -> Iterator[tuple[str, str]]:
    """Yield location and message of each reference to a missing entry."""
    for kind, table in records.items():
        for column, other in REFERENCES[kind].items():
            for record in table.values():
                id_ = getattr(record, column)
                if id_ is not None and id_ not in records.get(other, {}):
                    yield f"/{kind.__name__} {record.id}/{column}", f"no {other.__name__} with the id {id_}"


@cache
def converters(kind: RecordKind) -> dict[str, Converter]:
    """Return the converter of JSON values for each column of a kind."""
    return {column: converter(hint) for column, hint in get_type_hints(kind).items()}


def converter(hint: object) -> Converter:
    """Return the converter of JSON values to a type."""
    types = get_args(hint) or (hint,)
    for type_, convert in ((Json, compact), (datetime, datetime.fromisoformat)):
        if type_ in types:
            return optional(convert) if type(None) in types else convert
    return as_it_is


def optional(convert: Converter) -> Converter:
    """Return the converter with None passed through."""
    return lambda value: None if value is None else convert(value)


def as_it_is(value: JsonValue) -> ColumnValue:
    return value
