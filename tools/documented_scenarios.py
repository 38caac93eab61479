"""Import each documented sample of a GET as a bundled scenario. Run it with `python -m tools.documented_scenarios`.

`documented/<sample>` is the result of `oms-emulator import --no-anonymize` for the file of the sample, at a fixed
time.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import emulator
from emulator.core.files import encode_scenario
from emulator.core.records import Transition
from emulator.domain.scenario_files import DOCUMENTED, FOLDER
from emulator.loading.recorded_responses import Capture, read_captures
from emulator.loading.scenario_import import DEFAULT_START, ScenarioImport, import_scenario

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
"""Short sample -> id of the record that its logs, events or items belong to. The samples do not contain it. The ids
of the guide come from the long forms of the same samples."""


LOST = {"ui_visibility": json.loads(Transition(0, 0, 0).ui_visibility)}
"""Key whose array is empty in the samples, because the page has lost its contents -> the assumed contents."""


def with_lost_contents(value: Any) -> Any:
    """Return a value of a sample with assumed contents in the arrays that the page has lost."""
    if isinstance(value, list):
        return [with_lost_contents(each) for each in value]
    if isinstance(value, dict):
        return {key: with_lost_contents(inner) or LOST.get(key, inner) for key, inner in value.items()}
    return value


def gets(folder: str) -> list[str]:
    """Return the names of the GET samples in a folder."""
    found = sorted((SAMPLES / folder).glob("*.response-200.json"))
    return [
        path.name.removesuffix(".response-200.json") for path in found if sample(folder, path.stem)["method"] == "GET"
    ]


def sample(folder: str, stem: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / folder / f"{stem}.json").read_text("utf-8"))
    return found


@cache
def imported(name: str, folder: str = "documented") -> ScenarioImport:
    """Import one sample. Raise `ValueError` if that is not possible."""
    found = with_lost_contents(sample(folder, f"{name}.response-200"))
    if name in WHOSE:
        whose = f"/packages/{WHOSE[name]}/"
        found["path"] = found["path"].replace("/pk/", f"/{WHOSE[name]}/").replace("/packages/{id}/", whose)
    captures = [each for each in read_captures(found, name) if isinstance(each, Capture)]
    described = f"Documented sample: {found['title']}"
    return import_scenario(
        captures, f"{DOCUMENTED}{name}", anonymize=False, description=described, start=DEFAULT_START
    )


def main() -> None:
    for name in gets("documented"):
        file = FOLDER / f"{DOCUMENTED}{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(encode_scenario(imported(name).document))


if __name__ == "__main__":
    main()
