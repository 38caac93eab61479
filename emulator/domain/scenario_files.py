"""Scenario files and the bundled scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from emulator.core import json_text
from emulator.core.credentials import validate_limits
from emulator.core.errors import InvalidDocument, did_you_mean
from emulator.core.files import read_json_file
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import find_problem
from emulator.domain.installation import FOLDER as INSTALLATIONS
from emulator.domain.installation import bundled_path, installation_path, is_inline_document, unknown_installation
from emulator.state.clock import check_calendar, format_time
from emulator.state.scenario import Scenario, ScenarioError

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "scenarios"
DOCUMENTED = "documented/"
"""Prefix of the scenarios that `tools/documented_scenarios.py` imports from the documented samples."""
SCHEMA = "scenario.json"
FORMAT = 1
PLAIN_KEYS = (
    "name",
    "description",
    "installation",
    "packages",
    "data_version",
    "seed",
    "language",
    "base_url",
    "error_style",
    "redeliver",
)


def with_installation(scenario: Scenario, installation: str | None) -> Scenario:
    """Return the scenario on another installation. A path becomes absolute. None changes nothing."""
    return scenario if installation is None else replace(scenario, installation=absolute_installation(installation))


def with_limits(scenario: Scenario, limits: Mapping[str, Mapping[str, str]] | None) -> Scenario:
    """Return the scenario with other limits. None changes nothing."""
    valid = validate_limits(limits or {})
    rates = tuple((role, scope, rate) for role, scopes in valid.items() for scope, rate in scopes.items())
    return replace(scenario, limits=rates) if limits else scenario


def find_scenario(name_or_file: str) -> Scenario:
    """Return a scenario by its name, or from a path that ends in `.json`. Raise `ScenarioError` if it is invalid."""
    if name_or_file in scenario_names():
        return read_bundled(name_or_file)
    if name_or_file.endswith(".json"):
        return read_scenario_file(Path(name_or_file))
    meant = did_you_mean(name_or_file, scenario_names()) or "."
    known = ", ".join(name for name in scenario_names() if not name.startswith(DOCUMENTED))
    raise ScenarioError(
        f"unknown scenario {name_or_file!r}{meant} Known: {known}, documented/<sample>, or a path that ends in .json"
    )


@cache
def scenario_names() -> tuple[str, ...]:
    """Return the names of the bundled scenarios, those of documented samples last."""
    found = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json")]
    return tuple(sorted(found, key=lambda name: (name.startswith(DOCUMENTED), name)))


def bundled_scenarios() -> Mapping[str, Scenario]:
    """Return all bundled scenarios by name."""
    return {name: read_bundled(name) for name in scenario_names()}


@cache
def read_bundled(name: str) -> Scenario:
    """Read a bundled scenario. A scenario of a documented sample also names the path of the sample."""
    found = read_scenario_file(FOLDER / f"{name}.json")
    return replace(found, request=found.answers[0][0]) if name.startswith(DOCUMENTED) else found


def read_scenario_file(path: Path) -> Scenario:
    """Read a scenario file. Raise `ScenarioError` if it is missing or invalid."""
    document = read_json_file(path, f"scenario file {path}", ScenarioError)
    if FOLDER not in path.parents and (wrong := schema_problem(document)):
        raise ScenarioError(f"scenario file {path}: {wrong}")
    return with_installation(
        scenario_from_document(document, str(path)), resolve_installation_path(path, document.get("installation"))
    )


def schema_problem(document: JsonValue) -> str | None:
    """Return one line that says why a document is not a scenario, or None if it is one."""
    version = document.get("format", FORMAT) if isinstance(document, dict) else FORMAT
    if version != FORMAT and isinstance(version, int) and not isinstance(version, bool):
        return f"/format: version {version} is not supported by this version of the emulator; supported: {FORMAT}"
    return find_problem("scenario", document)


def resolve_installation_path(path: Path, installation: JsonValue) -> str | None:
    """Return the name of an installation, or its path relative to the scenario file.

    Raise `ScenarioError` for a path outside the folder of the scenario file.
    """
    if not isinstance(installation, str) or bundled_path(installation) is not None:
        return installation if isinstance(installation, str) else None
    found = path.parent / installation if installation.endswith(".json") else Path(installation)
    if not is_below(found, path.parent):
        raise ScenarioError(
            f"scenario file {path}: /installation: {unknown_installation(installation)} below its folder"
        )
    return str(found)


def is_below(path: Path, folder: Path) -> bool:
    """Return whether a path, with its links resolved, is below a folder that is not the root. It need not exist."""
    try:
        folder = folder.resolve()
        return folder != folder.parent and path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a null character
        return False


def check_client_path(scenario: str, start: Scenario) -> None:
    """Raise `ScenarioError` if a client of the control API may not name this scenario, whether it exists or not."""
    is_path = scenario.endswith(".json") and scenario not in scenario_names()
    if is_path and not is_below(Path(scenario), client_folder(start)):
        raise ScenarioError(
            f"cannot read scenario file {scenario}: it is outside the folder of the server's scenario"
        )


def check_client_installation(installation: JsonValue, start: Scenario) -> None:
    """Raise `ScenarioError` if a client may not name this installation. It may name that of the server's scenario."""
    if not isinstance(installation, str) or bundled_path(installation) is not None:
        return
    is_own = str(Path(installation).absolute()) == start.installation
    if not (is_own or is_below(Path(installation), client_folder(start))):
        raise ScenarioError(str(unknown_installation(installation)))


