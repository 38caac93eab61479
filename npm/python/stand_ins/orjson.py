"""The interface of orjson, on the standard library. Its output has the same bytes.

It writes keys that are numbers as text. orjson refuses them.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from json import encoder
from typing import Any

__version__ = "3.13.0"
OPT_INDENT_2 = 1
OPT_NAIVE_UTC = 2
OPT_NON_STR_KEYS = 4
OPT_OMIT_MICROSECONDS = 8
OPT_PASSTHROUGH_DATACLASS = 2048
OPT_PASSTHROUGH_DATETIME = 512
OPT_PASSTHROUGH_SUBCLASS = 256
OPT_SORT_KEYS = 32
OPT_UTC_Z = 128
OPT_APPEND_NEWLINE = 1024

Default = Callable[[Any], Any] | None
JSONEncodeError = TypeError
MARK = "\ue0f1\ue0f2orjson\ue0f2\ue0f1"
"""The text that the fast encoder writes for a fragment."""
SLOW = re.compile(r"NaN|Infinity|\de[+-]|\d{19}")
"""Numbers that the standard library may write in another way."""
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
encode_text: Callable[[str], str] = encoder.encode_basestring


class JSONDecodeError(json.JSONDecodeError):
    """The text is not JSON."""


class Fragment:
    """JSON text that is inserted unchanged."""

    __slots__ = ("contents",)

    def __init__(self, contents: bytes | str) -> None:
        self.contents = contents


def fragment_text(fragment: Fragment) -> str:
    contents = fragment.contents
    return contents if isinstance(contents, str) else bytes(contents).decode()


def format_time(value: datetime, option: int) -> str:
    if option & OPT_OMIT_MICROSECONDS:
        value = value.replace(microsecond=0)
    text = value.isoformat()
    if value.tzinfo is None:
        text += "+00:00" if option & OPT_NAIVE_UTC else ""
    elif (value.utcoffset() or timedelta()).total_seconds() % 60:
        raise JSONEncodeError("datetime's timezone offset has seconds")
    return text[:-6] + "Z" if option & OPT_UTC_Z and text.endswith("+00:00") else text


def format_float(value: float) -> str:
    """Return the shortest text of a number, with the limits of orjson for exponents."""
    if math.isnan(value) or math.isinf(value):
        return "null"
    text = float.__repr__(value)
    mantissa, has_exponent, exponent = text.partition("e")
    if not has_exponent:
        return text
    number = int(exponent)
    if -5 <= number < 0:
        sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
        return f"{sign}0.{'0' * (-number - 1)}{digits.replace('.', '')}"
    return f"{mantissa}e{number:+d}"


class Encoder:
    """Encodes one value."""

    def __init__(self, default: Default, option: int) -> None:
        self.default, self.option = default, option
        self.fragments: list[str] = []

    def convert(self, value: Any) -> Any:
        """Return a value that the standard library can encode."""
        if isinstance(value, Fragment):
            self.fragments.append(fragment_text(value))
            return MARK
        return self.simplify(value)

    def simplify(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return format_time(value, self.option)
        if isinstance(value, (date, time)):
            return value.isoformat()
        if isinstance(value, uuid.UUID):
            return str(value)
        if isinstance(value, enum.Enum):
            return value.value
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return {name: getattr(value, name) for name in names if not name.startswith("_")}
        if self.default is None:
            raise JSONEncodeError(f"Type is not JSON serializable: {type(value).__name__}")
        return self.default(value)

    def encode(self, value: Any) -> str:
        """Encode with the C code of the standard library if its text is the same, otherwise value by value."""
        indent = self.option & OPT_INDENT_2
        if indent:
            return self.encode_slowly(value, "\n")
        sort = bool(self.option & OPT_SORT_KEYS)
        make: Any = encoder.c_make_encoder  # type: ignore[attr-defined]  # typeshed omits it
        text = "".join(make({}, self.convert, encode_text, None, ":", ",", sort, False, True)(value, 0))
        if SLOW.search(text):
            self.fragments.clear()
            return self.encode_slowly(value, "")
        if not self.fragments:
            return text
        pieces = text.split(f'"{MARK}"')
        return "".join(part for pair in zip(pieces, [*self.fragments, ""], strict=True) for part in pair)

    def encode_slowly(self, value: Any, line: str) -> str:  # noqa: PLR0911 - a case per type
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, str):
            return encode_text(value)
        if isinstance(value, int):
            if not MIN_INTEGER <= value <= MAX_INTEGER:
                raise JSONEncodeError("Integer exceeds 64-bit range")
            return int.__repr__(value)
        if isinstance(value, float):
            return format_float(value)
        if isinstance(value, Fragment):
            return fragment_text(value)
        if isinstance(value, dict):
            return self.encode_object(value, line)
        if isinstance(value, (list, tuple)):
            inner = line and f"{line}  "
            return join([self.encode_slowly(each, inner) for each in value], "[]", line)
        return self.encode_slowly(self.simplify(value), line)

    def encode_object(self, value: dict[Any, Any], line: str) -> str:
        colon, inner = (": ", f"{line}  ") if line else (":", "")
        items = sorted(value.items()) if self.option & OPT_SORT_KEYS else value.items()
        return join(
            [f"{encode_text(str(key))}{colon}{self.encode_slowly(each, inner)}" for key, each in items], "{}", line
        )


def join(parts: list[str], brackets: str, line: str) -> str:
    first, last = brackets[0], brackets[1]
    return (
        f"{first}{line}  {f',{line}  '.join(parts)}{line}{last}"
        if parts and line
        else f"{first}{','.join(parts)}{last}"
    )


def dumps(value: Any, /, default: Default = None, option: int | None = None) -> bytes:
    flags = option or 0
    try:
        text = encode_text(value) if type(value) is str else Encoder(default, flags).encode(value)
        return (text + "\n" if flags & OPT_APPEND_NEWLINE else text).encode()
    except UnicodeEncodeError:
        raise JSONEncodeError("str is not valid UTF-8: surrogates not allowed") from None
    except RecursionError:
        raise JSONEncodeError("Recursion limit reached") from None


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def parse_integer(text: str) -> int | float:
    """Return a number of 64 bits, or the nearest float."""
    number = int(text)
    return number if MIN_INTEGER <= number <= MAX_INTEGER else parse_float(text)


def parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


FAST = json.JSONDecoder(parse_constant=refuse_constant)
EXACT = json.JSONDecoder(parse_constant=refuse_constant, parse_int=parse_integer, parse_float=parse_float)
UNUSUAL = re.compile(r"\d{19}|[eE]|\\u[dD][89a-fA-F]")
"""Large numbers and surrogates, which the standard library reads in another way."""


def decode(text: str) -> Any:
    if UNUSUAL.search(text) is None:
        return FAST.decode(text)
    value = EXACT.decode(text)
    json.dumps(value, ensure_ascii=False).encode()  # raises for a surrogate without its pair
    return value


def loads(text: bytes | bytearray | memoryview | str, /) -> Any:
    document = ""
    try:
        document = text if isinstance(text, str) else str(text, "utf-8")
        document.encode()
        return decode(document)
    except json.JSONDecodeError as error:
        raise JSONDecodeError(error.msg, error.doc, error.pos) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise JSONDecodeError(str(error), document, 0) from None
