"""`oms.converges`: generated histories, after which the records of a webhook receiver must equal the world's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.api.control.clock import advance_clock
from emulator.api.control.deliveries import POSTPONE_EVENTS, RECORD_RESULT
from emulator.core.errors import ApiError, ControlError
from emulator.core.files import write_scenario_file
from emulator.core.json_text import JsonObject, dump_json
from emulator.core.records import Package, StockLocation, TransferOrder, Webhook
from emulator.domain.fault_rules import fault_scenario_document
from emulator.domain.state_graph import Subject, offered_transitions
from emulator.domain.traffic import COMMANDS, TRAFFIC_USER, build_move_step, build_order_step, command_parameters
from emulator.state.outbox import DELIVERY_FAULTS, DeliveryFault, Receiver
from emulator.state.persistence import WorldSnapshot
from emulator.state.steps import Step
from emulator.state.store import Reader
from emulator.state.world import World
from emulator.worlds.loading.faults import arm_from_document, disarm_all_faults
from emulator.worlds.loading.scenarios import encode_scenario_file, export_world, replay_step
from emulator.worlds.redelivery import recorded_steps, redeliver
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MAX_SUBJECT, MAX_CHOICE = 3, 11
"""Largest numbers of an action."""
MAX_GROUP, MAX_GROUPS = 6, 8
"""Largest number of actions in a group, and of groups in a history."""
MAX_FAULTS = 2
MAX_LISTED = 20
"""Number of steps and of differences that a failure lists."""
FAULT_TIMES = (1, 2, 4, 8)
"""Numbers of deliveries that a fault applies to."""
ADVANCES = (1, 60, 600)
"""Durations by which a history advances the clock, in seconds."""
CARRIER_EVENTS = ("delivered", "attempted", "failed", "cancelled")
CLIENT_FAULTS: Sequence[JsonObject] = (
    {"kind": "status", "options": {"status": 503}},
    {"kind": "status", "options": {"status": 500}},
    {"kind": "reset"},
)
"""Faults of the client's own calls to the OMS."""


RESET_HINT = "`reset` must empty the client's records before each history"


class NotConverged(AssertionError):
    """After a history, the client's records differ from the world's."""


class Action(NamedTuple):
    """One action of a history. The numbers select among what is possible at that time."""

    kind: str
    subject: int
    choice: int


class ClientFault(NamedTuple):
    """A fault of one of the client's own calls."""

    choice: int
    nth: int

    def document(self) -> JsonObject:
        return {**CLIENT_FAULTS[self.choice], "when": {"nth": self.nth}, "times": 1}


class Failure(NamedTuple):
    """The latest history that failed: the problem, and its scenario document."""

    problem: str
    steps: Sequence[Step]
    document: JsonObject


# --- actions --------------------------------------------------------------------------------------------------------


def pick(items: Sequence[Any], number: int) -> Any:
    return items[number % len(items)]


def run_step(world: World, step: Step | None) -> None:
    """Make a write of an actor. Do nothing if the rules refuse it."""
    if step is not None:
        with suppress(ApiError, ControlError):
            replay_step(world, step._replace(request_id=world.new_request_id()))


def create_package(world: World, _: int, choice: int) -> None:
    run_step(world, Step("control_make_package", body={"items": 1 + choice % 2}))


def added_subjects(view: Reader) -> list[Subject]:
    """Return the packages and transfer orders of this history."""
    packages: list[Subject] = [view.get_existing(Package, id_) for id_ in view.added_ids(Package)]
    return [*packages, *(view.get_existing(TransferOrder, id_) for id_ in view.added_ids(TransferOrder))]


def move_subject(world: World, subject: int, choice: int) -> None:
    """Move a package or transfer order as the live traffic does. Create a package if there is none."""
    if subjects := added_subjects(world.records):
        run_step(world, build_move_step(world.records, world.settings.source.seed, pick(subjects, subject), choice))
    else:
        create_package(world, subject, choice)


def run_command(world: World, subject: int, choice: int) -> None:
    """Run any command that the state of a package or transfer order offers."""
    if subjects := added_subjects(world.records):
        target: Subject = pick(subjects, subject)
        if transitions := offered_transitions(world.records, target.state):
            transition = pick(transitions, choice)
            parameters = command_parameters(world.records, target, transition.command_code, bytes(5))
            body = {"transition": transition.id, "input_parameters": parameters}
            run_step(world, Step(COMMANDS[type(target)], {"pk": target.id}, TRAFFIC_USER, body=body))


