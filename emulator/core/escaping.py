"""Escape text from clients for terminals, XML and HTML."""

from __future__ import annotations

import re
from html import escape

UNPRINTABLE = "[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
"""Pattern of the characters that must not reach a terminal or an XML file. It is compiled when it is first used,
because that takes longer than importing a large module."""


def escape_unprintable(text: str) -> str:
    """Replace unprintable characters by their JSON escapes."""
    return re.sub(UNPRINTABLE, lambda match: f"\\u{ord(match.group()):04x}", text)


def to_html(text: str) -> str:
    """Escape text for HTML and SVG."""
    return escape(escape_unprintable(text))
