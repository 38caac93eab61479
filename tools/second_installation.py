"""Make the second bundled installation from its documented samples. Run it with `make installations`."""

from __future__ import annotations

from pathlib import Path

from emulator.cli import main
from emulator.domain.installation import FOLDER

DOCUMENTED = FOLDER.parent / "documented"
SECOND = FOLDER / "second.json"
SAMPLES = (
    "package-detail",
    "package-short-detail",
    "package-short-list",
    "package-simple-list",
    "package-state-transition-log-detail",
    "package-state-transition-log-list",
    "package-state-transition-log-short-detail",
    "package-state-transition-log-short-list",
    "package-webhook-event-details",
    "package-webhook-event-list",
)
"""The documented samples whose states have the content types 20, 25 and 26."""


def arguments(output: Path) -> list[str]:
    """Return the command-line arguments of the import."""
    files = [str(DOCUMENTED / f"{name}.response-200.json") for name in SAMPLES]
    return ["installation", "import", *files, "--output", str(output), "--force"]


if __name__ == "__main__":
    main(arguments(SECOND))
