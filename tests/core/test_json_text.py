"""JSON text that is kept takes no more memory than it has bytes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.json_text import compact_json, dump_json, load_json

TIMES = 500


@pytest.mark.parametrize("write", [compact_json, dump_json])
def test_what_is_kept_is_as_small_as_its_text(write: Callable[[Any], bytes]) -> None:
    """A text of some thirty bytes has no buffer of thousands behind it."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [write({"command": number}) for number in range(TIMES)]
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken < TIMES * (len(kept[-1]) + 100)
    assert [load_json(text) for text in kept] == [{"command": number} for number in range(TIMES)]
