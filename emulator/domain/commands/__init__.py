"""The commands of packages and transfer orders. `run_command` runs the one that a request names."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.call import Call
from emulator.core.fields import validate
from emulator.core.json_text import JsonObject
from emulator.core.records import Package, RecordKind, TransferOrder
from emulator.domain.commands.packages import PACKAGE_COMMANDS, Command, Outcome
from emulator.domain.commands.transfers import TRANSFER_COMMANDS
from emulator.domain.state_graph import (
    STATE_GRAPHS,
    CommandStep,
    Subject,
    apply_transition,
    command_error,
    resolve_transition,
)
from emulator.state.store import Transaction

COMMANDS: dict[RecordKind, Mapping[str, Command]] = {
    Package: PACKAGE_COMMANDS,
    TransferOrder: TRANSFER_COMMANDS,
}
PLAIN_MOVE = "PKG_STATE_TRANSITION"
"""Command for unknown command codes, which other installations may have. It only moves the state."""


NEWLY_REQUIRED = frozenset(("denial_reason",))
"""Parameters that recorded steps may lack, because they were optional when the steps were recorded."""


def run_command(subject: Subject, body: JsonObject, tx: Transaction, call: Call | None = None) -> Outcome:
    """Run the command that `body` names on a package or transfer order. Return the body of the response, if any.

    `body` contains `transition`, `slug` or both, and `input_parameters`. Raise `ValidationFailed` if the state, the
    names or the parameters do not allow the command. The caller must then discard the transaction.
    """
    transition = resolve_transition(tx, subject, body)
    command = command_by_code(type(subject), transition.command_code)
    input_parameters = body.get("input_parameters") or {}
    fields = command.parameters
    if call is not None and call.is_replayed:
        optional = NEWLY_REQUIRED - input_parameters.keys()
        fields = {name: each for name, each in fields.items() if name not in optional}
    parameters = validate(fields, input_parameters) if fields else {}
    if transition.is_packageitem_parameter_required and not input_parameters.get("package_items"):
        raise command_error("package_items", "This field is required.")
    step = CommandStep(tx, transition) if call is None else CommandStep(tx, transition, call.user, call.request_id)
    return command.run(apply_transition(subject, step), parameters, step)


def command_by_code(kind: RecordKind, code: str) -> Command:
    """Return the command with this code. The default is the plain move."""
    commands = COMMANDS[kind]
    return commands.get(code, commands[PLAIN_MOVE])


def is_known_command(enum_class: str, code: str) -> bool:
    """Return whether records in states of this enum class have a command with this code."""
    return any(code in COMMANDS[kind] for kind, of_kind in STATE_GRAPHS.values() if of_kind == enum_class)
