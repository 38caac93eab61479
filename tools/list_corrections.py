"""`python -m tools.list_corrections`: write where a documented sample is not served as its page prints it.

The places are found, not chosen: they are those at which the import of the sample had to drop a page's value. Of the
guide, because the same sample said something else of the same record before; of the reference, because the page has a
placeholder for what the emulator derives.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import emulator
from tools.documented_scenarios import gets, imported

FIXTURES = Path(emulator.__file__).parent / "fixtures"
FILE = FIXTURES / "documented" / "corrections.json"
REFERENCE_FILE = FIXTURES / "documented_reference" / "corrections.json"
MADE = {"reference-get-invoice-document"}
"""Documents that the emulator makes itself: their samples are not imported."""


def corrections(folder: str = "documented") -> list[dict[str, Any]]:
    """Give every place: the sample, the JSON pointer in its body, the page's value and the served one."""
    return [
        {
            "sample": name,
            "pointer": f"{each.origin.partition(' ')[2]}{each.pointer}",
            "page": each.recorded,
            "served": each.served,
        }
        for name in gets(folder)
        if name not in MADE
        for each in imported(name, folder).differences
        if each.kind == "corrected"
    ]


def printed(found: list[dict[str, Any]]) -> str:
    """Give the file's text: one place a line."""
    lines = ",\n".join("  " + json.dumps(place, ensure_ascii=False) for place in found)
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    FILE.write_text(printed(corrections()), "utf-8")
    REFERENCE_FILE.write_text(printed(corrections("documented_reference")), "utf-8")
