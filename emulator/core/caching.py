"""Caches of function results whose memory is bounded, although clients choose the arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

ArgumentsT = ParamSpec("ArgumentsT")
ResultT = TypeVar("ResultT")
MAX_KEY_LENGTH = 1_000
"""Longest text or bytes among the arguments of a cached call."""


def cache_short(maxsize: int) -> Callable[[Callable[ArgumentsT, ResultT]], Callable[ArgumentsT, ResultT]]:
    """Return a decorator that caches results, except those of calls with long arguments."""

    def decorate(function: Callable[ArgumentsT, ResultT]) -> Callable[ArgumentsT, ResultT]:
        cached = lru_cache(maxsize)(function)

        @wraps(function)
        def call(*args: ArgumentsT.args, **kwargs: ArgumentsT.kwargs) -> ResultT:
            for argument in args:
                if isinstance(argument, (str, bytes)) and len(argument) > MAX_KEY_LENGTH:
                    return function(*args, **kwargs)
            return cached(*args, **kwargs)  # type: ignore[arg-type]  # the arguments are hashable

        return call

    return decorate
