"""The language of names: the world's own, unless the caller asks for another that it has."""

from __future__ import annotations

from functools import lru_cache

LANGUAGES = ("en-us", "tr-tr")


@lru_cache(maxsize=512)
def asked_language(header: str | None, default: str) -> str:
    """Give the language that an `Accept-Language` header likes best, `tr` standing for `tr-tr` (assumed)."""
    for wanted in by_quality(header or ""):
        for language in LANGUAGES:
            if wanted in (language, language.partition("-")[0]):
                return language
    return default


def by_quality(header: str) -> list[str]:
    """Give the languages of a header, the best liked first; those with quality 0 or none that is a number last."""
    weighed: list[tuple[float, str]] = []
    for part in header.lower().split(",")[:32]:
        name, _, parameter = part.partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighed.append((quality, name.strip()))
    return [name for _, name in sorted(weighed, key=lambda pair: -pair[0])]
