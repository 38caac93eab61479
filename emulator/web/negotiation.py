"""Content negotiation: the media type of a response and the language of names. Metadata: responses to OPTIONS.

The rules are those of Django REST framework: `negotiation.py` and `metadata.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.api.request_fields import REQUEST_FIELDS
from emulator.api.routes import Route
from emulator.core.caching import cache_short
from emulator.core.errors import NotAcceptable, NotFound
from emulator.core.fields import BooleanField, CharField, DictField, Field, IntegerField, JsonField, NestedField
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject
from emulator.core.schemas import load_schema
from emulator.web.parsing import BODY_PARSERS, MAX_MEDIA_TYPE_LENGTH, MediaType, header_parameters

JSON = "application/json"
LANGUAGES = ("en-us", "tr-tr")

MAX_ACCEPT_LENGTH = 8192
MAX_ACCEPT_TOKENS = 64
MAX_INDENT = 8
MAX_LANGUAGES = 32


@cache_short(512)
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
            parameters = (f"{key}={value}" for key, value in media_type.parameters.items())
            return media_type.text if media_type.precedence >= 2 else ";".join((JSON, *parameters))
    raise NotAcceptable


def _accept_tokens(header: str) -> list[str]:
    if len(header) > MAX_ACCEPT_LENGTH:
        header = header[: header.rfind(",", 0, MAX_ACCEPT_LENGTH) + 1]
    tokens = (token.strip() for token in header.split(","))
    return [token for token in tokens if 0 < len(token) <= MAX_MEDIA_TYPE_LENGTH][:MAX_ACCEPT_TOKENS]


@cache_short(512)
def indent_of(media_type: str) -> int | None:
    """Return the indentation that `application/json; indent=4` asks for, or None for the compact form."""
    _, parameters = header_parameters(media_type)
    try:
        return max(min(int(parameters["indent"]), MAX_INDENT), 0) or None
    except (KeyError, ValueError):
        return None


@cache_short(512)
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

TABLES = load_fixture("metadata")
RESOURCE_NAMES: Mapping[str, str] = TABLES["resource_names"]
"""First operation of a URL -> the name of its view in the vendor's published code. Other names are assumed."""
MODEL_DOCUMENTS: Mapping[str, str] = TABLES["model_documents"]
"""Body -> the document of the record that it creates. Their description contains the fields of the record."""
READ_ONLY_FIELDS: Mapping[str, JsonObject] = TABLES["read_only_fields"]
"""Field that no body sets -> its description."""
RESPONSE_FIELDS: Mapping[str, JsonObject] = TABLES["response_fields"]
"""Fields that only the response has. The framework lists them with the fields of the body."""


def describe_resource(
    routes: Mapping[str, Route],
    *,
    may_write: bool,
    exists: Callable[[], bool],
    body_of: Callable[[Route], str | None],
) -> JsonObject:
    """Describe the routes of a URL. The fields of the body are shown only to a caller who may write.

    Those of a PUT are shown only if the record in the path exists. `body_of` returns the name of a route's body.
    """
    route = next(iter(routes.values()))
    metadata: JsonObject = {
        "name": RESOURCE_NAMES.get(route.operation, route.operation.replace("_", " ").capitalize()),
        "description": "",
        "renders": [JSON],
        "parses": list(BODY_PARSERS),
    }
    methods = [method for method in ("POST", "PUT") if method in routes and may_write]
    actions = {method: describe_body(body_of(routes[method])) for method in methods if method != "PUT" or exists()}
    return metadata | ({"actions": actions} if actions else {})


def describe_body(body: str | None) -> JsonObject:
    if body is None:
        return {}
    fields = REQUEST_FIELDS[body]
    keys = load_schema(MODEL_DOCUMENTS[body])["properties"] if body in MODEL_DOCUMENTS else fields
    described = {key: describe_field(key, fields[key]) if key in fields else READ_ONLY_FIELDS[key] for key in keys}
    return described | RESPONSE_FIELDS.get(body, {})


def describe_field(name: str, field: Field) -> JsonObject:
    metadata: JsonObject = {
        "type": next(METADATA_TYPES[kind] for kind in type(field).mro() if kind in METADATA_TYPES),
        "required": field.required,
        "read_only": False,
        "label": name.replace("_", " ").capitalize(),
    }
    if isinstance(field, CharField) and field.max_length is not None:
        metadata["max_length"] = field.max_length
    if isinstance(field, IntegerField):
        limits = {"min_value": field.min_value, "max_value": field.max_value}
        metadata |= {key: limit for key, limit in limits.items() if limit is not None}
    if isinstance(field, NestedField):
        metadata["children"] = {inner: describe_field(inner, each) for inner, each in field.fields.items()}
    if isinstance(field, DictField):
        metadata["child"] = {"type": "field", "required": True, "read_only": False}
    return metadata
