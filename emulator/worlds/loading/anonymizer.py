"""Anonymization of imported records: equal personal values get equal made-up values of the same form.

The replacements depend on all values of the import, so that a telephone number cannot be found by trying all of
them. The same responses always give the same replacements.
"""

from __future__ import annotations

import ast
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import urlsplit

import orjson

from emulator.api.serializers.events import PAYLOAD_SERIALIZERS
from emulator.api.serializers.fields import (
    Column,
    Nested,
    NestedList,
    RelatedColumn,
    Serializer,
    SerializerField,
    UrlTemplate,
    fields_of,
)
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonValue
from emulator.core.records import (
    KINDS,
    REFERENCES,
    ColumnValue,
    Country,
    Package,
    Record,
    RecordKind,
    StockLocation,
    TransferOrder,
)
from emulator.state.record_codec import KIND_NAMES
from emulator.state.store import TableDataset

NOT_PERSONAL, FREE_JSON, SECRETS, PAYLOAD = "kept", "free", "secrets", "payload"
BODY, UNKNOWN_TEXT = "body", "unknown"
"""Categories besides those of personal values. `kept`: not personal. `free`: free JSON, each key has a category.
`secrets`: all values are secret. `payload`: a stored document. `body`: a text that may be JSON. `unknown`: a text
under a key that the table does not contain."""


EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
ONLY_EMAIL = re.compile(r"\s*[^\s@]+@[^\s@]+\s*")
PHONE = re.compile(r"(?<![\w.-])\+?\d[\d ()/-]{7,}\d(?![\w.-])")
PHONE_PREFIX = re.compile(r"^(?:\+\d{1,3}|00\d{2}|0)?\D*\d?")
"""Country or trunk code of a telephone number, and the first digit, which distinguishes mobile numbers."""
UNCATEGORIZED = {BODY, UNKNOWN_TEXT}
"""Categories of texts whose content is not known."""
MIN_SEARCHED_LENGTH = 3
"""Shorter personal values are not searched for inside other texts."""
DEFAULT_LOCALE = "tr_TR"
MAX_ATTEMPTS = 50
FAKE_HOST = "example.com"
TAX_OFFICES = {"tr_TR": "Vergi Dairesi"}
OWN_HOSTS = ("{domain_url}", "{cdn_url}")
MAY_BE_UNCHANGED = {"code", "coordinate", "link", "picture", "secret"}
"""Categories whose values may contain nothing to replace."""


def anonymize(
    base: TableDataset, sensitive: Iterable[SensitiveValue]
) -> tuple[TableDataset, list[str], Replacements]:
    """Replace the personal values of a base. `sensitive` are values from elsewhere that may be repeated in it.

    Return the new base, a line for each category of replaced values, and the replacements for further documents.
    """
    seen = SeenValues()
    collecting = PersonalDataReplacer(seen.add)
    records = [record for kind in KINDS.values() for record in (base.get(kind, id_) for id_ in base.ids(kind))]
    for record in records:
        collecting.replace_record(record)
    for category, value in sensitive:
        seen.add(category, value)
    replacements = Replacements(seen, locale_of(base))
    replacing = PersonalDataReplacer(replacements.replace)
    tables: dict[RecordKind, dict[int, Record]] = {}
    for record in records:
        replaced = replacing.replace_record(record)
        tables.setdefault(type(record), {})[replaced.id] = replaced
    counts = sorted((category, len(values)) for category, values in seen.values.items())
    lines = [f"{category}: {count} different" for category, count in counts if category not in UNCATEGORIZED]
    unknown = replacing.unknown_keys.items()
    lines += (f"key {key!r}: unknown content; replaced {times_text(n)}" for key, n in unknown)
    return TableDataset(tables), lines, replacements


SensitiveValue: TypeAlias = tuple[str, str]
"""A personal value or secret, with its category."""


