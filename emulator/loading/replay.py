"""Replay of recorded steps: each call is made again, at its recorded time and for its recorded user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from emulator.api.control.clock import FORGET_ORDERS, replay_order_deletion
from emulator.api.control.deliveries import POSTPONE_EVENTS, RECORD_RESULT, replay_postponement, replay_result
from emulator.api.control.operations import CONTROL_OPERATIONS, run_operation
from emulator.api.routes import ROUTES, Route
from emulator.api.views.records import find_user
from emulator.core import json_text
from emulator.core.call import Call
from emulator.core.credentials import find_writer
from emulator.core.errors import ApiError, ControlError
from emulator.core.progress import track
from emulator.state.steps import PendingStep, Step
from emulator.state.world import World

ReplayFunction = Callable[[World, Step], object]

RETRY_OPERATION = "retry_hook_event"
READ_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


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


def replay_step(world: World, step: Step) -> None:
    run = REPLAYS.get(step.operation)
    if run is None:
        raise UnreplayableStep(f"operation: {step.operation!r} changes nothing; known: {', '.join(REPLAYS)}")
    with world.replaying(step.at), world.recording(PendingStep(step)):
        run(world, step)


def build_call_replay(route: Route) -> ReplayFunction:
    """Return the function that replays an operation of the emulated API."""

    def run(world: World, step: Step) -> None:
        check_path(step, route.path_parameters)
        call = Call(
            operation=route.operation,
            method=route.method,
            path={name: int(value) for name, value in step.path.items()},
            url=world.settings.base_url,
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