def report_carrier(world: World, subject: int, choice: int) -> None:
    if packages := world.records.added_ids(Package):
        event = pick(CARRIER_EVENTS, choice)
        run_step(world, Step("control_report_carrier", {"pk": pick(packages, subject)}, body={"event": event}))


def cancel_package(world: World, subject: int, _: int) -> None:
    if packages := world.records.added_ids(Package):
        run_step(world, Step("control_cancel_package", {"pk": pick(packages, subject)}))


def change_location(world: World, subject: int, choice: int) -> None:
    """Change a stock location of this history. Create one if there is none."""
    body = {"name": f"Location {choice}"}
    if locations := world.records.added_ids(StockLocation):
        run_step(world, Step("control_change_stock_location", {"id": pick(locations, subject)}, body=body))
    else:
        run_step(world, Step("control_make_stock_location", body=body))


ACTIONS: Mapping[str, Callable[[World, int, int], object]] = {
    "deliver": lambda world, _, __: world.outbox.sender.run_due(world.clock.now()),
    "move": move_subject,
    "command": run_command,
    "delivery_fault": lambda world, subject, choice: world.outbox.add_fault(
        DeliveryFault(pick(DELIVERY_FAULTS, choice), times=FAULT_TIMES[subject])
    ),
    "advance": lambda world, _, choice: advance_clock(world, by=timedelta(seconds=pick(ADVANCES, choice))),
    "create": create_package,
    "carrier": report_carrier,
    "cancel": cancel_package,
    "order": lambda world, subject, choice: run_step(
        world, build_order_step(world.records, world.settings.source.seed, 12 * subject + choice)
    ),
    "location": change_location,
}
"""Kind of action -> function. Shorter histories prefer the kinds at the start."""
WEIGHTS: Mapping[str, int] = {"move": 8, "delivery_fault": 4, "command": 2, "deliver": 2}
"""How often a kind is generated, if not once."""


def history_strategy() -> SearchStrategy[tuple[list[Action], list[ClientFault]]]:
    """Return the strategy of Hypothesis for the actions of a history, and for the faults of the client's calls."""
    from hypothesis import strategies as st

    small = partial(st.integers, 0)
    kinds = [kind for kind in ACTIONS for _ in range(WEIGHTS.get(kind, 1))]
    action = st.builds(Action, st.sampled_from(kinds), small(MAX_SUBJECT), small(MAX_CHOICE))
    fault = st.builds(ClientFault, small(len(CLIENT_FAULTS) - 1), st.integers(1, MAX_CHOICE))
    groups = st.lists(st.lists(action, max_size=MAX_GROUP), max_size=MAX_GROUPS)  # longer histories than one list
    actions = groups.map(lambda lists: [each for group in lists for each in group])
    return st.tuples(actions, st.lists(fault, max_size=MAX_FAULTS))


# --- the check ------------------------------------------------------------------------------------------------------


class Client(NamedTuple):
    """The client that is checked."""

    view: Callable[[], tuple[object, object]]
    """Returns the client's records, and what they should be."""
    reset: Callable[[], object]
    """Empties the client's records."""
    has_url: bool = False
    """Whether the receiver has a URL, so that a server can send a saved history again."""


