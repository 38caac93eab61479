"""The headers of a request to a hook, as the sender's client makes them (dj-whisperer)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from functools import lru_cache
from typing import Any

from emulator.core.records import Webhook

EVENT, SIGNATURE, AUTHORIZATION = "X-Whisperer-Event", "X-Whisperer-Signature", "Authorization"
LENGTH = "Content-Length"


def headers(hook: Webhook, body: bytes) -> dict[str, Any]:
    """Give the headers of a request with this body, beside those that every HTTP client adds, in the sender's order.

    A header that the hook adds takes the place of the sender's own, whatever its case; its value is as the hook has
    it, so it may be no text. `AttributeError`, `TypeError` or `ValueError` where the sender would fail, too: the hook
    adds headers that are none, or its configuration is no object.
    """
    made: dict[str, Any] = {"Content-Type": "application/json", EVENT: hook.event_type}
    if hook.secret_key:
        made[SIGNATURE] = signature(hook.secret_key, body)
    auth = parsed(hook.config).get("auth")
    for name, value in dict(parsed(hook.additional_headers) or {}).items():
        made = having(made, name, value)
    made = having(made, LENGTH, str(len(body)))
    if auth and auth.get("auth_type") == "basic":
        made = having(made, AUTHORIZATION, basic(auth.get("username"), auth.get("password")))
    return made


@lru_cache(maxsize=1_000)
def parsed(text: bytes) -> Any:
    """Give what a hook's JSON holds; nobody changes it."""
    return json.loads(text)


def having(made: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Give the headers with this one, in the place of one that differs in case only."""
    if not any(other.lower() == name.lower() for other in made):
        return {**made, name: value}
    pairs = ((name, value) if other.lower() == name.lower() else (other, made[other]) for other in made)
    return dict(pairs)


def signature(secret_key: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()}"


def basic(username: Any, password: Any) -> str:
    """Give Basic credentials; what is no text is written as Python prints it."""
    return f"Basic {b64encode(':'.join((str(username), str(password))).encode('latin-1')).decode()}"
