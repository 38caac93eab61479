"""JSON text of whatever a client may send: numbers of any size and half surrogate pairs come back as they were."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn, TypeAlias

import orjson

JsonValue: TypeAlias = Any
"""A parsed JSON value: object, array, string, number, boolean or null."""
JsonObject: TypeAlias = dict[str, JsonValue]
"""A parsed JSON object."""
STRING_OR_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity')


def compact_json(value: Any, option: int | None = None) -> bytes:
    """Give JSON text to keep: in as much memory as it has bytes, where orjson's own has that of its whole buffer."""
    return bytes(memoryview(orjson.dumps(value, option=option)))


def dump_json(value: Any) -> bytes:
    """Give a JSON value as one line of text; `read` gives the same value again."""
    try:
        text = compact_json(value)
    except TypeError:  # a number beyond 64 bits, or half a surrogate pair: legal in what a client sends
        return dump_any_json(value)
    return dump_any_json(value) if b"null" in text and has_infinity(value) else text


def dump_any_json(value: Any) -> bytes:
    """Do it with the standard library, which takes anything but writes infinity as no other reads it."""
    text = json.dumps(value, separators=(",", ":"))
    return STRING_OR_INFINITY.sub(replace_infinity, text).encode()


def replace_infinity(token: re.Match[str]) -> str:
    """Give infinity as the number that it was sent as: one too large for a float."""
    return token[0] if token[0].startswith('"') else token[0].replace("Infinity", "1e999")


def has_infinity(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_infinity, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_infinity, value))
    return isinstance(value, float) and math.isinf(value)


def load_json(text: str | bytes) -> Any:
    """Give the value of JSON text; `ValueError` that says why if it is none."""
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("too deeply nested") from None


def refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
