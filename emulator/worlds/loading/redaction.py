"""Redaction of recorded traffic: personal values and secrets in requests, responses and the files made from them.

A value is replaced by its type: that of its key, that of its form, or that which it has elsewhere in the traffic.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from emulator.core.json_text import JsonValue
from emulator.worlds.loading.anonymizer import (
    EMAIL,
    LONG_NUMBER,
    NOT_PERSONAL,
    UNCATEGORIZED,
    PersonalDataReplacer,
    Replacements,
    SensitiveValue,
    category_table,
)
from emulator.worlds.loading.masking import QUERY_SECRET, USER_INFO

SECRET_NAME = re.compile(
    r"auth|token|secret|passw|credential|signature|session|cookie|csrf|api[-_]?key|^key$|^sig$", re.IGNORECASE
)
"""Names of headers and of query parameters whose values are secret."""
SCHEME = re.compile(r"(?:Bearer|Basic|Token|JWT|ApiKey|Digest)\s+", re.IGNORECASE)
WORD = re.compile(r"\w+")
PLAIN_KEY = re.compile(r"[^\W\d]+(?:[_.\- ][^\W\d]+)*[_-]?\d{0,3}|\d{1,9}")
"""Keys of free maps that are kept: words, numbered words, and short numbers."""


class Form(NamedTuple):
    """Texts that are personal or secret by their form."""

    category: str
    pattern: re.Pattern[str]
    is_valid: Callable[[str], bool] = bool


def digits_of(text: str) -> list[int]:
    return [int(letter) for letter in text if letter.isdigit()]


def is_card_number(text: str) -> bool:
    """Return whether a number has the check digit and the start of a payment card."""
    digits = digits_of(text)
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return digits[0] in (3, 4, 5, 6, 9) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_identity_number(text: str) -> bool:
    """Return whether a number has the check digits of a Turkish identity number."""
    digits = digits_of(text)
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and digits[9] == tenth and sum(digits[:10]) % 10 == digits[10]


FORMS = (
    Form("secret", re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)),
    Form("secret", re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")),
    Form("secret", re.compile(r"(?<=Bearer )\S{6,}|(?<=Basic )[\w+/=-]{6,}|(?<=Token )\S{12,}")),
    Form("secret", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\b[sprw]k_(?:live|test)_\w{8,}|\bgh[pousr]_\w{20,}")),
    Form("secret", re.compile(r"\bxox[abeoprs]-[\w-]{10,}|\bAIza[\w-]{30,}|\bwhsec_[\w+/=]{8,}")),
    Form("email", EMAIL),
    Form("code", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){16,30}\b")),
    Form("digits", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])"), is_card_number),
    Form("digits", re.compile(r"(?<![\w.-])\d{11}(?![\w.-])"), is_identity_number),
    Form("phone", re.compile(r"(?<![\w.-])\+\d[\d ()/-]{7,}\d(?![\w.-])")),
    Form("phone", re.compile(r"(?<![\w.-])(?:0090|90|0)?[ (]*5\d{2}[ )-]*\d{3}[ -]?\d{2}[ -]?\d{2}(?![\w.-])")),
    Form("digits", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")),
)  # fmt: skip
"""All forms. An international bank account number keeps its letters and digits in place."""


class Redactor:
    """Replaces personal values and secrets in documents and texts, each by the same value wherever it is."""

    def __init__(self, replacements: Replacements) -> None:
        self._replacements, self._replace = replacements, replacements.replace
        known = [value for value, category in replacements.categories.items() if is_searched(category, value)]
        known.sort(key=len, reverse=True)
        self._known = re.compile("|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in known) or r"(?!)")
        self._first_words = {word[0] for value in known if (word := WORD.search(value))}
        self._texts: dict[str, str] = {}

    def body(self, value: JsonValue, documented: Collection[str]) -> JsonValue:
        """Return the body of a request with its values replaced. `documented` are the keys that the API defines."""
        replacer = PersonalDataReplacer(self._replacements.replace, documented)
        return self.document(replacer.replace_free_json(value, ""))

    def document(self, value: JsonValue) -> JsonValue:
        """Return a document with the known values, and those with the form of a secret, replaced in its texts."""
        if isinstance(value, dict):
            return {self.key(key): self.document(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        if isinstance(value, str):
            return self.text(value)
        is_long = type(value) is int and abs(value) >= LONG_NUMBER
        return int(self.text(str(value))) if is_long else value

    def key(self, key: str) -> str:
        """Return a key. One that is not a word, but may be a value, is replaced."""
        redacted = self.text(key)
        is_kept = redacted != key or PLAIN_KEY.fullmatch(key)
        return redacted if is_kept else self._replacements.replace("code", key)

    def text(self, text: str) -> str:
        """Return a text with the known values, and those with the form of a secret, replaced."""
        if text not in self._texts:
            self._texts[text] = self._redact(text)
        return self._texts[text]

    def _redact(self, text: str) -> str:
        if not self._first_words.isdisjoint(WORD.findall(text)):  # the pattern has thousands of alternatives
            categories = self._replacements.categories
            text = self._known.sub(lambda match: self._replace(categories[match[0]], match[0]), text)
        text = USER_INFO.sub(self._user_info, text)
        text = QUERY_SECRET.sub(lambda match: match[1] + self._replace("secret", match[2]), text)
        for form in FORMS:
            text = form.pattern.sub(lambda match, form=form: self._form(form, match[0]), text)  # type: ignore[misc]
        return text

    def _form(self, form: Form, value: str) -> str:
        is_own = value in self._replacements.fakes.made
        return self._replace(form.category, value) if form.is_valid(value) and not is_own else value

    def _user_info(self, match: re.Match[str]) -> str:
        user = "" if match[1] is None else f"{self._replace('secret', match[1])}:"
        return user + self._replace("secret", match[2]) if match[2] else match[0]


def is_searched(category: str, value: str) -> bool:
    """Return whether a known value is also searched for in values of other types, which needs a certain length."""
    lengths = category_table()["searched_from"]
    return category in lengths and len(value) >= int(lengths[category])


def sensitive_in_headers(headers: Mapping[str, str]) -> Iterator[SensitiveValue]:
    """Yield the secrets in the headers of a request or response: credentials, cookies, keys."""
    for name, value in headers.items():
        if SECRET_NAME.search(name):
            yield from ((("secret", part)) for part in secret_parts(value))
        yield from sensitive_in_text(value)


def secret_parts(value: str) -> Iterator[str]:
    """Yield a header's value, its credential, and the user and password or the cookies in it."""
    credential = SCHEME.sub("", value, count=1)
    yield from dict.fromkeys((value, credential))
    for part in value.split(";"):
        yield part.partition("=")[2].strip()
    try:
        yield from base64.b64decode(credential, validate=True).decode().split(":", 1)
    except ValueError:
        return


def sensitive_in_query(query: str) -> Iterator[SensitiveValue]:
    """Yield the personal values and secrets in a query: by the names of its parameters."""
    for name, value in parse_qsl(query):
        category = category_table()["keys"].get(name.lower(), NOT_PERSONAL)
        if SECRET_NAME.search(name):
            category = "secret"
        if category != NOT_PERSONAL:
            yield category, value
        yield from sensitive_in_text(value)


def sensitive_in_json(value: JsonValue) -> list[SensitiveValue]:
    """Return the values of a document that are personal or secret by their keys."""
    found: list[SensitiveValue] = []

    def collect(category: str, text: str) -> str:
        if category not in UNCATEGORIZED:
            found.append((category, text))
        return text

    PersonalDataReplacer(collect).replace_free_json(value, "")
    return found


def sensitive_in_text(text: str) -> Iterable[SensitiveValue]:
    """Yield the values in a text that are personal or secret by their form."""
    for form in FORMS:
        yield from ((form.category, match[0]) for match in form.pattern.finditer(text) if form.is_valid(match[0]))


def load_body(content: bytes) -> JsonValue:
    """Return the JSON of a body. Raise `ValueError` if it is not JSON."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
