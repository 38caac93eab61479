"""Masking of credentials in exported scenarios, so that the files can be shared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from emulator.api.control.deliveries import RECORD_RESULT
from emulator.api.routes import ROUTES
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.webhook_retries import basic_credentials

HOOK_OPERATIONS = frozenset(route.operation for route in ROUTES if route.request_schema in ("hook", "hook-change"))
SECRET_KEYS = frozenset(load_fixture("secret_keys"))
"""Keys whose values are masked wherever they are."""
HOOK_SECRETS = frozenset(("additional_headers", "config"))
"""Keys of a hook. Every text and number in their values is masked."""
NOT_SECRET = frozenset(("auth_type", "username"))
"""Keys in `config` whose values are kept."""
RESPONSE_KEYS = frozenset(("response_content", "response"))
"""Keys of events whose texts may repeat a credential of the request."""
USER_INFO = re.compile(r"(?<=//)(?:([^:@/?#]*):)?([^/?#]*)(?=@)")
"""The user and the password in a URL. Without a password, the user is the credential."""
QUERY_SECRET = re.compile(
    r"([?&](?:[^=&#]*(?:auth|token|secret|passw|api[-_]?key|signature)[^=&#]*|key|code|sig)=)([^&#]+)", re.IGNORECASE
)
MIN_SEARCHED_LENGTH: Final = 6
"""Shorter credentials are not searched for in responses."""


def mask_secrets(document: JsonObject) -> JsonObject:
    """Return a scenario document with masked credentials. Equal credentials have equal masks, others have others."""
    masker = SecretMasker()
    masker.mask_value(document.get("answers"))  # an event may stand before its hook, and repeat its credentials
    parts = {key: masker.mask_value(document[key]) for key in ("installation", "answers") if key in document}
    return document | parts | {"steps": [masker.mask_step(step) for step in document["steps"]]}


class SecretMasker:
    """Replaces credentials by numbered masks."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}

    def mask(self, secret: str) -> str:
        """Return the mask of a credential. An empty one is not a credential."""
        return self._masks.setdefault(secret, f"***{len(self._masks) + 1}") if secret else secret

    def mask_step(self, step: JsonObject) -> JsonObject:
        """Return a step with the credentials in its body or form masked."""
        is_hook = step["operation"] in HOOK_OPERATIONS
        if "form" in step:
            return step | {"form": [[name, self._mask_form_value(name, value)] for name, value in step["form"]]}
        if "body" not in step:
            return step
        if step["operation"] == RECORD_RESULT:
            return step | {"body": self._mask_repeated(step["body"])}
        return step | {"body": self.mask_value(step["body"], is_hook=is_hook)}

    def mask_value(self, value: JsonValue, *, is_hook: bool = False) -> JsonValue:
        """Return a JSON value with the credentials in it masked. An object with a target URL is a hook."""
        if isinstance(value, dict):
            is_hook = is_hook or "target_url" in value
            return {key: self._mask_item(key, item, is_hook=is_hook) for key, item in value.items()}
        return [self.mask_value(item) for item in value] if isinstance(value, list) else value

    def _mask_item(self, key: str, value: JsonValue, *, is_hook: bool) -> JsonValue:
        if key == "target_url" and isinstance(value, str):
            return self.mask_url(value)
        if key.lower() in SECRET_KEYS or (is_hook and key in HOOK_SECRETS):
            return self._mask_leaves(value)
        return self._mask_repeated(value) if key in RESPONSE_KEYS else self.mask_value(value)

    def _mask_leaves(self, value: JsonValue) -> JsonValue:
        """Mask every text and number in a value."""
        if isinstance(value, dict):
            self._remember_basic(value)
            return {
                key: item if key in NOT_SECRET and isinstance(item, str) else self._mask_leaves(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._mask_leaves(item) for item in value]
        return value if value is None or isinstance(value, bool) else self.mask(str(value))

    def _remember_basic(self, auth: Mapping[str, JsonValue]) -> None:
        """Create a mask for the Authorization header that a hook with this configuration sends."""
        if auth.get("auth_type") == "basic" and auth.get("password"):
            try:
                self.mask(basic_credentials(auth.get("username"), auth["password"]).partition(" ")[2])
            except UnicodeError:
                return

    def _mask_form_value(self, name: str, value: str) -> str:
        """Return the masked value of a form field. Some fields of a hook are JSON text."""
        if name not in HOOK_SECRETS:
            return str(self._mask_item(name, value, is_hook=True))
        try:
            return json.dumps(self._mask_leaves(json.loads(value)))
        except ValueError:
            return self.mask(value)

    def mask_url(self, url: str) -> str:
        """Return a URL with its password and the credentials in its query masked."""
        url = USER_INFO.sub(lambda match: ("" if match[1] is None else f"{match[1]}:") + self.mask(match[2]), url)
        return QUERY_SECRET.sub(lambda match: match[1] + self.mask(match[2]), url)

    def _mask_repeated(self, value: JsonValue) -> JsonValue:
        """Mask the known credentials in the texts of a value."""
        if isinstance(value, dict):
            return {key: self._mask_repeated(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._mask_repeated(item) for item in value]
        if isinstance(value, str):
            for secret in sorted(self._masks, key=len, reverse=True):
                if len(secret) >= MIN_SEARCHED_LENGTH:
                    value = value.replace(secret, self._masks[secret])
        return value
