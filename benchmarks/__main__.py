"""`python -m benchmarks [NAME]...`: measure all bars, or the named ones, and print a table of ratios."""

import json
import signal
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

import click

from benchmarks import report
from benchmarks.bars import BARS
from benchmarks.load import LoadFailedError
from benchmarks.rounds import FULL, QUICK, Bar, MeasurementFailedError, Plan, Result
from benchmarks.servers import StartFailedError

FAILURES = (
    MeasurementFailedError,
    LoadFailedError,
    StartFailedError,
    *(OSError, HTTPException, ValueError, LookupError),  # invalid responses, or a server that stopped
)


def select_bars(names: Sequence[str], bars: Sequence[Bar] = BARS) -> list[Bar]:
    """Return the bars with these names, in the order of the table; all bars if there are no names."""
    known = [bar.name for bar in bars]
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"Unknown bar {', '.join(unknown)}; known: {', '.join(known)}.")
    return [bar for bar in bars if not names or bar.name in names]


def result_of(bar: Bar, plan: Plan) -> Result:
    """Measure a bar. Return a failure as a result, so that the other bars are still measured."""
    try:
        return Result(bar, tuple(bar.measure(plan)))
    except FAILURES as error:
        return Result(bar, problem=f"{type(error).__name__}: {error}")


@click.command(epilog=f"Bars: {', '.join(bar.name for bar in BARS)}.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Use few, short rounds: a smoke test. Do not quote its figures.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file."
)
def main(names: tuple[str, ...], *, quick: bool, file: Path | None) -> None:
    """Print the emulator's speed as ratios. Both sides are measured in this run on this machine.

    A missed bar is printed, but it is not a failure. The exit code is 1 if a bar could not be measured.
    """
    plan, bars = QUICK if quick else FULL, select_bars(names)
    click.echo(", ".join(f"{key} {value}" for key, value in report.machine().items()))
    before, results = report.cpu_ticks(), []
    for bar in bars:
        click.echo(f"measuring {bar.name} ...", err=True)
        results.append(result_of(bar, plan))
        click.echo(f"  {report.line(results[-1])}", err=True)
    stolen = report.stolen_percent(before)
    click.echo(f"{report.table(results)}\nCPU time stolen by the host: {stolen:.1f} %")
    if file:
        file.write_text(json.dumps(report.document(results, stolen), indent=2) + "\n")
    sys.exit(any(result.problem for result in results))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped too
    main(prog_name="python -m benchmarks")
