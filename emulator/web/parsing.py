"""Parsers of media types, query strings and bodies (JSON, forms, multipart), as Django REST framework parses them.

The multipart parser is our own: docs/explanation/decisions/multipart.md says why.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from io import BytesIO
from typing import NamedTuple, NoReturn
from urllib.parse import parse_qsl

from emulator.core.caching import cache_short
from emulator.core.errors import BadRequest, ParseError, UnsupportedMediaType
from emulator.core.fields import Form, Upload
from emulator.core.json_text import JsonValue

MAX_BYTES = 2_621_440
"""Largest JSON body or form. The files of a multipart form do not count."""
MAX_FIELDS = 1000
MAX_FILES = 100
MAX_PART_HEADER_BYTES = 1024
MAX_MEDIA_TYPE_LENGTH = 256
"""Longer media types are ignored."""


def header_parameters(line: str) -> tuple[str, dict[str, str]]:
    """Split `type/sub; key=value` as Django does. Raises `ValueError` if a parameter has an unknown charset."""
    if ";" not in line:
        return line.strip().lower(), {}
    message = Message()
    message["content-type"] = line
    (kind, _), *pairs = message.get_params([("", "")])
    return kind.lower(), {name: _parameter_text(value) for name, value in pairs if name}


def _parameter_text(value: str | tuple[str | None, str | None, str]) -> str:
    if isinstance(value, tuple) and value[0]:
        try:
            codecs.lookup(value[0])
        except LookupError:
            raise ValueError(value[0]) from None
    return collapse_rfc2231_value(value)


class MediaType(NamedTuple):
    """A media type with its parameters."""

    text: str
    main: str
    sub: str
    parameters: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Parse a media type. The result matches nothing if the text is malformed."""
        try:
            full, parameters = header_parameters(text)
        except ValueError:
            full, parameters = "", {}
        main, _, sub = full.partition("/")
        return cls(text, main, sub, parameters)

    def matches(self, main: str, sub: str) -> bool:
        """Return whether it covers `main/sub`. Wildcards are allowed."""
        return self.main in ("*", main) and self.sub in ("*", sub)

    @property
    def precedence(self) -> int:
        """How specific it is: 3 with parameters, 2 without, 1 for `type/*`, 0 for `*/*`."""
        if self.main == "*":
            return 0
        if self.sub == "*":
            return 1
        return 2 if list(self.parameters) in ([], ["q"]) else 3


def parse_query(query_string: str, content_type: str) -> dict[str, list[str]]:
    """Parse a query string (one character for each byte). The framework uses the charset of the body."""
    query: dict[str, list[str]] = {}
    charset = charset_of(content_type) if content_type else "utf-8"
    for name, value in parse_pairs(query_string.encode("latin-1"), charset):
        query.setdefault(name, []).append(value)
    return query


@cache_short(256)  # clients send the same small bodies many times, and callers do not change the result
def parse_body(content_type: str, raw: bytes) -> JsonValue:
    """Parse a body. An empty body is an empty object, whatever its content type."""
    if not raw:
        return {}
    parser = select_parser(content_type)
    if parser is None:
        raise UnsupportedMediaType(content_type)
    return BODY_PARSERS[parser](content_type, raw)


@cache_short(512)
def select_parser(content_type: str) -> str | None:
    """Return the media type whose parser reads a body of this content type, or None."""
    if len(content_type) > MAX_MEDIA_TYPE_LENGTH:
        return None
    media_type = MediaType.parse(content_type)
    return next((known for known in BODY_PARSERS if media_type.matches(*known.split("/"))), None)


@cache_short(512)
def charset_of(content_type: str) -> str:
    """Return the charset of a content type if Python knows it, else `utf-8`."""
    try:
        charset = header_parameters(content_type)[1].get("charset", "")
        return codecs.lookup(charset) and charset
    except (LookupError, ValueError):
        return "utf-8"


@cache_short(512)
def _text_encoding(content_type: str) -> str:
    encoding = charset_of(content_type)
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError):
        raise ParseError(f'Unsupported charset "{encoding}" in request Content-Type header.') from None
    return encoding


def _check_size(raw: bytes) -> bytes:
    if len(raw) > MAX_BYTES:
        raise BadRequest
    return raw


def _parse_json(content_type: str, raw: bytes) -> JsonValue:
    try:
        text = _decode_text(_check_size(raw), _text_encoding(content_type))
        return json.loads(text) if text.startswith(BYTE_ORDER_MARK) else JSON_DECODER.decode(text)
    except (ValueError, Warning) as error:  # some charsets warn, and warnings can be errors
        raise ParseError(f"JSON parse error - {error}") from None
    except RecursionError:
        raise ParseError("JSON parse error - Too deeply nested.") from None


def _decode_text(raw: bytes, encoding: str) -> str:
    """Decode as a stream, like the framework: an incomplete character at the end is dropped."""
    if encoding == "utf-8":
        return codecs.utf_8_decode(raw)[0]
    return codecs.getreader(encoding)(BytesIO(raw)).read()


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {constant!r}")


BYTE_ORDER_MARK = "\ufeff"
"""`json.loads` refuses it. A decoder does not look for it."""
JSON_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _parse_form(content_type: str, raw: bytes) -> Form:
    encoding = _text_encoding(content_type)
    return Form(parse_pairs(_check_size(raw), encoding))


