"""What the journal tells: exchanges that match, as documents, with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.core import jsontext
from emulator.core.credentials import CREDENTIALS
from emulator.core.journal import Exchange, Journal
from emulator.rules.scenarios import as_text
from emulator.shapes.rendering import fill_links

MASK = "***"
SECRET_HEADER = re.compile(r"auth|cookie|token|secret|password|api-?key", re.IGNORECASE)
SECRET_KEYS = frozenset(("password", "secret_key", "key", "token", "auth", "additional_headers"))
"""Keys of bodies whose values are nobody's business: of logins and of hooks."""


def found(
    journal: Journal,
    operation: str | None = None,
    method: str | None = None,
    status: int | None = None,
    path: str | None = None,
) -> Iterator[Exchange]:
    """Give the exchanges that fit, newest first; `path` may be a part of the path."""
    for exchange in journal.newest_first():
        if (
            (operation is None or exchange.info.operation == operation)
            and (method is None or exchange.method == method.upper())
            and (status is None or exchange.status == status)
            and (path is None or path in exchange.path)
        ):
            yield exchange


def exchange_document(exchange: Exchange) -> dict[str, Any]:
    """Give an exchange as the control API shows it."""
    return brief_document(exchange) | {
        "request": {"headers": sent_headers(exchange.request_headers), "body": shown(exchange.info.body)},
        "response": {"headers": dict(exchange.response_headers), "body": shown(exchange.response_body)},
    }


def brief_document(exchange: Exchange) -> dict[str, Any]:
    """Give an exchange without what was sent and answered, which may be much."""
    info = exchange.info
    return {
        "id": exchange.id,
        "at": as_text(exchange.at),
        "operation": info.operation,
        "method": exchange.method,
        "path": exchange.path,
        "query": masked_text(exchange.query),
        "status": exchange.status,
        "token": info.role,
        "hint": exchange.response_headers.get("X-Emulator-Hint"),
        "fault": info.fault,
    }


def sent_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the headers of a request by their usual names, secrets masked."""
    names = {key: key.removeprefix("HTTP_").replace("_", "-").title() for key in environ}
    return {names[key]: masked_header(names[key], value) for key, value in environ.items()}


def masked_header(name: str, value: str) -> str:
    """Give a header's value; of a secret one, the scheme alone, unless the token is one of the built-in ones."""
    if not SECRET_HEADER.search(name):
        return value
    scheme, _, secret = value.partition(" ")
    return value if secret in CREDENTIALS else f"{scheme} {MASK}" if secret else MASK


def shown(body: bytes) -> Any:
    """Give a body as JSON if it is, else as text; None where there is none."""
    if not body:
        return None
    try:
        return masked(jsontext.read(fill_links(body, "", "")))
    except ValueError:
        return masked_text(body.decode("utf-8", "replace"))


KEYS = "|".join(sorted(SECRET_KEYS))
TEXT_SECRETS = (
    re.compile(rf"((?:^|(?<=[&?;\s]))(?:{KEYS})=)[^&\s]+", re.IGNORECASE),
    re.compile(rf"""("(?:{KEYS})"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)""", re.IGNORECASE),
    re.compile(rf"""(name="?(?:{KEYS})"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)[^\r\n]+""", re.IGNORECASE),
)
"""What precedes a secret in a query or form, in what is no whole JSON, and in a part of a multipart form."""


def masked_text(text: str) -> str:
    """Give a text in which secrets are masked, wherever its form shows them."""
    for secret in TEXT_SECRETS:
        text = secret.sub(rf"\g<1>{MASK}", text)
    return text


def masked(value: Any) -> Any:
    """Give a JSON value in which what secret keys have is masked."""
    if isinstance(value, dict):
        return {
            key: MASK if str(key).lower() in SECRET_KEYS and part not in (None, {}, "") else masked(part)
            for key, part in value.items()
        }
    return [masked(part) for part in value] if isinstance(value, list) else value
