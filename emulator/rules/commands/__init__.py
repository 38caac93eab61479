"""One small function per command, and the one place that runs them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.records import Package, TransferOrder, User
from emulator.core.store import Transaction
from emulator.rules.commands.packages import PACKAGE_COMMANDS
from emulator.rules.commands.packages import only_the_state as package_moves
from emulator.rules.commands.steps import Outcome, Parameters, Step, move
from emulator.rules.commands.transfers import TRANSFER_COMMANDS
from emulator.rules.commands.transfers import only_the_state as transfer_moves
from emulator.rules.graph import allowed, refuse

Command = Callable[[Any, Parameters, Step], Outcome]

COMMANDS: dict[type[Any], Mapping[str, Command]] = {Package: PACKAGE_COMMANDS, TransferOrder: TRANSFER_COMMANDS}
PLAIN_MOVES: dict[type[Any], Command] = {Package: package_moves, TransferOrder: transfer_moves}
"""What a transition does whose command code nobody knows: another installation's, moved along the graph only."""


def run(subject: Any, asked: Mapping[str, Any], user: User | None, tx: Transaction) -> Outcome:
    """Run the command that `asked` names on a package or transfer order; give the body of its answer, if any.

    `asked` has `transition`, `slug` or both, and `input_parameters`. Raises `ValidationFailed` when the state, the
    names or the parameters do not allow it; the transaction must then be dropped.
    """
    transition = allowed(tx, subject, asked)
    parameters = asked.get("input_parameters") or {}
    if transition.is_packageitem_parameter_required and "package_items" not in parameters:
        raise refuse("package_items", "This field is required.")
    step = Step(tx, transition, user)
    command = COMMANDS[type(subject)].get(transition.command_code, PLAIN_MOVES[type(subject)])
    return command(move(subject, step), parameters, step)
