"""Installations: the configuration of one customer's OMS (states, transitions, locations, channels, carriers).

A file replaces the kinds of records that it contains. The default installation provides the others (`completing.py`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from emulator.domain.installation.reading import (
    DEFAULT,
    FOLDER,
    FileVersions,
    Installation,
    InvalidInstallation,
    Origin,
    Origins,
    Records,
    broken_references,
    bundled_names,
    display_name,
    file_versions,
    fill_missing_entries,
    installation_path,
    is_inline_document,
    portable_form,
    read_installation,
    read_text,
)


def load_installation(name: str) -> Records:
    """Return the records of an installation by kind and id. `name` is a bundled name, a path or JSON text."""
    return complete_installation(name).records


def load_own_records(name: str) -> Records:
    """Return only the records in the installation's file."""
    return read_installation(installation_path(name)).records


def origins(name: str) -> Origins:
    """Return the provenance of each entry of an installation."""
    return complete_installation(name).origins


def installation_version(name: str) -> FileVersions:
    """Return the versions of the installation's files, which are part of the cache key."""
    return () if is_inline_document(name) else file_versions(installation_path(name))


def complete_installation(name: str) -> Installation:
    """Return an installation, completed from the default installation. Raise `ValueError` if there is none."""
    return build_installation(
        name if is_inline_document(name) else installation_path(name), installation_version(name)
    )


@lru_cache(maxsize=32)
def build_installation(source: Path | str, _versions: FileVersions) -> Installation:
    own = read_installation(source) if isinstance(source, Path) else read_text(source)
    installation = fill_missing_entries(own, read_installation(installation_path(DEFAULT)))
    for where, what in broken_references(installation.records):
        raise InvalidInstallation(display_name(str(source)), where, what)
    return installation


__all__ = [
    "DEFAULT",
    "FOLDER",
    "FileVersions",
    "Installation",
    "InvalidInstallation",
    "Origin",
    "Origins",
    "Records",
    "broken_references",
    "bundled_names",
    "complete_installation",
    "display_name",
    "installation_path",
    "installation_version",
    "is_inline_document",
    "load_installation",
    "load_own_records",
    "origins",
    "portable_form",
    "read_installation",
]
