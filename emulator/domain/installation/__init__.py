"""Installations: the configuration of one customer's OMS (states, transitions, locations, channels, carriers).

A file is an object of kinds, each a list of entries whose keys are the columns of the kind. An installation is one
file, or a folder of files that are merged. It replaces the kinds of records that it contains. The other kinds are
those of the default installation. Options are keys with a single value (`InstallationOptions`).
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache, lru_cache
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias, get_args, get_type_hints

import orjson

from emulator.core import json_text
from emulator.core.errors import did_you_mean
from emulator.core.files import read_regular_file
from emulator.core.json_text import JsonObject, JsonValue, compact_json
from emulator.core.records import KINDS, REFERENCES, ColumnValue, Json, Record, RecordKind, State, Transition
from emulator.core.schemas import find_problem

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "installation"
DEFAULT, SUFFIX = "default", ".json"
PROVENANCE_KEYS = ("provenance", "reason")
"""Keys of an entry that are not columns."""
INLINE_NAME = "(its own)"
"""Display name of an installation that is part of a scenario."""
ASSUMED = "assumed"
COMMAND, OPERATOR = "command", "operator"
GRAPH_KINDS = (State, Transition)
CONTENT_TYPE_STEP = 100
RENUMBERED_REASON = "from the default installation; the id is ours, as its own is taken here"

Records: TypeAlias = dict[RecordKind, dict[int, Record]]
Converter: TypeAlias = Callable[[JsonValue], ColumnValue]


class Origin(NamedTuple):
    """The provenance of an entry, and the reason if it is assumed."""

    provenance: str
    reason: str | None = None


class InstallationOptions(NamedTuple):
    """Behaviour in which installations differ, or about which the vendor's pages disagree."""

    assumed_transitions: bool = True
    """Whether clients can run the transitions that no page and no sample shows."""
    input_parameters_required: bool = True
    """Whether the guide refuses a command without `input_parameters`."""
    not_found_text: str = "generic"
    """Text of a 404 for a missing record: `generic`, or `named` as newer versions of the framework have it."""


Origins: TypeAlias = dict[tuple[RecordKind, int], Origin]
FileVersions: TypeAlias = tuple[tuple[Path, int, int], ...]


class Installation(NamedTuple):
    """The records of an installation by kind and id, in the order of the files, their provenance, and the options."""

    records: Records
    origins: Origins
    options: InstallationOptions = InstallationOptions()


class BrokenReference(NamedTuple):
    """A reference to a missing entry: the kinds of both entries, the location and the message."""

    kind: RecordKind
    target: RecordKind
    where: str
    what: str


class InvalidInstallation(ValueError):
    """A file is not a valid installation. The message names the file, the location in it, and the problem."""

    def __init__(self, file: Path | str, where: str, what: str) -> None:
        super().__init__(f"{file}: {where}: {what}")


def load_installation(name: str) -> Records:
    """Return the records of an installation by kind and id. `name` is a bundled name, a path or JSON text."""
    return complete_installation(name).records


def installation_version(name: str) -> FileVersions:
    """Return the versions of the installation's files, which are part of the cache key."""
    return () if is_inline_document(name) else file_versions(installation_path(name))


def complete_installation(name: str) -> Installation:
    """Return an installation, completed from the default installation. Raise `ValueError` if there is none."""
    source = name if is_inline_document(name) else installation_path(name)
    return build_installation(source, installation_version(name))


@lru_cache(maxsize=32)
def build_installation(source: Path | str, _versions: FileVersions) -> Installation:
    if isinstance(source, Path):
        own = read_installation(source)
    else:
        own = merge_documents([(INLINE_NAME, json_text.load_json(source))])
    installation = fill_missing_entries(own, read_installation(installation_path(DEFAULT)))
    if not installation.options.assumed_transitions:
        installation = withdraw_assumed_commands(installation)
    for broken in broken_references(installation.records):
        raise InvalidInstallation(display_name(str(source)), broken.where, broken.what)
    return installation


def withdraw_assumed_commands(installation: Installation) -> Installation:
    """Return the installation with its assumed commands as transitions that only an operator can make."""
    transitions = {
        id_: each._replace(actor=OPERATOR)
        if each.actor == COMMAND and installation.origins[Transition, id_].provenance == ASSUMED
        else each
        for id_, each in installation.records[Transition].items()
    }
    return installation._replace(records=installation.records | {Transition: transitions})


# --- names and paths ------------------------------------------------------------------------------------------------


def bundled_names() -> list[str]:
    """Return the names of the bundled installations."""
    return sorted(path.stem for path in FOLDER.iterdir())


def installation_path(name: str) -> Path:
    """Return the file or folder of an installation, by the name of a bundled one or by path."""
    if (bundled := bundled_path(name)) is not None:
        return bundled
    if name and installation_files(path := Path(name)):
        return path
    raise unknown_installation(name)


def unknown_installation(name: str) -> ValueError:
    known = bundled_names()
    meant = did_you_mean(name, known)
    return ValueError(
        f"unknown installation {name!r}; known: {', '.join(known)}, or a path of an existing .json file{meant}"
    )


