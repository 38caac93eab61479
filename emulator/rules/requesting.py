"""The headers of webhook requests, as the vendor's client sends them (dj-whisperer)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from functools import lru_cache

from emulator.core.jsontext import JsonValue
from emulator.core.records import Webhook

EVENT, SIGNATURE, AUTHORIZATION = "X-Whisperer-Event", "X-Whisperer-Signature", "Authorization"
LENGTH = "Content-Length"


def webhook_headers(hook: Webhook, body: bytes) -> dict[str, JsonValue]:
    """Return the headers of a request with this body, in the vendor's order, without those of the HTTP client.

    A header of the hook replaces a header with the same name, whatever its case. Its value may be of any JSON type.
    Raise `AttributeError`, `TypeError` or `ValueError` where the vendor's client fails, too: if the additional
    headers or the configuration are not objects.
    """
    result: dict[str, JsonValue] = {"Content-Type": "application/json", EVENT: hook.event_type}
    if hook.secret_key:
        result[SIGNATURE] = sign(hook.secret_key, body)
    auth = parse_hook_json(hook.config).get("auth")
    for name, value in dict(parse_hook_json(hook.additional_headers) or {}).items():
        result = replace_header(result, name, value)
    result = replace_header(result, LENGTH, str(len(body)))
    if auth and auth.get("auth_type") == "basic":
        result = replace_header(result, AUTHORIZATION, basic_credentials(auth.get("username"), auth.get("password")))
    return result


@lru_cache(maxsize=1_000)
def parse_hook_json(text: bytes) -> JsonValue:
    """Parse a JSON column of a hook. The result is shared and must not be changed."""
    return json.loads(text)


def replace_header(current: dict[str, JsonValue], name: str, value: JsonValue) -> dict[str, JsonValue]:
    """Return the headers with this one added, or in place of one whose name differs only in case."""
    if not any(other.lower() == name.lower() for other in current):
        return {**current, name: value}
    return dict((name, value) if other.lower() == name.lower() else (other, current[other]) for other in current)


def sign(secret_key: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()}"


def basic_credentials(username: JsonValue, password: JsonValue) -> str:
    """Return Basic credentials. Values other than strings are converted with `str`."""
    return f"Basic {b64encode(':'.join((str(username), str(password))).encode('latin-1')).decode()}"
