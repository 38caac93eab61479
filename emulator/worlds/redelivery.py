"""Redelivery: repeat the recorded steps of a world, and send its webhook deliveries again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from emulator.api.control.deliveries import RECORD_RESULT, EventGone, save_result
from emulator.core.errors import Conflict
from emulator.state.outbox import DeliveryFault, Receiver
from emulator.state.steps import Step
from emulator.state.world import World
from emulator.worlds.loading.scenarios import UnreplayableStep, parse_step, replay_steps
from emulator.worlds.registry import WorldRegistry

CREATE_HOOK = "create_hook"


def redeliver(worlds: WorldRegistry, name: str, receiver: str | Receiver | None = None) -> World:
    """Start a world again, repeat its steps, and send each recorded delivery again in its place. Return the world.

    A delivery gets its recorded fault again. Its result is the new response. `receiver` replaces the receiver of the
    newest hook. Raise `Conflict` for a world whose steps cannot be repeated.
    """
    before = worlds.get(name)
    if not before.steps.is_replayable:
        raise Conflict(f"world {name} was changed by other means than calls, so its steps cannot be repeated")
    steps, mode, now = recorded_steps(before), before.clock.mode, before.clock.now()
    world = worlds.create(name, replace(before.settings.source, steps=(), now=None), "frozen")
    world.outbox.receivers.update(before.outbox.receivers)
    try:
        with world.outbox.sender.exclusive():
            repeat_steps(world, steps if receiver is None else retarget_hook(world, steps, receiver))
    except UnreplayableStep as error:
        raise Conflict(f"world {name} cannot be repeated: {error}") from None
    world.set_clock(mode, None if mode == "real" else max(now, world.clock.now()))
    return world


def recorded_steps(world: World) -> list[Step]:
    return [parse_step(position, line) for position, line in enumerate(world.steps)]


def repeat_steps(world: World, steps: Iterable[Step]) -> None:
    """Replay the steps in order, but make each recorded delivery attempt again."""
    for step in steps:
        if step.at is not None:
            world.clock.set_time(max(step.at, world.clock.now()))
        if step.operation == RECORD_RESULT:
            repeat_attempt(world, step)
        else:
            replay_steps(world, [step])


def repeat_attempt(world: World, step: Step) -> None:
    """Send an event again, with the fault of the recorded attempt, and record the new result."""
    event_id, fault = int(step.path["pk"]), step.body.get("fault")
    if fault is not None:
        world.outbox.add_fault(DeliveryFault(fault))
    try:
        save_result(world, event_id, world.outbox.sender.attempt(event_id), step.request_id)
    except (EventGone, LookupError):
        raise UnreplayableStep(f"{step.operation}: this world has no webhook event {event_id}") from None
    finally:
        world.outbox.clear_faults()


def retarget_hook(world: World, steps: list[Step], receiver: str | Receiver) -> Iterator[Step]:
    """Return the steps with another receiver of the newest hook, and of all hooks with the same address."""
    address = receiver if isinstance(receiver, str) else f"http://{world.outbox.add_receiver(receiver)}/"
    urls = [step.body["target_url"] for step in steps if step.operation == CREATE_HOOK]
    if not urls:
        raise UnreplayableStep("no step creates a hook whose receiver can be replaced")
    for step in steps:
        is_target = step.operation == CREATE_HOOK and step.body["target_url"] == urls[-1]
        yield step._replace(body={**step.body, "target_url": address}) if is_target else step
