"""Installations: the configuration of one customer's OMS (states, transitions, locations, channels, carriers).

A file replaces the kinds of records that it contains. The default installation provides the others (`completing.py`).
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
    """Return the records of an installation by kind and id. `name` is a bundled name, a path or JSON text."""
    return whole(name).records


def load_own(name: str) -> Records:
    """Return only the records in the installation's file."""
    return read(path_of(name)).records


def origins(name: str) -> Origins:
    """Return the provenance of each entry of an installation."""
    return whole(name).origins


def stamp(name: str) -> Stamps:
    """Return the versions of the installation's files, which are part of the cache key."""
    return () if is_document(name) else stamps(path_of(name))


def whole(name: str) -> Installation:
    """Return an installation, completed from the default installation. Raise `ValueError` if there is none."""
    return put_together(name if is_document(name) else path_of(name), stamp(name))


@lru_cache(maxsize=32)
def put_together(source: Path | str, _versions: Stamps) -> Installation:
    own = read(source) if isinstance(source, Path) else read_text(source)
    installation = completed(own, read(path_of(DEFAULT)))
    for where, what in broken_references(installation.records):
        raise InvalidInstallation(title_of(str(source)), where, what)
    return installation


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
