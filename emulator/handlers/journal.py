"""What the journal tells: exchanges that match, as documents, with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.core import jsontext
from emulator.core.credentials import CREDENTIALS
from emulator.core.journal import Exchange, Journal
from emulator.rules.scenarios import as_text
from emulator.shapes.links import addressed

MASK = "***"
SECRET_HEADERS = frozenset(("authorization", "cookie", "proxy-authorization", "x-api-key"))
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
            (operation is None or exchange.seen.operation == operation)
            and (method is None or exchange.method == method.upper())
            and (status is None or exchange.status == status)
            and (path is None or path in exchange.path)
        ):
            yield exchange


def exchange_document(exchange: Exchange) -> dict[str, Any]:
    """Give an exchange as the control API shows it."""
    seen = exchange.seen
    return {
        "id": exchange.id,
        "at": as_text(exchange.at),
        "operation": seen.operation,
        "method": exchange.method,
        "path": exchange.path,
        "query": exchange.query,
        "status": exchange.status,
        "token": seen.token,
        "hint": exchange.response_headers.get("X-Emulator-Hint"),
        "fault": seen.fault,
        "request": {"headers": sent_headers(exchange.request_headers), "body": shown(seen.body)},
        "response": {"headers": dict(exchange.response_headers), "body": shown(exchange.response_body)},
    }


def sent_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the headers of a request by their usual names, secrets masked."""
    names = {key: key.removeprefix("HTTP_").replace("_", "-").title() for key in environ}
    return {names[key]: masked_header(names[key], value) for key, value in environ.items()}


def masked_header(name: str, value: str) -> str:
    """Give a header's value; of a secret one, the scheme alone, unless the token is one of the built-in ones."""
    if name.lower() not in SECRET_HEADERS:
        return value
    scheme, _, secret = value.partition(" ")
    return value if secret in CREDENTIALS else f"{scheme} {MASK}" if secret else MASK


def shown(body: bytes) -> Any:
    """Give a body as JSON if it is, else as text; None where there is none."""
    if not body:
        return None
    try:
        return masked(jsontext.read(addressed(body, "", "")))
    except ValueError:
        text = FORM_SECRET.sub(rf"\1={MASK}", body.decode("utf-8", "replace"))
        return TEXT_SECRET.sub(rf'\1"{MASK}"', text)


NAMES = "|".join(sorted(SECRET_KEYS))
FORM_SECRET = re.compile(rf"\b({NAMES})=[^&\s]*")
TEXT_SECRET = re.compile(rf'("(?:{NAMES})"\s*:\s*)"(?:[^"\\]|\\.)*"?')
"""In what was meant to be JSON."""


def masked(value: Any) -> Any:
    """Give a JSON value in which what secret keys have is masked."""
    if isinstance(value, dict):
        return {
            key: MASK if key in SECRET_KEYS and part not in (None, {}, "") else masked(part)
            for key, part in value.items()
        }
    return [masked(part) for part in value] if isinstance(value, list) else value
