"""`stable`: documents without the values that differ between runs, for snapshot tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import overload

from emulator.core.json_text import JsonObject, JsonValue

TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
TEXT_RULES = (
    (re.compile(r"https?://[^/?#\s]+(?:/w/[\w-]+)?"), "<url>"),
    (re.compile(r"^/w/[\w-]+(?=/)"), ""),
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?<=/)\d+(?=/|$)"), "<id>"),
)
"""Parts of texts -> placeholders: the address of the server and the world, UUIDs, ids in paths."""
ID_KEYS = frozenset(("id", "pk", "order", "package", "product", "order_item", "transfer_order", "webhook"))
"""Keys whose integers are ids of records, besides those that end with `_id`."""
TEXT_KEYS = {"id_encrypted": "<id>"} | dict.fromkeys(
    ("number", "order_number", "tracking_number", "invoice_number", "remote_id"), "<number>"
)
"""Keys whose texts identify a record -> placeholders."""


@overload
def stable(document: Mapping[str, object]) -> JsonObject: ...
@overload
def stable(document: Sequence[object]) -> list[JsonValue]: ...
def stable(document: object) -> JsonValue:
    """Return a copy of a document with placeholders for values that differ between runs.

    Times become `<time>`, ids `<id>`, numbers of orders, packages, shipments and invoices `<number>`, UUIDs `<uuid>`,
    and the address of the server `<url>`. None and all other values stay. The order of keys and rows stays too.

    Example: `assert stable(oms.package(state="Waiting")) == snapshot`
    """
    return _stable(document, "")


def _stable(value: object, key: str) -> JsonValue:
    if isinstance(value, dict):
        return {name: _stable(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_stable(inner, key) for inner in value]
    if isinstance(value, str):
        return _stable_text(value, key)
    is_id = key in ID_KEYS or key.endswith("_id")
    return "<id>" if is_id and isinstance(value, int) and not isinstance(value, bool) else value


def _stable_text(text: str, key: str) -> str:
    if key in TEXT_KEYS:
        return TEXT_KEYS[key]
    if TIME.fullmatch(text):
        return "<time>"
    for pattern, placeholder in TEXT_RULES:
        text = pattern.sub(placeholder, text)
    return text
