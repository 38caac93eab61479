"""The journal in the control API: search exchanges, and convert them to documents with masked secrets."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence

from emulator.api.serializers.rendering import fill_links
from emulator.core import json_text
from emulator.core.credentials import CREDENTIALS
from emulator.core.json_text import JsonObject, JsonValue
from emulator.state.clock import format_time
from emulator.state.journal import Basis, Exchange, Journal, weakest_provenance

MASK = "***"
SECRET_HEADER = re.compile(r"auth|cookie|token|secret|password|api-?key", re.IGNORECASE)
SECRET_KEYS = frozenset(("password", "secret_key", "key", "token", "auth", "additional_headers"))
"""Keys in bodies of logins and hooks whose values are masked."""


def find_exchanges(
    journal: Journal, operation: str | None, method: str | None, status: int | None, path: str | None
) -> Iterator[Exchange]:
    """Yield the matching exchanges, newest first. None matches all, and `path` any part of the path."""
    for exchange in journal.newest_first():
        if (
            (operation is None or exchange.info.operation == operation)
            and (method is None or exchange.method == method.upper())
            and (status is None or exchange.status == status)
            and (path is None or path in exchange.path)
        ):
            yield exchange


def exchange_document(exchange: Exchange, bases: Sequence[Basis] = ()) -> JsonObject:
    """Return the document of an exchange in the control API. Headers have their HTTP names."""
    sent = {
        key.removeprefix("HTTP_").replace("_", "-").title(): each for key, each in exchange.request_headers.items()
    }
    return summary_document(exchange, bases) | {
        "request": {
            "headers": {name: mask_header(name, value) for name, value in sent.items()},
            "body": masked_body(exchange.info.body),
        },
        "response": {"headers": dict(exchange.response_headers), "body": masked_body(exchange.response_body)},
    }


def detailed_document(exchange: Exchange, bases: Sequence[Basis] = ()) -> JsonObject:
    """Return the document of an exchange with the behaviours that its response rests on.

    It has the request body as it was sent, so that it can be repeated.
    """
    document = exchange_document(exchange, bases) | {"rests_on": [each._asdict() for each in bases]}
    return document | {"request": document["request"] | sent_body(exchange.info.body)}


def sent_body(body: bytes) -> dict[str, str]:
    """Return a body as text with masked secrets, or in base64 if it is not UTF-8."""
    if not body:
        return {}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(mask_text(body.decode("latin-1")).encode("latin-1")).decode()}
    try:
        value = json_text.load_json(text)
    except ValueError:
        return {"text": mask_text(text)}
    masked = mask_json(value)
    return {"text": text if masked == value else json_text.dump_json(masked).decode()}


def summary_document(exchange: Exchange, bases: Sequence[Basis] = ()) -> JsonObject:
    """Return the document of an exchange without headers and bodies."""
    info = exchange.info
    return {
        "id": exchange.id,
        "at": format_time(exchange.at),
        "operation": info.operation,
        "method": exchange.method,
        "path": exchange.path,
        "query": mask_text(exchange.query),
        "status": exchange.status,
        "token": info.role,
        "hint": exchange.response_headers.get("X-Emulator-Hint"),
        "fault": info.fault,
        "provenance": weakest_provenance(bases),
        "test": exchange.test,
    }


def mask_header(name: str, value: str) -> str:
    """Return the value of a header. Mask a secret, but not its scheme, unless it is a built-in token."""
    if not SECRET_HEADER.search(name):
        return value
    scheme, _, secret = value.partition(" ")
    return value if secret in CREDENTIALS else f"{scheme} {MASK}" if secret else MASK


def masked_body(body: bytes) -> JsonValue:
    """Return a masked body: as JSON if possible, else as text. Return None without a body."""
    if not body:
        return None
    try:
        return mask_json(json_text.load_json(fill_links(body, "", "")))
    except ValueError:
        return mask_text(body.decode("utf-8", "replace"))


SECRET_KEY_PATTERN = "|".join(sorted(SECRET_KEYS))
SECRET_PATTERNS = (
    re.compile(rf"((?:^|(?<=[&?;\s]))(?:{SECRET_KEY_PATTERN})=)[^&\s]+", re.IGNORECASE),
    re.compile(rf"""("(?:{SECRET_KEY_PATTERN})"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)""", re.IGNORECASE),
    re.compile(
        rf"""(name="?(?:{SECRET_KEY_PATTERN})"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)[^\r\n]+""", re.IGNORECASE
    ),
)
"""Patterns before a secret: in a query or form, in incomplete JSON, and in a part of a multipart form."""


def mask_text(text: str) -> str:
    """Mask the secrets in a text."""
    for pattern in SECRET_PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def mask_json(value: JsonValue) -> JsonValue:
    """Mask the values of secret keys in a JSON value."""
    if isinstance(value, dict):
        return {
            key: MASK if str(key).lower() in SECRET_KEYS and item not in (None, {}, "") else mask_json(item)
            for key, item in value.items()
        }
    return [mask_json(item) for item in value] if isinstance(value, list) else value
