"""The type of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emulator.core.fields import Field
from emulator.core.records import Record
from emulator.rules.commands.steps import CommandStep, Outcome, Parameters


@dataclass(frozen=True)
class Command:
    """A command. `run` receives the subject after its transition. `parameters` are fields of `input_parameters`."""

    run: Callable[[Record, Parameters, CommandStep], Outcome]
    parameters: Mapping[str, Field] = field(default_factory=dict)
