"""Made-up values in the form of real ones: an e-mail for an e-mail, a telephone number for one of its length."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection
from hashlib import blake2b
from pathlib import PurePosixPath
from urllib.parse import urlsplit

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
"""A country's code -> the locale of its names and addresses."""
DEFAULT_LOCALE = "tr_TR"
TRIES = 50
HOST = "example.com"
PREFIX = re.compile(r"^(?:\+\d{1,3}|00\d{2}|0)?\D*\d?")
"""How a telephone number begins: country or trunk code, and the first digit, which tells a mobile from the rest."""
OWN_LINKS = ("{domain_url}", "{cdn_url}")


def is_email(value: str) -> bool:
    return re.fullmatch(r"\s*[^\s@]+@[^\s@]+\s*", value) is not None


class Fakes:
    """Gives the same made-up value for the same value, and never one of those to avoid."""

    def __init__(self, locale: str, salt: bytes, avoided: Collection[str]) -> None:
        from faker import Faker  # noqa: PLC0415 - it is slow to load, and used only where something is anonymized

        self.faker = Faker(locale)
        self.locale, self.salt, self.avoided = locale, salt, avoided
        self._made: dict[tuple[str, str], str] = {}

    def of(self, kind: str, value: str) -> str:
        """Give the made-up value of a kind (`MAKERS`) that stands for this one; `KeyError` for an unknown kind."""
        if (kind, value) not in self._made:
            self._made[kind, value] = self._new(kind, value)
        return self._made[kind, value]

    def _new(self, kind: str, value: str) -> str:
        for attempt in range(TRIES):
            digest = blake2b(f"{kind}\0{value}\0{attempt}".encode("utf-8", "surrogatepass"), key=self.salt).digest()
            self.faker.seed_instance(int.from_bytes(digest[:8]))
            made = cased(MAKERS[kind](self, value, digest), value)
            if made.casefold() not in self.avoided or kind in ONLY_FORM:
                return made
        return code(self, value, digest)


Maker = Callable[[Fakes, str, bytes], str]
ONLY_FORM = {"code", "coordinate", "link", "picture", "secret"}
"""Kinds whose values may have nothing in them to replace."""


def cased(made: str, value: str) -> str:
    """Give capitals where the value had nothing but capitals."""
    return made.upper() if value.isupper() and value.isalpha() else made


def full_name(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    *first, last = value.split()
    return " ".join([*(fakes.of("first_name", part) for part in first), fakes.of("last_name", last)])


def email(fakes: Fakes, value: str, digest: bytes) -> str:
    if not is_email(value):
        return code(fakes, value, digest)
    return f"{fakes.faker.user_name()}.{number(digest)}@{HOST}"


def username(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    return f"{fakes.faker.user_name()}.{number(digest)}"


def number(digest: bytes) -> int:
    return int.from_bytes(digest[8:12]) % 9000 + 1000


def phone(fakes: Fakes, value: str, digest: bytes) -> str:
    found = PREFIX.match(value)
    start = found[0] if found and len(re.sub(r"\D", "", value)) > 4 else ""
    return start + digits(fakes, value[len(start) :], digest)


def digits(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    """Give other digits in the places of the digits; the first is never 0, so that numbers keep their length."""
    stream, made = iter(digest * (len(value) // len(digest) + 1)), ""
    for letter in value:
        first = not any(other.isdigit() for other in made)
        made += str(next(stream) % 9 + 1 if first else next(stream) % 10) if letter.isdigit() else letter
    return made


def code(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    """Give other letters and digits in the places of letters and digits."""
    stream = iter(digest * (len(value) // len(digest) + 1))
    return "".join(other(letter, next(stream)) for letter in value)


def other(letter: str, chance: int) -> str:
    if letter.isdigit():
        return string.digits[chance % 10]
    if not letter.isalpha():
        return letter
    return (string.ascii_uppercase if letter.isupper() else string.ascii_lowercase)[chance % 26]


def secret(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    return (digest.hex() * (len(value) // 128 + 1))[: len(value)]


def coordinate(fakes: Fakes, value: str, digest: bytes) -> str:
    """Give a point within some ten kilometres: degrees and their first decimal stay."""
    degrees, point, decimals = value.partition(".")
    return degrees + point + decimals[:1] + digits(fakes, decimals[1:], digest)


def text(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    words = max(1, len(value.split()))
    return str(fakes.faker.sentence(nb_words=words, variable_nb_words=False)).rstrip(".")


def line(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    return " ".join(str(fakes.faker.street_address()).split())


def tax_office(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    return f"{fakes.faker.last_name()} {'Vergi Dairesi' if fakes.locale == 'tr_TR' else 'Tax Office'}"


def link(fakes: Fakes, value: str, digest: bytes) -> str:
    """Give an address that leads nowhere; the service's own hosts stay, and what is no address keeps its form."""
    if value in OWN_LINKS:
        return value
    if value.startswith(("/", *OWN_LINKS)):
        host, _, path = value.partition("/")
        return f"{host}/{digest[:6].hex()}{PurePosixPath(path).suffix}"
    if "://" not in value:
        return code(fakes, value, digest)
    return f"https://{HOST}/{digest[:6].hex()}{PurePosixPath(urlsplit(value).path).suffix}"


def picture(fakes: Fakes, value: str, digest: bytes) -> str:  # noqa: ARG001 - one signature
    """Give the same picture at the emulator's own host: it draws a placeholder."""
    return value if "://" not in value else f"{{cdn_url}}{urlsplit(value).path}"


MAKERS: dict[str, Maker] = {
    "first_name": lambda fakes, _, __: str(fakes.faker.first_name()),
    "last_name": lambda fakes, _, __: str(fakes.faker.last_name()),
    "full_name": full_name,
    "username": username,
    "email": email,
    "phone": phone,
    "line": line,
    "digits": digits,
    "coordinate": coordinate,
    "company": lambda fakes, _, __: str(fakes.faker.company()),
    "tax_office": tax_office,
    "text": text,
    "code": code,
    "secret": secret,
    "link": link,
    "picture": picture,
}
"""Kind of personal value -> how one is made up."""
