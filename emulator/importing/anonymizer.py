"""Anonymization of imported records: equal personal values get equal made-up values of the same form.

The replacements depend on all values of the import, so that a telephone number cannot be found by trying all of
them. The same responses always give the same replacements.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Collection
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import urlsplit

from emulator.core.bases import TableBase
from emulator.core.records import KINDS, Country, Record, RecordKind
from emulator.importing.personal_data import BODY, UNKNOWN, PersonalDataReplacer
from emulator.importing.report import times

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
ONLY_EMAIL = re.compile(r"\s*[^\s@]+@[^\s@]+\s*")
PHONE = re.compile(r"(?<![\w.-])\+?\d[\d ()/-]{7,}\d(?![\w.-])")
PHONE_PREFIX = re.compile(r"^(?:\+\d{1,3}|00\d{2}|0)?\D*\d?")
"""Country or trunk code of a telephone number, and the first digit, which distinguishes mobile numbers."""
UNCATEGORIZED = {BODY, UNKNOWN}
"""Categories of texts whose content is not known."""
MIN_SEARCHED_LENGTH = 3
"""Shorter personal values are not searched for inside other texts."""
LOCALES = {
    "tr": "tr_TR",
    "de": "de_DE",
    "at": "de_AT",
    "fr": "fr_FR",
    "it": "it_IT",
    "es": "es_ES",
    "nl": "nl_NL",
    "pl": "pl_PL",
    "ro": "ro_RO",
    "gb": "en_GB",
    "us": "en_US",
}
"""Country code -> Faker's locale for names and addresses."""
DEFAULT_LOCALE = "tr_TR"
MAX_ATTEMPTS = 50
FAKE_HOST = "example.com"
OWN_HOSTS = ("{domain_url}", "{cdn_url}")
MAY_STAY = {"code", "coordinate", "link", "picture", "secret"}
"""Categories whose values may contain nothing to replace."""


def anonymize(base: TableBase) -> tuple[TableBase, list[str]]:
    """Return the base with its personal values replaced, and a line for each category of replaced values."""
    seen = SeenValues()
    collecting = PersonalDataReplacer(seen.add)
    records = [record for kind in KINDS.values() for record in (base.get(kind, id_) for id_ in base.ids(kind))]
    for record in records:
        collecting.record(record)
    replacing = PersonalDataReplacer(Replacements(seen, locale_of(base)).replace)
    tables: dict[RecordKind, dict[int, Record]] = {}
    for record in records:
        replaced = replacing.record(record)
        tables.setdefault(type(record), {})[replaced.id] = replaced
    counts = sorted((category, len(values)) for category, values in seen.values.items())
    lines = [f"{category}: {count} different" for category, count in counts if category not in UNCATEGORIZED]
    unknown = replacing.unknown_keys.items()
    return TableBase(tables), [*lines, *(f"key {key!r}: unknown content; replaced {times(n)}" for key, n in unknown)]


def locale_of(base: TableBase) -> str:
    """Return the locale of the most frequent country that has one."""
    codes = Counter(str(base.get(Country, id_).code).lower() for id_ in base.ids(Country))  # type: ignore[union-attr]
    return next((LOCALES[code] for code, _ in codes.most_common() if code in LOCALES), DEFAULT_LOCALE)


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
        if category == UNKNOWN:
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
        from faker import Faker  # noqa: PLC0415 - Faker loads slowly, and only anonymization uses it

        self.faker = Faker(locale)
        self.locale, self.salt, self.avoided = locale, salt, avoided
        self._made: dict[tuple[str, str], str] = {}

    def get(self, category: str, value: str) -> str:
        """Return the made-up value for a value; raise `KeyError` for a category that `MAKERS` does not have."""
        if (category, value) not in self._made:
            self._made[category, value] = self._make(category, value)
        return self._made[category, value]

    def _make(self, category: str, value: str) -> str:
        for attempt in range(MAX_ATTEMPTS):
            text = f"{category}\0{value}\0{attempt}"
            digest = blake2b(text.encode("utf-8", "surrogatepass"), key=self.salt).digest()
            self.faker.seed_instance(int.from_bytes(digest[:8]))
            made = match_case(MAKERS[category](self, value, digest), value)
            if made.casefold() not in self.avoided or category in MAY_STAY:
                return made
        return fake_code(self, value, digest)


Maker: TypeAlias = Callable[[FakeValues, str, bytes], str]
"""Makes a value from the fake values, the real value and a digest of it."""


def match_case(made: str, value: str) -> str:
    """Return capitals if the real value is all capitals."""
    return made.upper() if value.isupper() and value.isalpha() else made


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
    """Return the value with other digits; the first is never 0, so that numbers keep their length."""
    stream, made = iter(digest * (len(value) // len(digest) + 1)), ""
    for letter in value:
        is_first = not any(other.isdigit() for other in made)
        made += str(next(stream) % 9 + 1 if is_first else next(stream) % 10) if letter.isdigit() else letter
    return made


def fake_code(_: FakeValues, value: str, digest: bytes) -> str:
    """Return the value with other letters and digits."""
    stream = iter(digest * (len(value) // len(digest) + 1))
    return "".join(replace_letter(letter, next(stream)) for letter in value)


def replace_letter(letter: str, byte: int) -> str:
    if letter.isdigit():
        return string.digits[byte % 10]
    if not letter.isalpha():
        return letter
    return (string.ascii_uppercase if letter.isupper() else string.ascii_lowercase)[byte % 26]


def fake_secret(_: FakeValues, value: str, digest: bytes) -> str:
    return (digest.hex() * (len(value) // 128 + 1))[: len(value)]


def fake_coordinate(fakes: FakeValues, value: str, digest: bytes) -> str:
    """Return a point within about ten kilometres: the degrees and their first decimal stay."""
    degrees, point, decimals = value.partition(".")
    return degrees + point + decimals[:1] + fake_digits(fakes, decimals[1:], digest)


def fake_text(fakes: FakeValues, value: str, _: bytes) -> str:
    words = max(1, len(value.split()))
    return str(fakes.faker.sentence(nb_words=words, variable_nb_words=False)).rstrip(".")


def fake_tax_office(fakes: FakeValues, _: str, __: bytes) -> str:
    return f"{fakes.faker.last_name()} {'Vergi Dairesi' if fakes.locale == 'tr_TR' else 'Tax Office'}"


def fake_link(fakes: FakeValues, value: str, digest: bytes) -> str:
    """Return a URL that leads nowhere; the service's own hosts stay, other texts keep their form."""
    if value in OWN_HOSTS:
        return value
    if value.startswith(("/", *OWN_HOSTS)):
        host, _, path = value.partition("/")
        return f"{host}/{digest[:6].hex()}{PurePosixPath(path).suffix}"
    if "://" not in value:
        return fake_code(fakes, value, digest)
    return f"https://{FAKE_HOST}/{digest[:6].hex()}{PurePosixPath(urlsplit(value).path).suffix}"


def fake_picture(_: FakeValues, value: str, __: bytes) -> str:
    """Return the same path at the emulator's own host, which draws a placeholder."""
    return value if "://" not in value else f"{{cdn_url}}{urlsplit(value).path}"


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
    "tax_office": fake_tax_office,
    "text": fake_text,
    "code": fake_code,
    "secret": fake_secret,
    "link": fake_link,
    "picture": fake_picture,
}
"""Category of personal values -> function that makes a value."""
