"""JSON text that keeps every value a client may send, and text for terminals, XML and HTML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

import orjson

JsonValue: TypeAlias = Any
"""A parsed JSON value: object, array, string, number, boolean or null."""
JsonObject: TypeAlias = dict[str, JsonValue]
"""A parsed JSON object."""
UNPRINTABLE = "[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
"""Pattern of the characters that must not reach a terminal or an XML file. It is compiled when it is first used,
because that takes longer than importing a large module."""
STRING_OR_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity')


def compact_json(value: JsonValue, option: int | None = None) -> bytes:
    """Return JSON text to store. The copy uses less memory than orjson's result, which keeps its whole buffer."""
    return bytes(memoryview(orjson.dumps(value, option=option)))


def stored_json(value: JsonValue) -> bytes:
    """Return JSON text that orjson can read again.

    Raise `ValueError` for infinity, a lone surrogate, a number of more than 64 bits, or more than 254 levels.
    """
    try:
        text = compact_json(value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if b"null" in text and _has_infinity(value):
        raise ValueError("infinity is not JSON")
    return text


def dump_json(value: JsonValue) -> bytes:
    """Return a JSON value as one line of text, from which `load_json` returns an equal value."""
    try:
        text = compact_json(value)
    except TypeError:  # a number beyond 64 bits, or a lone surrogate: clients may send both
        return _dump_with_json(value)
    return _dump_with_json(value) if b"null" in text and _has_infinity(value) else text


def dump_lines(document: Mapping[str, JsonValue], dump: Callable[[JsonValue], bytes] = dump_json) -> bytes:
    """Return the text of an object with one line per key and per list item, so that versions compare by lines."""
    lines = []
    for key, value in document.items():
        is_list = isinstance(value, list) and value
        text = b"[\n    %s\n  ]" % b",\n    ".join(map(dump, value)) if is_list else dump(value)
        lines.append(b"%s: %s" % (dump(key), text))
    return b"{\n  %s\n}\n" % b",\n  ".join(lines)


def _dump_with_json(value: JsonValue) -> bytes:
    """Write a value that orjson cannot write. Infinity is written as `1e999`, because `Infinity` is not JSON."""
    text = json.dumps(value, separators=(",", ":"))
    return STRING_OR_INFINITY.sub(
        lambda token: token[0] if token[0].startswith('"') else token[0].replace("Infinity", "1e999"), text
    ).encode()


def _has_infinity(value: dict[str, JsonValue] | list[JsonValue] | tuple[JsonValue, ...] | float) -> bool:
    if isinstance(value, float):
        return math.isinf(value)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list, tuple, float)) and _has_infinity(part):
            return True
    return False


def load_json(text: str | bytes) -> JsonValue:
    """Parse JSON text. Raise `ValueError` with the reason if it is not JSON."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("too deeply nested") from None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def escape_unprintable(text: str) -> str:
    """Replace unprintable characters by their JSON escapes."""
    return re.sub(UNPRINTABLE, lambda match: f"\\u{ord(match.group()):04x}", text)
