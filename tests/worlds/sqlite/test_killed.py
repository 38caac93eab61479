"""A server that is killed under load loses no acknowledged write and stores no partial write."""

from __future__ import annotations

from pathlib import Path

from tests.worlds.sqlite.killing import KILLS_PER_FILE, soak

KILLS = KILLS_PER_FILE
"""`make soak` runs hundreds."""


def test_kill_loses_no_acknowledged_write_and_stores_no_partial_write(tmp_path: Path) -> None:
    """Snapshots are checked too. Some servers are killed while they start."""
    result = soak(tmp_path, KILLS, seed=7)
    assert 0 < result.at_start < KILLS
    assert result.acknowledged > KILLS
