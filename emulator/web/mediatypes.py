"""Media types and header parameters as Django and Django REST framework read them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value

LONGEST = 256
"""A media type with more characters than this is not looked at."""


def header_parameters(line: str) -> tuple[str, dict[str, str]]:
    """Split `type/sub; key=value` as Django does; a ValueError when a parameter names an unknown charset."""
    if ";" not in line:
        return line.strip().lower(), {}
    message = Message()
    message["content-type"] = line
    (kind, _), *pairs = message.get_params([("", "")])
    return kind.lower(), {name: _plain(value) for name, value in pairs if name}


def _plain(value: str | tuple[str | None, str | None, str]) -> str:
    if isinstance(value, tuple) and value[0]:
        try:
            codecs.lookup(value[0])
        except LookupError:
            raise ValueError(value[0]) from None
    return collapse_rfc2231_value(value)


@dataclass(frozen=True)
class MediaType:
    """One media type, with its parameters."""

    text: str
    main: str
    sub: str
    parameters: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Read a media type; what cannot be read matches nothing."""
        try:
            full, parameters = header_parameters(text)
        except ValueError:
            full, parameters = "", {}
        main, _, sub = full.partition("/")
        return cls(text, main, sub, parameters)

    def fits(self, main: str, sub: str) -> bool:
        """Whether it stands for `main/sub`, wildcards allowed."""
        return self.main in ("*", main) and self.sub in ("*", sub)

    @property
    def precedence(self) -> int:
        """How specific it is: 3 with parameters, 2 without, 1 for `type/*`, 0 for `*/*`."""
        if self.main == "*":
            return 0
        if self.sub == "*":
            return 1
        return 2 if list(self.parameters) in ([], ["q"]) else 3
