"""Whole answers to reads, kept while their world does not change: a list page is then sent as it was."""

from __future__ import annotations

import threading
from typing import NamedTuple

from emulator.core.exchange import Call, Reply
from emulator.core.store import Root
from emulator.core.world import World

Key = tuple[str, bool, str, str, str]

KEPT_BYTES = 32 * 1024 * 1024


class Kept(NamedTuple):
    """An answer, and the root that it was made from."""

    root: Root
    reply: Reply


class Answers:
    """Answers of all worlds behind one door, up to a number of bytes; the oldest goes first."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit = limit
        self._kept: dict[Key, Kept] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, call: Call, world: World) -> Reply | None:
        """Give the answer that this call had before, if no write came since."""
        kept = self._kept.get(key_of(call, world))
        return kept.reply if kept is not None and kept.root is world.root else None

    def keep(self, call: Call, world: World, root: Root, reply: Reply) -> None:
        """Keep an answer that was made from this root."""
        key = key_of(call, world)
        with self._lock:
            self._drop(key)
            self._kept[key] = Kept(root, reply)
            self._bytes += len(reply.body)
            while self._bytes > self.limit:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= len(old.reply.body)


def key_of(call: Call, world: World) -> Key:
    return world.name, world.strict, call.operation, call.url, call.language
