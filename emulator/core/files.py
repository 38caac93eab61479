"""Files that are there whole or not at all, and never written over somebody else's."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import orjson

SCENARIO_SCHEMA = "scenario.json"
"""What the first key, `$schema`, of a scenario that we write says; by it we know our own."""
HEAD_LENGTH = 400
"""Where in a file of ours its `$schema` stands, at the latest."""
SCENARIO_HEAD = re.compile(
    rb'\s*(\{\s*"\$schema"\s*:\s*"(?:[^"]*/)?' + re.escape(SCENARIO_SCHEMA).encode() + rb'"|\Z)'
)


class FileError(ValueError):
    """A file that cannot be written; one line says which and why."""


def write_scenario_file(path: str | PathLike[str], text: bytes, *, force: bool = False) -> None:
    """Write a scenario file. What is there stays whole until the new one is; it is replaced if it is a scenario file
    too, or with `force`. `FileProblem` otherwise, or if the file cannot be written.
    """
    target = Path(path)
    check_target(target, force=force)
    try:
        replace_file(target, text)
    except OSError as error:
        raise FileError(f"cannot write {target}: {error.strerror or error}") from None


def check_target(target: Path, *, force: bool = False) -> None:
    """Raise `FileProblem` if a scenario file cannot be written there, as far as that can be told before."""
    if target.is_dir():
        raise FileError(f"cannot write {target}: it is a folder")
    if not target.absolute().parent.is_dir():
        raise FileError(f"cannot write {target}: there is no folder {target.absolute().parent}")
    if target.exists() and not force and not is_scenario_file(target):
        raise FileError(f"{target} exists and is not a scenario file; use --force to replace it")


def is_scenario_file(path: Path) -> bool:
    """Tell whether a file is a scenario that was written by us, or has nothing in it."""
    try:
        with path.open("rb") as file:
            return SCENARIO_HEAD.match(file.read(HEAD_LENGTH)) is not None
    except OSError:
        return False


def encode_scenario(document: Mapping[str, Any]) -> bytes:
    """Give the text of a scenario of recorded answers: what it is first, every value on a line of its own."""
    marked = {"$schema": SCENARIO_SCHEMA, **document}
    return orjson.dumps(marked, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def replace_file(target: Path, text: bytes) -> None:
    """Put a file's new text in place at once: a reader finds the old one or the new one."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(number, "wb") as aside:
            aside.write(text)
            aside.flush()
            os.fsync(aside.fileno())
        Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~read_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_umask() -> int:
    """Give the process's mask of permissions; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