def times_text(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def locale_of(base: TableDataset) -> str:
    """Return the locale of the most frequent country that has one."""
    codes = Counter(str(base.get(Country, id_).code).lower() for id_ in base.ids(Country))  # type: ignore[union-attr]
    locales = category_table()["locales"]
    return next((str(locales[code]) for code, _ in codes.most_common() if code in locales), DEFAULT_LOCALE)


class SeenValues:
    """The personal values of an import by category, and a digest of all of them."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, None]] = {}
        self.digest = blake2b(digest_size=16)

    def add(self, category: str, value: str) -> str:
        self.values.setdefault(category, {})[value] = None
        self.digest.update(f"{category}\0{value}\0".encode("utf-8", "surrogatepass"))
        return value


class Replacements:
    """The replacement of each personal value of an import."""

    def __init__(self, seen: SeenValues, locale: str) -> None:
        categorized = {category: values for category, values in seen.values.items() if category not in UNCATEGORIZED}
        avoided = {value.casefold() for values in categorized.values() for value in values}
        self.fakes = FakeValues(locale, seen.digest.digest(), avoided)
        self.categories = {value: category for category, values in reversed(categorized.items()) for value in values}
        searched = [value for value in self.categories if len(value) >= MIN_SEARCHED_LENGTH]
        searched.sort(key=len, reverse=True)
        self.pattern = re.compile("|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in searched) or r"(?!)")

    def replace(self, category: str, value: str) -> str:
        """Return the replacement of a value of this category."""
        if category == BODY:
            return self.replace_inside(value)
        if category == UNKNOWN_TEXT:
            return self.fakes.get(self.categories.get(value) or likely_category(value), value)
        return self.fakes.get("email" if is_email(value) else category, value)

    def replace_inside(self, text: str) -> str:
        """Return a text with all personal values in it replaced."""
        text = self.pattern.sub(lambda match: self.replace(self.categories[match[0]], match[0]), text)
        text = EMAIL.sub(lambda match: self.fakes.get("email", match[0]), text)
        return PHONE.sub(lambda match: self.fakes.get("phone", match[0]), text)


def likely_category(value: str) -> str:
    """Return the category of a value by its form."""
    if is_email(value):
        return "email"
    if PHONE.fullmatch(value):
        return "phone"
    if "://" in value:
        return "link"
    return "text" if " " in value.strip() else "code"


def is_email(value: str) -> bool:
    return ONLY_EMAIL.fullmatch(value) is not None


class FakeValues:
    """Made-up values: the same one for the same value, and never one of `avoided`."""

    def __init__(self, locale: str, salt: bytes, avoided: Collection[str]) -> None:
        from faker import Faker

        self.faker = Faker(locale)
        self.locale, self.salt, self.avoided = locale, salt, avoided
        self._cache: dict[tuple[str, str], str] = {}
        self.made: set[str] = set()
        """All values that were made."""

    def get(self, category: str, value: str) -> str:
        """Return the made-up value for a value. Raise `KeyError` for a category that `MAKERS` does not have."""
        if (category, value) not in self._cache:
            self._cache[category, value] = made = self._make(category, value)
            self.made.add(made)
        return self._cache[category, value]

    def _make(self, category: str, value: str) -> str:
        for attempt in range(MAX_ATTEMPTS):
            text = f"{category}\0{value}\0{attempt}"
            digest = blake2b(text.encode("utf-8", "surrogatepass"), key=self.salt).digest()
            self.faker.seed_instance(int.from_bytes(digest[:8]))
            made = MAKERS[category](self, value, digest)
            if value.isupper() and value.isalpha():
                made = made.upper()
            if made.casefold() not in self.avoided or category in MAY_BE_UNCHANGED:
                return made
        return fake_code(self, value, digest)


Maker: TypeAlias = Callable[[FakeValues, str, bytes], str]
"""Makes a value from the fake values, the real value and a digest of it."""


def fake_full_name(fakes: FakeValues, value: str, _: bytes) -> str:
    *first, last = value.split()
    return " ".join([*(fakes.get("first_name", part) for part in first), fakes.get("last_name", last)])


def fake_email(fakes: FakeValues, value: str, digest: bytes) -> str:
    return (
        f"{fake_username(fakes, value, digest)}@{FAKE_HOST}" if is_email(value) else fake_code(fakes, value, digest)
    )


def fake_username(fakes: FakeValues, _: str, digest: bytes) -> str:
    return f"{fakes.faker.user_name()}.{int.from_bytes(digest[8:12]) % 9000 + 1000}"


def fake_phone(fakes: FakeValues, value: str, digest: bytes) -> str:
    """Return a telephone number of the same length with the same country or trunk code."""
    match = PHONE_PREFIX.match(value)
    prefix = match[0] if match and len(re.sub(r"\D", "", value)) > 4 else ""
    return prefix + fake_digits(fakes, value[len(prefix) :], digest)


def fake_digits(_: FakeValues, value: str, digest: bytes) -> str:
    """Return the value with other digits. The first is never 0, so that numbers keep their length."""
    stream, made = iter(digest * (len(value) // len(digest) + 1)), ""
    for letter in value:
        is_first = not any(other.isdigit() for other in made)
        made += str(next(stream) % 9 + 1 if is_first else next(stream) % 10) if letter.isdigit() else letter
    return made


def fake_code(_: FakeValues, value: str, digest: bytes) -> str:
    stream = iter(digest * (len(value) // len(digest) + 1))
    return "".join(replace_letter(letter, next(stream)) for letter in value)


def replace_letter(letter: str, byte: int) -> str:
    if letter.isdigit():
        return string.digits[byte % 10]
    if not letter.isalpha():
        return letter
    return (string.ascii_uppercase if letter.isupper() else string.ascii_lowercase)[byte % 26]


def fake_coordinate(fakes: FakeValues, value: str, digest: bytes) -> str:
    """Return a point within about ten kilometres: the degrees and their first decimal stay."""
    degrees, point, decimals = value.partition(".")
    return degrees + point + decimals[:1] + fake_digits(fakes, decimals[1:], digest)


def fake_text(fakes: FakeValues, value: str, _: bytes) -> str:
    words = max(1, len(value.split()))
    return str(fakes.faker.sentence(nb_words=words, variable_nb_words=False)).rstrip(".")


def fake_link(fakes: FakeValues, value: str, digest: bytes) -> str:
    """Return a URL that leads nowhere. The service's own hosts stay, other texts keep their form."""
    if value in OWN_HOSTS:
        return value
    if value.startswith(("/", *OWN_HOSTS)):
        host, _, path = value.partition("/")
        return f"{host}/{digest[:6].hex()}{PurePosixPath(path).suffix}"
    if "://" not in value:
        return fake_code(fakes, value, digest)
    return f"https://{FAKE_HOST}/{digest[:6].hex()}{PurePosixPath(urlsplit(value).path).suffix}"


MAKERS: dict[str, Maker] = {
    "first_name": lambda fakes, _, __: str(fakes.faker.first_name()),
    "last_name": lambda fakes, _, __: str(fakes.faker.last_name()),
    "full_name": fake_full_name,
    "username": fake_username,
    "email": fake_email,
    "phone": fake_phone,
    "line": lambda fakes, _, __: " ".join(str(fakes.faker.street_address()).split()),
    "digits": fake_digits,
    "coordinate": fake_coordinate,
    "company": lambda fakes, _, __: str(fakes.faker.company()),
    "tax_office": lambda fakes, _, __: f"{fakes.faker.last_name()} {TAX_OFFICES.get(fakes.locale, 'Tax Office')}",
    "text": fake_text,
    "code": fake_code,
    "secret": lambda _, value, digest: (digest.hex() * (len(value) // 128 + 1))[: len(value)],
    "link": fake_link,
    # the same path at the emulator's own host, which draws a placeholder
    "picture": lambda _, value, __: f"{{cdn_url}}{urlsplit(value).path}" if "://" in value else value,
}
"""Category of personal values -> function that makes a value."""


ReplaceFunction: TypeAlias = Callable[[str, str], str]
"""Returns the replacement of a personal value, given its category and the value."""
LONG_NUMBER = 10**9
"""Numbers under unknown keys from this one on may be telephone or identity numbers."""
PAYLOAD_KEYS = {"packageitem_set": Package, "transferitem_set": TransferOrder, "stock_location_type": StockLocation}
"""Key that only the payloads of one kind of subject have -> kind."""


def category_table() -> Mapping[str, Mapping[str, JsonValue]]:
    """Return the categories of columns and of keys in free JSON, Faker's locales by country, and more."""
    table: Mapping[str, Mapping[str, JsonValue]] = load_fixture("personal")
    return table


def column_categories(kind: RecordKind) -> Mapping[str, str]:
    """Return column -> category, for the columns of a kind that may hold text."""
    categories: Mapping[str, str] = category_table()["columns"].get(KIND_NAMES[kind], {})
    return categories


class PersonalDataReplacer:
    """Replaces all personal values of records and documents by the results of a function."""

    def __init__(self, replace: ReplaceFunction, documented: Collection[str] = ()) -> None:
        """`documented` are keys of free JSON that are kept unless the table has a category for them."""
        self.replace, self.documented = replace, documented
        self.unknown_keys: Counter[str] = Counter()
        """Key of free JSON that is not in the table -> number of replaced texts."""

    def replace_record(self, record: Record) -> Record:
        """Return a record with its personal values replaced."""
        categories = {name: each for name, each in column_categories(type(record)).items() if each != NOT_PERSONAL}
        changes = {name: self.replace_column(each, name, getattr(record, name)) for name, each in categories.items()}
        return record._replace(**changes) if changes else record

    def replace_column(self, category: str, name: str, value: ColumnValue) -> ColumnValue:
        """Return the replacement of a column's value: of a text, or of each text in JSON."""
        if isinstance(value, bytes):
            return orjson.dumps(self.replace_json(category, name, orjson.loads(value)))
        return self.replace_text(category, value) if isinstance(value, str) else value

    def replace_text(self, category: str, value: str) -> str:
        """Return the replacement of a text. Blank texts stay."""
        if category == NOT_PERSONAL or not value.strip():
            return value
        return self.replace_body(value) if category == BODY else self.replace(category, value)

    def replace_json(self, category: str, key: str, value: JsonValue) -> JsonValue:
        """Return the replacement of the JSON value under a key."""
        if category == PAYLOAD:
            return self.replace_payload(value)
        if category == FREE_JSON:
            return self.replace_free_json(value, key)
        return self.replace_leaves("secret" if category == SECRETS else category, value)

    def replace_leaves(self, category: str, value: JsonValue) -> JsonValue:
        """Return a JSON value with each text and number replaced as a value of one category."""
        if isinstance(value, dict):
            return {key: self.replace_leaves(category, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.replace_leaves(category, inner) for inner in value]
        if isinstance(value, str):
            return self.replace_text(category, value)
        if category == NOT_PERSONAL or isinstance(value, bool) or not isinstance(value, int):
            return value
        return int(self.replace("digits", str(value)))

    def replace_free_json(self, value: JsonValue, key: str) -> JsonValue:
        """Return the replacement of free JSON. The category of each value is that of its key."""
        category = category_table()["keys"].get(key.lower(), NOT_PERSONAL if key in self.documented else None)
        if isinstance(value, dict) and category != "secret":
            return {inner: self.replace_free_json(part, inner) for inner, part in value.items()}
        if isinstance(value, list) and category != "secret":
            return [self.replace_free_json(part, key) for part in value]
        if category is not None:
            return self.replace_leaves(category, value)
        if isinstance(value, str) and value.strip():
            self.unknown_keys[key] += 1
            return self.replace_text(UNKNOWN_TEXT, value)
        is_long = type(value) is int and abs(value) >= LONG_NUMBER
        return self.replace_leaves("digits", value) if is_long else value

    def replace_body(self, value: str) -> str:
        """Return the replacement of a text that may be JSON, or Python's notation of bytes."""
        if value.startswith(("b'", 'b"')):
            return repr(self.replace_body(parse_bytes_literal(value)).encode())
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict | list):
            return json.dumps(self.replace_free_json(document, ""), ensure_ascii=False)
        return self.replace(BODY, value)

    def replace_payload(self, value: JsonValue) -> JsonValue:
        """Return the replacement of a stored payload: the event stays, the document follows its serializer."""
        if (serializer := payload_serializer(value)) is None:
            return self.replace_free_json(value, "")
        document = self.replace_document(serializer, value["payload"])
        return {
            key: document if key == "payload" else self.replace_free_json(part, key) for key, part in value.items()
        }

    def replace_document(self, serializer: type[Serializer], document: JsonValue) -> JsonValue:
        """Return the replacement of a document. The category of each value is that of its column."""
        if not isinstance(document, dict):
            return document
        fields = fields_of(serializer)
        return {
            key: self.replace_field(serializer.kind, key, fields.get(key), value) for key, value in document.items()
        }

    def replace_field(self, kind: RecordKind, key: str, field: SerializerField | None, value: JsonValue) -> JsonValue:
        if isinstance(field, Nested):
            return self.replace_document(field.serializer, value)
        if isinstance(field, NestedList) and isinstance(value, list):
            return [self.replace_document(field.serializer, part) for part in value]
        if isinstance(field, UrlTemplate):
            return self.replace_leaves("link", value)
        if field is None:
            return self.replace_free_json(value, key)
        return self.replace_json(field_category(kind, field), key, value)


def field_category(kind: RecordKind, field: SerializerField) -> str:
    if isinstance(field, RelatedColumn):
        for column in field.path[:-1]:
            kind = REFERENCES[kind][column]
        return column_categories(kind).get(field.path[-1], NOT_PERSONAL)
    return column_categories(kind).get(field.column, NOT_PERSONAL) if isinstance(field, Column) else NOT_PERSONAL


def payload_serializer(payload: JsonValue) -> type[Serializer] | None:
    """Return the serializer of the document in a stored payload, found by the document's keys."""
    document = payload.get("payload") if isinstance(payload, dict) else None
    if not isinstance(document, dict):
        return None
    return next((PAYLOAD_SERIALIZERS[kind][0] for key, kind in PAYLOAD_KEYS.items() if key in document), None)


def without_unknown_keys(payload: JsonValue) -> JsonValue:
    """Return a stored payload without the keys that its document's serializer does not have."""
    serializer = payload_serializer(payload)
    return payload if serializer is None else payload | {"payload": prune(serializer, payload["payload"])}


def prune(serializer: type[Serializer], document: JsonValue) -> JsonValue:
    """Return a document without the keys that its serializer does not have."""
    if not isinstance(document, dict):
        return document
    fields = fields_of(serializer)
    return {key: prune_field(fields[key], value) for key, value in document.items() if key in fields}


def prune_field(field: SerializerField, value: JsonValue) -> JsonValue:
    if isinstance(field, NestedList) and isinstance(value, list):
        return [prune(field.serializer, part) for part in value]
    return prune(field.serializer, value) if isinstance(field, Nested) else value


def parse_bytes_literal(value: str) -> str:
    """Return the text of bytes in Python's notation (`b'200 OK'`). Other texts are returned unchanged."""
    try:
        parsed = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value
    return parsed.decode("utf-8", "replace") if isinstance(parsed, bytes) else value
