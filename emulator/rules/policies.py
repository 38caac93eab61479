"""The four retry policies of webhooks: their fields and their waits. The names are the vendor's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from emulator.core.fields import Field, FieldError, IntegerField
from emulator.core.jsontext import JsonValue

MAX_BELOW_MIN = "'max_value' must be greater than 'min_value'."

Kwargs: TypeAlias = Mapping[str, JsonValue]


class RetryPolicy(NamedTuple):
    """A retry policy."""

    fields: Mapping[str, Field]
    """The fields of its configuration."""
    seconds: Callable[[Kwargs, int, int], int]
    """Configuration, number of retries so far, random number -> seconds before the next retry."""
    check: Callable[[Kwargs], None] = lambda _kwargs: None
    """Raises `FieldError` for contradictory values."""


def fixed_seconds(kwargs: Kwargs, _retries: int, _random: int) -> int:
    return int(kwargs["seconds"])


def linear_seconds(kwargs: Kwargs, retries: int, _random: int) -> int:
    return with_maximum(kwargs["base"] * retries, kwargs)


def exponential_seconds(kwargs: Kwargs, retries: int, _random: int) -> int:
    return with_maximum(kwargs["base"] ** retries * kwargs.get("factor", 1), kwargs)


def random_seconds(kwargs: Kwargs, _retries: int, random: int) -> int:
    """Return a number of seconds between the bounds, both included."""
    low, high = kwargs["min_value"], kwargs["max_value"]
    return int(low + random % (high - low + 1))


def with_maximum(wait: int, kwargs: Kwargs) -> int:
    limit = kwargs.get("limit")
    return wait if limit is None else min(wait, limit)


def check_bounds(kwargs: Kwargs) -> None:
    if kwargs["min_value"] >= kwargs["max_value"]:
        raise FieldError(MAX_BELOW_MIN)


NUMBER = IntegerField(min_value=0)
LIMIT = IntegerField(min_value=0, required=False, allow_null=True)
FACTOR = IntegerField(min_value=1, required=False, default=1)

POLICIES: Mapping[str, RetryPolicy] = {
    "fixed": RetryPolicy({"seconds": NUMBER}, fixed_seconds),
    "linear": RetryPolicy({"base": NUMBER, "limit": LIMIT}, linear_seconds),
    "exponential": RetryPolicy({"base": NUMBER, "factor": FACTOR, "limit": LIMIT}, exponential_seconds),
    "random": RetryPolicy({"min_value": NUMBER, "max_value": NUMBER}, random_seconds, check_bounds),
}
