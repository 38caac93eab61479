"""What a request body says: JSON, a form or a multipart form, read as Django REST framework reads them."""

from __future__ import annotations

import codecs
import json
from io import BytesIO
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from emulator.core.errors import BadRequest, ParseError, UnsupportedMediaType
from emulator.core.fields import Form
from emulator.web.mediatypes import header_parameters
from emulator.web.multipart import LARGEST, MOST_FIELDS, parse_multipart
from emulator.web.negotiation import select_parser


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
    except (ValueError, Warning) as error:  # some charsets warn, which is an error where warnings are
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
    except (UnicodeError, Warning):
        text = raw.decode("iso-8859-1")
    try:
        return parse_qsl(text, keep_blank_values=True, encoding=encoding, max_num_fields=MOST_FIELDS)
    except (ValueError, Warning):
        raise BadRequest from None


def _multipart(content_type: str, raw: bytes) -> Form:
    return parse_multipart(content_type, raw, _text_encoding(content_type))


PARSERS = {
    "application/json": _json,
    "application/x-www-form-urlencoded": _form,
    "multipart/form-data": _multipart,
}