class ConvergenceCheck:
    """Runs histories in a world, and compares the client's records with the world after each."""

    def __init__(self, worlds: WorldRegistry, name: str, client: Client) -> None:
        self.worlds, self.name, self.client = worlds, name, client
        self.count = 0
        """Number of histories that were run."""
        self.failure: Failure | None = None

    def run(self, subscribe: Callable[[], object], histories: int, seed: int, save: str | PathLike[str]) -> int:
        """Run histories until one fails, then shorter ones that fail, too. Return the number of histories.

        Each history starts from the present state of the world, with the hooks that `subscribe` creates. Save the
        shortest one that fails, and raise `NotConverged`.
        """
        import hypothesis

        before = self.worlds.get(self.name).snapshot()
        start = self.subscribed(before, subscribe)
        generated = hypothesis.given(history_strategy())(lambda history: self.run_history(start, *history))
        settings = hypothesis.settings(
            max_examples=histories,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        try:
            hypothesis.seed(seed)(settings(generated))()
        except hypothesis.errors.Flaky:
            raise NotConverged(f"the same history gave different results: {RESET_HINT}") from None
        except NotConverged:
            if self.failure is None:
                raise
            write_scenario_file(save, encode_scenario_file(self.failure.document))
            raise NotConverged(describe_failure(self.failure, self.count, fspath(save))) from None
        self.start_again(before)
        return self.count

    def subscribed(self, before: WorldSnapshot, subscribe: Callable[[], object]) -> WorldSnapshot:
        """Subscribe the client in a frozen world, without any other hook. Return the new state."""
        world = self.start_again(before._replace(state=before.state._replace(mode="frozen")))
        for other in list(world.records.all(Webhook)):
            if other.is_active:
                run_step(world, Step("delete_hook", {"pk": other.id}, TRAFFIC_USER))
        subscribe()
        return world.snapshot()

    def start_again(self, start: WorldSnapshot) -> World:
        return self.worlds.branch(self.name, self.worlds.get(self.name), start)

    def run_history(self, start: WorldSnapshot, actions: Sequence[Action], faults: Sequence[ClientFault]) -> None:
        """Run one history. Raise `NotConverged` if the records differ afterwards."""
        self.client.reset()
        self.count += 1
        world = self.start_again(start)
        for fault in faults:
            arm_from_document(world, fault.document())
        armed = [fault_scenario_document(each) for each in world.faults.armed]
        with world.outbox.sender.exclusive():
            for action in actions:
                ACTIONS[action.kind](world, action.subject, action.choice)
            settle(world)
        if problem := find_problem(world, self.client):
            document = {**export_world(world, with_secrets=True), "faults": armed}
            if self.client.has_url:
                document = {"redeliver": True, **document}
            steps = recorded_steps(world)[len(start.steps) :]
            self.failure = Failure(problem, steps, document)
            raise NotConverged(problem)


def find_problem(world: World, client: Client) -> str | None:
    """Describe how the client's records differ from the world's, or return None."""
    accepted = [
        f"event {each.event} ({each.event_type})"
        for each in world.outbox.log
        if each.disturbed == "corrupt_signature" and each.delivered
        if (hook := world.records.get(Webhook, each.hook)) is not None and hook.secret_key  # it can be verified
    ]
    if accepted:
        return f"the receiver accepted a wrong signature: {', '.join(accepted)}"
    actual, expected = client.view()
    return None if actual == expected else "\n".join(describe_differences(actual, expected))


def settle(world: World) -> None:
    """Remove all faults, and send events until none is due."""
    world.outbox.clear_faults()
    disarm_all_faults(world)
    while (due := world.outbox.sender.next_due()) is not None:
        advance_clock(world, to=max(due, world.clock.now()))


def describe_differences(actual: object, expected: object) -> list[str]:
    """Return lines that say how the client's records differ: by key, if both are mappings."""
    if not (isinstance(actual, Mapping) and isinstance(expected, Mapping)):
        return [f"the client has {actual!r}, and should have {expected!r}"]
    keys = [key for key in {**expected, **actual} if value_text(actual, key) != value_text(expected, key)]
    return [
        f"{key!r}: the client has {value_text(actual, key)}, and should have {value_text(expected, key)}"
        for key in keys[:MAX_LISTED]
    ]


def value_text(values: Mapping[Any, object], key: object) -> str:
    return repr(values[key]) if key in values else "nothing"


def describe_step(step: Step) -> str:
    """Return a line that describes a step of a history."""
    path = " ".join(map(str, step.path.values()))
    if step.operation == RECORD_RESULT:
        fault = step.body.get("fault")
        return f"event {path} is sent{f' with the fault {fault}' if fault else ''}: {step.body['status']}"
    if step.operation == POSTPONE_EVENTS:
        return ", ".join(f"event {id_} is postponed to {due}" for id_, due in step.body["due"].items())
    return " ".join(filter(None, (step.operation, path, dump_json(step.body).decode() if step.body else "")))


def describe_failure(failure: Failure, count: int, path: str) -> str:
    """Return the text of a failed check: the problem, the shortest history, and the file."""
    faults = [
        f"the client's call {each['when']['nth']} gets {dump_json(each).decode()}"
        for each in failure.document["faults"]
        if "nth" in each.get("when", {})
    ]
    lines = [*faults, *map(describe_step, failure.steps)] or [f"nothing happened: {RESET_HINT}"]
    shown = lines if len(lines) <= MAX_LISTED else [*lines[:MAX_LISTED], f"... and {len(lines) - MAX_LISTED} more"]
    return "\n".join(
        (
            "the receiver does not converge:",
            *(f"  {line}" for line in failure.problem.splitlines()),
            f"the shortest history of {count}, saved as {path}:",
            *(f"  {line}" for line in shown),
        )
    )


def check_recorded(worlds: WorldRegistry, name: str, receiver: str | Receiver, client: Client) -> int:
    """Repeat the recorded history of a world with its deliveries. Raise `NotConverged` if it fails."""
    client.reset()
    world = redeliver(worlds, name, receiver)
    settle(world)
    if problem := find_problem(world, client):
        raise NotConverged(f"the receiver does not converge:\n{problem}")
    return 1