@lru_cache(maxsize=32)
def bundled_path(name: str) -> Path | None:
    """Return the file or folder of a bundled installation, or None. These files do not change at run time."""
    paths = (FOLDER / name, FOLDER / f"{name}{SUFFIX}")
    return next(
        (path for path in paths if path.parent == FOLDER and name not in ("", "..") and installation_files(path)),
        None,
    )


def is_inline_document(name: str) -> bool:
    """Return whether an installation is given as JSON text, as in scenarios."""
    return name.startswith("{")


def display_name(name: str) -> str:
    """Return the display name of an installation."""
    return INLINE_NAME if is_inline_document(name) else name


def portable_form(name: str) -> str:
    """Return a form that does not depend on local files: the name of a bundled installation, or JSON text."""
    if is_inline_document(name) or bundled_path(name) is not None:
        return name
    path = installation_path(name)
    return read_versioned_text(path, file_versions(path))


@lru_cache(maxsize=32)
def read_versioned_text(path: Path, _versions: FileVersions) -> str:
    numbered: dict[str, list[tuple[int, JsonObject]]] = {}
    options: JsonObject = {}
    for document in map(parse_file, installation_files(path)):
        options |= own_options(document)
        for name, rows in document.items():
            if name in KINDS:
                numbered.setdefault(name, []).extend(enumerate(rows))
    # The index of a transition in its file is its position. Sorting keeps this order for several files.
    kinds = {name: [row for _, row in sorted(rows, key=itemgetter(0))] for name, rows in numbered.items()}
    return json_text.dump_json(options | kinds).decode()


# --- reading --------------------------------------------------------------------------------------------------------


def read_installation(path: Path) -> Installation:
    """Read an installation's file or folder. Raise `InvalidInstallation` if it is not valid."""
    return read_at_version(path, file_versions(path))


def file_versions(path: Path) -> FileVersions:
    """Return path, time and size of each file, so that the caches notice changes. Bundled files have no versions."""
    if path.parent == FOLDER:
        return ()
    stats = [(file, file.stat()) for file in installation_files(path)]
    return tuple((file, stat.st_mtime_ns, stat.st_size) for file, stat in stats)


def installation_files(path: Path) -> list[Path]:
    """Return the files of an installation: the file itself, or all files in the folder. Empty if none exists."""
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.exists() else []


@lru_cache(maxsize=32)
def read_at_version(path: Path, _versions: FileVersions) -> Installation:
    return merge_documents((file, parse_file(file)) for file in installation_files(path))


def merge_documents(documents: Iterable[tuple[Path | str, JsonValue]]) -> Installation:
    """Merge documents into one installation. Each document has a path or name for messages."""
    records: Records = {}
    origins: Origins = {}
    options: JsonObject = {}
    for file, document in documents:
        if not (isinstance(file, Path) and FOLDER in file.parents) and (
            wrong := find_problem("installation", document)
        ):
            where, _, what = wrong.partition(": ")
            raise InvalidInstallation(file, where, what)
        options |= own_options(document)
        for where, kind, entry in iter_entries(document):
            record, origin = parse_entry(file, where, kind, entry)
            if record.id in records.setdefault(kind, {}):
                raise InvalidInstallation(file, where, f"the id {record.id} is used by another entry")
            records[kind][record.id] = record
            origins[kind, record.id] = origin
    return Installation(records, origins, InstallationOptions(**options))


def own_options(document: JsonObject) -> JsonObject:
    """Return the options that a document contains."""
    return {name: value for name, value in document.items() if name in InstallationOptions._fields}


