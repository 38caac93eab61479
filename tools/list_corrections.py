"""List where a documented sample is not served as printed. Run it with `python -m tools.list_corrections`.

The list contains the places where the import of a sample had to drop a value of the page. In the guide, the sample
contradicts itself about one record. In the reference, the page has a placeholder for a value that the emulator
derives.
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
"""Samples of documents that the emulator creates. They are not imported."""


def corrections(folder: str = "documented") -> list[dict[str, Any]]:
    """Return all places: the sample, the JSON pointer in its body, the value of the page and the served value."""
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
    """Return the text of the file, with one place per line."""
    lines = ",\n".join("  " + json.dumps(place, ensure_ascii=False) for place in found)
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    FILE.write_text(printed(corrections()), "utf-8")
    REFERENCE_FILE.write_text(printed(corrections("documented_reference")), "utf-8")
