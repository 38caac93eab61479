"""From scenarios to worlds, and back: loading, replay of recorded steps, and export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from emulator.api.control.clock import FORGET_ORDERS, replay_order_deletion
from emulator.api.control.deliveries import POSTPONE_EVENTS, RECORD_RESULT, replay_postponement, replay_result
from emulator.api.control.operations import CONTROL_OPERATIONS, run_operation
from emulator.api.routes import ROUTES, Route
from emulator.api.serializers.events import record_events
from emulator.api.views.records import find_user
from emulator.core import json_text
from emulator.core.call import Call
from emulator.core.credentials import find_writer
from emulator.core.errors import ApiError, Conflict, ControlError
from emulator.core.json_text import JsonObject
from emulator.core.progress import track
from emulator.domain import installation
from emulator.domain.fault_rules import fault_scenario_document
from emulator.domain.scenario_files import scenario_document, with_installation
from emulator.domain.seeding import make_demo_dataset
from emulator.state.clock import ClockMode, TrafficRate, check_calendar, format_time
from emulator.state.faults import ArmedFault, Faults
from emulator.state.journal import CallTimes
from emulator.state.persistence import WorldSnapshot, WorldState, initial_snapshot
from emulator.state.scenario import Scenario, ScenarioError, Settings
from emulator.state.steps import Step, request_number
from emulator.state.store import BaseDataset, Snapshot
from emulator.state.world import World, WorldServices
from emulator.worlds.loading.faults import arm_fault
from emulator.worlds.loading.masking import mask_secrets

if TYPE_CHECKING:
    from emulator.worlds.loading.collector import Correction

ReplayFunction = Callable[[World, Step], object]

RETRY_OPERATION = "retry_hook_event"
READ_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
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
def snapshot_after_steps(scenario: Scenario, _versions: installation.FileVersions) -> WorldSnapshot:
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
        embedded_installation=installation.portable_form(scenario.installation),
        language=load_base(scenario).language,
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
def build_base(scenario: Scenario, _versions: installation.FileVersions) -> ScenarioBase:
    """Return the base of a scenario without steps."""
    if scenario.answers:
        return build_recorded_base(scenario)
    base = make_demo_dataset(
        scenario.packages, scenario.seed, scenario.start, scenario.installation, scenario.data_version
    )
    return ScenarioBase(base, scenario.language or "en-us", Snapshot(base, {}))


def build_recorded_base(scenario: Scenario) -> ScenarioBase:
    """Return the base that is built from recorded responses."""
    from emulator.worlds.loading.completion import complete_responses  # noqa: PLC0415 - few scenarios have such responses

    base, collector = complete_responses(scenario)
    return ScenarioBase(
        base, scenario.language or collector.language, Snapshot(base, {}), tuple(collector.corrections)
    )


# --- replay: each call is made again, at its recorded time and for its recorded user ------------------------------


class UnreplayableStep(ValueError):
    """A step that cannot be replayed in this world. The message is one line: which step, and why."""


def replay_steps(world: World, steps: Sequence[Step]) -> None:
    """Replay steps in order. Raise `UnreplayableStep` for the first one that fails."""
    for position, step in enumerate(track(steps, len(steps))):
        try:
            replay_step(world, step)
        except (ApiError, ControlError, LookupError) as error:
            reason = " ".join(map(str, error.args))
            if isinstance(error, ApiError):
                reason = json_text.dump_json(error.body).decode()
            raise UnreplayableStep(f"/steps/{position}: {step.operation} was refused: {reason}") from None
        except UnreplayableStep as error:
            raise UnreplayableStep(f"/steps/{position}/{error}") from None


def replay_step(world: World, step: Step, *, finalize_events: bool = False) -> None:
    """Run a step at its time. The results of the events of a recorded step are further steps."""
    run = REPLAYS.get(step.operation)
    if run is None:
        raise UnreplayableStep(f"operation: {step.operation!r} changes nothing; known: {', '.join(REPLAYS)}")
    with world.replaying(step.at, finalize_events=finalize_events), world.recording(step):
        run(world, step)


def build_call_replay(route: Route) -> ReplayFunction:
    """Return the function that replays an operation of the emulated API."""

    def run(world: World, step: Step) -> None:
        check_path(step, route.path_parameters)
        call = Call(
            operation=route.operation,
            method=route.method,
            path={name: int(value) for name, value in step.path.items()},
            url=world.settings.source.base_url,
            query={},
            language=step.language or world.settings.language,
            user=find_user(world.records, step.user),
            request_id=step.request_id or "",
            read_body=lambda: {} if step.body is None else step.body,
            caller=find_writer(step.user),
            is_replayed=True,
        )
        route.view(call, world)

    return run


def replay_control(world: World, step: Step) -> None:
    check_path(step, CONTROL_OPERATIONS[step.operation].path)
    run_operation(world, step.operation, step.body, step.path)


def replay_delivery(world: World, step: Step) -> None:
    """Record the result of a delivery attempt again, without sending anything."""
    check_path(step, ("pk",))
    try:
        replay_result(world, step)
    except LookupError:
        raise UnreplayableStep(f"path/pk: this world has no webhook event {step.path['pk']}") from None


def check_path(step: Step, names: Iterable[str]) -> None:
    """Raise `UnreplayableStep` unless the step has exactly these path parameters."""
    if wrong := set(step.path) ^ set(names):
        raise UnreplayableStep(f"path: {', '.join(sorted(wrong))}; known: {', '.join(names) or 'nothing'}")


def is_replayed(route: Route) -> bool:
    """Return whether calls of an operation are steps. A retry is not, because its delivery result is one."""
    return route.method not in READ_METHODS and route.auth_scheme is not None and route.operation != RETRY_OPERATION


REPLAYS: Mapping[str, ReplayFunction] = {
    **{route.operation: build_call_replay(route) for route in ROUTES if is_replayed(route)},
    **dict.fromkeys(CONTROL_OPERATIONS, replay_control),
    RECORD_RESULT: replay_delivery,
    POSTPONE_EVENTS: replay_postponement,
    FORGET_ORDERS: replay_order_deletion,
}
"""Operation -> function that replays it."""


# --- export -------------------------------------------------------------------------------------------------------


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