def parse_file(file: Path) -> JsonValue:
    try:
        return orjson.loads(read_regular_file(file).removeprefix(BOM_UTF8))
    except OSError as error:
        raise InvalidInstallation(file, "/", f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise InvalidInstallation(file, "/", f"is not JSON: {error}") from None


def iter_entries(document: JsonObject) -> Iterator[tuple[str, RecordKind, JsonObject]]:
    """Yield location, kind and content of each entry of a document."""
    for name, rows in document.items():
        if name not in KINDS:
            continue
        for position, row in enumerate(rows):
            defaults = {"position": position} if KINDS[name] is Transition else {}
            yield f"/{name}/{position}", KINDS[name], defaults | row


def parse_entry(file: Path | str, where: str, kind: RecordKind, entry: JsonObject) -> tuple[Record, Origin]:
    """Return the record and the origin of an entry."""
    columns = column_converters(kind)  # type: ignore[arg-type]  # mypy does not see that a class is hashable
    try:
        record = kind(**{key: columns[key](value) for key, value in entry.items() if key not in PROVENANCE_KEYS})
    except (TypeError, ValueError) as error:
        raise InvalidInstallation(file, where, str(error)) from None
    origin = Origin(entry["provenance"], entry.get("reason"))
    if (origin.provenance == ASSUMED) == (origin.reason is None):
        raise InvalidInstallation(file, where, "an entry must have a reason if and only if its provenance is assumed")
    return record, origin


def broken_references(records: Records) -> Iterator[BrokenReference]:
    """Yield each reference to a missing entry."""
    for kind, table in records.items():
        for column, other in REFERENCES[kind].items():
            for record in table.values():
                id_ = getattr(record, column)
                if id_ is not None and id_ not in records.get(other, {}):
                    where = f"/{kind.__name__} {record.id}/{column}"
                    yield BrokenReference(kind, other, where, f"no {other.__name__} with the id {id_}")


@cache
def column_converters(kind: RecordKind) -> dict[str, Converter]:
    """Return the converter of JSON values for each column of a kind."""
    return {column: value_converter(hint) for column, hint in get_type_hints(kind).items()}


def value_converter(hint: object) -> Converter:
    """Return the converter of JSON values to a type."""
    types = get_args(hint) or (hint,)
    for type_, convert in ((Json, compact_json), (datetime, datetime.fromisoformat)):
        if type_ in types:
            return lambda value: None if value is None and type(None) in types else convert(value)
    return lambda value: value


# --- completion from the default installation -----------------------------------------------------------------------


def fill_missing_entries(own: Installation, default: Installation) -> Installation:
    """Return the installation with the entries that it lacks."""
    if own is default:
        return own
    result = Installation({kind: dict(table) for kind, table in own.records.items()}, dict(own.origins), own.options)
    for kind, table in default.records.items():
        if kind not in own.records and kind not in GRAPH_KINDS:
            for record in table.values():
                copy_entry(result, default, record)
    renumbered = copy_missing_states(result, own, default)
    copy_missing_transitions(result, own, default, renumbered)
    return result


def copy_entry(result: Installation, default: Installation, record: Record) -> None:
    """Copy an entry of the default installation, and the entries that it refers to, if their ids are free."""
    kind = type(record)
    if record.id in result.records.setdefault(kind, {}):
        return
    result.records[kind][record.id] = record
    result.origins[kind, record.id] = default.origins[kind, record.id]
    for column, other_kind in REFERENCES[kind].items():
        id_ = getattr(record, column)
        if id_ is not None:
            copy_entry(result, default, default.records[other_kind][id_])


def copy_missing_states(result: Installation, own: Installation, default: Installation) -> dict[int, int]:
    """Copy the states of the enum classes that the file lacks. Return the default ids -> the new ids."""
    own_states = own.records.get(State, {}).values()
    classes, content_types = {state.enum_class for state in own_states}, {state.content_type for state in own_states}
    new_ids = {}
    for state in default.records[State].values():
        if state.enum_class not in classes:
            free = next(each for each in count(state.content_type, CONTENT_TYPE_STEP) if each not in content_types)
            new_ids[state.id] = copy_with_free_id(result, default, state, content_type=free)
    return new_ids


def copy_missing_transitions(
    result: Installation, own: Installation, default: Installation, copied: dict[int, int]
) -> None:
    """Copy the transitions between copied states, and the external transitions that the file lacks."""
    state_ids = copied | matching_states(own.records, default.records)
    own_transitions = own.records.get(Transition, {}).values()
    own_groups = {transition_group(result.records, each) for each in own_transitions}
    position = count(1 + max((each.position for each in own_transitions), default=-1))
    for each in default.records[Transition].values():
        is_missing = each.source_state in copied or each.actor != COMMAND or not own_transitions
        ends = {column: state_ids.get(getattr(each, column)) for column in ("source_state", "destination_state")}
        if is_missing and None not in ends.values() and transition_group(default.records, each) not in own_groups:
            copy_with_free_id(result, default, each, position=next(position), **ends)


def transition_group(records: Records, transition: Transition) -> tuple[bool, str]:
    """Return whether a transition is external, and the enum class of its source state."""
    source = records.get(State, {}).get(transition.source_state)
    return transition.actor != COMMAND, source.enum_class if source else ""


def matching_states(own: Records, default: Records) -> dict[int, int]:
    """Return the ids of the default's states -> the ids of the file's states with the same value."""
    own_ids = dict(reversed(list(iter_state_values(own))))
    return {id_: own_ids[key] for key, id_ in iter_state_values(default) if key in own_ids}


def iter_state_values(records: Records) -> Iterator[tuple[tuple[str, int, str], int]]:
    """Yield enum class, rank of the content type in it, and value of each state, with the state's id."""
    states = records.get(State, {}).values()
    types: dict[str, list[int]] = {}
    for state in states:
        types.setdefault(state.enum_class, []).append(state.content_type)
    for state in states:
        rank = sorted(set(types[state.enum_class])).index(state.content_type)
        yield (state.enum_class, rank, state.enum_value), state.id


def copy_with_free_id(result: Installation, default: Installation, record: Record, **columns: ColumnValue) -> int:
    """Copy an entry of the default installation with its id, or with the next free one. Return the id."""
    kind = type(record)
    table = result.records.setdefault(kind, {})
    id_ = record.id if record.id not in table else max(*table, *default.records[kind]) + 1
    table[id_] = record._replace(id=id_, **columns)
    origin = default.origins[kind, record.id]
    result.origins[kind, id_] = origin if id_ == record.id else Origin(ASSUMED, RENUMBERED_REASON)
    return id_
