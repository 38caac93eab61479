"""Personal values replaced by made-up ones: the same value by the same one, in records, payloads and free maps.

What a value becomes depends on the whole import, so that it cannot be found by trying all telephone numbers; the
same answers give the same replacements.
"""

from __future__ import annotations

import re
from collections import Counter
from hashlib import blake2b
from typing import Any

from emulator.core.bases import TableBase
from emulator.core.records import KINDS, Country
from emulator.shapes.differences import times
from emulator.shapes.fakes import DEFAULT_LOCALE, LOCALES, Fakes, is_email
from emulator.shapes.personal import BODY, UNKNOWN, Walk

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\w.-])\+?\d[\d ()/-]{7,}\d(?![\w.-])")
OPEN = {BODY, UNKNOWN}
"""Texts of which nothing tells what they hold."""
SHORTEST = 3
"""A personal value must have so many characters to be looked for in the midst of other text."""


def anonymized(base: TableBase) -> tuple[TableBase, list[str]]:
    """Give the base with its personal values replaced, and what was replaced: a line for each kind of value."""
    seen = Seen()
    first = Walk(seen.note)
    records = [record for kind in KINDS.values() for record in (base.get(kind, id_) for id_ in base.ids(kind))]
    for record in records:
        first.record(record)
    swap = Swap(seen, locale_of(base))
    walk = Walk(swap.replace)
    tables: dict[type[Any], dict[int, Any]] = {}
    for record in records:
        tables.setdefault(type(record), {})[record.id] = walk.record(record)  # type: ignore[union-attr]
    lines = [f"{kind}: {len(values)} different" for kind, values in sorted(seen.values.items()) if kind not in OPEN]
    lines += [
        f"key {key!r}: nobody knows what it holds; replaced {times(number)}" for key, number in walk.unknown.items()
    ]
    return TableBase(tables), lines


def locale_of(base: TableBase) -> str:
    """Give the language of the country that most addresses name."""
    codes = Counter(str(base.get(Country, id_).code).lower() for id_ in base.ids(Country))  # type: ignore[union-attr]
    return next((LOCALES[code] for code, _ in codes.most_common() if code in LOCALES), DEFAULT_LOCALE)


class Seen:
    """The personal values of an import, by their kinds."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, None]] = {}
        self.digest = blake2b(digest_size=16)

    def note(self, kind: str, value: str) -> str:
        self.values.setdefault(kind, {})[value] = None
        self.digest.update(f"{kind}\0{value}\0".encode("utf-8", "surrogatepass"))
        return value


class Swap:
    """Gives what stands in the place of a personal value."""

    def __init__(self, seen: Seen, locale: str) -> None:
        plain = {kind: values for kind, values in seen.values.items() if kind not in OPEN}
        avoided = {value.casefold() for values in plain.values() for value in values}
        self.fakes = Fakes(locale, seen.digest.digest(), avoided)
        self.kinds = {value: kind for kind, values in reversed(plain.items()) for value in values}
        longest = sorted((value for value in self.kinds if len(value) >= SHORTEST), key=len, reverse=True)
        self.inside = re.compile("|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in longest) or r"(?!)")

    def replace(self, kind: str, value: str) -> str:
        """Give the replacement of a value of this kind."""
        if kind == BODY:
            return self.within(value)
        if kind == UNKNOWN:
            return self.fakes.of(self.kinds.get(value) or likely_kind(value), value)
        return self.fakes.of("email" if is_email(value) else kind, value)

    def within(self, text: str) -> str:
        """Give a text in which the personal values that occur in it are replaced."""
        text = self.inside.sub(lambda found: self.replace(self.kinds[found[0]], found[0]), text)
        text = EMAIL.sub(lambda found: self.fakes.of("email", found[0]), text)
        return PHONE.sub(lambda found: self.fakes.of("phone", found[0]), text)


def likely_kind(value: str) -> str:
    """Give the kind of a value by its form, where nothing else tells it."""
    if is_email(value):
        return "email"
    if PHONE.fullmatch(value):
        return "phone"
    if "://" in value:
        return "link"
    return "text" if " " in value.strip() else "code"
