"""Overtaking: what another actor does to a record between a client's read and its write."""

from __future__ import annotations

from emulator.core.errors import Conflict
from emulator.core.records import Package, State, TransferOrder, Transition
from emulator.domain.arranging.packages import CANCEL_CODE, CARRIER_TRANSITIONS
from emulator.domain.state_graph import COMMAND, Subject, slug_or_label
from emulator.domain.traffic import COMMANDS, TRAFFIC_USER, command_parameters
from emulator.state.steps import Step
from emulator.state.store import Reader

CARRIER_EVENTS = {code: event for event, code in CARRIER_TRANSITIONS.items()}
"""Command code of a carrier's transition -> carrier event."""
NO_RANDOM_DATA = bytes(32)
"""The parameters of an overtaking command are the first that are possible."""


def build_overtaking_step(view: Reader, subject: Subject, transition_id: int | None = None) -> Step:
    """Return the write by which another actor moves a record: the carrier, the operator or another client.

    The default transition is the first that leads out of the record's state, those of carrier and operator first.
    Raise `Conflict` if the state does not allow the transition, or if there is none.
    """
    allowed = [each for each in view.find(Transition, "source_state", subject.state) if is_possible(each, subject)]
    if transition_id is None:
        allowed = [each for each in allowed if each.source_state != each.destination_state]
    for transition in sorted(allowed, key=lambda each: (each.actor == COMMAND, each.position, each.id)):
        if transition_id in (None, transition.id):
            return transition_step(view, subject, transition)
    names = [f"{each.id} {slug_or_label(each)}" for each in allowed]
    what = "no transition leads" if transition_id is None else f"transition {transition_id} does not lead"
    raise Conflict(f'{what} out of state "{view.get_existing(State, subject.state).name}"', names)


def is_possible(transition: Transition, subject: Subject) -> bool:
    """Return whether a single write makes the transition. The planner's depend on other records."""
    code = transition.command_code
    is_carrier = code in CARRIER_EVENTS and isinstance(subject, Package)
    return transition.actor == COMMAND or is_carrier or code == CANCEL_CODE


def transition_step(view: Reader, subject: Subject, transition: Transition) -> Step:
    """Return the write that makes a transition. A transfer order is cancelled with its package."""
    path: dict[str, int | str] = {"pk": subject.id}
    if transition.actor == COMMAND:
        parameters = command_parameters(view, subject, transition.command_code, NO_RANDOM_DATA)
        body = {"transition": transition.id, "input_parameters": parameters}
        return Step(COMMANDS[type(subject)], path, TRAFFIC_USER, body=body)
    if transition.command_code == CANCEL_CODE:
        package = subject.package if isinstance(subject, TransferOrder) else subject.id
        return Step("control_cancel_package", {"pk": package})
    return Step("control_report_carrier", path, body={"event": CARRIER_EVENTS[transition.command_code]})
