"""One small function per command, and the one place that runs them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.fields import validate
from emulator.core.records import Package, TransferOrder, User
from emulator.core.store import Transaction
from emulator.rules.commands.command import Command
from emulator.rules.commands.packages import PACKING_COMMANDS
from emulator.rules.commands.shipping import SHIPPING_COMMANDS
from emulator.rules.commands.steps import Outcome, Step, move
from emulator.rules.commands.transfers import TRANSFER_COMMANDS
from emulator.rules.graph import allowed, refuse

COMMANDS: dict[type[Any], Mapping[str, Command]] = {
    Package: {**PACKING_COMMANDS, **SHIPPING_COMMANDS},
    TransferOrder: TRANSFER_COMMANDS,
}
SUBJECTS: dict[str, type[Any]] = {"PackageStatus": Package, "TransferStatus": TransferOrder}
"""Enum class of states -> the records that commands move among them."""
PLAIN_MOVE = "PKG_STATE_TRANSITION"
"""What a transition runs whose command code nobody knows, as another installation may have: the state alone moves."""


def run(
    subject: Any, asked: Mapping[str, Any], user: User | None, tx: Transaction, request_id: str | None = None
) -> Outcome:
    """Run the command that `asked` names on a package or transfer order; give the body of its answer, if any.

    `asked` has `transition`, `slug` or both, and `input_parameters`. Raises `ValidationFailed` when the state, the
    names or the parameters do not allow it; the transaction must then be dropped.
    """
    transition = allowed(tx, subject, asked)
    command = command_of(type(subject), transition.command_code)
    given = asked.get("input_parameters") or {}
    parameters = validate(command.parameters, given)
    if transition.is_packageitem_parameter_required and not given.get("package_items"):
        raise refuse("package_items", "This field is required.")
    step = Step(tx, transition, user, request_id)
    return command.run(move(subject, step), parameters, step)


def command_of(kind: type[Any], code: str) -> Command:
    """Give the command with this code; an unknown one moves the state and nothing else."""
    commands = COMMANDS[kind]
    return commands.get(code, commands[PLAIN_MOVE])


def command_known(enum_class: str, code: str) -> bool:
    """Tell whether records in states of this enum class have a command with this code."""
    return enum_class in SUBJECTS and code in COMMANDS[SUBJECTS[enum_class]]


__all__ = ["COMMANDS", "PLAIN_MOVE", "SUBJECTS", "Command", "Outcome", "command_known", "command_of", "run"]
