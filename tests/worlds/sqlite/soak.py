"""Command of `make soak`: kill hundreds of servers and check for lost writes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from tests.worlds.sqlite.killing import soak


@click.command()
@click.option("--kills", default=300, show_default=True, help="Number of servers to kill.")
@click.option("--seed", default=1, show_default=True, help="Seed of the kill times and the writes.")
def main(kills: int, seed: int) -> None:
    """Kill servers under load with SIGKILL, and check for lost or partial writes after each restart."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), kills, seed, click.echo)
    seconds = time.monotonic() - started
    click.echo(
        f"{kills} kills, {result.at_start} of them at the start, {result.acknowledged} acknowledged writes,"
        f" none lost, none partial: {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
