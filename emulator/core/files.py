"""Files that are there whole or not at all, and never written over somebody else's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

SCENARIO_SCHEMA = "scenario.json"
"""What the first key, `$schema`, of a scenario that we write says; by it we know our own."""
HEAD = 400
"""Where in a file of ours its `$schema` stands, at the latest."""
MARK = re.compile(rb'^\s*\{\s*"\$schema"\s*:\s*"(?:[^"]*/)?' + re.escape(SCENARIO_SCHEMA).encode() + rb'"')


class NotWritten(ValueError):
    """A file that was not written; one line says which, and why."""


def write_scenario(path: Path, document: Mapping[str, Any], *, force: bool = False) -> None:
    """Write a scenario's file; one that is there is written over if it is a scenario that was written by us.

    Raises `NotWritten`, for another file unless forced, or where the file cannot be written.
    """
    try:
        if path.exists() and not force and not is_own(path):
            raise NotWritten(
                f"{path} is there already, and no scenario that was written by us; --force writes over it"
            )
    except OSError as error:
        raise NotWritten(f"cannot write {path}: {error.strerror}") from None
    replace(path, scenario_text(document))


def scenario_text(document: Mapping[str, Any]) -> bytes:
    """Give the text of a scenario's file: what it is first, every value on a line of its own."""
    marked = {"$schema": SCENARIO_SCHEMA, **document}
    return orjson.dumps(marked, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def is_own(path: Path) -> bool:
    """Tell whether a file is a scenario that was written by us."""
    with path.open("rb") as file:
        return MARK.match(file.read(HEAD)) is not None


def replace(path: Path, content: bytes) -> None:
    """Write the file aside and put it in its place; `NotWritten` if that cannot be."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise NotWritten(f"cannot write {path}: {error.strerror}") from None
