"""Free ports for servers that other programs start, or that start again."""

from __future__ import annotations

import random
import socket


def free_port(count: int = 1) -> int:
    """Return a port that is free together with the next ones, `count` in all.

    It is below the ephemeral ports: the system could give one of those to another program before the server listens.
    """
    candidates = random.sample(range(20_000, 32_000, count), 100)
    return next(first for first in candidates if all(is_free(first + offset) for offset in range(count)))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
