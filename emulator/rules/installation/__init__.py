"""An installation: one customer's set-up of the OMS, as data: states, transitions, places, channels, carriers.

The user's own file replaces what it has; what it lacks comes from the default installation (`completing.py`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from emulator.rules.installation.completing import completed
from emulator.rules.installation.reading import (
    DEFAULT,
    FOLDER,
    Installation,
    InvalidInstallation,
    Origin,
    Origins,
    Records,
    Stamps,
    broken_references,
    embedded,
    is_document,
    names,
    path_of,
    read,
    read_text,
    stamps,
    title_of,
)


def load(name: str) -> Records:
    """Give the records of an installation (a bundled name, a path, or its own text) by kind and id, in its order."""
    return whole(name).records


def load_own(name: str) -> Records:
    """Give the records that an installation's own file has, and no others."""
    return read(path_of(name)).records


def origins(name: str) -> Origins:
    """Give the provenance of each entry of an installation."""
    return whole(name).origins


def stamp(name: str) -> Stamps:
    """Give what changes when the installation's files do."""
    return () if is_document(name) else stamps(path_of(name))


def whole(name: str) -> Installation:
    """Give an installation with all that its own file lacks; `ValueError` in one line if there is none."""
    return put_together(name if is_document(name) else path_of(name), stamp(name))


@lru_cache(maxsize=32)
def put_together(given: Path | str, marks: Stamps) -> Installation:  # noqa: ARG001 - what the cache goes by
    own = read(given) if isinstance(given, Path) else read_text(given)
    found = completed(own, read(path_of(DEFAULT)))
    for where, what in broken_references(found.records):
        raise InvalidInstallation(given if isinstance(given, Path) else title_of(given), where, what)
    return found


__all__ = [
    "DEFAULT",
    "FOLDER",
    "Installation",
    "InvalidInstallation",
    "Origin",
    "Origins",
    "Records",
    "Stamps",
    "broken_references",
    "embedded",
    "is_document",
    "load",
    "load_own",
    "names",
    "origins",
    "path_of",
    "read",
    "stamp",
    "title_of",
    "whole",
]
