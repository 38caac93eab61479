"""`make soak`: the test of kills, in full."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from tests.durable.killing import soak


@click.command()
@click.option("--kills", default=300, show_default=True, help="How many servers are killed.")
@click.option("--seed", default=1, show_default=True, help="Of the moments and the writes.")
def main(kills: int, seed: int) -> None:
    """Kill servers under load with SIGKILL, and look for a lost or a half write after each restart."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soaked = soak(Path(folder), kills, seed, click.echo)
    took = time.monotonic() - began
    click.echo(
        f"{kills} kills, {soaked.at_start} of them at the start, {soaked.acknowledged} acknowledged writes,"
        f" none lost, none half: {took:.0f} s"
    )


if __name__ == "__main__":
    main()
