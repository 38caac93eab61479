"""An installation's file, read and checked to the letter.

A file is an object of kinds, each a list of entries whose keys are the columns of the kind. An installation is
one such file, or a folder of them that are read as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import orjson

from emulator.core import jsontext
from emulator.core.jsontext import compact
from emulator.core.records import KINDS, REFERENCES, Json, Transition
from emulator.core.schemas import problem

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "installation"
DEFAULT, SUFFIX = "default", ".json"
NOTES = ("provenance", "reason")
"""What an entry says of itself beside its columns."""
BROUGHT = "(its own)"
"""What an installation is called that a scenario brings along."""
REMARKS = ("$schema", "description")
"""What a file says of itself beside its kinds."""
ASSUMED = "assumed"

Records = dict[type[Any], dict[int, Any]]


class Origin(NamedTuple):
    """How sure an entry is, and why where it is assumed."""

    provenance: str
    reason: str | None = None


Origins = dict[tuple[type[Any], int], Origin]
Stamps = tuple[tuple[Path, int, int], ...]


class Installation(NamedTuple):
    """The records of an installation by kind and id, in the files' order, and what is known of each."""

    records: Records
    origins: Origins


class InvalidInstallation(ValueError):  # named for what it says
    """A file that is not an installation: says which file, where in it, and what would be right."""

    def __init__(self, file: Path | str, where: str, what: str) -> None:
        super().__init__(f"{file}: {where}: {what}")


def names() -> list[str]:
    """Give the names of the bundled installations."""
    return sorted(path.stem for path in FOLDER.iterdir())


def path_of(name: str) -> Path:
    """Give the file or folder of an installation: a bundled one by its name, any other by its path."""
    if (bundled := bundled_path(name)) is not None:
        return bundled
    if name and files(path := Path(name)):
        return path
    raise ValueError(f"unknown installation {name!r}; known: {', '.join(names())}, or a path that ends in .json")


@lru_cache(maxsize=32)
def bundled_path(name: str) -> Path | None:
    """Give the file or folder of a bundled installation, or None; they do not change while we run."""
    places = (FOLDER / name, FOLDER / f"{name}{SUFFIX}")
    return next((path for path in places if path.parent == FOLDER and name and files(path)), None)


def is_document(name: str) -> bool:
    """Tell whether what stands for an installation is its own text, as scenarios bring it along."""
    return name.startswith("{")


def title_of(name: str) -> str:
    """Give what people see of what stands for an installation."""
    return BROUGHT if is_document(name) else name


def embedded(name: str) -> str:
    """Give an installation so that it holds everywhere: a bundled one by its name, any other as its text."""
    if is_document(name) or bundled_path(name) is not None:
        return name
    path = path_of(name)
    return text_of(path, stamps(path))


@lru_cache(maxsize=32)
def text_of(path: Path, marks: Stamps) -> str:  # noqa: ARG001 - what the cache goes by
    found: dict[str, list[tuple[int, Any]]] = {}
    for file in files(path):
        for name, rows in document_of(file).items():
            if name not in REMARKS:
                found.setdefault(name, []).extend(enumerate(rows))
    # Where a transition stands in its own file is its position: those of several files stay in that order.
    together = {name: [row for _, row in sorted(rows, key=itemgetter(0))] for name, rows in found.items()}
    return jsontext.written(together).decode()


@lru_cache(maxsize=32)
def read_text(text: str) -> Installation:
    """Give what an installation's own text says; `InvalidInstallation` if it says none."""
    return gathered([(BROUGHT, jsontext.read(text))])


def read(path: Path) -> Installation:
    """Give what an installation's file or folder says; `InvalidInstallation` if it is not one."""
    return read_stamped(path, stamps(path))


def stamps(path: Path) -> Stamps:
    """Give what changes when a file does: what was read once is read again when it is another."""
    if path.parent == FOLDER:
        return ()
    found = [(file, file.stat()) for file in files(path)]
    return tuple((file, stat.st_mtime_ns, stat.st_size) for file, stat in found)


def files(path: Path) -> list[Path]:
    """Give the files of an installation: itself, or all in a folder; none where there is nothing."""
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.exists() else []


@lru_cache(maxsize=32)
def read_stamped(path: Path, marks: Stamps) -> Installation:  # noqa: ARG001 - what the cache goes by
    return gathered((file, document_of(file)) for file in files(path))


def gathered(documents: Iterable[tuple[Path | str, Any]]) -> Installation:
    """Give what documents say together; each comes with what messages call it."""
    records: Records = {}
    notes: Origins = {}
    for file, document in documents:
        if not (isinstance(file, Path) and FOLDER in file.parents) and (wrong := problem("installation", document)):
            where, _, what = wrong.partition(": ")
            raise InvalidInstallation(file, where, what)
        for where, kind, entry in entries(document):
            record, origin = parse(file, where, kind, entry)
            if record.id in records.setdefault(kind, {}):
                raise InvalidInstallation(file, where, f"the id {record.id} is used by another entry")
            records[kind][record.id] = record
            notes[kind, record.id] = origin
    return Installation(records, notes)


def document_of(file: Path) -> Any:
    """Give the JSON of a file."""
    try:
        return orjson.loads(file.read_bytes())
    except OSError as error:
        raise InvalidInstallation(file, "/", f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as wrong:
        raise InvalidInstallation(file, "/", f"is not JSON: {wrong}") from None


def entries(document: Mapping[str, Any]) -> Iterator[tuple[str, type[Any], dict[str, Any]]]:
    """Give the entries of a document: where each stands, its kind, its keys and values."""
    for name, rows in document.items():
        if name in REMARKS:
            continue
        for position, row in enumerate(rows):
            place = {"position": position} if KINDS[name] is Transition else {}
            yield f"/{name}/{position}", KINDS[name], place | row


def parse(file: Path | str, where: str, kind: type[Any], entry: Mapping[str, Any]) -> tuple[Any, Origin]:
    """Give the record and the origin that an entry stands for."""
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
    """Give every reference to an entry that is not there: where it stands, and what is wrong."""
    for kind, table in records.items():
        for column, other in REFERENCES[kind].items():
            for record in table.values():
                id_ = getattr(record, column)
                if id_ is not None and id_ not in records.get(other, {}):
                    yield f"/{kind.__name__} {record.id}/{column}", f"no {other.__name__} with the id {id_}"


@cache
def converters(kind: type[Any]) -> dict[str, Callable[[Any], Any]]:
    """Give, for each column of the kind, what turns a JSON value into the column's."""
    return {column: converter(hint) for column, hint in get_type_hints(kind).items()}


def converter(hint: Any) -> Callable[[Any], Any]:
    """Give what turns a JSON value into one of this type."""
    types = get_args(hint) or (hint,)
    for type_, convert in ((Json, compact), (datetime, datetime.fromisoformat)):
        if type_ in types:
            return optional(convert) if type(None) in types else convert
    return as_it_is


def optional(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give the same conversion, but one that leaves None alone."""
    return lambda value: None if value is None else convert(value)


def as_it_is(value: Any) -> Any:
    return value
