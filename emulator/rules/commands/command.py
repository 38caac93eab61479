"""What a command is: one small function, and the parameters that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core.fields import Field
from emulator.rules.commands.steps import Outcome, Parameters, Step


@dataclass(frozen=True)
class Command:
    """`run` gets the subject after its move; `parameters` are the fields of `input_parameters` that it reads."""

    run: Callable[[Any, Parameters, Step], Outcome]
    parameters: Mapping[str, Field] = field(default_factory=dict)
