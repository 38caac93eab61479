"""Read files and fixtures, fill templates, and write files atomically, never over files of other programs."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from io import BufferedWriter
from itertools import count
from os import PathLike
from pathlib import Path

import orjson

from emulator.core.json_text import JsonValue, escape_unprintable, load_json

SCENARIO_SCHEMA = "scenario.json"
"""The value of `$schema`, the first key of each scenario file that the emulator writes."""
HEAD_LENGTH = 400
"""Number of bytes at the start of a file that are searched for `$schema`."""
SCENARIO_HEAD = re.compile(
    rb'\s*(\{\s*"\$schema"\s*:\s*"(?:[^"]*/)?' + re.escape(SCENARIO_SCHEMA).encode() + rb'"|\Z)'
)
MAX_FILE_BYTES = 256 * 1024 * 1024
"""Largest scenario or installation file that is read."""
FIXTURES = Path(__file__).parent.parent / "fixtures"


@cache
def load_fixture(name: str) -> JsonValue:
    """Return the JSON of a file in `fixtures/`. It is shared and must not be changed."""
    return orjson.loads((FIXTURES / f"{name}.json").read_bytes())


def fill_template(package: str, name: str, **values: object) -> str:
    """Return the text of a Jinja template in a package of the emulator, with escaped values."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("emulator", package),
        autoescape=True,
        finalize=lambda value: escape_unprintable(value) if type(value) is str else value,  # not HTML or XML yet
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(values)


def read_regular_file(path: Path) -> bytes:
    """Read a file. Raise `OSError` for a device or a pipe, which may block or be endless, and for a large file."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a regular file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MAX_FILE_BYTES} bytes")
    return content


def read_json_file(path: Path, name: str, error: type[ValueError]) -> JsonValue:
    """Return the JSON in a regular file. Raise `error` with one line about this name if there is none."""
    try:
        return load_json(read_regular_file(path).decode("utf-8-sig"))
    except OSError as problem:
        raise error(f"cannot read {name}: {problem.strerror}") from None
    except ValueError as problem:
        raise error(f"{name} is not JSON: {problem}") from None


class FileError(ValueError):
    """A file that cannot be written. The message is one line."""


def write_scenario_file(path: str | PathLike[str], text: bytes, *, force: bool = False) -> None:
    """Write a scenario file atomically, over other files only with `force`. Raise `FileError` if it is refused."""
    target = Path(path)
    check_target(target, force=force)
    try:
        replace_file(target, text)
    except OSError as error:
        raise FileError(f"cannot write {target}: {error.strerror or error}") from None


def check_target(target: Path, *, force: bool = False) -> None:
    """Raise `FileError` if it is already known that a scenario file cannot be written to this path."""
    check_folder(target)
    if target.exists() and not force and not is_scenario_file(target):
        raise FileError(f"{target} exists and is not a scenario file; use --force to replace it")


def check_folder(target: Path) -> None:
    """Raise `FileError` if it is already known that no file can be written to this path."""
    folder = target.absolute().parent
    try:
        if target.is_dir():
            raise FileError(f"cannot write {target}: it is a folder")
        if not folder.is_dir():
            raise FileError(f"cannot write {target}: there is no folder {folder}")
        if target.exists() and not target.is_file():
            raise FileError(f"cannot write {target}: it is a device or a pipe, not a regular file")
    except OSError as error:  # a folder that cannot be read
        raise FileError(f"cannot write {target}: {error.strerror or error}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"cannot write {target}: the folder {folder} is not writable")


def is_scenario_file(path: Path) -> bool:
    """Return whether a file is empty or a scenario file that the emulator wrote."""
    try:
        with path.open("rb") as file:
            return SCENARIO_HEAD.match(file.read(HEAD_LENGTH)) is not None
    except OSError:
        return False


def encode_scenario(document: Mapping[str, JsonValue]) -> bytes:
    """Return the indented text of a scenario file. `$schema` is its first key."""
    marked = {"$schema": SCENARIO_SCHEMA, **document}
    return orjson.dumps(marked, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def create_temporary_file(target: Path) -> BufferedWriter:
    """Create a file beside another one. Its mode follows the umask, which can be read only by setting it."""
    for number in count():
        with suppress(FileExistsError):
            return target.with_name(f".{target.name}.{os.getpid()}-{number}").open("xb")
    raise AssertionError("every number is taken")


def replace_file(target: Path, text: bytes) -> None:
    """Replace a file atomically: a reader sees the old text or the new text."""
    file = create_temporary_file(target)
    temporary = Path(file.name)
    try:
        with file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
