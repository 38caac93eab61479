"""JSON text needs no more memory than its bytes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.json_text import compact_json, dump_json, load_json

TIMES = 500


@pytest.mark.parametrize("write", [compact_json, dump_json])
def test_json_text_needs_no_more_memory_than_its_bytes(write: Callable[[Any], bytes]) -> None:
    """The text does not keep the large buffer of orjson."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [write({"command": number}) for number in range(TIMES)]
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken < TIMES * (len(kept[-1]) + 100)
    assert [load_json(text) for text in kept] == [{"command": number} for number in range(TIMES)]
