"""The four policies of retries: what each takes, and how long it waits. One row each; the names are the sender's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from emulator.core.fields import Field, FieldError, IntegerField

MAX_BELOW_MIN = "'max_value' must be greater than 'min_value'."

Kwargs = Mapping[str, Any]


class Policy(NamedTuple):
    """One policy."""

    fields: Mapping[str, Field]
    """What it takes."""
    wait: Callable[[Kwargs, int, int], int]
    """Its numbers, the retries so far, and dice -> seconds before the next one."""
    check: Callable[[Kwargs], None] = lambda kwargs: None  # noqa: ARG005 - every check's signature
    """Raises `FieldError` for what is wrong between its numbers."""


def fixed(kwargs: Kwargs, tries: int, dice: int) -> int:  # noqa: ARG001 - every wait's signature
    return int(kwargs["seconds"])


def linear(kwargs: Kwargs, tries: int, dice: int) -> int:  # noqa: ARG001 - every wait's signature
    return limited(kwargs["base"] * tries, kwargs)


def exponential(kwargs: Kwargs, tries: int, dice: int) -> int:  # noqa: ARG001 - every wait's signature
    return limited(kwargs["base"] ** tries * kwargs.get("factor", 1), kwargs)


def drawn(kwargs: Kwargs, tries: int, dice: int) -> int:  # noqa: ARG001 - every wait's signature
    """Both bounds can come; the sender draws from the machine's chance, a world from its dice."""
    low, high = kwargs["min_value"], kwargs["max_value"]
    return int(low + dice % (high - low + 1))


def limited(wait: int, kwargs: Kwargs) -> int:
    limit = kwargs.get("limit")
    return wait if limit is None else min(wait, limit)


def bounds_ascend(kwargs: Kwargs) -> None:
    if kwargs["min_value"] >= kwargs["max_value"]:
        raise FieldError(MAX_BELOW_MIN)


NUMBER = IntegerField(min_value=0)
LIMIT = IntegerField(min_value=0, required=False, allow_null=True)
FACTOR = IntegerField(min_value=1, required=False, default=1)

POLICIES: Mapping[str, Policy] = {
    "fixed": Policy({"seconds": NUMBER}, fixed),
    "linear": Policy({"base": NUMBER, "limit": LIMIT}, linear),
    "exponential": Policy({"base": NUMBER, "factor": FACTOR, "limit": LIMIT}, exponential),
    "random": Policy({"min_value": NUMBER, "max_value": NUMBER}, drawn, bounds_ascend),
}
