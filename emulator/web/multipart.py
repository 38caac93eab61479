"""Multipart forms, read as Django reads them: leniently, whatever the pieces look like."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from emulator.core.errors import BadRequest, ParseError
from emulator.core.fields import Form, Upload
from emulator.web.mediatypes import header_parameters

LARGEST = 2_621_440
"""Bytes that the fields of a form may have together."""
MOST_FIELDS = 1000
MOST_FILES = 100
LONGEST_HEADER = 1024


@dataclass
class Part:
    """What stands between two boundaries. Without a disposition it is no field."""

    content: bytes
    transfer_encoding: str = ""
    disposition: dict[str, bytes] | None = None

    @property
    def is_file(self) -> bool:
        return bool(self.disposition and self.disposition.get("filename"))


@dataclass
class _Reader:
    """Collects the fields and files of one form, within Django's limits."""

    encoding: str
    fields: list[tuple[str, Any]] = field(default_factory=list)
    files: list[tuple[str, Any]] = field(default_factory=list)
    seen: int = 0
    seen_files: int = 0
    size: int = 0

    def take(self, part: Part, *, is_last: bool) -> None:
        # Before the first boundary and after the last one stands a part without a name each.
        self.seen += not part.is_file
        if self.seen > MOST_FIELDS + 2:
            raise BadRequest
        if part.disposition is None or "name" not in part.disposition:
            return
        name = self._text(part.disposition["name"].strip())
        if part.is_file:
            self._take_file(name, part, part.disposition["filename"], is_last=is_last)
        else:
            self._take_field(name, part)

    def _take_field(self, name: str, part: Part) -> None:
        content = part.content
        if part.transfer_encoding == "base64":
            with suppress(binascii.Error):
                content = base64.b64decode(content)
        self.size += len(part.content) + len(name) + 2
        if self.size > LARGEST:
            raise BadRequest
        self.fields.append((name, self._text(content)))

    def _take_file(self, name: str, part: Part, file_name: bytes, *, is_last: bool) -> None:
        self.seen_files += 1
        if self.seen_files > MOST_FILES:
            raise BadRequest
        safe = _safe_name(self._text(file_name))
        if safe and part.transfer_encoding == "base64":
            _refuse_bad_base64(part.content)
        # A file is complete when another part follows, so one that is cut off is none.
        if safe and not is_last:
            self.files.append((name, Upload(safe)))

    def _text(self, raw: bytes) -> str:
        return raw.decode(self.encoding, errors="replace")


def parse_multipart(content_type: str, raw: bytes, encoding: str) -> Form:
    """Read a multipart form; its files come after its fields."""
    *parts, last = _pieces(raw, _boundary(content_type))
    reader = _Reader(encoding)
    for piece in parts:
        reader.take(_part(piece), is_last=False)
    reader.take(_part(last), is_last=True)
    return Form(reader.fields + reader.files)


def _wrong(why: str) -> ParseError:
    return ParseError(f"Multipart form parse error - {why}")


def _boundary(content_type: str) -> bytes:
    if not content_type.startswith("multipart/"):
        raise _wrong(f"Invalid Content-Type: {content_type}")
    if not content_type.isascii():
        raise _wrong(f"Invalid non-ASCII Content-Type in multipart: {content_type}")
    boundary = header_parameters(content_type)[1].get("boundary")
    if not boundary or not re.fullmatch(r"[ -~]{0,200}[!-~]", boundary):
        raise _wrong(f"Invalid boundary in multipart: {boundary}")
    return boundary.encode("ascii")


def _pieces(raw: bytes, boundary: bytes) -> list[bytes]:
    *pieces, last = raw.split(b"--" + boundary)
    whole = [piece.removesuffix(b"\n").removesuffix(b"\r") for piece in pieces]
    return [*whole, last] if last else whole


def _part(piece: bytes) -> Part:
    end = piece[:LONGEST_HEADER].find(b"\r\n\r\n")
    if end < 0 and len(piece) >= LONGEST_HEADER:
        raise _wrong("Request max total header size exceeded.")
    if end < 0:
        return Part(piece)
    headers = dict(_headers(piece[:end]))
    encoding, _ = headers.get("content-transfer-encoding", ("", {}))
    _, disposition = headers.get("content-disposition", ("", None))
    return Part(piece[end + 4 :], encoding.strip(), disposition)


def _headers(head: bytes) -> Iterator[tuple[str, tuple[str, dict[str, bytes]]]]:
    for line in head.split(b"\r\n"):
        with suppress(ValueError):
            main, parameters = header_parameters(line.decode())
            name, value = main.split(":", 1)
            yield name, (value, {key: text.encode() for key, text in parameters.items()})


def _refuse_bad_base64(content: bytes) -> None:
    try:
        base64.b64decode(b"".join(content.split()))
    except binascii.Error:
        raise _wrong("Could not decode base64 data.") from None


def _safe_name(file_name: str) -> str:
    last = html.unescape(file_name).rsplit("/")[-1].rsplit("\\")[-1]
    printable = "".join(char for char in last if char.isprintable())
    return "" if printable in {".", ".."} else printable