def parse_pairs(raw: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Split a query string or a form into names and values. Raises `BadRequest` if there are too many."""
    try:
        text = raw.decode(encoding)
    except (UnicodeError, Warning):
        text = raw.decode("iso-8859-1")
    try:
        return parse_qsl(text, keep_blank_values=True, encoding=encoding, max_num_fields=MAX_FIELDS)
    except (ValueError, Warning):
        raise BadRequest from None


def _parse_multipart(content_type: str, raw: bytes) -> Form:
    """Parse a multipart form. Files come after the fields."""
    form = _MultipartForm(_text_encoding(content_type))
    *parts, last = _split_parts(raw, _boundary(content_type))
    for part in parts:
        form.add(_parse_part(part), is_last=False)
    form.add(_parse_part(last), is_last=True)
    return Form(form.fields + form.files)


BODY_PARSERS = {
    "application/json": _parse_json,
    "application/x-www-form-urlencoded": _parse_form,
    "multipart/form-data": _parse_multipart,
}
"""Media type -> the parser of its bodies."""


@dataclass
class _Part:
    """The bytes between two boundaries. They are not a field if they have no Content-Disposition."""

    content: bytes
    transfer_encoding: str = ""
    disposition: dict[str, bytes] | None = None

    @property
    def is_file(self) -> bool:
        return bool(self.disposition and self.disposition.get("filename"))


@dataclass
class _MultipartForm:
    """Collects the fields and files of a multipart form within Django's limits."""

    encoding: str
    fields: list[tuple[str, str | Upload]] = field(default_factory=list)
    files: list[tuple[str, str | Upload]] = field(default_factory=list)
    field_count: int = 0
    file_count: int = 0
    field_bytes: int = 0

    def add(self, part: _Part, *, is_last: bool) -> None:
        # The bytes before the first boundary and after the last one count as a part without a name each.
        self.field_count += not part.is_file
        if self.field_count > MAX_FIELDS + 2:
            raise BadRequest
        if part.disposition is None or "name" not in part.disposition:
            return
        name = self._text(part.disposition["name"].strip())
        if part.is_file:
            self._add_file(name, part, part.disposition["filename"], is_last=is_last)
        else:
            self._add_field(name, part)

    def _add_field(self, name: str, part: _Part) -> None:
        content = part.content
        if part.transfer_encoding == "base64":
            with suppress(binascii.Error):
                content = base64.b64decode(content)
        self.field_bytes += len(part.content) + len(name) + 2
        if self.field_bytes > MAX_BYTES:
            raise BadRequest
        self.fields.append((name, self._text(content)))

    def _add_file(self, name: str, part: _Part, file_name: bytes, *, is_last: bool) -> None:
        self.file_count += 1
        if self.file_count > MAX_FILES:
            raise BadRequest
        safe_name = _sanitize_file_name(self._text(file_name))
        if safe_name and part.transfer_encoding == "base64":
            _check_base64(part.content)
        # Django completes a file when the next part begins, so a file that is cut off is dropped.
        if safe_name and not is_last:
            self.files.append((name, Upload(safe_name)))

    def _text(self, raw: bytes) -> str:
        return raw.decode(self.encoding, errors="replace")


def _multipart_error(reason: str) -> ParseError:
    return ParseError(f"Multipart form parse error - {reason}")


def _boundary(content_type: str) -> bytes:
    if not content_type.startswith("multipart/"):
        raise _multipart_error(f"Invalid Content-Type: {content_type}")
    if not content_type.isascii():
        raise _multipart_error(f"Invalid non-ASCII Content-Type in multipart: {content_type}")
    boundary = header_parameters(content_type)[1].get("boundary")
    if not boundary or not re.fullmatch(r"[ -~]{0,200}[!-~]", boundary):
        raise _multipart_error(f"Invalid boundary in multipart: {boundary}")
    return boundary.encode("ascii")


def _split_parts(raw: bytes, boundary: bytes) -> list[bytes]:
    *parts, last = raw.split(b"--" + boundary)
    complete = [part.removesuffix(b"\n").removesuffix(b"\r") for part in parts]
    return [*complete, last] if last else complete


def _parse_part(part: bytes) -> _Part:
    end = part[:MAX_PART_HEADER_BYTES].find(b"\r\n\r\n")
    if end < 0 and len(part) >= MAX_PART_HEADER_BYTES:
        raise _multipart_error("Request max total header size exceeded.")
    if end < 0:
        return _Part(part)
    headers = dict(_part_headers(part[:end]))
    encoding, _ = headers.get("content-transfer-encoding", ("", {}))
    _, disposition = headers.get("content-disposition", ("", None))
    return _Part(part[end + 4 :], encoding.strip(), disposition)


def _part_headers(head: bytes) -> Iterator[tuple[str, tuple[str, dict[str, bytes]]]]:
    for line in head.split(b"\r\n"):
        with suppress(ValueError):
            main, parameters = header_parameters(line.decode())
            name, value = main.split(":", 1)
            yield name, (value, {key: text.encode() for key, text in parameters.items()})


def _check_base64(content: bytes) -> None:
    try:
        base64.b64decode(b"".join(content.split()))
    except binascii.Error:
        raise _multipart_error("Could not decode base64 data.") from None


def _sanitize_file_name(file_name: str) -> str:
    last = html.unescape(file_name).rsplit("/")[-1].rsplit("\\")[-1]
    printable = "".join(char for char in last if char.isprintable())
    return "" if printable in {".", ".."} else printable
