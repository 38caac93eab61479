"""`python -m tools.list_corrections`: write where a documented sample contradicts itself, and what is served there.

The places are found, not chosen: they are those at which `emulator.loading.load` had to drop a page's value, because
the same sample said something else of the same record before.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import emulator
from emulator.loading import load
from emulator.rules.scenarios import DOCUMENTED, bundled

FILE = Path(emulator.__file__).parent / "fixtures" / "documented" / "corrections.json"


def corrections() -> list[dict[str, Any]]:
    """Give every place: the sample, the JSON pointer in its body, the page's value and the served one."""
    return [
        {"sample": name.removeprefix(DOCUMENTED), **correction._asdict()}
        for name, scenario in bundled().items()
        for correction in load(scenario).corrections
    ]


def printed(found: list[dict[str, Any]]) -> str:
    """Give the file's text: one place a line."""
    lines = ",\n".join("  " + json.dumps(place, ensure_ascii=False) for place in found)
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    FILE.write_text(printed(corrections()), "utf-8")
