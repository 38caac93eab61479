"""Overtaking: what another actor does to a record between a client's read and its write."""

from __future__ import annotations

from emulator.core.errors import Conflict
from emulator.core.records import Package, State, TransferOrder, Transition
from emulator.domain.arranging.packages import CANCEL_CODE, CARRIER_TRANSITIONS
from emulator.domain.commands.transfers import TRANSFERRED, TRANSFERS_COMPLETE
from emulator.domain.state_graph import COMMAND, Subject, shortest_path, sibling_state_id, slug_or_label
from emulator.domain.traffic import COMMANDS, TRAFFIC_USER, command_parameters
from emulator.state.steps import Step
from emulator.state.store import Reader

CARRIER_EVENTS = {code: event for event, code in CARRIER_TRANSITIONS.items()}
"""Command code of a carrier's transition -> carrier event."""
NO_RANDOM_DATA = bytes(32)
"""The parameters of an overtaking command are the first that are possible."""


def build_overtaking_steps(view: Reader, subject: Subject, transition_id: int | None = None) -> list[Step]:
    """Return the writes by which another actor moves a record.

    The default transition is the first that leads out of the record's state: one of the carrier or the operator, of
    another client, or of the planner. Raise `Conflict` if the state does not allow the transition, or has none.
    """
    allowed = [each for each in view.find(Transition, "source_state", subject.state) if is_possible(each, subject)]
    if transition_id is None:
        allowed = [each for each in allowed if each.source_state != each.destination_state]
    for transition in sorted(allowed, key=lambda each: (actor_rank(each), each.position, each.id)):
        if transition_id in (None, transition.id):
            return transition_steps(view, subject, transition)
    names = [f"{each.id} {slug_or_label(each)}" for each in allowed]
    what = "no transition leads" if transition_id is None else f"transition {transition_id} does not lead"
    raise Conflict(f'{what} out of state "{view.get_existing(State, subject.state).name}"', names)


def is_possible(transition: Transition, subject: Subject) -> bool:
    """Return whether recorded writes can make the transition."""
    code = transition.command_code
    is_of_package = code in CARRIER_EVENTS or code == TRANSFERS_COMPLETE
    return transition.actor == COMMAND or code == CANCEL_CODE or (is_of_package and isinstance(subject, Package))


def actor_rank(transition: Transition) -> int:
    """Return the place of a transition's actor in the order of the default."""
    return 2 if transition.command_code == TRANSFERS_COMPLETE else int(transition.actor == COMMAND)


def transition_steps(view: Reader, subject: Subject, transition: Transition) -> list[Step]:
    """Return the writes that make a transition. A transfer order is cancelled with its package."""
    if transition.actor == COMMAND:
        return [command_step(view, subject, transition)]
    if transition.command_code == TRANSFERS_COMPLETE:
        return arrival_steps(view, subject)
    if transition.command_code == CANCEL_CODE:
        package = subject.package if isinstance(subject, TransferOrder) else subject.id
        return [Step("control_cancel_package", {"pk": package})]
    event = CARRIER_EVENTS[transition.command_code]
    return [Step("control_report_carrier", {"pk": subject.id}, body={"event": event})]


def command_step(view: Reader, subject: Subject, transition: Transition) -> Step:
    parameters = command_parameters(view, subject, transition.command_code, NO_RANDOM_DATA)
    body = {"transition": transition.id, "input_parameters": parameters}
    return Step(COMMANDS[type(subject)], {"pk": subject.id}, TRAFFIC_USER, body=body)


def arrival_steps(view: Reader, subject: Subject) -> list[Step]:
    """Return the writes by which all open transfer orders of a package arrive. Then the planner moves the package.

    Raise `Conflict` if the package has no open transfer order.
    """
    steps = [
        command_step(view, transfer, transition)
        for transfer in view.find(TransferOrder, "package", subject.id)
        for transition in shortest_path(view, transfer.state, sibling_state_id(view, transfer.state, TRANSFERRED))
    ]
    if not steps:
        raise Conflict(f"{subject.number} has no open transfer order whose arrival would complete it")
    return steps
