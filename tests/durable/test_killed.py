"""SIGKILL at random moments under load: every acknowledged write is there afterwards, and no half of one."""

from __future__ import annotations

from pathlib import Path

from tests.durable.killing import KILLS_OF_A_FILE, soak

KILLS = KILLS_OF_A_FILE
"""`make soak` has hundreds."""


def test_no_acknowledged_write_is_lost_and_no_half_write_is_kept(tmp_path: Path) -> None:
    """Nor a snapshot; some of the servers are killed while they start."""
    soaked = soak(tmp_path, KILLS, seed=7)
    assert 0 < soaked.at_start < KILLS
    assert soaked.acknowledged > KILLS
