"""From scenarios to worlds, and back: loading and export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from emulator.api.serializers.events import record_events
from emulator.core import json_text
from emulator.core.errors import Conflict
from emulator.core.json_text import JsonObject
from emulator.domain import installation
from emulator.domain.fault_rules import fault_scenario_document
from emulator.domain.scenario_files import scenario_document, with_installation
from emulator.domain.seeding import make_demo_dataset
from emulator.loading.collector import Correction, RecordCollector
from emulator.loading.completion import Completer
from emulator.loading.faults import arm_fault
from emulator.loading.masking import mask_secrets
from emulator.loading.recorded_responses import InvalidResponse, RecordedResponse
from emulator.loading.replay import UnreplayableStep, replay_steps
from emulator.state.clock import ClockMode, TrafficRate, check_calendar, format_time
from emulator.state.faults import ArmedFault, Faults
from emulator.state.journal import CallTimes
from emulator.state.persistence import WorldSnapshot, WorldState, initial_snapshot
from emulator.state.scenario import Scenario, ScenarioError, Settings
from emulator.state.steps import Step, request_number
from emulator.state.store import BaseDataset, Snapshot
from emulator.state.world import World, WorldServices

DEFAULT_USER = "admin"
"""User of a step that names none."""


class ScenarioBase(NamedTuple):
    """What the worlds of one scenario share. It never changes."""

    base: BaseDataset
    language: str
    records: Snapshot
    corrections: tuple[Correction, ...] = ()


def open_world(scenario: Scenario) -> World:
    """Build a world without a server, with a frozen clock. Raise `ScenarioError` for an invalid scenario."""
    start = starting_snapshot(scenario, "frozen")
    return World("default", settings_of(scenario), start, WorldServices(record_events))


def starting_snapshot(scenario: Scenario, clock: ClockMode) -> WorldSnapshot:
    """Return the state in which the worlds of a scenario start. Raise `ScenarioError` if it cannot be built."""
    start = snapshot_before_steps(scenario)
    if scenario.steps or scenario.now is not None:
        start = snapshot_after_steps(scenario, installation.installation_version(scenario.installation))
    calls = {caller: [datetime.fromisoformat(at) for at in times] for caller, times in scenario.calls}
    faults = arm_scenario_faults(scenario, start.records)
    state = start.state._replace(mode=clock, calls={**start.state.calls, **calls}, next_fault=faults.next_id)
    return start._replace(state=state, faults=faults)


def snapshot_before_steps(scenario: Scenario) -> WorldSnapshot:
    rate = TrafficRate() if scenario.live is None else TrafficRate(*scenario.live)
    return initial_snapshot(load_base(scenario).records, WorldState("frozen", scenario.start, rate=rate))


@lru_cache(maxsize=8)
def snapshot_after_steps(scenario: Scenario, stamp: installation.FileVersions) -> WorldSnapshot:  # noqa: ARG001 - part of the cache's key
    world = World(scenario.name, settings_of(scenario), snapshot_before_steps(scenario), WorldServices(record_events))
    try:
        steps = [parse_step(position, line) for position, line in enumerate(scenario.steps)]
        replay_steps(world, steps)
    except UnreplayableStep as error:
        raise ScenarioError(f"{scenario.title}: {error}") from None
    snapshot = world.snapshot()
    next_request = 1 + max((request_number(step.request_id) for step in steps), default=0)
    now = snapshot.state.now if scenario.now is None else scenario.now
    return snapshot._replace(state=snapshot.state._replace(now=now, next_request=next_request))


def arm_scenario_faults(scenario: Scenario, records: Snapshot) -> Faults:
    """Return the scenario's faults. Raise `ScenarioError` for one that cannot be armed."""
    faults = Faults()
    for position, line in enumerate(scenario.faults):
        try:
            arm_fault(faults, records, json_text.load_json(line))
        except ValueError as error:
            raise ScenarioError(f"{scenario.title}: /faults/{position}: {error}") from None
    return faults


