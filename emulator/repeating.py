"""Steps done again: each recorded call is made once more, at the time and for the user that it had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulator.core import jsontext
from emulator.core.credentials import writer_named
from emulator.core.errors import ApiError
from emulator.core.exchange import Call
from emulator.core.records import User
from emulator.core.refusals import ControlError
from emulator.core.steps import Doing, Step
from emulator.core.world import World
from emulator.handlers.control import CONTROL_WRITES, perform
from emulator.handlers.living import FORGET, repeat_forgetting
from emulator.handlers.outcomes import POSTPONE, RECORD_OUTCOME, repeat_outcome, repeat_postponement
from emulator.routes import ROUTES, Route

Repeat = Callable[[World, Step], Any]

RETRY = "retry_hook_event"
READS = frozenset(("GET", "HEAD", "OPTIONS"))


class UnrepeatableStep(ValueError):
    """A step that cannot be done in this world; one line says which and why."""


def repeat(world: World, steps: Iterable[Step]) -> None:
    """Do steps in a world, one after another; `UnrepeatableStep` names the first that cannot be done."""
    for position, step in enumerate(steps):
        try:
            repeat_step(world, step)
        except (ApiError, ControlError, LookupError) as error:
            why = (
                jsontext.written(error.body).decode()
                if isinstance(error, ApiError)
                else " ".join(map(str, error.args))
            )
            raise UnrepeatableStep(f"/steps/{position}: {step.operation} was refused: {why}") from None
        except UnrepeatableStep as error:
            raise UnrepeatableStep(f"/steps/{position}/{error}") from None


def repeat_step(world: World, step: Step) -> None:
    """Do one step."""
    repeats = REPEATS.get(step.operation)
    if repeats is None:
        raise UnrepeatableStep(f"operation: {step.operation!r} changes nothing; known: {', '.join(REPEATS)}")
    with world.repeating(step.at), world.doing(Doing(step)):
        repeats(world, step)


def repeat_call(route: Route) -> Repeat:
    """Give what does an operation of the emulated API again."""

    def repeats(world: World, step: Step) -> None:
        if unlike := set(step.path) ^ set(route.path_parameters):
            raise UnrepeatableStep(path_problem(unlike, route.path_parameters))
        call = Call(
            operation=route.operation,
            method=route.method,
            path={name: int(value) for name, value in step.path.items()},
            url=world.settings.base_url,
            query={},
            language=step.language or world.settings.language,
            user=user_named(world, step.user),
            request_id=step.request_id or "",
            read_body=lambda: {} if step.body is None else step.body,
            caller=writer_named(step.user),
        )
        route.handler(call, world)

    return repeats


def user_named(world: World, name: str | None) -> User | None:
    """Give the installation's user of this name, if it knows one."""
    return next((user for user in world.root.all(User) if user.username == name), None)


def repeat_control(world: World, step: Step) -> None:
    """Do a write of the control API again."""
    names = CONTROL_WRITES[step.operation].path
    if unlike := set(step.path) ^ set(names):
        raise UnrepeatableStep(path_problem(unlike, names))
    perform(world, step.operation, step.body, step.path)


def repeat_delivery(world: World, step: Step) -> None:
    """Record once more what an attempt to deliver an event came to; nobody is called."""
    if unlike := set(step.path) ^ {"pk"}:
        raise UnrepeatableStep(path_problem(unlike, ("pk",)))
    try:
        repeat_outcome(world, step)
    except LookupError:
        raise UnrepeatableStep(f"path/pk: this world has no webhook event {step.path['pk']}") from None


def path_problem(unlike: Iterable[str], names: Iterable[str]) -> str:
    return f"path: {', '.join(sorted(unlike))}; known: {', '.join(names) or 'nothing'}"


def is_repeated(route: Route) -> bool:
    """Tell whether an operation is a step: reads and logins are none, nor is a retry, of which the outcome is one."""
    return route.method not in READS and route.scheme is not None and route.operation != RETRY


REPEATS: Mapping[str, Repeat] = {
    **{route.operation: repeat_call(route) for route in ROUTES if is_repeated(route)},
    **dict.fromkeys(CONTROL_WRITES, repeat_control),
    RECORD_OUTCOME: repeat_delivery,
    POSTPONE: repeat_postponement,
    FORGET: repeat_forgetting,
}
"""Operation -> what does it again."""
