"""Validate request bodies as Django REST framework's serializers do.

A serializer is a table of fields: `{"invoice_number": CharField(max_length=255)}`. The messages are the framework's.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from emulator.core.errors import ValidationFailed
from emulator.core.json_text import JsonObject, JsonValue, load_json

REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."
NON_FIELD = "non_field_errors"
NOT_JSON = "Value must be valid JSON."

MAX_NUMBER_LENGTH = 1000


class Missing:
    """Replaces a value that was not sent."""


MISSING = Missing()


class FieldError(ValueError):
    """The errors of one value."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages: JsonValue = list(messages)


class NestedErrors(FieldError):
    """The errors of an object's fields, by name."""

    def __init__(self, errors: Mapping[str, JsonValue]) -> None:
        super().__init__()
        self.messages = dict(errors)


class Form(Mapping[str, JsonValue]):
    """Form data. A name can have several values; the last one is used."""

    def __init__(self, pairs: Iterable[tuple[str, JsonValue]] = ()) -> None:
        self._values: dict[str, list[JsonValue]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> JsonValue:
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[JsonValue]:
        return list(self._values.get(name, ()))


@dataclass(frozen=True)
class Upload:
    """A file in a form. No field of the service accepts one, but messages contain its name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Field:
    """Reads a value from a body and validates it."""

    required: bool = True
    allow_null: bool = dataclasses.field(default=False, kw_only=True)
    default: JsonValue = dataclasses.field(default=MISSING, kw_only=True)
    """Replaces a value that was not sent."""

    def pick(self, name: str, data: Mapping[str, JsonValue]) -> JsonValue:
        value = data.get(name, MISSING)
        return self.empty_value() if value == "" and isinstance(data, Form) else value

    def empty_value(self) -> JsonValue:
        """Return the value of a field that a form leaves empty."""
        return None if self.allow_null else "" if self.required else MISSING

    def check(self, value: JsonValue) -> JsonValue:
        """Return the converted value. Raise `FieldError` for an invalid one."""
        if value is None and not self.allow_null:
            raise FieldError(NULL)
        return None if value is None else self.convert(value)

    def convert(self, value: JsonValue) -> JsonValue:
        """Return a value that is not null in the type of the field. Raise `FieldError` for an invalid one."""
        return value


@dataclass(frozen=True)
class CharField(Field):
    """Text, or a number that is converted to text."""

    max_length: int | None = None
    trim_whitespace: bool = True
    allow_blank: bool = False

    def empty_value(self) -> JsonValue:
        return "" if self.allow_blank else super().empty_value()

    def convert(self, value: JsonValue) -> str:
        if value == "" or (self.trim_whitespace and _text(value).strip() == ""):
            if self.allow_blank:
                return ""
            raise FieldError(BLANK)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise FieldError("Not a valid string.")
        text = _text(value).strip() if self.trim_whitespace else _text(value)
        if messages := list(self._problems(text)):
            raise FieldError(*messages)
        return text

    def _problems(self, text: str) -> Iterator[str]:
        if self.max_length is not None and len(text) > self.max_length:
            yield f"Ensure this field has no more than {self.max_length} characters."
        if "\x00" in text:
            yield "Null characters are not allowed."
        if surrogate := re.search(r"[\ud800-\udfff]", text):
            yield f"Surrogate characters are not allowed: U+{ord(surrogate[0]):X}."


@dataclass(frozen=True)
class IntegerField(Field):
    """An integer, or text that Python's `int` accepts. A fraction of zeros is allowed."""

    min_value: int | None = None
    max_value: int | None = None

    def convert(self, value: JsonValue) -> int:
        if isinstance(value, str) and len(value) > MAX_NUMBER_LENGTH:
            raise FieldError("String value too large.")
        try:
            number = value if type(value) is int else int(re.sub(r"\.0*\s*$", "", _text(value)))
        except ValueError:
            raise FieldError("A valid integer is required.") from None
        if self.min_value is not None and number < self.min_value:
            raise FieldError(f"Ensure this value is greater than or equal to {self.min_value}.")
        if self.max_value is not None and number > self.max_value:
            raise FieldError(f"Ensure this value is less than or equal to {self.max_value}.")
        return number


TRUE_VALUES = frozenset(("t", "y", "yes", "true", "on", "1", 1))
FALSE_VALUES = frozenset(("f", "n", "no", "false", "off", "0", 0))


@dataclass(frozen=True)
class BooleanField(Field):
    """A boolean, or one of the words and numbers for it. In a form a missing value is false."""

    def pick(self, name: str, data: Mapping[str, JsonValue]) -> JsonValue:
        return False if isinstance(data, Form) and name not in data else super().pick(name, data)

    def convert(self, value: JsonValue) -> bool:
        known = value.lower() if isinstance(value, str) else value
        if isinstance(known, (str, int, float)) and known in TRUE_VALUES | FALSE_VALUES:
            return known in TRUE_VALUES
        raise FieldError("Must be a valid boolean.")


@dataclass(frozen=True)
class JsonField(Field):
    """Any JSON value except null. A form has its text."""

    def pick(self, name: str, data: Mapping[str, JsonValue]) -> JsonValue:
        value = data.get(name, MISSING)
        if value is MISSING or not isinstance(data, Form):
            return value
        try:
            return load_json(_text(value))
        except ValueError:
            raise FieldError(NOT_JSON) from None

    def convert(self, value: JsonValue) -> JsonValue:
        if not _is_json(value):
            raise FieldError(NOT_JSON)
        return value


def _is_json(value: JsonValue) -> bool:
    """Return whether JSON can represent a value. It cannot represent 1e999, which is parsed as infinite."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True)
class DictField(Field):
    """An object with any values."""

    def pick(self, name: str, data: Mapping[str, JsonValue]) -> JsonValue:
        if type(data) is dict or not isinstance(data, Form):
            return data.get(name, MISSING)
        return _inner_values(name, data) or ({} if name in data else MISSING)

    def convert(self, value: JsonValue) -> JsonObject:
        if not isinstance(value, dict):
            raise FieldError(f'Expected a dictionary of items but got type "{type(value).__name__}".')
        return dict(value)


@dataclass(frozen=True)
class ListField(Field):
    """A list whose entries are validated by one field."""

    child: Field = dataclasses.field(default_factory=IntegerField)
    allow_empty: bool = False

    def convert(self, value: JsonValue) -> list[JsonValue]:
        if not isinstance(value, list):
            raise FieldError(f'Expected a list of items but got type "{type(value).__name__}".')
        if not value and not self.allow_empty:
            raise FieldError("This list may not be empty.")
        return [self.child.check(entry) for entry in value]


@dataclass(frozen=True)
class ObjectField(Field):
    """An object with its own fields."""

    fields: Mapping[str, Field] = dataclasses.field(default_factory=dict)

    def check(self, value: JsonValue) -> JsonObject:
        try:
            return validate(self.fields, value)
        except ValidationFailed as error:
            name, messages = next(iter(error.errors.items()))
            raise FieldError(f"{name}: {messages[0]}") from None


@dataclass(frozen=True)
class NestedField(Field):
    """An object with its own fields. Errors keep the fields' names; a form has the keys as `name.key`."""

    fields: Mapping[str, Field] = dataclasses.field(default_factory=dict)

    def pick(self, name: str, data: Mapping[str, JsonValue]) -> JsonValue:
        if not isinstance(data, Form):
            return data.get(name, MISSING)
        return Form(_inner_values(name, data).items()) or MISSING

    def convert(self, value: JsonValue) -> JsonObject:
        try:
            return validate(self.fields, value)
        except ValidationFailed as error:
            raise NestedErrors(error.errors) from None


def _inner_values(name: str, data: Form) -> dict[str, JsonValue]:
    """Return the values of an object in a form, whose fields have the names `name.key`."""
    prefix = re.compile(re.escape(name) + r"\.(?=.+$)")
    return {key[found.end() :]: data[key] for key in data if (found := prefix.match(key))}


def _text(value: JsonValue) -> str:
    """Return `str` of a JSON value, or its type's name for a container, which may be too deep for `str`."""
    return str(value) if isinstance(value, (str, int, float, Upload)) else type(value).__name__


def validate(fields: Mapping[str, Field], data: JsonValue, *, partial: bool = False) -> JsonObject:
    """Validate a body, and return the values of its fields. `ValidationFailed` has all errors, in the table's order.

    A partial body may omit required fields, and gets no defaults.
    """
    if data is None:
        raise ValidationFailed({NON_FIELD: ["No data provided"]})
    if not isinstance(data, (dict, Mapping)):
        kind = type(data).__name__
        raise ValidationFailed({NON_FIELD: [f"Invalid data. Expected a dictionary, but got {kind}."]})
    values: JsonObject = {}
    errors: JsonObject = {}
    for name, field in fields.items():
        if partial and name not in data and not isinstance(field, (DictField, NestedField)):
            continue
        try:
            value = field.pick(name, data)
            value = _default(field, partial=partial) if value is MISSING else field.check(value)
            if value is not MISSING:
                values[name] = value
        except FieldError as error:
            errors[name] = error.messages
    if errors:
        raise ValidationFailed(errors)
    return values


def _default(field: Field, *, partial: bool) -> JsonValue:
    """Return the value of a field that was not sent, or `MISSING`."""
    if partial:
        return MISSING
    if field.required:
        raise FieldError(REQUIRED)
    return field.default
