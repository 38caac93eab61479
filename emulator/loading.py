"""A scenario becomes a world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from emulator.core import jsontext
from emulator.core.bases import Base
from emulator.core.records import Webhook, WebhookEvent
from emulator.core.sources import Clock, ClockMode, made_uuid, within_calendar
from emulator.core.steps import Step
from emulator.core.store import Root, Transaction
from emulator.core.world import Moment, Pace, Settings, World
from emulator.faulting import arm
from emulator.importing.collector import Correction, RecordCollector
from emulator.importing.completion import Completer
from emulator.importing.endpoints import InvalidResponse, RecordedResponse
from emulator.repeating import UnrepeatableStep, repeat
from emulator.rules import installation
from emulator.rules.scenarios import Scenario, ScenarioError
from emulator.rules.seeding import demo_base
from emulator.shapes.cache import RenderCache
from emulator.shapes.events import content_type_of

ANYBODY = "admin"
"""Who calls in a step that does not say."""


class Loaded(NamedTuple):
    """What the worlds of one scenario share: nothing of it ever changes."""

    base: Base
    render_cache: RenderCache
    root: Root
    corrections: tuple[Correction, ...] = ()


def open_world(scenario: Scenario, clock: ClockMode, name: str = "default", *, strict: bool = False) -> World:
    """Make a world that starts as the scenario says; `ScenarioError` where that cannot be."""
    start = load(scenario)
    world = unstepped(scenario, start, clock, name, strict=strict)
    if scenario.steps or scenario.now is not None:
        stepped = start_of(scenario, installation.stamp(scenario.installation))
        world.go_to(stepped._replace(mode=clock), requests=True)
    arm_all(world, scenario)
    return world


def arm_all(world: World, scenario: Scenario) -> None:
    """Arm the scenario's faults, and count the calls that it says were made; `ScenarioError` where that cannot be."""
    for position, line in enumerate(scenario.faults):
        try:
            arm(world, jsontext.read(line))
        except ValueError as error:
            raise ScenarioError(f"{scenario.title}: /faults/{position}: {error}") from None
    for caller, times in scenario.calls:
        world.calls[caller] = [datetime.fromisoformat(at) for at in times]


def unstepped(scenario: Scenario, start: Loaded, clock: ClockMode, name: str, *, strict: bool = False) -> World:
    """Make the world as it is before any step of the scenario."""
    settings = Settings(
        scenario=scenario.name,
        installation=scenario.installation,
        brought=installation.embedded(scenario.installation),
        seed=scenario.seed,
        start=scenario.start,
        language=start.render_cache.language,
        base_url=scenario.base_url,
        error_style=scenario.error_style,
        request=scenario.request,
        limits=scenario.limits_of(),
        source=scenario,
    )
    world = World(
        name,
        settings,
        start.base,
        Clock(clock, scenario.start),
        announce,
        strict=strict,
        render_cache=start.render_cache,
    )
    world.root = start.root
    if scenario.live is not None:
        world.pace = Pace(*scenario.live)
    return world


@lru_cache(maxsize=8)
def start_of(scenario: Scenario, stamp: installation.Stamps) -> Moment:  # noqa: ARG001 - what the cache goes by
    """Do the scenario's steps, and give what its worlds start from."""
    world = unstepped(scenario, load(scenario), "frozen", scenario.name)
    try:
        steps = [step_of(position, line) for position, line in enumerate(scenario.steps)]
        repeat(world, steps)
    except UnrepeatableStep as error:
        raise ScenarioError(f"{scenario.title}: {error}") from None
    world.count_requests_from(1 + max((number_of(step.request_id) for step in steps), default=0))
    if scenario.now is not None:
        world.clock.set(scenario.now)
    return world.moment()


def step_of(position: int, line: bytes) -> Step:
    """Give a step of a scenario, by `admin` if it does not say; `UnrepeatableStep` for a time that no world has."""
    try:
        step = Step.of(jsontext.read(line), ANYBODY)
        return step if step.at is None else step._replace(at=within_calendar(step.at))
    except ValueError as error:
        raise UnrepeatableStep(f"/steps/{position}/at: {error}") from None


def number_of(request_id: str | None) -> int:
    """Give the number in a request's id; what others called a request counts for none."""
    return int(request_id) if request_id is not None and request_id.isascii() and request_id.isdigit() else 0


def load(scenario: Scenario) -> Loaded:
    """Give the base of a scenario; worlds of one scenario, on one state of its installation's files, share it."""
    try:
        return loaded(
            replace(scenario, steps=(), now=None, faults=(), limits=(), calls=(), live=None),
            installation.stamp(scenario.installation),
        )
    except (installation.InvalidInstallation, ScenarioError):
        raise
    except ValueError as error:
        raise ScenarioError(f"{scenario.title}: {error}") from None


@lru_cache(maxsize=8)
def loaded(scenario: Scenario, stamp: installation.Stamps) -> Loaded:  # noqa: ARG001 - what the cache goes by
    """Give the base of a scenario, whatever its steps."""
    if scenario.answers:
        return recorded(scenario)
    language = scenario.language or "en-us"
    base = demo_base(scenario.packages, scenario.seed, scenario.start, scenario.installation)
    return Loaded(base, RenderCache(language, scenario.base_url), Root(base, {}))


def recorded(scenario: Scenario) -> Loaded:
    """Give the base that recorded answers tell of."""
    collector = RecordCollector()
    try:
        collector.add_responses(RecordedResponse(path, jsontext.read(body)) for path, body in scenario.answers)
    except InvalidResponse as error:
        raise ScenarioError(f"{scenario.title}: recorded answer {error}") from None
    collector.set_command_codes()
    base = Completer(collector, installation.load(scenario.installation), scenario.start).complete()
    cache = RenderCache(scenario.language or collector.language, scenario.base_url)
    return Loaded(base, cache, Root(base, {}), tuple(collector.corrections))


def announce(tx: Transaction, settled: Callable[[WebhookEvent, Webhook], WebhookEvent]) -> None:
    """Turn the queued events of a transaction into a record for each active hook of their type.

    This is at the commit, when every record is as it will be; each event keeps that root, to tell of it when asked.
    """
    told_from = Root(tx.base, dict(tx.maps), tx.number)
    for event_type, kind, id_ in tx.events:
        for hook in tx.find(Webhook, "event_type", event_type):
            if hook.is_active:
                tx.add(settled(new_event(tx, hook, told_from.one(kind, id_), told_from), hook))


def new_event(tx: Transaction, hook: Webhook, subject: Any, told_from: Root) -> WebhookEvent:
    id_ = tx.new_id(WebhookEvent)
    return WebhookEvent(
        id=id_,
        webhook=hook.id,
        object_id=subject.id,
        content_type=content_type_of(subject, tx),
        created_date=tx.now,
        modified_date=tx.now,
        uuid=str(made_uuid("webhook_event", id_, tx.now.isoformat())),
        told_from=told_from,
        due=tx.now,
    )
