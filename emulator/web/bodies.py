"""What a request body says: JSON, a form or a multipart form, read as Django REST framework reads them."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from emulator.core.errors import BadRequest, ParseError, UnsupportedMediaType
from emulator.params.fields import Form, Upload
from emulator.web.mediatypes import header_parameters
from emulator.web.negotiation import select_parser

LARGEST = 2_621_440
"""Bytes that a body may have (of a multipart form: its fields without the files)."""
MOST_FIELDS = 1000
MOST_FILES = 100
PART_HEADER = 1024


def parse_body(content_type: str, raw: bytes) -> Any:
    """Read a body; one without bytes is empty, whatever its type says."""
    if not raw:
        return {}
    parser = select_parser(content_type)
    if parser is None:
        raise UnsupportedMediaType(content_type)
    return PARSERS[parser](content_type, raw)


def charset_of(content_type: str) -> str:
    """Name the charset of a content type, if Python knows it."""
    try:
        named = header_parameters(content_type)[1].get("charset", "")
        return codecs.lookup(named) and named
    except (LookupError, ValueError):
        return "utf-8"


def _text_encoding(content_type: str) -> str:
    encoding = charset_of(content_type)
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError):
        raise ParseError(f'Unsupported charset "{encoding}" in request Content-Type header.') from None
    return encoding


def _limited(raw: bytes) -> bytes:
    if len(raw) > LARGEST:
        raise BadRequest
    return raw


def _json(content_type: str, raw: bytes) -> Any:
    try:
        text = codecs.getreader(_text_encoding(content_type))(BytesIO(_limited(raw))).read()
        return json.loads(text, parse_constant=_not_json)
    except ValueError as error:
        raise ParseError(f"JSON parse error - {error}") from None
    except RecursionError:
        raise ParseError("JSON parse error - Too deeply nested.") from None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {constant!r}")


def _form(content_type: str, raw: bytes) -> Form:
    encoding = _text_encoding(content_type)
    return Form(query_pairs(_limited(raw), encoding))


def query_pairs(raw: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Split a query string or a form into names and values, in order; too many are refused."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("iso-8859-1")
    try:
        return parse_qsl(text, keep_blank_values=True, encoding=encoding, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest from None


def _multipart(content_type: str, raw: bytes) -> Form:
    encoding = _text_encoding(content_type)
    fields: list[tuple[str, Any]] = []
    files: list[tuple[str, Any]] = []
    size = 0
    for position, part in enumerate(_parts(raw, _boundary(content_type))):
        headers, content = _part(part)
        disposition = headers.get("content-disposition", ("", {}))[1]
        is_file = bool(disposition.get("filename"))
        if position - len(files) > MOST_FIELDS + 1:
            raise BadRequest
        if "name" not in disposition:
            continue
        name = disposition["name"].strip()
        if is_file:
            files += _upload(name, headers, content)
            continue
        value = _field_value(headers, content, encoding)
        size += len(content) + len(name) + 2
        if size > LARGEST:
            raise BadRequest
        fields.append((name, value))
    return Form(fields + files)


Headers = dict[str, tuple[str, dict[str, str]]]


def _wrong_form(why: str) -> ParseError:
    return ParseError(f"Multipart form parse error - {why}")


def _boundary(content_type: str) -> bytes:
    if not content_type.startswith("multipart/"):
        raise _wrong_form(f"Invalid Content-Type: {content_type}")
    if not content_type.isascii():
        raise _wrong_form(f"Invalid non-ASCII Content-Type in multipart: {content_type}")
    boundary = header_parameters(content_type)[1].get("boundary")
    if not boundary or not re.fullmatch(r"[ -~]{0,200}[!-~]", boundary):
        raise _wrong_form(f"Invalid boundary in multipart: {boundary}")
    return b"--" + boundary.encode("ascii")


def _parts(raw: bytes, separator: bytes) -> Iterator[bytes]:
    """Yield what stands between the boundaries, before the first and after the last included."""
    *pieces, last = raw.split(separator)
    for piece in pieces:
        yield piece.removesuffix(b"\n").removesuffix(b"\r")
    yield last


def _part(part: bytes) -> tuple[Headers, bytes]:
    end = part[:PART_HEADER].find(b"\r\n\r\n")
    if end < 0 and len(part) >= PART_HEADER:
        raise _wrong_form("Request max total header size exceeded.")
    if end < 0:
        return {}, part
    return dict(_part_headers(part[:end])), part[end + 4 :]


def _part_headers(head: bytes) -> Iterator[tuple[str, tuple[str, dict[str, str]]]]:
    for line in head.split(b"\r\n"):
        try:
            main, parameters = header_parameters(line.decode())
            name, value = main.split(":", 1)
        except ValueError:
            continue
        yield name, (value, parameters)


def _transfer_encoding(headers: Headers) -> str:
    return headers.get("content-transfer-encoding", ("", {}))[0].strip()


def _field_value(headers: Headers, content: bytes, encoding: str) -> str:
    if _transfer_encoding(headers) == "base64":
        with suppress(binascii.Error):
            content = base64.b64decode(content)
    return content.decode(encoding, errors="replace")


def _upload(name: str, headers: Headers, content: bytes) -> list[tuple[str, Any]]:
    if _transfer_encoding(headers) == "base64":
        _refuse_bad_base64(content)
    file_name = _safe_name(headers["content-disposition"][1]["filename"])
    return [(name, Upload(file_name))] if file_name else []


def _refuse_bad_base64(content: bytes) -> None:
    try:
        base64.b64decode(b"".join(content.split()))
    except binascii.Error:
        raise _wrong_form("Could not decode base64 data.") from None


def _safe_name(file_name: str) -> str:
    last = html.unescape(file_name).rsplit("/")[-1].rsplit("\\")[-1]
    printable = "".join(char for char in last if char.isprintable())
    return "" if printable in {".", ".."} else printable


PARSERS = {
    "application/json": _json,
    "application/x-www-form-urlencoded": _form,
    "multipart/form-data": _multipart,
}
