"""Which form an answer takes, which parser a body gets, and how links are made: the framework's rules.

Behaviour of Django REST framework, `negotiation.py`, `utils/mediatypes.py` and `utils/urls.py`.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from emulator.core.errors import NotAcceptable, NotFound
from emulator.web.mediatypes import LONGEST, MediaType, header_parameters

JSON = "application/json"
PARSERS = (JSON, "application/x-www-form-urlencoded", "multipart/form-data")

LONGEST_ACCEPT = 8192
MOST_TOKENS = 64
DEEPEST_INDENT = 8

UNESCAPED_IN_PATH = "/:@&+$,-_.!~*'()"
UNESCAPED_IN_QUERY = "/#%[]=:;$&()+,!?*@'~"


@lru_cache(maxsize=512)
def select_media_type(accept: str | None, format_: str | None) -> str:
    """Name the media type to answer with, parameters included.

    `accept` is None when there is no such header; an empty header accepts nothing. Quality values count for
    nothing: the most specific media type wins, however small its `q`.
    """
    if format_ and format_ != "json":
        raise NotFound
    tokens = [MediaType.parse(token) for token in _accept_tokens("*/*" if accept is None else accept)]
    for wanted in sorted(tokens, key=lambda token: -token.precedence):
        if wanted.fits("application", "json"):
            return wanted.text if wanted.precedence >= 2 else _completed(wanted)
    raise NotAcceptable


def _accept_tokens(header: str) -> list[str]:
    if len(header) > LONGEST_ACCEPT:
        header = header[: header.rfind(",", 0, LONGEST_ACCEPT) + 1]
    tokens = (token.strip() for token in header.split(","))
    return [token for token in tokens if 0 < len(token) <= LONGEST][:MOST_TOKENS]


def _completed(wildcard: MediaType) -> str:
    return ";".join((JSON, *(f"{key}={value}" for key, value in wildcard.parameters.items())))


@lru_cache(maxsize=512)
def indent_of(media_type: str) -> int | None:
    """Read the indentation that `application/json; indent=4` asks for; None is the compact form."""
    _, parameters = header_parameters(media_type)
    try:
        return max(min(int(parameters["indent"]), DEEPEST_INDENT), 0) or None
    except (KeyError, ValueError):
        return None


def select_parser(content_type: str) -> str | None:
    """Name the media type whose parser reads such a body; None is a 415."""
    if len(content_type) > LONGEST:
        return None
    sent = MediaType.parse(content_type)
    return next((known for known in PARSERS if sent.fits(*known.split("/"))), None)


def escape_path(path: str) -> str:
    """Write a decoded path the way links and redirects carry it."""
    return quote(path, safe=UNESCAPED_IN_PATH)


def escape_query(query: str) -> str:
    """Write a raw query string (one character for each byte) the way links and redirects carry it."""
    return quote(query, safe=UNESCAPED_IN_QUERY)


def absolute_url(base: str, path: str, query: str) -> str:
    """Write the URL of a request: `base` is scheme and host, `path` decoded, `query` raw."""
    return base + escape_path(path) + ("?" + escape_query(query) if query else "")
