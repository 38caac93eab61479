"""The table of peers: medians, ratios per round, and the order of the rounds."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import peers
from benchmarks.peers import OURS, Figures, Measured, Peer, rotating, table
from benchmarks.servers import Server

SERVER = Server(1, 0.5, 2)


def measured(rate: float, *, has_list: bool = True) -> Measured:
    return Measured(Figures(rate, 2.0, 30), Figures(rate / 2, 4.0, 50) if has_list else None, 0.5, 60.0)


def test_ratio_is_the_median_of_the_rounds() -> None:
    """The peer has rounds with ratios of 2, 4 and 1."""
    results = {
        OURS: [measured(200), measured(400), measured(100)],
        "peer": [measured(rate, has_list=False) for rate in (100, 100, 100)],
    }
    ours, peer = table(results).splitlines()[2:]
    assert ours == f"| **{OURS}** | 200 | 2.0 | 30 | 100 | 4.0 | 50 | 1.00 | 1.00 | 0.50 | 60 |"
    assert peer == "| peer | 100 | 2.0 | 30 | – | – | – | 2.00 | – | 0.50 | 60 |"


def test_order_of_the_peers_rotates(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(peers, "expected_bytes", lambda: None)
    monkeypatch.setattr(peers, "measure", lambda peer, *_: order.append(peer.name) or measured(1))
    rotating([Peer(name, lambda _: nullcontext(SERVER)) for name in "ABC"], 3, 1)
    assert "".join(order) == "ABCBCACAB"


def test_peer_without_its_program_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Peer(OURS, lambda _: nullcontext(SERVER)), Peer("other", lambda _: nullcontext(SERVER), ("nothing",))
    monkeypatch.setattr(peers, "PEERS", known)
    monkeypatch.setattr(peers.shutil, "which", lambda name: None if name == "nothing" else name)
    monkeypatch.setattr(peers, "rotating", lambda chosen, *_: {peer.name: [measured(1)] for peer in chosen})
    done = CliRunner().invoke(peers.main, ["--rounds", "1"])
    assert "other: left out, because it needs nothing" in done.output
    assert "| other |" not in done.output


def test_table_is_written_between_the_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "performance.md"
    file.write_text("before\n<!-- peers -->\nold\n<!-- peers -->\nafter\n")
    monkeypatch.setattr(peers, "TABLE_FILE", file)
    peers.write_table("new")
    assert file.read_text() == "before\n<!-- peers -->\nnew\n<!-- peers -->\nafter\n"