def client_folder(start: Scenario) -> Path:
    """Return the folder of the server's scenario file, or the working directory. Clients may name files below it."""
    is_bundled = start.file is None or FOLDER in Path(start.file).parents
    return Path.cwd() if is_bundled else Path(str(start.file)).parent


def scenario_from_document(document: JsonObject, file: str | None = None) -> Scenario:
    """Return the scenario of a document that matches the schema. Raise `ScenarioError` for an invalid time."""
    plain = {key: document[key] for key in PLAIN_KEYS if key in document}
    plain |= {key: int(value) for key, value in plain.items() if isinstance(value, float)}  # 2.0 is an integer
    if "installation" in plain:
        installation = plain["installation"]  # a name, a path, or a document
        plain["installation"] = (
            json_text.dump_json(installation).decode() if isinstance(installation, dict) else str(installation)
        )
    found = Scenario(
        **plain,
        steps=tuple(json_text.dump_json(step) for step in document.get("steps", ())),
        answers=tuple(
            (answer["path"], json_text.dump_json(answer["body"])) for answer in document.get("answers", ())
        ),
        faults=tuple(json_text.dump_json(fault) for fault in document.get("faults", ())),
        calls=tuple((caller, tuple(times)) for caller, times in document.get("calls", {}).items()),
        file=file,
    )
    try:
        found = with_limits(found, document.get("limits"))
    except InvalidDocument as error:
        raise ScenarioError(f"{found.title}: /{error}") from None
    start = parse_time(found, "clock", document["clock"]) if "clock" in document else found.start
    now = parse_time(found, "now", document["now"]) if "now" in document else None
    if (live := document.get("live")) is not None:
        found = found.with_traffic(live["orders_per_hour"], live.get("paused", False))
    return with_installation(replace(found, start=start, now=now), plain.get("installation"))


def parse_time(scenario: Scenario, key: str, text: str) -> datetime:
    try:
        return check_calendar(datetime.fromisoformat(text))
    except ValueError as error:
        raise ScenarioError(f"{scenario.title}: /{key}: {error}") from None


def absolute_installation(installation: str) -> str:
    """Return the name of a bundled installation, JSON text unchanged, or an absolute path."""
    if is_inline_document(installation):
        return installation
    try:
        path = installation_path(installation)
    except ValueError:  # reported when the installation is loaded
        return installation
    return installation if path.parent == INSTALLATIONS else str(path.absolute())


def scenario_document(scenario: Scenario) -> JsonObject:
    """Return the document of a scenario, without steps and without default values."""
    document: JsonObject = {"$schema": SCHEMA, "format": FORMAT, "name": scenario.name}
    defaults = Scenario(scenario.name)
    for key in PLAIN_KEYS:
        if (value := getattr(scenario, key)) is not None and (value != getattr(defaults, key) or key == "seed"):
            document[key] = (
                json_text.load_json(value) if key == "installation" and is_inline_document(value) else value
            )
    document["clock"] = format_time(scenario.start)
    if scenario.live is not None:
        orders, is_paused = scenario.live
        document["live"] = {"orders_per_hour": orders} | ({"paused": True} if is_paused else {})
    if scenario.limits:
        document["limits"] = scenario.limits_by_role()
    if scenario.answers:
        document["answers"] = [{"path": path, "body": json_text.load_json(body)} for path, body in scenario.answers]
    return document