def settings_of(scenario: Scenario) -> Settings:
    options = installation.complete_installation(scenario.installation).options
    return Settings(
        source=scenario,
        scenario=scenario.name,
        installation=scenario.installation,
        embedded_installation=installation.portable_form(scenario.installation),
        seed=scenario.seed,
        start=scenario.start,
        language=load_base(scenario).language,
        base_url=scenario.base_url,
        error_style=scenario.error_style,
        request=scenario.request,
        input_parameters_required=options.input_parameters_required,
        not_found_text=options.not_found_text,
        limits=scenario.limits_by_role(),
    )


def parse_step(position: int, line: bytes) -> Step:
    """Parse a step of a scenario. Raise `UnreplayableStep` for a time outside the calendar."""
    try:
        step = Step.from_document(json_text.load_json(line), DEFAULT_USER)
        return step if step.at is None else step._replace(at=check_calendar(step.at))
    except ValueError as error:
        raise UnreplayableStep(f"/steps/{position}/at: {error}") from None


def load_base(scenario: Scenario) -> ScenarioBase:
    """Return the base of a scenario, from the cache while the installation's files are unchanged."""
    try:
        return build_base(
            replace(scenario, steps=(), now=None, faults=(), limits=(), calls=(), live=None),
            installation.installation_version(scenario.installation),
        )
    except (installation.InvalidInstallation, ScenarioError):
        raise
    except ValueError as error:
        raise ScenarioError(f"{scenario.title}: {error}") from None


@lru_cache(maxsize=8)
def build_base(scenario: Scenario, stamp: installation.FileVersions) -> ScenarioBase:  # noqa: ARG001 - part of the cache's key
    """Return the base of a scenario without steps."""
    if scenario.answers:
        return build_recorded_base(scenario)
    base = make_demo_dataset(
        scenario.packages, scenario.seed, scenario.start, scenario.installation, scenario.data_version
    )
    return ScenarioBase(base, scenario.language or "en-us", Snapshot(base, {}))


def build_recorded_base(scenario: Scenario) -> ScenarioBase:
    """Return the base that is built from recorded responses."""
    collector = RecordCollector()
    try:
        collector.add_responses(RecordedResponse(path, json_text.load_json(body)) for path, body in scenario.answers)
    except InvalidResponse as error:
        raise ScenarioError(f"{scenario.title}: recorded answer {error}") from None
    collector.set_command_codes()
    base = Completer(collector, installation.load_installation(scenario.installation), scenario.start).complete()
    return ScenarioBase(
        base, scenario.language or collector.language, Snapshot(base, {}), tuple(collector.corrections)
    )


def export_world(world: World, *, with_secrets: bool = False) -> JsonObject:
    """Return a scenario document. A world that starts from it is equal to this one, byte for byte.

    Without `with_secrets`, credentials are masked, and the new world sends the masks.

    Raise `Conflict` for a world with writes that are not in the step log.
    """
    with world.lock:
        if not world.steps.is_replayable:
            raise Conflict(f"world {world.name} was changed by other means than calls, so it cannot be exported")
        lines, state = list(world.steps), world.state()
        faults = world.faults.copy().armed
    start = with_installation(world.settings.source.with_traffic(*state.rate), world.settings.embedded_installation)
    return build_export(start, lines, state.now, faults, state.calls, with_secrets=with_secrets)


def build_export(  # noqa: PLR0913 - the parts of a world
    start: Scenario,
    lines: Iterable[bytes],
    now: datetime,
    faults: Iterable[ArmedFault],
    calls: CallTimes,
    *,
    with_secrets: bool = False,
) -> JsonObject:
    """Return the scenario document of a world with these steps, time, armed faults and throttle windows."""
    present = {
        "now": format_time(now),
        "faults": [fault_scenario_document(fault) for fault in faults],
        "calls": {caller: list(map(format_time, times)) for caller, times in calls.items()},
    }
    steps = [json_text.load_json(line) for line in lines]
    document = scenario_document(start) | {key: value for key, value in present.items() if value} | {"steps": steps}
    return document if with_secrets else mask_secrets(document)


def encode_scenario_file(document: JsonObject) -> bytes:
    """Return the text of a scenario file, with one line per step."""
    return json_text.dump_lines(document)
