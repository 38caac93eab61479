"""`python -m tools.documented_scenarios`: import each documented sample of a GET, alone, as a bundled scenario.

`documented/<sample>` is what `oms-emulator import --no-anonymize` makes of the sample's file, at one time for all.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import emulator
from emulator.core.files import scenario_text
from emulator.rules.scenarios import DOCUMENTED, FOLDER
from emulator.shapes.captures import Capture, captures_in
from emulator.shapes.import_report import START
from emulator.shapes.scenario_import import Imported, import_scenario

SAMPLES = Path(emulator.__file__).parent / "fixtures"
WHOSE = {
    "package-state-transition-log-short-list": 162406,
    "package-state-transition-log-short-detail": 162406,
    "package-webhook-event-short-list": 162406,
    "transfer-order-state-transition-log-list-short": 1329,
    "transfer-order-webhook-event-list-short": 1292,
    "reference-get-package-event": 1,
    "reference-get-package-log-short": 1,
    "reference-list-package-events-short": 1,
    "reference-list-package-items": 1,
    "reference-list-package-logs-short": 1,
}
"""Whose logs, events and items short samples show: they do not say, so it is told, as anybody has to tell it. The
guide's are those of their long siblings."""


def gets(folder: str) -> list[str]:
    """Give the names of the samples of GETs in a folder."""
    found = sorted((SAMPLES / folder).glob("*.response-200.json"))
    return [
        path.name.removesuffix(".response-200.json") for path in found if sample(folder, path.stem)["method"] == "GET"
    ]


def sample(folder: str, stem: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / folder / f"{stem}.json").read_text("utf-8"))
    return found


@cache
def imported(name: str, folder: str = "documented") -> Imported:
    """Import one sample; `ValueError` if nothing can be made of it."""
    found = sample(folder, f"{name}.response-200")
    if name in WHOSE:
        whose = f"/packages/{WHOSE[name]}/"
        found["path"] = found["path"].replace("/pk/", f"/{WHOSE[name]}/").replace("/packages/{id}/", whose)
    captures = [each for each in captures_in(found, name) if isinstance(each, Capture)]
    described = f"Documented sample: {found['title']}"
    return import_scenario(captures, f"{DOCUMENTED}{name}", anonymize=False, description=described, start=START)


def main() -> None:
    for name in gets("documented"):
        file = FOLDER / f"{DOCUMENTED}{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(scenario_text(imported(name).document))


if __name__ == "__main__":
    main()
