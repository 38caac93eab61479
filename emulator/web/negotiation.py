"""Content negotiation: the media type of a response, the parser of a body and the language of names.

The rules are those of Django REST framework: `negotiation.py` and `utils/mediatypes.py`.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import lru_cache
from typing import Any

from emulator.api.request_fields import REQUEST_FIELDS
from emulator.api.routes import Route
from emulator.core.errors import NotAcceptable, NotFound
from emulator.core.fields import BooleanField, CharField, DictField, Field, IntegerField, JsonField, NestedField

JSON = "application/json"
PARSERS = (JSON, "application/x-www-form-urlencoded", "multipart/form-data")
LANGUAGES = ("en-us", "tr-tr")

MAX_ACCEPT_LENGTH = 8192
MAX_ACCEPT_TOKENS = 64
MAX_MEDIA_TYPE_LENGTH = 256
"""Longer media types are ignored."""
MAX_INDENT = 8
MAX_LANGUAGES = 32


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


@dataclass(frozen=True)
class MediaType:
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


@lru_cache(maxsize=512)
def select_media_type(accept: str | None, format_: str | None) -> str:
    """Return the media type of the response, with its parameters.

    `accept` is None without the header; an empty header accepts nothing. The framework ignores quality values: the
    most specific media type wins. Raises `NotFound` for another format than JSON, `NotAcceptable` if JSON is not
    accepted.
    """
    if format_ and format_ != "json":
        raise NotFound
    accepted = [MediaType.parse(token) for token in _accept_tokens("*/*" if accept is None else accept)]
    for media_type in sorted(accepted, key=lambda each: -each.precedence):
        if media_type.matches("application", "json"):
            return media_type.text if media_type.precedence >= 2 else _with_parameters(media_type)
    raise NotAcceptable


def _accept_tokens(header: str) -> list[str]:
    if len(header) > MAX_ACCEPT_LENGTH:
        header = header[: header.rfind(",", 0, MAX_ACCEPT_LENGTH) + 1]
    tokens = (token.strip() for token in header.split(","))
    return [token for token in tokens if 0 < len(token) <= MAX_MEDIA_TYPE_LENGTH][:MAX_ACCEPT_TOKENS]


def _with_parameters(wildcard: MediaType) -> str:
    return ";".join((JSON, *(f"{key}={value}" for key, value in wildcard.parameters.items())))


@lru_cache(maxsize=512)
def indent_of(media_type: str) -> int | None:
    """Return the indentation that `application/json; indent=4` asks for, or None for the compact form."""
    _, parameters = header_parameters(media_type)
    try:
        return max(min(int(parameters["indent"]), MAX_INDENT), 0) or None
    except (KeyError, ValueError):
        return None


@lru_cache(maxsize=512)
def select_parser(content_type: str) -> str | None:
    """Return the media type whose parser reads a body of this content type, or None."""
    if len(content_type) > MAX_MEDIA_TYPE_LENGTH:
        return None
    media_type = MediaType.parse(content_type)
    return next((known for known in PARSERS if media_type.matches(*known.split("/"))), None)


@lru_cache(maxsize=512)
def select_language(accept_language: str | None, default: str) -> str:
    """Return the known language that an Accept-Language header prefers. `tr` means `tr-tr` (assumed)."""
    for tag in _preferred_languages(accept_language or ""):
        for language in LANGUAGES:
            if tag in (language, language.partition("-")[0]):
                return language
    return default


def _preferred_languages(header: str) -> list[str]:
    """Return the languages of a header by falling quality, without those of quality 0 or an invalid quality."""
    weighted: list[tuple[float, str]] = []
    for part in header.lower().split(",")[:MAX_LANGUAGES]:
        name, _, parameter = part.partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighted.append((quality, name.strip()))
    return [name for _, name in sorted(weighted, key=lambda pair: -pair[0])]


METADATA_TYPES: dict[type[Any], str] = {
    CharField: "string",
    IntegerField: "integer",
    BooleanField: "boolean",
    JsonField: "field",
    DictField: "nested object",
    NestedField: "nested object",
}
"""Class of a field or one of its base classes -> the framework's name of the type."""

RESPONSE_FIELDS: dict[str, dict[str, Any]] = {
    "login": {"token": {"type": "string", "required": False, "read_only": True, "label": "Token"}},
}
"""Fields that only the response has. The framework lists them with the fields of the body."""


def describe_resource(routes: Mapping[str, Route], *, may_write: bool) -> dict[str, Any]:
    """Describe the routes of a URL. The fields of the body are shown only to a caller who may write."""
    route = next(iter(routes.values()))
    metadata: dict[str, Any] = {
        "name": route.operation.replace("_", " ").capitalize(),
        "description": "",
        "renders": [JSON],
        "parses": list(PARSERS),
    }
    if "POST" in routes and may_write:
        metadata["actions"] = {"POST": describe_body(routes["POST"].request_schema)}
    return metadata


def describe_body(body: str | None) -> dict[str, Any]:
    if body is None:
        return {}
    return {name: describe_field(name, field) for name, field in REQUEST_FIELDS[body].items()} | RESPONSE_FIELDS.get(
        body, {}
    )


def describe_field(name: str, field: Field) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "type": next(METADATA_TYPES[kind] for kind in type(field).mro() if kind in METADATA_TYPES),
        "required": field.required,
        "read_only": False,
        "label": name.replace("_", " ").capitalize(),
    }
    if isinstance(field, CharField) and field.max_length is not None:
        metadata["max_length"] = field.max_length
    if isinstance(field, NestedField):
        metadata["children"] = {inner: describe_field(inner, each) for inner, each in field.fields.items()}
    if isinstance(field, DictField):
        metadata["child"] = {"type": "field", "required": True, "read_only": False}
    return metadata
