"""Cached functions keep no results of calls with long arguments."""

from __future__ import annotations

from emulator.core.caching import MAX_KEY_LENGTH, cache_short


def test_only_short_arguments_are_cached() -> None:
    calls: list[str] = []

    @cache_short(8)
    def length(text: str) -> int:
        calls.append(text)
        return len(text)

    short, long = "a" * MAX_KEY_LENGTH, "a" * (MAX_KEY_LENGTH + 1)
    assert [length(text) for text in (short, short, long, long)] == [1_000, 1_000, 1_001, 1_001]
    assert calls == [short, long, long]
