"""Scenarios: what a world starts from, by name or from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from emulator.core.schemas import problem

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "scenarios"
DOCUMENTED = "documented/"
"""Scenarios that `tools/documented_scenarios.py` imports from the documented samples."""


class ScenarioError(ValueError):
    """A scenario that cannot be used; one line says which, what is wrong and what would be right."""


@dataclass(frozen=True)
class Scenario:
    """A world's start. `answers` are recorded GETs: path and JSON text of the body."""

    name: str
    description: str = ""
    installation: str = "default"
    packages: int = 0
    seed: int = 1
    start: datetime = datetime(2023, 4, 5, 9, 0, tzinfo=UTC)
    language: str | None = None
    base_url: str = "http://127.0.0.1:8080"
    answers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    request: str | None = None
    """For `documented/...`: the path whose GET gives the sample."""
    steps: tuple[bytes, ...] = field(default=(), repr=False)
    """Calls that are made before the world begins, each a line of JSON (`core.steps`)."""
    now: datetime | None = None
    """When the world begins; None: after its last step."""

    def sized(self, packages: int | None, seed: int | None) -> Scenario:
        """Give the same scenario with another number of packages or another seed."""
        if packages is not None and self.answers:
            raise ScenarioError(f"scenario {self.name} is made of recorded answers; it takes no number of packages")
        if packages is not None and packages < 0:
            raise ScenarioError(f"packages must be 0 or more, not {packages}")
        return replace(
            self,
            packages=self.packages if packages is None else packages,
            seed=self.seed if seed is None else seed,
        )

    def on(self, installation: str | None) -> Scenario:
        """Give the same scenario on another installation."""
        return self if installation is None else replace(self, installation=installation)


def scenario(name_or_file: str) -> Scenario:
    """Give a bundled scenario by its name, or one from a file (anything that ends in `.json`).

    Raises `ScenarioError`, which names the known ones, or the file, the place in it and what would be right.
    """
    if name_or_file in names():
        return of_name(name_or_file)
    if name_or_file.endswith(".json"):
        return from_file(Path(name_or_file))
    near = get_close_matches(name_or_file, names(), n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    known = ", ".join(name for name in names() if not name.startswith(DOCUMENTED))
    raise ScenarioError(
        f"unknown scenario {name_or_file!r}.{meant} Known: {known}, documented/<sample>, or a path that ends in .json"
    )


@cache
def names() -> tuple[str, ...]:
    """Give the names of all scenarios that come with the emulator, those of documented samples last."""
    found = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json")]
    return tuple(sorted(found, key=lambda name: (name.startswith(DOCUMENTED), name)))


def bundled() -> Mapping[str, Scenario]:
    """Give all scenarios that come with the emulator, by name."""
    return {name: of_name(name) for name in names()}


@cache
def of_name(name: str) -> Scenario:
    """Read a bundled scenario; one of a documented sample says which path gives the sample."""
    found = from_file(FOLDER / f"{name}.json")
    return replace(found, request=found.answers[0][0]) if name.startswith(DOCUMENTED) else found


def from_file(path: Path) -> Scenario:
    """Read a scenario file; `ScenarioError` if there is none, or it is not one."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ScenarioError(f"cannot read scenario file {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"scenario file {path} is not JSON: {error}") from None
    if FOLDER not in path.parents and (wrong := problem("scenario", document)):
        raise ScenarioError(f"scenario file {path}: {wrong}")
    try:
        return from_document(document, path.stem).on(beside(path, document.get("installation")))
    except ValueError as error:  # a date of the right form that no calendar has
        raise ScenarioError(f"scenario file {path}: /clock: {error}") from None


def beside(path: Path, installation: str | None) -> str | None:
    """Give an installation's file as the scenario file means it: relative to its own folder."""
    if installation is None or not installation.endswith(".json"):
        return installation
    return str(path.parent / installation)


def from_document(document: Mapping[str, Any], name: str) -> Scenario:
    """Give the scenario that a document (valid by its schema) describes."""
    plain = {key: document[key] for key in PLAIN_KEYS if key in document}
    if "clock" in document:
        plain["start"] = moment(document["clock"], name)
    if "now" in document:
        plain["now"] = moment(document["now"], name, "/now")
    steps = tuple(orjson.dumps(step) for step in document.get("steps", ()))
    answers = tuple((answer["path"], orjson.dumps(answer["body"])) for answer in document.get("answers", ()))
    return Scenario(**{"name": name} | plain, answers=answers, steps=steps)


def moment(text: str, name: str, where: str = "/clock") -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ScenarioError(f"scenario {name}: {where}: {text} is no date and time: {error}") from None


def document_of(scenario: Scenario) -> dict[str, Any]:
    """Give the document of a scenario, without steps; what it leaves to the defaults is left out."""
    found: dict[str, Any] = {"$schema": SCHEMA, "format": FORMAT, "name": scenario.name}
    usual = Scenario(scenario.name)
    for key in PLAIN_KEYS:
        if (value := getattr(scenario, key)) is not None and (value != getattr(usual, key) or key == "seed"):
            found[key] = value
    found["clock"] = as_text(scenario.start)
    if scenario.answers:
        found["answers"] = [{"path": path, "body": orjson.loads(body)} for path, body in scenario.answers]
    return found


def as_text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


SCHEMA = "scenario.json"
FORMAT = 1
PLAIN_KEYS = ("name", "description", "installation", "packages", "seed", "language", "base_url")
