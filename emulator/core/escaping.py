"""Text of others, fit for terminals, XML and HTML."""

from __future__ import annotations

import re
from html import escape

UNPRINTABLE = re.compile("[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What others may send and no terminal or XML file should get as it is."""


def escape_unprintable(text: str) -> str:
    """Give the text with what cannot be shown written as JSON would."""
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def to_html(text: str) -> str:
    """Give the text as HTML and SVG show it."""
    return escape(escape_unprintable(text))
