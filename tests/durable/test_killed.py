"""SIGKILL at random moments under load: every acknowledged write is there afterwards, and no half of one."""

from __future__ import annotations

from pathlib import Path

from tests.durable.killing import KILLS_OF_A_FILE, soak

KILLS = 8
"""`make soak` has hundreds."""


def test_no_acknowledged_write_is_lost_and_no_half_write_is_kept(tmp_path: Path) -> None:
    assert KILLS > KILLS_OF_A_FILE
    assert soak(tmp_path, KILLS, seed=7) > KILLS
